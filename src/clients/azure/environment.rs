//! Which Azure: where Azure Resource Manager and the login service are.

use super::super::http::{Answer, Call, NoAnswer, Repeat, Sender, Verdict};
use super::super::{Limits, NotReady, Variables};
use super::credentials::{Error, Settings};
use crate::wording::first_words;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Deserialize;

/// The addresses of one Azure cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cloud {
    /// Azure Resource Manager.
    pub(super) endpoint: Url,
    /// The login service.
    pub(super) authority: Url,
    /// What a token for Azure Resource Manager is issued for.
    pub(super) scope: String,
}

/// What is known of the cloud before the first call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CloudSource {
    /// Its addresses.
    Known(Cloud),
    /// The host that tells them.
    Metadata(Url),
}

impl CloudSource {
    /// The cloud that the settings and the environment name. A metadata host wins, as in azurerm.
    pub(super) fn new(settings: &Settings, variables: &Variables) -> Result<CloudSource, NotReady> {
        let metadata_host = settings.metadata_host.or_variable(
            "azure.metadata_host",
            variables,
            &["ARM_METADATA_HOSTNAME"],
        )?;
        if let Some(host) = metadata_host {
            let url = format!("https://{host}/metadata/endpoints?api-version=2022-09-01");
            return Ok(CloudSource::Metadata(https("azure.metadata_host", &url)?));
        }
        let name = settings.environment.or_variable(
            "azure.environment",
            variables,
            &["ARM_ENVIRONMENT"],
        )?;
        match name.as_deref().unwrap_or("public").to_lowercase().as_str() {
            "custom" => custom(settings, variables),
            name => named(name),
        }
        .map(CloudSource::Known)
    }

    /// The addresses, asked for if need be.
    pub(super) async fn resolve(&self, sender: &Sender, limits: &Limits) -> Result<Cloud, Error> {
        match self {
            CloudSource::Known(cloud) => Ok(cloud.clone()),
            CloudSource::Metadata(url) => {
                let failed = |reason: String| Error::NoEndpoints {
                    host: url.authority().to_owned(),
                    reason,
                };
                let answer = ask(sender, limits, url).await.map_err(failed)?;
                Metadata::read(&answer).map_err(failed)
            }
        }
    }
}

/// The description of a cloud, api-version 2022-09-01, as far as it is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_manager: String,
    authentication: Authentication,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    login_endpoint: String,
    #[serde(default)]
    audiences: Vec<String>,
}

impl Metadata {
    fn read(answer: &Answer) -> Result<Cloud, String> {
        if !answer.status.is_success() {
            return Err(format!("status {}", answer.status.as_u16()));
        }
        let metadata: Metadata = serde_json::from_slice(&answer.body).map_err(|error| {
            match first_words(&answer.body) {
                Some(words) => format!("it answers with {words:?}: {error}"),
                None => "it answers with nothing".to_owned(),
            }
        })?;
        let endpoint = &metadata.resource_manager;
        let same =
            |audience: &&String| audience.trim_end_matches('/') == endpoint.trim_end_matches('/');
        let audiences = &metadata.authentication.audiences;
        let audience = audiences.iter().find(same).or(audiences.first());
        Cloud::new(
            endpoint,
            &metadata.authentication.login_endpoint,
            audience.unwrap_or(endpoint),
        )
        .map_err(|error| error.to_string())
    }
}

impl Cloud {
    fn new(endpoint: &str, authority: &str, audience: &str) -> Result<Cloud, NotReady> {
        Ok(Cloud {
            endpoint: https("azure.resource_manager_endpoint", endpoint)?,
            authority: https("azure.active_directory_authority_host", authority)?,
            scope: format!("{}/.default", audience.trim_end_matches('/')),
        })
    }
}

/// The clouds that Microsoft runs, by azurerm's names for them.
fn named(name: &str) -> Result<Cloud, NotReady> {
    let (endpoint, authority) = match name {
        // Canary differs in Microsoft Graph alone, as do the two clouds of the US government (go-azure-sdk: environments).
        "public" | "global" | "canary" => (
            "https://management.azure.com",
            "https://login.microsoftonline.com",
        ),
        "usgovernment" | "usgovernmentl4" | "dod" | "usgovernmentl5" => (
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
        ),
        "china" => (
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
        ),
        other => {
            return Err(NotReady::Invalid {
                argument: "azure.environment".to_owned(),
                reason: format!(
                    "{other:?} is none of public, usgovernment, dod, china, canary, custom"
                ),
            });
        }
    };
    Cloud::new(endpoint, authority, endpoint)
}

