//! Which cluster and which user the arguments, the environment and the kubeconfig come to.

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
