//! A program that signs in for us: client-go's credential plugins.
//!
//! kube can run them too, but holds up its thread meanwhile, runs them several times for one client, and shows
//! their output and environment in its errors.

use super::Error;
use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::io::ErrorKind;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

const API_VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// More than any credential has, in bytes.
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// A program that prints a credential.
pub(super) struct Program {
    name: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    api_version: String,
    cluster: Option<ExecAuthCluster>,
    install_hint: Option<String>,
}

/// What a program has printed.
pub(super) struct Credential {
    token: Option<SecretString>,
    certificate: Option<(String, SecretString)>,
    /// When it ends; none where the program does not say.
    pub(super) expires: Option<Timestamp>,
}

impl Program {
    /// The program that `exec` describes, to sign in to `cluster`.
    pub(super) fn new(exec: &ExecConfig, cluster: &Cluster) -> Result<Program, Error> {
        let name = exec.command.clone().unwrap_or_default();
        let refused = |reason: String| Error::Program {
            program: name.clone(),
            reason,
        };
        if name.is_empty() {
            return Err(refused("its command is not set".to_owned()));
        }
        let api_version = exec.api_version.clone().unwrap_or_default();
        if !API_VERSIONS.contains(&api_version.as_str()) {
            return Err(refused(format!(
                "its api_version (apiVersion) is {api_version:?}, and must be one of {}",
                API_VERSIONS.join(", ")
            )));
        }
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(refused(
                "it wants a terminal (interactiveMode: Always), and Terraform gives none to a provider"
                    .to_owned(),
            ));
        }
        let cluster = exec.provide_cluster_info.then(|| cluster.try_into());
        let cluster = cluster
            .transpose()
            .map_err(|error: kube::config::KubeconfigError| refused(error.to_string()))?;
        let env = exec.env.iter().flatten().filter_map(|variable| {
            let member = |name: &str| variable.get(name).cloned();
            Some((member("name")?, member("value")?))
        });
        Ok(Program {
            args: exec.args.clone().unwrap_or_default(),
            env: env.collect(),
            api_version,
            cluster,
            install_hint: exec.install_hint.clone(),
            name,
        })
    }

    /// What it is called by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs it. Dropped meanwhile, it ends the program. Nothing that the program prints is ever shown.
    pub(super) async fn run(&self) -> Result<Credential, Error> {
        let program = Command::new(&self.name)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("KUBERNETES_EXEC_INFO", self.request())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut program = program.map_err(|error| self.not_started(&error))?;
        let lost = |error: std::io::Error| self.failed(format!("its answer is lost: {error}"));
        let mut answer = Vec::new();
        if let Some(stdout) = program.stdout.take() {
            let mut stdout = stdout.take(LONGEST_ANSWER);
            stdout.read_to_end(&mut answer).await.map_err(lost)?;
            if stdout.limit() == 0 {
                return Err(self.failed("it prints more than a credential has".to_owned()));
            }
        }
        let status = program.wait().await.map_err(lost)?;
        if !status.success() {
            return Err(self.failed(format!(
                "it failed ({status}); what it says is not shown here, since it may hold secrets: run it by hand"
            )));
        }
        self.read(&answer)
    }

    fn request(&self) -> String {
        let mut spec = json!({"interactive": false});
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = json!(cluster);
        }
        json!({"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec}).to_string()
    }

    fn read(&self, answer: &[u8]) -> Result<Credential, Error> {
        // The parser's own words show what it read.
        let answer: ExecCredential = serde_json::from_slice(answer)
            .map_err(|_| self.failed("it printed no ExecCredential in JSON".to_owned()))?;
        if answer.api_version != self.api_version {
            return Err(self.failed(format!(
                "its api_version (apiVersion) is configured as {:?}, and it answered in another one",
                self.api_version
            )));
        }
        let status = answer.status.unwrap_or_default();
        let certificate = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(self.failed(
                    "it gave a client certificate without a key, or a key alone".to_owned(),
                ));
            }
        };
        let token = status
            .token
            .filter(|token| !token.expose_secret().is_empty());
        if token.is_none() && certificate.is_none() {
            return Err(self.failed("it gave neither a token nor a certificate".to_owned()));
        }
        let expires = status.expiration_timestamp.map(|text| text.parse());
        let expires = expires
            .transpose()
            .map_err(|_| self.failed("its expirationTimestamp is no time".to_owned()))?;
        Ok(Credential {
            token,
            certificate,
            expires,
        })
    }

    fn not_started(&self, error: &std::io::Error) -> Error {
        let hint = self.install_hint.as_deref().map(str::trim);
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        self.failed(match error.kind() {
            ErrorKind::NotFound => format!("it is not there, or not on the PATH{hint}"),
            _ => format!("it cannot be run: {error}"),
        })
    }

    fn failed(&self, reason: String) -> Error {
        Error::Program {
            program: self.name.clone(),
            reason,
        }
    }
}

impl Credential {
    /// What goes into the header `Authorization`; nothing for a certificate.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        let token = self.token.as_ref().map(|token| token.expose_secret());
        token.map(bearer).transpose()
    }

    /// Lets `user` present the certificate, where there is one.
    pub(super) fn certify(&self, user: &mut AuthInfo) {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        if let Some((certificate, key)) = &self.certificate {
            user.client_certificate = None;
            user.client_certificate_data = Some(STANDARD.encode(certificate));
            user.client_key = None;
            user.client_key_data = Some(STANDARD.encode(key.expose_secret()).into());
        }
    }
}

/// The header for a token. Whoever writes tokens to files or prints them may end them with a new line.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let header = HeaderValue::try_from(format!("Bearer {}", token.trim()));
    let mut header = header.map_err(|_| {
        Error::NotReady(super::NotReady::Invalid {
            argument: "kubernetes".to_owned(),
            reason: "the token cannot be sent in a header: it holds control characters".to_owned(),
        })
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Documented (client-go credential plugins); what the program is not asked for is left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    api_version: String,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<SecretString>,
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretString>,
}
