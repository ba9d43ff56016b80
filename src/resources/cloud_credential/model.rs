//! The attributes of `ako_cloud_credential`, and what they are at the controller.

use super::messages;
use crate::clients::avi::{AzureServicePrincipal, CloudConnectorUser, Patch, Secret};
use crate::domain::avi_objects::{Difference, Found};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::plan::Config;
use crate::resources::avi_creation::ref_of;
use serde::{Deserialize, Serialize};

/// One credential as Terraform sees it; a field for each attribute, in the order of the schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The application of the service principal; none where the credential is of another kind by now.
    pub application_id: Option<String>,
    /// Its tenant.
    pub tenant_id: Option<String>,
    /// Never here: write-only.
    pub client_secret_wo: Option<String>,
    /// Stands for the secret that was written last.
    pub client_secret_wo_version: Option<i64>,
    /// What the controller knows it by.
    pub uuid: Option<String>,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}

/// The secret in a configuration, which is the one place where it is found.
pub(super) fn secret_in(config: Config<'_>) -> Option<Secret> {
    config.get("client_secret_wo").as_str().map(Secret::new)
}

/// The change from `prior` to `planned`.
///
/// A PATCH replaces the service principal as a whole. Without its secret it would be left without one, so that the
/// secret goes along with every change of it.
pub(super) fn change_of(
    prior: &Model,
    planned: &Model,
    secret: Option<Secret>,
) -> Result<Patch, Diagnostic> {
    let mut change = CloudConnectorUser::default();
    if prior.name != planned.name {
        change.name.clone_from(&planned.name);
    }
    if needs_secret(prior, planned) {
        let secret = secret.ok_or_else(messages::secret_for_change)?;
        change.azure_serviceprincipal = Some(planned.service_principal(secret));
    }
    Ok(Patch::new().replace(&change))
}

impl Model {
    /// The uuid; a stored object always has one.
    pub(super) fn uuid(&self) -> &str {
        self.uuid.as_deref().unwrap_or_default()
    }

    /// What is to be at the controller.
    pub(super) fn desired(&self, secret: Secret) -> CloudConnectorUser {
        CloudConnectorUser {
            name: self.name.clone(),
            azure_serviceprincipal: Some(self.service_principal(secret)),
            ..CloudConnectorUser::default()
        }
    }

    /// What a create is to know of a credential under the same name. There is no place for a mark: a credential for
    /// the same service principal counts as ours.
    pub(super) fn found(&self, actual: &CloudConnectorUser) -> Found {
        let actual = self.clone().refreshed(actual);
        let differences: Vec<_> = [
            (
                "application_id",
                &self.application_id,
                &actual.application_id,
            ),
            ("tenant_id", &self.tenant_id, &actual.tenant_id),
        ]
        .into_iter()
        .filter(|(_, planned, actual)| planned != actual)
        .map(|(attribute, planned, actual)| Difference {
            attribute,
            planned: shown(planned.as_ref()),
            actual: shown(actual.as_ref()),
        })
        .collect();
        Found {
            alien: None,
            is_ours: differences.is_empty(),
            differences,
        }
    }

    /// The planned model once it is in place.
    pub(super) fn completed(mut self, actual: &CloudConnectorUser) -> Model {
        self.uuid.clone_from(&actual.uuid);
        self.reference = ref_of(actual.url.as_deref());
        self
    }

    /// The model as the controller shows it now. Where it means the same, the model's spelling stays.
    pub(super) fn refreshed(mut self, actual: &CloudConnectorUser) -> Model {
        self.name.clone_from(&actual.name);
        let principal = actual.azure_serviceprincipal.clone().unwrap_or_default();
        self.application_id = in_spelling_of(self.application_id, principal.application_id);
        self.tenant_id = in_spelling_of(self.tenant_id, principal.tenant_id);
        self.completed(actual)
    }

    /// The credential as an import finds it. Which secret it has, nobody can tell.
    pub(super) fn imported(actual: &CloudConnectorUser) -> Model {
        let empty = Model {
            name: String::new(),
            application_id: None,
            tenant_id: None,
            client_secret_wo: None,
            client_secret_wo_version: None,
            uuid: None,
            reference: None,
        };
        empty.refreshed(actual)
    }

    fn service_principal(&self, secret: Secret) -> AzureServicePrincipal {
        AzureServicePrincipal {
            application_id: self.application_id.clone(),
            tenant_id: self.tenant_id.clone(),
            authentication_token: Some(secret),
            ..AzureServicePrincipal::default()
        }
    }
}

fn needs_secret(prior: &Model, planned: &Model) -> bool {
    let new_version = prior.client_secret_wo_version != planned.client_secret_wo_version;
    prior.application_id != planned.application_id
        || prior.tenant_id != planned.tenant_id
        || new_version && planned.client_secret_wo_version.is_some()
}

fn in_spelling_of(spelling: Option<String>, actual: Option<String>) -> Option<String> {
    match (spelling, actual) {
        (Some(spelling), Some(actual)) if spelling.eq_ignore_ascii_case(&actual) => Some(spelling),
        (_, actual) => actual,
    }
}

fn shown(value: Option<&String>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"))
}
