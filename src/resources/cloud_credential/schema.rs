//! The schema of `ako_cloud_credential`.

use crate::framework::schema::{Attribute, Check, Schema, Type};
use crate::framework::timeouts::Timeouts;

/// The schema of `ako_cloud_credential`.
pub(super) fn schema() -> Schema {
    Schema::new(DESCRIPTION, attributes()).with_timeouts(Timeouts::default())
}

const DESCRIPTION: &str = "The credential with which a cloud of the Avi controller signs in to Azure: a service principal \
with its secret (`cloudconnectoruser` in Avi's API).

The secret is write-only: it is in no plan and no state, and Terraform 1.11 or newer is needed for it. It is sent when \
the credential is created, when `client_secret_wo_version` changes, and along with any change of `application_id` or \
`tenant_id`, because the controller takes the three together only. All other changes leave it alone. The controller \
never shows it, so that a secret that somebody else has changed there is not seen: raise `client_secret_wo_version` \
to write it again.

The controller has no place for a mark on a credential. Therefore a create takes over, with a warning, a credential \
with the same name, application and tenant, and writes its secret; with another application or tenant it is an error.";

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "name",
            Type::String,
            "The name of the credential. It can change in place: clouds refer to the credential by its uuid.",
        )
        .check(Check::Text(check_text)),
        Attribute::required(
            "application_id",
            Type::String,
            "The application (client) id of the service principal. A change needs `client_secret_wo`.",
        )
        .check(Check::Text(check_text))
        .same_when(|one, other| one.eq_ignore_ascii_case(other)),
        Attribute::required(
            "tenant_id",
            Type::String,
            "The tenant of the service principal. A change needs `client_secret_wo`.",
        )
        .check(Check::Text(check_text))
        .same_when(|one, other| one.eq_ignore_ascii_case(other)),
        Attribute::optional(
            "client_secret_wo",
            Type::String,
            "The client secret of the service principal; never stored. Needed to create the credential and with every \
             change of `client_secret_wo_version`, `application_id` or `tenant_id`; not needed after an import until \
             then.",
        )
        .write_only()
        .sensitive()
        .check(Check::Text(check_secret)),
        Attribute::optional(
            "client_secret_wo_version",
            Type::Number,
            "Stands for the secret in plans: another number writes `client_secret_wo` again.",
        )
        .check(Check::Range(0..=i64::from(i32::MAX))),
        Attribute::computed("uuid", Type::String, "What the controller knows it by."),
        Attribute::computed(
            "ref",
            Type::String,
            "Its reference, as `cloud_credential_ref` of `ako_azure_cloud` and resources of the official provider \
             (`avi_*`) take it.",
        ),
    ]
}

fn check_text(text: &str) -> Result<(), String> {
    match text.trim().is_empty() {
        true => Err("must not be empty".to_owned()),
        false => Ok(()),
    }
}

/// The controller shows every secret as this word: somebody has copied it from there.
fn check_secret(text: &str) -> Result<(), String> {
    match text {
        "<sensitive>" => Err(
            "must be the secret itself, not the word by which the controller hides it".to_owned(),
        ),
        text => check_text(text),
    }
}
