//! What to check for each error code of Microsoft Entra ID that people meet (Entra's list of AADSTS codes).

/// Codes and what to check.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["7000215"],
        "Check that azure.client_secret (ARM_CLIENT_SECRET) is the value of a secret of this application, and not the secret's id",
    ),
    (
        &["7000222"],
        "The application's secret has expired: create a new one and set azure.client_secret (ARM_CLIENT_SECRET) to its value",
    ),
    (
        &["700016", "7000229"],
        "Check azure.client_id and azure.tenant_id (ARM_CLIENT_ID, ARM_TENANT_ID): this tenant does not know the application",
    ),
    (
        &["90002", "900023"],
        "Check azure.tenant_id (ARM_TENANT_ID) and that azure.environment (ARM_ENVIRONMENT) is the tenant's cloud",
    ),
    (
        &["700024"],
        "Check the clock of this machine, and that the token has not expired: a token that is given as a value cannot be renewed",
    ),
    (
        &["70021", "700211", "700212", "700213"],
        "Compare the token's issuer, subject and audience with the federated credentials of the application",
    ),
    (
        &["700027"],
        "Check that this certificate is registered with the application and has not expired",
    ),
    (
        &["50027"],
        "Check that the OIDC token is complete: three parts with dots in between",
    ),
    (&["7000112"], "The application is disabled in this tenant"),
    (
        &["53003"],
        "A Conditional Access policy of the tenant blocks the sign-in: it names what it asks for in the tenant's sign-in logs",
    ),
    (
        &["500011"],
        "Check azure.environment (ARM_ENVIRONMENT), or azure.resource_manager_audience where the cloud is custom",
    ),
];

/// What to check where one of `codes`, separated by commas, was given.
pub(super) fn on(codes: &str) -> Option<&'static str> {
    let given = |known: &str| codes.split(',').any(|code| code.trim() == known);
    let mut entries = ADVICE.iter();
    let entry = entries.find(|(known, _)| known.iter().any(|known| given(known)))?;
    Some(entry.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_code_has_its_own_advice() {
        let rows = [
            ("7000215", "not the secret's id"),
            ("7000222", "has expired"),
            ("700016", "azure.client_id"),
            ("90002", "azure.tenant_id"),
            ("700024", "clock"),
            ("70021", "federated credentials"),
            ("700213", "federated credentials"),
            ("700027", "certificate"),
            ("50027", "three parts"),
        ];
        for (code, word) in rows {
            assert!(on(code).unwrap().contains(word), "{code}");
        }
        assert_eq!(on("1"), None);
        assert_eq!(on(""), None);
        assert!(on("1,700027").is_some());
    }
}
