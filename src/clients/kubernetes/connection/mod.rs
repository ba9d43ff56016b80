//! Where the cluster is and who we are: the kubeconfig first, explicit arguments over it, and where neither names a
//! cluster, the one that this process runs in.

mod kubeconfig;
mod section;
mod service_account;
#[cfg(test)]
mod tests;

pub use service_account::ServiceAccount;

use super::super::http::certificates;
use super::super::proxies::{Proxies, Proxy};
use super::super::{NotReady, Setting, Variables};
use super::Error;
use super::program::{Credential, Program, bearer};
use kube::config::{AuthInfo, Cluster, KubeConfigOptions};
use secrecy::{ExposeSecret, SecretString};
use section::Section;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use url::Url;

/// What one data source says of its own connection; what it leaves out comes from the provider's section.
///
/// A kubeconfig or a context of its own replaces the section's connection whole: address, certificates and tokens of
/// the section belong to another cluster. With a `host` of its own it signs in as the section says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// A kubeconfig file.
    pub config_path: Option<String>,
    /// The context in it.
    pub config_context: Option<String>,
    /// The address of the API server.
    pub host: Option<String>,
    /// The certificate authority of the API server, PEM.
    pub cluster_ca_certificate: Option<String>,
}

/// The section `kubernetes` of the provider block, with the Kubernetes provider's argument names.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// A kubeconfig file.
    pub config_path: Setting<String>,
    /// Several kubeconfig files, merged.
    pub config_paths: Setting<Vec<String>>,
    /// The context to use.
    pub config_context: Setting<String>,
    /// The user to use instead of the context's.
    pub config_context_auth_info: Setting<String>,
    /// The cluster to use instead of the context's.
    pub config_context_cluster: Setting<String>,
    /// The address of the API server.
    pub host: Setting<String>,
    /// The certificate authority of the API server, PEM.
    pub cluster_ca_certificate: Setting<String>,
    /// The name in the API server's certificate.
    pub tls_server_name: Setting<String>,
    /// Whether not to check the API server's certificate.
    pub insecure: Setting<bool>,
    /// A bearer token.
    pub token: Setting<SecretString>,
    /// A user's name, for basic authentication.
    pub username: Setting<String>,
    /// The user's password.
    pub password: Setting<SecretString>,
    /// A client certificate, PEM.
    pub client_certificate: Setting<String>,
    /// Its key, PEM.
    pub client_key: Setting<SecretString>,
    /// A program that signs in.
    pub exec: Setting<Exec>,
    /// A proxy for this connection; it may hold a password.
    pub proxy_url: Setting<SecretString>,
    /// Where a pod finds its token.
    pub service_account: ServiceAccount,
}

/// A program that prints a credential.
#[derive(Clone, Debug, Default)]
pub struct Exec {
    /// The form in which it answers: `client.authentication.k8s.io/v1`.
    pub api_version: Setting<String>,
    /// The program.
    pub command: Setting<String>,
    /// Its arguments; they may hold secrets.
    pub args: Setting<Vec<SecretString>>,
    /// Environment variables beside those of this process.
    pub env: Setting<BTreeMap<String, SecretString>>,
}

/// What a connection comes to: one cluster, one user.
#[derive(Default)]
pub(in crate::clients) struct Resolved {
    cluster: Cluster,
    user: AuthInfo,
    proxy: Option<Proxy>,
    /// The kubeconfig names no server: an error unless an argument does.
    no_server: Option<Error>,
    /// The context's user is not in the kubeconfig: an error unless arguments say who we are.
    no_user: Option<Error>,
}

impl Resolved {
    /// The connection that `connection` names, completed by the section and the environment.
    pub(in crate::clients) fn new(
        settings: &Settings,
        variables: &Variables,
        connection: &Connection,
    ) -> Result<Resolved, Error> {
        let section = Section {
            settings,
            variables,
        };
        let own_kubeconfig = is_own_kubeconfig(connection);
        let mut resolved = match (own_kubeconfig, &connection.host) {
            (true, _) => section.kubeconfig(connection)?,
            (false, Some(_)) => Resolved::default(),
            (false, None) => section.cluster(connection)?,
        };
        if !own_kubeconfig && section.override_user(&mut resolved.user)? {
            resolved.no_user = None;
        }
        if let Some(error) = resolved.no_user.take() {
            return Err(error);
        }
        if let Some(host) = &connection.host {
            resolved.cluster.server = Some(host.clone());
        }
        if let Some(pem) = &connection.cluster_ca_certificate {
            section::set_authority(&mut resolved.cluster, "cluster_ca_certificate", pem)?;
        }
        let no_server = resolved.no_server.take().unwrap_or(Error::NotConfigured);
        let server = resolved.cluster.server.take().ok_or(no_server)?;
        let server = address(&server)?;
        resolved.proxy =
            section.proxy(&server, resolved.cluster.proxy_url.take(), own_kubeconfig)?;
        // Without the path's slash at its end, as the user has written it.
        resolved.cluster.server = Some(server.as_str().trim_end_matches('/').to_owned());
        Ok(resolved)
    }

