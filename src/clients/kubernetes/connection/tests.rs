//! Which cluster and which user the arguments, the environment and the kubeconfig come to.

use super::*;
use kube::config::ExecConfig;
use secrecy::ExposeSecret;
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

fn proxy(resolved: &Resolved) -> Option<&str> {
    resolved.proxy().map(|proxy| proxy.url().as_str())
}

fn token(resolved: &Resolved) -> Option<&str> {
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
    assert_eq!(proxy(&resolved), Some("http://own:3128/"));

    scene.set("KUBE_CONFIG_PATH", &scene.path());
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(proxy(&resolved), Some("http://section:3128/"));
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
fn the_environments_proxy_is_used_unless_the_server_is_excepted_or_a_proxy_named() {
    let mut scene = Scene::new();
    scene.set("KUBE_HOST", "https://10.0.0.1:6443");
    scene.set("HTTPS_PROXY", "http://environment:3128");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(proxy(&resolved), Some("http://environment:3128/"));
    scene.set("NO_PROXY", "10.0.0.0/8");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(proxy(&resolved), None);
    scene.set("KUBE_PROXY_URL", "http://me:hush@section:3128");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(proxy(&resolved), Some("http://me:hush@section:3128/"));
    assert!(!format!("{resolved:?}").contains("hush"));
}

#[test]
fn a_user_and_a_password_go_over_the_kubeconfigs_token() {
    let mut scene = Scene::new();
    scene.set("KUBE_CONFIG_PATH", &scene.path());
    scene.set("KUBE_USER", "me");
    scene.set("KUBE_PASSWORD", "hush");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(token(&resolved), None);
    assert_eq!(resolved.user.username.as_deref(), Some("me"));
    let password = resolved.user.password.as_ref().map(|it| it.expose_secret());
    assert_eq!(password, Some("hush"));
}

fn exec(api_version: &str) -> Exec {
    Exec {
        api_version: Setting::Known(api_version.to_owned()),
        command: Setting::Known("kubelogin".to_owned()),
        args: Setting::Known(vec!["get-token".to_owned().into()]),
        env: Setting::Known([("A".to_owned(), "b".to_owned().into())].into()),
    }
}

#[test]
fn a_program_of_the_section_goes_over_the_kubeconfigs_token() {
    let mut scene = Scene::new();
    scene.set("KUBE_CONFIG_PATH", &scene.path());
    scene.settings.exec = Setting::Known(exec("client.authentication.k8s.io/v1"));
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(token(&resolved), None);
    let found = resolved.user.exec.clone().unwrap();
    assert_eq!(found.args.unwrap(), ["get-token"]);
    assert_eq!(found.env.unwrap()[0]["value"], "b");
    assert!(resolved.program().unwrap().is_some());
}

#[test]
fn arguments_that_contradict_each_other_are_named() {
    const CA: &str = "KUBE_CLUSTER_CA_CERT_DATA";
    let table: [(&[(&str, &str)], &str); 8] = [
        (
            &[
                ("KUBE_TOKEN", "t"),
                ("KUBE_USER", "u"),
                ("KUBE_PASSWORD", "p"),
            ],
            "kubernetes.username: it (KUBE_USER) and kubernetes.token (KUBE_TOKEN) are both set: sign in by one of them",
        ),
        (
            &[("KUBE_USER", "u")],
            "kubernetes.password is not set: set it in the provider block, or the environment variable KUBE_PASSWORD",
        ),
        (
            &[("KUBE_PASSWORD", "p")],
            "kubernetes.username is not set: set it in the provider block, or the environment variable KUBE_USER",
        ),
        (
            &[("KUBE_CLIENT_CERT_DATA", "c")],
            "kubernetes.client_key is not set: set it in the provider block, or the environment variable KUBE_CLIENT_KEY_DATA",
        ),
        (
            &[("KUBE_CLIENT_KEY_DATA", "k")],
            "kubernetes.client_certificate is not set: set it in the provider block, or the environment variable KUBE_CLIENT_CERT_DATA",
        ),
        (
            &[(CA, "LS0tLS1CRUdJTiBDRVJU")],
            "kubernetes.cluster_ca_certificate: it holds no certificate in PEM form (-----BEGIN …); what is taken from a kubeconfig or from Azure needs base64decode()",
        ),
        (
            &[(CA, "c"), ("KUBE_INSECURE", "true")],
            "kubernetes.insecure: it (KUBE_INSECURE) is true, and kubernetes.cluster_ca_certificate (KUBE_CLUSTER_CA_CERT_DATA) is set: set one of them",
        ),
        (
            &[("KUBE_HOST", "https:// nowhere")],
            "kubernetes.host: \"https:// nowhere\" is not the address of a server, like https://10.0.0.1:6443",
        ),
    ];
    for (variables, expected) in table {
        let mut scene = Scene::new();
        scene.set("KUBE_HOST", "https://one");
        for (name, value) in variables {
            scene.set(name, value);
        }
        let error = scene.resolve(&Connection::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_kubeconfig_and_several_of_them_are_not_both_taken() {
    let mut scene = Scene::new();
    scene.settings.config_path = Setting::Known("a".to_owned());
    scene.settings.config_paths = Setting::Known(vec!["b".to_owned()]);
    let error = scene.resolve(&Connection::default()).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("kubernetes.config_paths: "), "{error}");
}

#[test]
fn a_program_without_its_arguments_or_with_unknown_ones_is_named() {
    let mut scene = Scene::new();
    scene.set("KUBE_HOST", "https://one");
    let mut told = |exec: Exec| {
        scene.settings.exec = Setting::Known(exec);
        let resolved = scene.resolve(&Connection::default());
        let program = resolved.and_then(|resolved| resolved.program().map(|_| ()));
        program.unwrap_err().to_string()
    };
    let v1 = "client.authentication.k8s.io/v1";
    let unset = Exec {
        command: Setting::Unset,
        ..exec(v1)
    };
    assert!(told(unset).starts_with("kubernetes.exec.command: "));
    let unknown = Exec {
        env: Setting::Unknown,
        ..exec(v1)
    };
    assert_eq!(told(unknown), "kubernetes.exec.env is not known yet");
    let old = told(exec("client.authentication.k8s.io/v1alpha1"));
    assert!(
        old.contains("must be one of client.authentication.k8s.io/v1,"),
        "{old}"
    );
}

#[test]
fn whoever_does_not_check_the_certificate_drops_the_kubeconfigs_authority() {
    let mut scene = Scene::new();
    let text = KUBECONFIG.replace(":6443\"", ":6443\", certificate-authority: /nowhere");
    std::fs::write(scene.file.path(), text).unwrap();
    scene.set("KUBE_CONFIG_PATH", &scene.path());
    scene.settings.insecure = Setting::Known(true);
    let cluster = scene.resolve(&Connection::default()).unwrap().cluster;
    assert_eq!(cluster.insecure_skip_tls_verify, Some(true));
    assert_eq!(cluster.certificate_authority, None);
}

#[test]
fn what_a_kubeconfig_lacks_or_damages_is_told_with_what_it_has() {
    let table = [
        (
            "user: admin}}\n  - {name: two",
            "user: boss}}\n  - {name: two",
            "it has no user \"boss\" for context \"one\"; it has admin",
        ),
        (
            "cluster: one, user",
            "cluster: zero, user",
            "it has no cluster \"zero\" for context \"one\"; it has one, two",
        ),
        (
            "{server: \"https://one:6443\"}",
            "{server: a, certificate-authority-data: \"%%\"}",
            "certificate-authority-data of \"one\" is not base64",
        ),
        (
            "{token: from-the-file}",
            "{client-certificate-data: \"%%\", client-key-data: aGVsbG8=}",
            "client-certificate-data of \"admin\" is not base64",
        ),
        (
            "{token: from-the-file}",
            "{client-certificate-data: aGVsbG8=, client-key-data: \"hush%\"}",
            "client-key-data of \"admin\" is not base64",
        ),
    ];
    for (from, to, expected) in table {
        let mut scene = Scene::new();
        std::fs::write(scene.file.path(), KUBECONFIG.replacen(from, to, 1)).unwrap();
        scene.set("KUBE_CONFIG_PATH", &scene.path());
        let error = scene.resolve(&Connection::default()).unwrap_err();
        let path = scene.path();
        assert_eq!(
            error.to_string(),
            format!("reading kubeconfig {path}: {expected}")
        );
    }
}

#[test]
fn a_user_that_the_kubeconfig_lacks_is_not_missed_where_arguments_say_who_we_are() {
    let mut scene = Scene::new();
    std::fs::write(
        scene.file.path(),
        KUBECONFIG.replace("name: admin", "name: boss"),
    )
    .unwrap();
    scene.set("KUBE_CONFIG_PATH", &scene.path());
    assert!(scene.resolve(&Connection::default()).is_err());
    scene.set("KUBE_TOKEN", "t");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(token(&resolved), Some("t"));
}

#[test]
fn a_pod_finds_its_own_cluster_where_nothing_else_names_one() {
    let mut scene = Scene::new();
    let directory = tempfile::tempdir().unwrap();
    scene.settings.service_account.directory = directory.path().to_owned();
    scene.set("KUBERNETES_SERVICE_HOST", "fd00::1");
    scene.set("KUBERNETES_SERVICE_PORT", "443");
    let without_a_token = scene.resolve(&Connection::default());
    assert!(matches!(without_a_token, Err(Error::NotConfigured)));

    std::fs::write(directory.path().join("token"), "t").unwrap();
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(resolved.server(), "https://[fd00::1]");
    assert!(resolved.token_file().unwrap().ends_with("/token"));

    scene.set("KUBE_TOKEN", "explicit");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(
        (resolved.token_file(), token(&resolved)),
        (None, Some("explicit"))
    );

    scene.set("KUBE_HOST", "https://one");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(resolved.server(), "https://one");
}

#[test]
fn a_kubeconfig_that_names_no_server_is_told_also_in_a_pod_and_completed_by_arguments() {
    let table = [
        (
            "server: \"https://one:6443\"",
            "",
            "its cluster \"one\" has no server",
        ),
        (
            "current-context: one",
            "",
            "it has no current context, and none is chosen by config_context; it has one, two",
        ),
    ];
    for (from, to, expected) in table {
        let mut scene = Scene::new();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("token"), "t").unwrap();
        scene.settings.service_account.directory = directory.path().to_owned();
        scene.set("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        scene.set("KUBERNETES_SERVICE_PORT", "443");
        std::fs::write(scene.file.path(), KUBECONFIG.replacen(from, to, 1)).unwrap();
        scene.set("KUBE_CONFIG_PATH", &scene.path());
        let own = Connection {
            config_path: Some(scene.path()),
            ..Connection::default()
        };
        for connection in [Connection::default(), own] {
            let error = scene.resolve(&connection).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
        scene.set("KUBE_HOST", "https://named");
        let resolved = scene.resolve(&Connection::default()).unwrap();
        assert_eq!(resolved.server(), "https://named");
    }
}

#[test]
fn a_kubeconfig_without_a_context_is_completed_by_a_cluster_and_a_user_of_it() {
    let mut scene = Scene::new();
    let text = KUBECONFIG.replacen("current-context: one", "", 1);
    std::fs::write(scene.file.path(), text).unwrap();
    scene.set("KUBE_CONFIG_PATH", &scene.path());
    scene.set("KUBE_CTX_CLUSTER", "two");
    scene.set("KUBE_CTX_AUTH_INFO", "admin");
    let resolved = scene.resolve(&Connection::default()).unwrap();
    assert_eq!(resolved.server(), "https://two:6443");
    assert_eq!(token(&resolved), Some("from-the-file"));
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    for host in ["https://me:hunter2@one:6443", "https://me:hunter2@:x"] {
        let mut scene = Scene::new();
        scene.set("KUBE_HOST", host);
        let error = scene.resolve(&Connection::default()).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("kubernetes.password"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn connections_that_come_to_the_same_have_one_fingerprint() {
    let mut scene = Scene::new();
    let own = |context: Option<&str>| Connection {
        config_path: Some(scene.path()),
        config_context: context.map(str::to_owned),
        ..Connection::default()
    };
    let print = |scene: &Scene, connection| scene.resolve(&connection).unwrap().fingerprint();
    let (plain, one, two) = (own(None), own(Some("one")), own(Some("two")));
    assert_eq!(print(&scene, plain.clone()), print(&scene, one));
    assert_ne!(print(&scene, plain.clone()), print(&scene, two));
    for (from, to) in [
        ("token: from-the-file", "token: another"),
        ("token: from-the-file", "username: me, password: a"),
        ("token: from-the-file", "username: me, password: b"),
        ("token: from-the-file", "tokenFile: /t"),
    ] {
        let before = print(&scene, plain.clone());
        std::fs::write(scene.file.path(), KUBECONFIG.replacen(from, to, 1)).unwrap();
        assert_ne!(print(&scene, plain.clone()), before, "{to}");
    }
    let before = print(&scene, plain.clone());
    scene.set("HTTPS_PROXY", "http://p:3128");
    assert_ne!(print(&scene, plain), before);
}

#[test]
fn a_program_is_not_run_where_a_token_is_there() {
    let resolved = Resolved {
        user: AuthInfo {
            token: Some("t".to_owned().into()),
            exec: Some(ExecConfig::default()),
            ..AuthInfo::default()
        },
        ..Resolved::default()
    };
    assert!(resolved.program().unwrap().is_none());
}
