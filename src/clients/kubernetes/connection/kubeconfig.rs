//! Kubeconfig files: read, merged, and one context of them chosen.

use super::super::Error;
use super::Resolved;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;

/// What to take from a kubeconfig in place of what it names itself.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) context: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) user: Option<String>,
}

/// What some files hold together.
pub(super) struct Files {
    /// Their names, for errors.
    names: String,
    content: Kubeconfig,
}

/// Reads and merges `files`.
pub(super) fn read(files: &[String]) -> Result<Files, Error> {
    let mut content = Kubeconfig::default();
    for file in files {
        let unreadable = |reason: String| Error::Kubeconfig {
            file: file.clone(),
            reason,
        };
        // kube names the file itself, and shows lines of a file that it cannot parse.
        let next = Kubeconfig::read_from(file).map_err(|error| match error {
            KubeconfigError::ReadConfig(error, _) => unreadable(error.to_string()),
            KubeconfigError::Parse(_) => unreadable("it is not a kubeconfig".to_owned()),
            error => unreadable(error.to_string()),
        })?;
        content = content
            .merge(next)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(Files {
        names: files.join(", "),
        content,
    })
}

impl Files {
    /// The cluster and the user that `wanted` and the current context name.
    pub(super) fn choose(&self, wanted: Wanted) -> Result<Resolved, Error> {
        let (name, context) = self.context(wanted.context)?;
        let cluster_name = wanted.cluster.as_ref().unwrap_or(&context.cluster);
        let cluster = self.cluster(cluster_name, &name)?;
        let no_server = match (&cluster.server, cluster_name.is_empty()) {
            (Some(_), _) => None,
            (None, false) => {
                Some(self.broken(format!("its cluster {cluster_name:?} has no server")))
            }
            (None, true) => {
                let names = self.contexts();
                Some(self.broken(format!(
                    "it has no current context, and none is chosen by config_context; it has {}",
                    super::super::list(&names)
                )))
            }
        };
        self.check_base64(
            "certificate-authority-data",
            cluster_name,
            cluster.certificate_authority_data.as_deref(),
        )?;
        let users = &self.content.auth_infos;
        // A context without a user goes without credentials, as in client-go.
        let user_name = wanted.user.or_else(|| context.user.clone());
        let user_name = user_name.filter(|name| !name.is_empty());
        let found = users
            .iter()
            .find(|entry| Some(&entry.name) == user_name.as_ref());
        let no_user = match (&user_name, found) {
            (Some(user), None) => {
                let names = users.iter().map(|entry| &entry.name);
                Some(self.lacks("user", user, &name, names))
            }
            _ => None,
        };
        let user = found.and_then(|entry| entry.auth_info.clone());
        let user = user.unwrap_or_default();
        let user_name = user_name.unwrap_or_default();
        let certificate = user.client_certificate_data.as_deref();
        self.check_base64("client-certificate-data", &user_name, certificate)?;
        let key = user
            .client_key_data
            .as_ref()
            .map(ExposeSecret::expose_secret);
        self.check_base64("client-key-data", &user_name, key)?;
        Ok(Resolved {
            cluster,
            user,
            no_server,
            no_user,
            ..Resolved::default()
        })
    }

    /// The context to use, with its name. Where none is named it is empty, as in client-go: arguments may name all
    /// that it would.
    fn context(&self, wanted: Option<String>) -> Result<(String, Context), Error> {
        let wanted = wanted.or_else(|| self.content.current_context.clone());
        let wanted = wanted.unwrap_or_default();
        if wanted.is_empty() {
            return Ok((wanted, Context::default()));
        }
        let contexts = &self.content.contexts;
        let context = contexts.iter().find(|context| context.name == wanted);
        match context.and_then(|context| context.context.clone()) {
            Some(context) => Ok((wanted, context)),
            None => Err(Error::NoContext {
                context: wanted,
                file: self.names.clone(),
                available: self.contexts(),
            }),
        }
    }

    fn contexts(&self) -> Vec<String> {
        let contexts = self.content.contexts.iter();
        contexts.map(|context| context.name.clone()).collect()
    }

    fn cluster(&self, name: &str, context: &str) -> Result<Cluster, Error> {
        if name.is_empty() {
            return Ok(Cluster::default());
        }
        let clusters = &self.content.clusters;
        let found = clusters.iter().find(|entry| entry.name == name);
        let cluster = found.and_then(|entry| entry.cluster.clone());
        let mut cluster = cluster.ok_or_else(|| {
            let names = clusters.iter().map(|entry| &entry.name);
            self.lacks("cluster", name, context, names)
        })?;
        cluster.server = cluster.server.filter(|server| !server.is_empty());
        Ok(cluster)
    }

    /// Fails where the data of a certificate or a key is damaged. What it is in truth is not shown.
    fn check_base64(&self, member: &str, name: &str, data: Option<&str>) -> Result<(), Error> {
        match data.map(|data| STANDARD.decode(data)) {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(_)) => Err(self.broken(format!("{member} of {name:?} is not base64"))),
        }
    }

    fn lacks<'a>(
        &self,
        kind: &str,
        name: &str,
        context: &str,
        available: impl Iterator<Item = &'a String>,
    ) -> Error {
        let available: Vec<String> = available.cloned().collect();
        self.broken(format!(
            "it has no {kind} {name:?} for context {context:?}; it has {}",
            super::super::list(&available)
        ))
    }

    fn broken(&self, reason: String) -> Error {
        Error::Kubeconfig {
            file: self.names.clone(),
            reason,
        }
    }
}

/// A kubeconfig with this cluster and this user alone.
pub(super) fn one_context(cluster: Cluster, user: AuthInfo) -> Kubeconfig {
    let name = "this".to_owned();
    Kubeconfig {
        current_context: Some(name.clone()),
        contexts: vec![NamedContext {
            name: name.clone(),
            context: Some(Context {
                cluster: name.clone(),
                user: Some(name.clone()),
                ..Context::default()
            }),
            other: Default::default(),
        }],
        clusters: vec![NamedCluster {
            name: name.clone(),
            cluster: Some(cluster),
            other: Default::default(),
        }],
        auth_infos: vec![NamedAuthInfo {
            name,
            auth_info: Some(user),
            other: Default::default(),
        }],
        ..Kubeconfig::default()
    }
}

/// An environment variable of a program, in the form that a kubeconfig has for it.
pub(super) fn variable((name, value): (&String, &SecretString)) -> HashMap<String, String> {
    HashMap::from([
        ("name".to_owned(), name.clone()),
        ("value".to_owned(), value.expose_secret().to_owned()),
    ])
}