    /// What tells one connection from another, and tells nothing of its secrets.
    pub(in crate::clients) fn fingerprint(&self) -> [u8; 32] {
        let mut user = self.user.clone();
        // Its variables are maps, which come in another order each time.
        let env = user.exec.as_mut().and_then(|exec| exec.env.take());
        let env: Vec<_> = env
            .iter()
            .flatten()
            .map(|variable| (variable.get("name"), variable.get("value")))
            .collect();
        let proxy = self.proxy.as_ref().map(|proxy| proxy.url().as_str());
        Sha256::digest(json!([self.cluster, user, env, proxy]).to_string()).into()
    }

    /// The address of the API server.
    pub(super) fn server(&self) -> &str {
        self.cluster.server.as_deref().unwrap_or_default()
    }

    /// The proxy on the way there.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The file with the user's token, where there is one. As in client-go it goes before a token.
    pub(super) fn token_file(&self) -> Option<&str> {
        self.user.token_file.as_deref()
    }

    /// The program by which the user signs in; no other way is then open.
    pub(super) fn program(&self) -> Result<Option<Program>, Error> {
        let user = &self.user;
        let others = [&user.token, &user.password];
        match &user.exec {
            Some(exec) if others.iter().all(|other| other.is_none()) => {
                // A program hears of the proxy that was named for the cluster, as from client-go.
                let proxy = self.proxy.as_ref().filter(|proxy| !proxy.is_general());
                let cluster = Cluster {
                    proxy_url: proxy.map(|proxy| proxy.url().to_string()),
                    ..self.cluster.clone()
                };
                Program::new(exec, &cluster).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The same as kube's configuration; a program's `credential` may hold a certificate. Programs and token files
    /// are not in it.
    pub(super) async fn config(
        &self,
        variables: &Variables,
        credential: Option<&Credential>,
    ) -> Result<kube::Config, Error> {
        let mut cluster = self.cluster.clone();
        if cluster.certificate_authority.is_none()
            && cluster.certificate_authority_data.is_none()
            && let Some(file) = variables.get("SSL_CERT_FILE")
        {
            certificates(&file)?;
            cluster.certificate_authority = Some(file);
        }
        let mut user = AuthInfo {
            exec: None,
            token_file: None,
            ..self.user.clone()
        };
        if self.token_file().is_some() {
            user.token = None;
        }
        if let Some(token) = &user.token {
            // Files that hold a token often end with a new line.
            let token = token.expose_secret().trim().to_owned();
            bearer(&token)?;
            user.token = Some(token.into());
        }
        if let Some(credential) = credential {
            credential.certify(&mut user);
        }
        let kubeconfig = kubeconfig::one_context(cluster, user);
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| invalid("kubernetes", error.to_string()))?;
        // kube looks up the environment's proxy in its own way.
        config.proxy_url = match &self.proxy {
            None => None,
            Some(proxy) => Some(proxy.url().as_str().parse().map_err(|_| {
                invalid(
                    "kubernetes.proxy_url",
                    "it cannot be used as a URL".to_owned(),
                )
            })?),
        };
        Ok(config)
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("server", &self.server())
            .finish_non_exhaustive()
    }
}

impl Section<'_> {
    /// The proxy to `server`: the one of the kubeconfig or of the section, whichever goes first, or else the
    /// environment's.
    fn proxy(
        &self,
        server: &Url,
        kubeconfig: Option<String>,
        own_kubeconfig: bool,
    ) -> Result<Option<Proxy>, Error> {
        let proxy_url = self.settings.proxy_url.exposed();
        let section = self.text(&proxy_url, "proxy_url", "KUBE_PROXY_URL")?;
        let section = section.map(|url| ("kubernetes.proxy_url", url));
        let kubeconfig = kubeconfig.map(|url| ("proxy-url of the kubeconfig", url));
        let named = match own_kubeconfig {
            true => kubeconfig.or(section),
            false => section.or(kubeconfig),
        };
        Ok(match named {
            Some((source, url)) => Some(Proxy::parse(source, &url)?),
            None => Proxies::new(self.variables)?.of(server).cloned(),
        })
    }
}

/// Whether the data source names the cluster by a kubeconfig or a context of its own.
fn is_own_kubeconfig(connection: &Connection) -> bool {
    connection.config_path.is_some() || connection.config_context.is_some()
}

/// The URL of a server, which the user may have written without `https://`.
fn address(server: &str) -> Result<Url, Error> {
    let text = match server.contains("://") {
        true => server.to_owned(),
        false => format!("https://{server}"),
    };
    let url = Url::parse(&text).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.host_str().is_some_and(|host| !host.is_empty())
    });
    // What stands before an @ may be a password, and addresses are shown.
    if server.contains('@') {
        let reason = "it holds a user or a password: set kubernetes.username and kubernetes.password, or another way of signing in";
        return Err(invalid("kubernetes.host", reason.to_owned()));
    }
    url.ok_or_else(|| {
        let reason =
            format!("{server:?} is not the address of a server, like https://10.0.0.1:6443");
        invalid("kubernetes.host", reason)
    })
}

fn invalid(argument: &str, reason: String) -> Error {
    Error::NotReady(NotReady::Invalid {
        argument: argument.to_owned(),
        reason,
    })
}