/// A cloud described by azapi's arguments.
fn custom(settings: &Settings, variables: &Variables) -> Result<Cloud, NotReady> {
    let endpoint = settings.resource_manager_endpoint.required(
        "azure.resource_manager_endpoint",
        variables,
        "ARM_RESOURCE_MANAGER_ENDPOINT",
    )?;
    let authority = settings.active_directory_authority_host.required(
        "azure.active_directory_authority_host",
        variables,
        "ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST",
    )?;
    let audience = settings.resource_manager_audience.or_variable(
        "azure.resource_manager_audience",
        variables,
        &["ARM_RESOURCE_MANAGER_AUDIENCE"],
    )?;
    Cloud::new(
        &endpoint,
        &authority,
        audience.as_deref().unwrap_or(&endpoint),
    )
}

/// An address that a token or a secret may be sent to.
pub(super) fn https(argument: &str, text: &str) -> Result<Url, NotReady> {
    let invalid = |reason: &str| NotReady::Invalid {
        argument: argument.to_owned(),
        reason: format!("{text:?} {reason}"),
    };
    let url = Url::parse(text).map_err(|_| invalid("is not a URL"))?;
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        _ => Err(invalid("must begin with https:// and name a host")),
    }
}

async fn ask(sender: &Sender, limits: &Limits, url: &Url) -> Result<Answer, String> {
    let call = Call {
        method: Method::GET,
        url: url.clone(),
        headers: HeaderMap::new(),
        body: None,
        repeat: Repeat::Always,
        alias: None,
    };
    let judge = |answer: &Answer| match answer.status.is_server_error() {
        true => Verdict::Broken(
            answer.retry_after(),
            format!("status {}", answer.status.as_u16()),
        ),
        false => Verdict::Final,
    };
    let answer = sender.send(limits, &call, judge).await;
    answer.map_err(NoAnswer::reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::Setting;
    use std::collections::BTreeMap;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let pairs = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Variables::from_map(pairs.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn the_public_cloud_is_the_default() {
        let source = CloudSource::new(&Settings::default(), &variables(&[])).unwrap();
        let CloudSource::Known(cloud) = source else {
            panic!("{source:?}")
        };
        assert_eq!(cloud.endpoint.as_str(), "https://management.azure.com/");
        assert_eq!(cloud.scope, "https://management.azure.com/.default");
    }

    #[test]
    fn each_cloud_of_microsoft_has_its_endpoint_and_its_login_service_whatever_the_case() {
        let public = ("management.azure.com", "login.microsoftonline.com");
        let government = ("management.usgovcloudapi.net", "login.microsoftonline.us");
        let china = ("management.chinacloudapi.cn", "login.chinacloudapi.cn");
        let rows = [
            ("public", public),
            ("Global", public),
            ("CANARY", public),
            ("usgovernment", government),
            ("USGovernmentL4", government),
            ("dod", government),
            ("usgovernmentl5", government),
            ("China", china),
        ];
        for (name, (endpoint, authority)) in rows {
            let environment = variables(&[("ARM_ENVIRONMENT", name)]);
            let source = CloudSource::new(&Settings::default(), &environment).unwrap();
            let expected = Cloud::new(
                &format!("https://{endpoint}"),
                &format!("https://{authority}"),
                &format!("https://{endpoint}"),
            );
            assert_eq!(source, CloudSource::Known(expected.unwrap()), "{name}");
            let CloudSource::Known(cloud) = source else {
                panic!("{name}")
            };
            assert_eq!(cloud.scope, format!("https://{endpoint}/.default"));
        }
        let environment = variables(&[("ARM_ENVIRONMENT", "german")]);
        let error = CloudSource::new(&Settings::default(), &environment).unwrap_err();
        assert!(error.to_string().contains("\"german\""), "{error}");
    }

    #[test]
    fn a_custom_cloud_names_what_it_lacks() {
        let environment = variables(&[("ARM_ENVIRONMENT", "custom")]);
        let error = CloudSource::new(&Settings::default(), &environment).unwrap_err();
        assert_eq!(
            error.to_string(),
            "azure.resource_manager_endpoint is not set: set it in the provider block, or the environment variable ARM_RESOURCE_MANAGER_ENDPOINT"
        );
    }

    #[test]
    fn a_token_is_never_sent_over_plain_http() {
        let environment = variables(&[
            ("ARM_ENVIRONMENT", "custom"),
            ("ARM_RESOURCE_MANAGER_ENDPOINT", "http://127.0.0.1:1"),
            ("ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST", "https://127.0.0.1:1"),
        ]);
        let error = CloudSource::new(&Settings::default(), &environment).unwrap_err();
        assert!(
            error.to_string().contains("must begin with https"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_argument_is_named() {
        let settings = Settings {
            environment: Setting::Unknown,
            ..Settings::default()
        };
        let error = CloudSource::new(&settings, &variables(&[])).unwrap_err();
        assert_eq!(error.to_string(), "azure.environment is not known yet");
    }
}
