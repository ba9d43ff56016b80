//! The provider's section with the environment behind it: what is set, and what contradicts itself.

use super::super::super::{NotReady, Setting, Variables};
use super::super::Error;
use super::{Connection, Exec, Resolved, Settings, is_own_kubeconfig, kubeconfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, ExecConfig, ExecInteractiveMode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;
use std::path::Path;

/// The section with the environment behind it.
pub(super) struct Section<'a> {
    pub(super) settings: &'a Settings,
    pub(super) variables: &'a Variables,
}

impl Section<'_> {
    /// The cluster of the section: of its kubeconfig, or the one that this process runs in, with the section's
    /// arguments over it.
    pub(super) fn cluster(&self, connection: &Connection) -> Result<Resolved, Error> {
        let host = self.text(&self.settings.host, "host", "KUBE_HOST")?;
        let mut resolved = self.kubeconfig(connection)?;
        // A kubeconfig that names no server is a mistake, and no leave to read the cluster that we happen to run in.
        let is_unnamed = resolved.cluster.server.is_none() && resolved.no_server.is_none();
        if host.is_none() && is_unnamed {
            let inside = self.settings.service_account.connection(self.variables);
            resolved = inside.unwrap_or(resolved);
        }
        if host.is_some() {
            resolved.cluster.server = host;
        }
        self.override_cluster(&mut resolved.cluster)?;
        Ok(resolved)
    }

    /// The cluster and the user that the kubeconfig names; nothing where there is no kubeconfig.
    pub(super) fn kubeconfig(&self, connection: &Connection) -> Result<Resolved, Error> {
        let files = match &connection.config_path {
            Some(path) => vec![path.clone()],
            None => self.files()?,
        };
        let files: Vec<String> = files.iter().map(|file| self.expanded(file)).collect();
        if files.is_empty() {
            return Ok(Resolved::default());
        }
        let mut wanted = kubeconfig::Wanted {
            context: self.context(connection)?,
            ..kubeconfig::Wanted::default()
        };
        if !is_own_kubeconfig(connection) {
            let settings = self.settings;
            let cluster = &settings.config_context_cluster;
            wanted.cluster = self.text(cluster, "config_context_cluster", "KUBE_CTX_CLUSTER")?;
            let user = &settings.config_context_auth_info;
            wanted.user = self.text(user, "config_context_auth_info", "KUBE_CTX_AUTH_INFO")?;
        }
        kubeconfig::read(&files)?.choose(wanted)
    }

    /// Lets the arguments that say who we are go over the kubeconfig's user; whether there are any.
    pub(super) fn override_user(&self, user: &mut AuthInfo) -> Result<bool, Error> {
        let settings = self.settings;
        let token = self.text(&settings.token.exposed(), "token", "KUBE_TOKEN")?;
        let basic = self.both(
            (settings.username.clone(), "username", "KUBE_USER"),
            (settings.password.exposed(), "password", "KUBE_PASSWORD"),
        )?;
        let exec = self.exec()?;
        let certified = self.override_certificate(user)?;
        let ways = [
            ("kubernetes.exec", "", exec.is_some()),
            ("kubernetes.token", " (KUBE_TOKEN)", token.is_some()),
            ("kubernetes.username", " (KUBE_USER)", basic.is_some()),
        ];
        let mut chosen = ways.iter().filter(|(_, _, is_set)| *is_set);
        let Some((first, first_variable, _)) = chosen.next() else {
            return Ok(certified);
        };
        if let Some((second, second_variable, _)) = chosen.next() {
            let reason = format!(
                "it{second_variable} and {first}{first_variable} are both set: sign in by one of them"
            );
            return Err(super::invalid(second, reason));
        }
        // The kubeconfig's own way may be another one, and would go before it.
        user.token_file = None;
        user.auth_provider = None;
        user.token = token.map(Into::into);
        (user.username, user.password) = match basic {
            Some((name, password)) => (Some(name), Some(password.into())),
            None => (None, None),
        };
        user.exec = exec;
        Ok(true)
    }

    pub(super) fn text(
        &self,
        setting: &Setting<String>,
        argument: &str,
        variable: &str,
    ) -> Result<Option<String>, NotReady> {
        let argument = format!("kubernetes.{argument}");
        setting.or_variable(&argument, self.variables, &[variable])
    }

    fn files(&self) -> Result<Vec<String>, Error> {
        let settings = self.settings;
        if let (Setting::Known(path), Setting::Known(paths)) =
            (&settings.config_path, &settings.config_paths)
            && !path.is_empty()
            && !paths.is_empty()
        {
            let reason = "kubernetes.config_path is set too: set one of them".to_owned();
            return Err(super::invalid("kubernetes.config_paths", reason));
        }
        if settings.config_paths == Setting::Unknown {
            return Err(unknown("config_paths"));
        }
        let paths = match &settings.config_paths {
            Setting::Known(paths) if !paths.is_empty() => return Ok(paths.clone()),
            _ => self.variables.get("KUBE_CONFIG_PATHS").unwrap_or_default(),
        };
        if let Some(path) = self.text(&settings.config_path, "config_path", "KUBE_CONFIG_PATH")? {
            return Ok(vec![path]);
        }
        let paths = std::env::split_paths(&paths).map(|path| path.display().to_string());
        Ok(paths.filter(|path| !path.is_empty()).collect())
    }

    /// The context to use. That of the section goes with the section's kubeconfig only.
    fn context(&self, connection: &Connection) -> Result<Option<String>, NotReady> {
        match (&connection.config_context, &connection.config_path) {
            (Some(context), _) => Ok(Some(context.clone())),
            (None, Some(_)) => Ok(None),
            (None, None) => self.text(&self.settings.config_context, "config_context", "KUBE_CTX"),
        }
    }

    fn override_cluster(&self, cluster: &mut Cluster) -> Result<(), Error> {
        let settings = self.settings;
        let name = self.text(
            &settings.tls_server_name,
            "tls_server_name",
            "KUBE_TLS_SERVER_NAME",
        )?;
        if name.is_some() {
            cluster.tls_server_name = name;
        }
        let authority = self.text(
            &settings.cluster_ca_certificate,
            "cluster_ca_certificate",
            "KUBE_CLUSTER_CA_CERT_DATA",
        )?;
        let variables = self.variables;
        let insecure = &settings.insecure;
        let insecure =
            insecure.or_flag("kubernetes.insecure", variables, "KUBE_INSECURE", false)?;
        match (authority, insecure) {
            (None, false) => {}
            (Some(pem), false) => {
                set_authority(cluster, "kubernetes.cluster_ca_certificate", &pem)?
            }
            // As in client-go, whoever does not check the certificate has no use for the kubeconfig's authority.
            (None, true) => {
                cluster.insecure_skip_tls_verify = Some(true);
                cluster.certificate_authority = None;
                cluster.certificate_authority_data = None;
            }
            (Some(_), true) => {
                let reason = "it (KUBE_INSECURE) is true, and kubernetes.cluster_ca_certificate \
                    (KUBE_CLUSTER_CA_CERT_DATA) is set: set one of them";
                return Err(super::invalid("kubernetes.insecure", reason.to_owned()));
            }
        }
        Ok(())
    }

    fn override_certificate(&self, user: &mut AuthInfo) -> Result<bool, Error> {
        let certificate = self.settings.client_certificate.clone();
        let both = self.both(
            (certificate, "client_certificate", "KUBE_CLIENT_CERT_DATA"),
            (
                self.settings.client_key.exposed(),
                "client_key",
                "KUBE_CLIENT_KEY_DATA",
            ),
        )?;
        let Some((certificate, key)) = both else {
            return Ok(false);
        };
        check_certificates("kubernetes.client_certificate", &certificate)?;
        if PrivateKeyDer::from_pem_slice(key.as_bytes()).is_err() {
            return Err(no_pem("kubernetes.client_key", "private key"));
        }
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_certificate = None;
        user.client_key_data = Some(STANDARD.encode(key).into());
        user.client_key = None;
        Ok(true)
    }

    /// The program that the section names.
    fn exec(&self) -> Result<Option<ExecConfig>, Error> {
        let exec = match &self.settings.exec {
            Setting::Unset => return Ok(None),
            Setting::Unknown => return Err(unknown("exec")),
            Setting::Known(exec) => exec,
        };
        let Exec { args, env, .. } = exec;
        let args = match args {
            Setting::Unknown => return Err(unknown("exec.args")),
            Setting::Unset => None,
            Setting::Known(args) => Some(args),
        };
        let env = match env {
            Setting::Unknown => return Err(unknown("exec.env")),
            Setting::Unset => None,
            Setting::Known(env) => Some(env),
        };
        Ok(Some(ExecConfig {
            api_version: Some(required(&exec.api_version, "exec.api_version")?),
            command: Some(required(&exec.command, "exec.command")?),
            args: args.map(|args| {
                let args = args.iter();
                args.map(|arg| arg.expose_secret().to_owned()).collect()
            }),
            env: env.map(|env| env.iter().map(kubeconfig::variable).collect()),
            interactive_mode: Some(ExecInteractiveMode::Never),
            ..ExecConfig::default()
        }))
    }

    /// Two arguments that go together: both or neither.
    fn both(
        &self,
        (one, one_argument, one_variable): (Setting<String>, &str, &str),
        (other, other_argument, other_variable): (Setting<String>, &str, &str),
    ) -> Result<Option<(String, String)>, NotReady> {
        let missing = |argument: &str, variable: &str| {
            Err(NotReady::Missing {
                argument: format!("kubernetes.{argument}"),
                variable: variable.to_owned(),
            })
        };
        let one = self.text(&one, one_argument, one_variable)?;
        let other = self.text(&other, other_argument, other_variable)?;
        match (one, other) {
            (Some(one), Some(other)) => Ok(Some((one, other))),
            (None, None) => Ok(None),
            (None, Some(_)) => missing(one_argument, one_variable),
            (Some(_), None) => missing(other_argument, other_variable),
        }
    }

    /// The path with a leading `~` replaced, as the Kubernetes provider does.
    fn expanded(&self, path: &str) -> String {
        match (path.strip_prefix("~/"), self.variables.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(&home).join(rest).display().to_string(),
            _ => path.to_owned(),
        }
    }
}

