//! What AKO takes its settings for.

/// Whether AKO writes the routes to pods into the VRF context.
///
/// It does unless `disableStaticRouteSync` is true, or `serviceType` leaves the pods out (read in AKO: internal/lib).
pub fn static_route_sync_enabled(disable: Option<&str>, service_type: Option<&str>) -> bool {
    let leaves_pods_out = matches!(service_type, Some("NodePort" | "NodePortLocal"));
    !disable.is_some_and(is_true) && !leaves_pods_out
}

/// Whether AKO reads a text as true: as Go does, and everything else as false.
pub fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// Whether an entry may hold a secret. AKO keeps its credentials elsewhere; what people have put beside them, or a
/// later AKO, is not to end in a state.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "passwd", "token", "credential", "privatekey"]
        .iter()
        .any(|word| key.contains(word))
        || key.ends_with("secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_written_in_cluster_ip_mode_unless_that_is_switched_off() {
        for (disable, service_type, expected) in [
            (None, None, true),
            (Some("false"), Some("ClusterIP"), true),
            (Some("true"), Some("ClusterIP"), false),
            (Some("T"), None, false),
            (Some("yes"), None, true),
            (Some("false"), Some("NodePort"), false),
            (None, Some("NodePortLocal"), false),
        ] {
            let enabled = static_route_sync_enabled(disable, service_type);
            assert_eq!(enabled, expected, "{disable:?} {service_type:?}");
        }
    }

    #[test]
    fn entries_that_may_hold_a_secret_are_known_by_their_keys() {
        for key in ["password", "authToken", "aviCredentials", "client_secret"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["nodeKey", "useDefaultSecretsOnly", "nsSyncLabelKey"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
