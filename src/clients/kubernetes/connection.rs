//! Where the cluster is and who we are: the kubeconfig first, explicit arguments over it.

use super::super::{NotReady, Setting, Variables};
use super::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use secrecy::SecretString;
use std::path::Path;

/// What one data source says of its own connection; what it leaves out comes from the provider's section.
///
/// A kubeconfig or a context of its own replaces the section's connection whole: address, certificates and tokens of
/// the section belong to another cluster. With a `host` of its own it signs in with the section's token or client
/// certificate.
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
    /// A client certificate, PEM.
    pub client_certificate: Setting<String>,
    /// Its key, PEM.
    pub client_key: Setting<SecretString>,
    /// A proxy for this connection; it may hold a password.
    pub proxy_url: Setting<SecretString>,
}

/// What a connection comes to: one cluster, one user.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    cluster: Cluster,
    user: AuthInfo,
    proxy_url: Option<String>,
}

impl Resolved {
    /// The connection that `connection` names, completed by the section and the environment.
    pub(super) fn new(
        settings: &Settings,
        variables: &Variables,
        connection: &Connection,
    ) -> Result<Resolved, Error> {
        let section = Section {
            settings,
            variables,
        };
        let mut resolved = match is_own_kubeconfig(connection) {
            true => section.kubeconfig(connection)?,
            false if connection.host.is_some() => Resolved::default(),
            false => {
                let mut resolved = section.kubeconfig(connection)?;
                section.override_cluster(&mut resolved.cluster)?;
                resolved
            }
        };
        if !is_own_kubeconfig(connection) {
            section.override_user(&mut resolved.user)?;
        }
        if let Some(host) = &connection.host {
            resolved.cluster.server = Some(host.clone());
        }
        if let Some(pem) = &connection.cluster_ca_certificate {
            set_authority(&mut resolved.cluster, pem);
        }
        let section_proxy =
            section.text(&settings.proxy_url.exposed(), "proxy_url", "KUBE_PROXY_URL")?;
        let kubeconfig_proxy = resolved.cluster.proxy_url.take();
        resolved.proxy_url = match is_own_kubeconfig(connection) {
            true => kubeconfig_proxy.or(section_proxy),
            false => section_proxy.or(kubeconfig_proxy),
        };
        match &mut resolved.cluster.server {
            None => Err(Error::NotConfigured),
            Some(server) => {
                if !server.contains("://") {
                    *server = format!("https://{server}");
                }
                Ok(resolved)
            }
        }
    }

    /// The address of the API server.
    pub(super) fn server(&self) -> &str {
        self.cluster.server.as_deref().unwrap_or_default()
    }

    /// The same as kube's configuration.
    pub(super) async fn into_config(
        mut self,
        variables: &Variables,
    ) -> Result<kube::Config, Error> {
        let server = self.server().to_owned();
        let invalid = |argument: &str, reason: String| NotReady::Invalid {
            argument: argument.to_owned(),
            reason,
        };
        let cluster = &mut self.cluster;
        if cluster.certificate_authority.is_none() && cluster.certificate_authority_data.is_none() {
            cluster.certificate_authority = variables.get("SSL_CERT_FILE");
        }
        let options = KubeConfigOptions::default();
        let kubeconfig = one_context(self.cluster, self.user);
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| invalid("kubernetes", error.to_string()))?;
        // kube looks up NO_PROXY for the proxy's own host; we for the server's.
        config.proxy_url = match self.proxy_url {
            Some(url) => Some(
                url.parse()
                    .map_err(|error| invalid("kubernetes.proxy_url", format!("{error}")))?,
            ),
            None => proxy_of(&server, variables),
        };
        Ok(config)
    }
}

/// The provider's section with the environment behind it.
struct Section<'a> {
    settings: &'a Settings,
    variables: &'a Variables,
}