/// Trusts the certificate authorities in `pem`, which `argument` holds, and no others.
pub(super) fn set_authority(cluster: &mut Cluster, argument: &str, pem: &str) -> Result<(), Error> {
    check_certificates(argument, pem)?;
    cluster.certificate_authority_data = Some(STANDARD.encode(pem));
    cluster.certificate_authority = None;
    cluster.insecure_skip_tls_verify = None;
    Ok(())
}

fn check_certificates(argument: &str, pem: &str) -> Result<(), Error> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if !found.is_empty() => Ok(()),
        _ => Err(no_pem(argument, "certificate")),
    }
}

fn no_pem(argument: &str, what: &str) -> Error {
    let reason = format!(
        "it holds no {what} in PEM form (-----BEGIN …); what is taken from a kubeconfig or from Azure needs base64decode()"
    );
    super::invalid(argument, reason)
}

fn required(setting: &Setting<String>, argument: &str) -> Result<String, Error> {
    match setting {
        Setting::Unknown => Err(unknown(argument)),
        Setting::Known(value) if !value.is_empty() => Ok(value.clone()),
        _ => Err(super::invalid(
            &format!("kubernetes.{argument}"),
            "it is not set, and a program needs it".to_owned(),
        )),
    }
}

fn unknown(argument: &str) -> Error {
    Error::NotReady(NotReady::Unknown {
        argument: format!("kubernetes.{argument}"),
    })
}