impl Section<'_> {
    /// The cluster and the user that the kubeconfig names; nothing where there is no kubeconfig.
    fn kubeconfig(&self, connection: &Connection) -> Result<Resolved, Error> {
        let files = match &connection.config_path {
            Some(path) => vec![path.clone()],
            None => self.files()?,
        };
        let files: Vec<String> = files.iter().map(|file| self.expanded(file)).collect();
        if files.is_empty() {
            return Ok(Resolved::default());
        }
        let kubeconfig = read(&files)?;
        let context = self.context(connection)?;
        let (cluster, user) = match is_own_kubeconfig(connection) {
            true => (None, None),
            false => (
                self.text(
                    &self.settings.config_context_cluster,
                    "config_context_cluster",
                    "KUBE_CTX_CLUSTER",
                )?,
                self.text(
                    &self.settings.config_context_auth_info,
                    "config_context_auth_info",
                    "KUBE_CTX_AUTH_INFO",
                )?,
            ),
        };
        choose(&kubeconfig, &files.join(", "), context, cluster, user)
    }

    fn files(&self) -> Result<Vec<String>, NotReady> {
        let settings = self.settings;
        if let Some(path) = self.text(&settings.config_path, "config_path", "KUBE_CONFIG_PATH")? {
            return Ok(vec![path]);
        }
        match &settings.config_paths {
            Setting::Unknown => Err(NotReady::Unknown {
                argument: "kubernetes.config_paths".to_owned(),
            }),
            Setting::Known(paths) if !paths.is_empty() => Ok(paths.clone()),
            _ => {
                let paths = self.variables.get("KUBE_CONFIG_PATHS").unwrap_or_default();
                let paths = std::env::split_paths(&paths).map(|path| path.display().to_string());
                Ok(paths.filter(|path| !path.is_empty()).collect())
            }
        }
    }

    /// The context to use. That of the section goes with the section's kubeconfig only.
    fn context(&self, connection: &Connection) -> Result<Option<String>, NotReady> {
        match (&connection.config_context, &connection.config_path) {
            (Some(context), _) => Ok(Some(context.clone())),
            (None, Some(_)) => Ok(None),
            (None, None) => self.text(&self.settings.config_context, "config_context", "KUBE_CTX"),
        }
    }

    fn override_cluster(&self, cluster: &mut Cluster) -> Result<(), NotReady> {
        let settings = self.settings;
        if let Some(host) = self.text(&settings.host, "host", "KUBE_HOST")? {
            cluster.server = Some(host);
        }
        let authority = self.text(
            &settings.cluster_ca_certificate,
            "cluster_ca_certificate",
            "KUBE_CLUSTER_CA_CERT_DATA",
        )?;
        if let Some(pem) = authority {
            set_authority(cluster, &pem);
        }
        let name = self.text(
            &settings.tls_server_name,
            "tls_server_name",
            "KUBE_TLS_SERVER_NAME",
        )?;
        if name.is_some() {
            cluster.tls_server_name = name;
        }
        let insecure = &settings.insecure;
        if insecure.or_flag(
            "kubernetes.insecure",
            self.variables,
            "KUBE_INSECURE",
            false,
        )? {
            cluster.insecure_skip_tls_verify = Some(true);
        }
        Ok(())
    }

    fn override_user(&self, user: &mut AuthInfo) -> Result<(), NotReady> {
        let settings = self.settings;
        if let Some(token) = self.text(&settings.token.exposed(), "token", "KUBE_TOKEN")? {
            // A kubeconfig's other ways would go before it.
            user.token = Some(token.into());
            user.token_file = None;
            user.exec = None;
            user.auth_provider = None;
            (user.username, user.password) = (None, None);
        }
        let certificate = self.text(
            &settings.client_certificate,
            "client_certificate",
            "KUBE_CLIENT_CERT_DATA",
        )?;
        if let Some(pem) = certificate {
            user.client_certificate_data = Some(STANDARD.encode(pem));
            user.client_certificate = None;
        }
        let key = settings.client_key.exposed();
        if let Some(pem) = self.text(&key, "client_key", "KUBE_CLIENT_KEY_DATA")? {
            user.client_key_data = Some(STANDARD.encode(pem).into());
            user.client_key = None;
        }
        Ok(())
    }

    fn text(
        &self,
        setting: &Setting<String>,
        argument: &str,
        variable: &str,
    ) -> Result<Option<String>, NotReady> {
        let argument = format!("kubernetes.{argument}");
        setting.or_variable(&argument, self.variables, &[variable])
    }

    /// The path with a leading `~` replaced, as the Kubernetes provider does.
    fn expanded(&self, path: &str) -> String {
        match (path.strip_prefix("~/"), self.variables.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(&home).join(rest).display().to_string(),
            _ => path.to_owned(),
        }
    }
}

/// Whether the data source names the cluster by a kubeconfig or a context of its own.
fn is_own_kubeconfig(connection: &Connection) -> bool {
    connection.config_path.is_some() || connection.config_context.is_some()
}

fn read(files: &[String]) -> Result<Kubeconfig, Error> {
    let mut merged = Kubeconfig::default();
    for file in files {
        let unreadable = |reason: String| Error::Kubeconfig {
            file: file.clone(),
            reason,
        };
        // kube names the file itself, and shows lines of a file that it cannot parse.
        let next = match Kubeconfig::read_from(file) {
            Ok(next) => next,
            Err(kube::config::KubeconfigError::ReadConfig(error, _)) => {
                return Err(unreadable(error.to_string()));
            }
            Err(kube::config::KubeconfigError::Parse(_)) => {
                return Err(unreadable("it is not a kubeconfig".to_owned()));
            }
            Err(error) => return Err(unreadable(error.to_string())),
        };
        merged = merged
            .merge(next)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(merged)
}

fn choose(
    kubeconfig: &Kubeconfig,
    file: &str,
    context: Option<String>,
    cluster: Option<String>,
    user: Option<String>,
) -> Result<Resolved, Error> {
    let wanted = context.or_else(|| kubeconfig.current_context.clone());
    let wanted = wanted.unwrap_or_default();
    let contexts = &kubeconfig.contexts;
    let context = contexts.iter().find(|context| context.name == wanted);
    let Some(context) = context.and_then(|context| context.context.as_ref()) else {
        return Err(Error::NoContext {
            context: wanted,
            file: file.to_owned(),
            available: contexts
                .iter()
                .map(|context| context.name.clone())
                .collect(),
        });
    };
    let name = cluster.as_ref().unwrap_or(&context.cluster);
    let mut clusters = kubeconfig.clusters.iter();
    let found = clusters.find(|cluster| &cluster.name == name);
    let Some(cluster) = found.and_then(|cluster| cluster.cluster.clone()) else {
        return Err(Error::Kubeconfig {
            file: file.to_owned(),
            reason: format!("it has no cluster {name:?}, which context {wanted:?} names"),
        });
    };
    // A context without a user, or with one that is not there, goes without credentials, as in client-go.
    let user = user.as_ref().or(context.user.as_ref());
    let mut users = kubeconfig.auth_infos.iter();
    let user = user.and_then(|name| users.find(|user| &user.name == name));
    Ok(Resolved {
        cluster,
        user: user
            .and_then(|user| user.auth_info.clone())
            .unwrap_or_default(),
        proxy_url: None,
    })
}

fn set_authority(cluster: &mut Cluster, pem: &str) {
    cluster.certificate_authority_data = Some(STANDARD.encode(pem));
    cluster.certificate_authority = None;
    cluster.insecure_skip_tls_verify = None;
}

fn one_context(cluster: Cluster, user: AuthInfo) -> Kubeconfig {
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

/// The proxy that the environment names for `server`.
fn proxy_of(server: &str, variables: &Variables) -> Option<Uri> {
    let either = |upper: &str, lower: &str| {
        let value = variables.get(upper).or_else(|| variables.get(lower));
        value.unwrap_or_default()
    };
    let matcher = Matcher::builder()
        .https(either("HTTPS_PROXY", "https_proxy"))
        .no(either("NO_PROXY", "no_proxy"))
        .build();
    let proxy = matcher.intercept(&server.parse().ok()?)?;
    Some(proxy.uri().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: one
contexts:
  - {name: one, context: {cluster: one, user: admin}}
  - {name: two, context: {cluster: two, user: admin}}
clusters:
  - {name: one, cluster: {server: "https://one:6443"}}
  - {name: two, cluster: {server: "https://two:6443"}}
users:
  - {name: admin, user: {token: from-the-file}}
"#;

    struct Scene {
        file: tempfile::NamedTempFile,
        settings: Settings,
        variables: BTreeMap<String, String>,
    }

    impl Scene {
        fn new() -> Scene {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), KUBECONFIG).unwrap();
            Scene {
                file,
                settings: Settings::default(),
                variables: BTreeMap::new(),
            }
        }

        fn path(&self) -> String {
            self.file.path().display().to_string()
        }

        fn set(&mut self, name: &str, value: &str) {
            self.variables.insert(name.to_owned(), value.to_owned());
        }

        fn resolve(&self, connection: &Connection) -> Result<Resolved, Error> {
            let variables = Variables::from_map(self.variables.clone());
            Resolved::new(&self.settings, &variables, connection)
        }
    }

    fn token(resolved: &Resolved) -> Option<&str> {
        use secrecy::ExposeSecret;
        let token = resolved.user.token.as_ref();
        token.map(|token| token.expose_secret())
    }

    #[test]
    fn nothing_configured_is_an_error_that_names_the_arguments() {
        let mut scene = Scene::new();
        // Not read, as in the Kubernetes provider.
        scene.set("KUBECONFIG", &scene.path());
        let error = scene.resolve(&Connection::default()).unwrap_err();
        assert!(matches!(error, Error::NotConfigured));
        assert!(error.to_string().contains("KUBE_CONFIG_PATH"));
    }

    #[test]
    fn explicit_arguments_go_over_the_kubeconfig() {
        let mut scene = Scene::new();
        scene.set("KUBE_CONFIG_PATH", &scene.path());
        scene.set("KUBE_TOKEN", "from-the-environment");
        scene.settings.host = Setting::Known("other:6443".to_owned());
        let resolved = scene.resolve(&Connection::default()).unwrap();
        assert_eq!(resolved.server(), "https://other:6443");
        assert_eq!(token(&resolved), Some("from-the-environment"));
    }

    #[test]
    fn an_explicit_token_goes_over_every_other_way_of_signing_in() {
        let mut scene = Scene::new();
        let password = "user: {username: me, password: hush, tokenFile: /t}";
        let text = KUBECONFIG.replace("user: {token: from-the-file}", password);
        std::fs::write(scene.file.path(), text).unwrap();
        scene.set("KUBE_CONFIG_PATH", &scene.path());
        scene.set("KUBE_TOKEN", "from-the-environment");
        let user = scene.resolve(&Connection::default()).unwrap().user;
        let expected = AuthInfo {
            token: user.token.clone(),
            ..AuthInfo::default()
        };
        assert!(user.token.is_some());
        assert_eq!(format!("{user:?}"), format!("{expected:?}"));
    }

    #[test]
    fn the_proxy_of_a_kubeconfig_of_its_own_is_used() {
        let mut scene = Scene::new();
        let text = KUBECONFIG.replace(":6443\"", ":6443\", proxy-url: \"http://own:3128\"");
        std::fs::write(scene.file.path(), text).unwrap();
        scene.set("KUBE_PROXY_URL", "http://section:3128");
        let own = Connection {
            config_path: Some(scene.path()),
            ..Connection::default()
        };
        let resolved = scene.resolve(&own).unwrap();
        assert_eq!(resolved.proxy_url.as_deref(), Some("http://own:3128"));

        scene.set("KUBE_CONFIG_PATH", &scene.path());
        let resolved = scene.resolve(&Connection::default()).unwrap();
        assert_eq!(resolved.proxy_url.as_deref(), Some("http://section:3128"));
    }

    #[test]
    fn a_kubeconfig_of_its_own_takes_nothing_from_the_sections_cluster() {
        let mut scene = Scene::new();
        scene.set("KUBE_HOST", "https://elsewhere");
        scene.set("KUBE_TOKEN", "for-elsewhere");
        scene.set("KUBE_CTX", "unheard-of");
        scene.settings.cluster_ca_certificate = Setting::Unknown;
        let connection = Connection {
            config_path: Some(scene.path()),
            ..Connection::default()
        };
        let resolved = scene.resolve(&connection).unwrap();
        assert_eq!(resolved.server(), "https://one:6443");
        assert_eq!(token(&resolved), Some("from-the-file"));
    }

    #[test]
    fn a_context_of_its_own_is_looked_up_in_the_sections_kubeconfig() {
        let mut scene = Scene::new();
        scene.set("KUBE_CONFIG_PATH", &scene.path());
        let mut connection = Connection {
            config_context: Some("two".to_owned()),
            ..Connection::default()
        };
        let resolved = scene.resolve(&connection).unwrap();
        assert_eq!(resolved.server(), "https://two:6443");

        connection.config_context = Some("three".to_owned());
        let error = scene.resolve(&connection).unwrap_err().to_string();
        let path = scene.path();
        assert_eq!(
            error,
            format!("kubeconfig {path} has no context \"three\"; it has one, two")
        );
    }

    #[test]
    fn a_host_of_its_own_uses_the_sections_token_and_not_its_certificate_authority() {
        let mut scene = Scene::new();
        scene.settings.token = Setting::Known("section".to_owned().into());
        scene.settings.cluster_ca_certificate = Setting::Known("pem".to_owned());
        let connection = Connection {
            host: Some("https://three".to_owned()),
            ..Connection::default()
        };
        let resolved = scene.resolve(&connection).unwrap();
        assert_eq!(resolved.server(), "https://three");
        assert_eq!(token(&resolved), Some("section"));
        assert_eq!(resolved.cluster.certificate_authority_data, None);
    }

    #[test]
    fn an_unknown_argument_is_named() {
        let mut scene = Scene::new();
        scene.settings.host = Setting::Unknown;
        let error = scene.resolve(&Connection::default()).unwrap_err();
        assert_eq!(error.to_string(), "kubernetes.host is not known yet");
    }

    #[test]
    fn the_environments_proxy_is_used_unless_the_server_is_excepted() {
        let proxies = |no: &str| {
            let pairs = [("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", no)];
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            proxy_of("https://10.0.0.1:6443", &Variables::from_map(pairs.into()))
        };
        assert_eq!(proxies("").unwrap().host(), Some("proxy"));
        assert_eq!(proxies("10.0.0.0/8"), None);
    }
}
