//! Signing in to the lab's Kubernetes API, in each way.

use super::super::{Exec, Settings};
use super::*;
use crate::clients::Setting;
use ako_lab::proxy;
use tempfile::{NamedTempFile, TempDir};

const API_VERSION: &str = "client.authentication.k8s.io/v1";

/// The lab's first cluster as arguments name it: its address and its authority, and nobody who asks.
fn cluster(lab: &Lab) -> Settings {
    let ca = std::fs::read_to_string(&lab.connection().ca_certificate).unwrap();
    let text = std::fs::read_to_string(&lab.connection().kubernetes[0].kubeconfig).unwrap();
    Settings {
        host: Setting::Known(member(&text, "server")),
        cluster_ca_certificate: Setting::Known(ca),
        ..Settings::default()
    }
}

/// The administrator's token.
fn token(lab: &Lab) -> String {
    let text = std::fs::read_to_string(&lab.connection().kubernetes[0].kubeconfig).unwrap();
    member(&text, "token")
}

fn member(kubeconfig: &str, name: &str) -> String {
    let name = format!("{name}: ");
    let mut lines = kubeconfig.lines().map(str::trim_start);
    let value = lines.find_map(|line| line.strip_prefix(&name)).unwrap();
    value.trim_matches('"').to_owned()
}

async fn nodes(clients: &Clients) -> Result<usize, Error> {
    let client = clients
        .kubernetes(&limits(), &Connection::default())
        .await?;
    Ok(client.list_nodes(&limits(), None).await?.len())
}

#[tokio::test]
async fn a_user_and_a_password_are_presented() {
    let (host, requests) = answering(NO_NODES).await;
    let who = [
        ("KUBE_HOST", host),
        ("KUBE_USER", "me".to_owned()),
        ("KUBE_PASSWORD", "hush".to_owned()),
    ];
    assert_eq!(nodes(&clients(&who)).await.unwrap(), 0);
    let request = requests.lock().unwrap()[0].to_ascii_lowercase();
    // me:hush
    assert!(
        request.contains("authorization: basic bwu6ahvzaa=="),
        "{request}"
    );
}

#[tokio::test]
async fn a_token_may_end_with_a_new_line_and_holds_none() {
    let lab = lab(1).await;
    let mut settings = cluster(&lab);
    settings.token = Setting::Known((token(&lab) + "\n").into());
    assert_eq!(
        nodes(&clients_with(settings.clone(), &[])).await.unwrap(),
        1
    );
    settings.token = Setting::Known("hunter\n2".to_owned().into());
    let error = nodes(&clients_with(settings, &[])).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("holds control characters"), "{error}");
    assert!(!error.contains("hunter"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_does_not_know_us_is_asked_once_and_told_with_what_it_wants() {
    let lab = lab(1).await;
    let guarded = proxy::Conduct::Credentials {
        user: "me".to_owned(),
        password: "a@b:c".to_owned(),
    };
    let proxy = lab.start_proxy(guarded).await.unwrap();
    let mut settings = cluster(&lab);
    settings.token = Setting::Known(token(&lab).into());
    let through = |password: &str| {
        let mut settings = settings.clone();
        let url = format!("http://me:{password}@{}", proxy.address());
        settings.proxy_url = Setting::Known(url.into());
        clients_with(settings, &[])
    };
    let error = nodes(&through("hunter2")).await.unwrap_err();
    assert!(matches!(error, Error::ProxyDenied { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("user:password@host"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(proxy.passages().len(), 1);
    assert_eq!(nodes(&through("a%40b%3Ac")).await.unwrap(), 1);
}

#[tokio::test]
async fn a_client_certificate_signs_in() {
    let lab = lab(2).await;
    let admin = lab
        .client_certificate("me", Some("system:masters"))
        .unwrap();
    let mut settings = cluster(&lab);
    assert!(nodes(&clients_with(settings.clone(), &[])).await.is_err());
    settings.client_certificate = Setting::Known(admin.certificate_pem);
    settings.client_key = Setting::Known(admin.key_pem.into());
    assert_eq!(nodes(&clients_with(settings, &[])).await.unwrap(), 2);
}

#[tokio::test]
async fn a_name_for_the_certificate_or_no_check_of_it_reaches_a_server_by_another_address() {
    let lab = lab(2).await;
    let mut settings = cluster(&lab);
    settings.token = Setting::Known(token(&lab).into());
    settings.tls_server_name = Setting::Known("elsewhere".to_owned());
    let error = nodes(&clients_with(settings.clone(), &[])).await;
    assert!(matches!(error, Err(Error::Untrusted { .. })), "{error:?}");
    settings.tls_server_name = Setting::Known("localhost".to_owned());
    assert_eq!(
        nodes(&clients_with(settings.clone(), &[])).await.unwrap(),
        2
    );
    settings.tls_server_name = Setting::Unset;
    settings.cluster_ca_certificate = Setting::Unset;
    settings.insecure = Setting::Known(true);
    assert_eq!(nodes(&clients_with(settings, &[])).await.unwrap(), 2);
}

#[tokio::test]
async fn a_pod_reads_its_token_anew_for_each_call() {
    let lab = lab(2).await;
    let named = cluster(&lab);
    let Setting::Known(server) = &named.host else {
        unreachable!()
    };
    let port = server.rsplit(':').next().unwrap();
    let directory = TempDir::new().unwrap();
    std::fs::copy(
        &lab.connection().ca_certificate,
        directory.path().join("ca.crt"),
    )
    .unwrap();
    std::fs::write(directory.path().join("token"), "outdated\n").unwrap();
    let mut settings = Settings::default();
    settings.service_account.directory = directory.path().to_owned();
    let inside = [
        ("KUBERNETES_SERVICE_HOST", "127.0.0.1".to_owned()),
        ("KUBERNETES_SERVICE_PORT", port.to_owned()),
    ];
    let clients = clients_with(settings, &inside);
    let outdated = nodes(&clients).await;
    assert!(
        matches!(outdated, Err(Error::Unauthorized { .. })),
        "{outdated:?}"
    );
    std::fs::write(directory.path().join("token"), token(&lab) + "\n").unwrap();
    assert_eq!(nodes(&clients).await.unwrap(), 2);
}

#[tokio::test]
async fn a_file_that_holds_no_certificates_is_told_by_its_variable() {
    let lab = lab(1).await;
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hello").unwrap();
    let path = file.path().display().to_string();
    let mut settings = cluster(&lab);
    settings.cluster_ca_certificate = Setting::Unset;
    let clients = clients_with(settings, &[("SSL_CERT_FILE", path.clone())]);
    let error = nodes(&clients).await.unwrap_err().to_string();
    assert!(
        error.starts_with("SSL_CERT_FILE: ") && error.contains(&path),
        "{error}"
    );
}

#[cfg(unix)]
mod programs {
    use super::*;
    use std::path::Path;

    /// A program that notes each of its runs in a file and then does what `script` says.
    struct Program {
        runs: NamedTempFile,
        exec: Exec,
    }

    impl Program {
        fn new(script: &str, env: &[(&str, &str)]) -> Program {
            let runs = NamedTempFile::new().unwrap();
            let script = format!("echo >> '{}'; {script}", runs.path().display());
            let args = ["-c".to_owned(), script];
            let env = env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned().into()));
            let exec = Exec {
                api_version: Setting::Known(API_VERSION.to_owned()),
                command: Setting::Known("sh".to_owned()),
                args: Setting::Known(args.map(Into::into).into()),
                env: Setting::Known(env.collect()),
            };
            Program { runs, exec }
        }

        /// A program that gives this status of an `ExecCredential`.
        fn giving(status: &serde_json::Value) -> Program {
            let credential =
                json!({"apiVersion": API_VERSION, "kind": "ExecCredential", "status": status});
            let env = [("CREDENTIAL", credential.to_string())];
            Program::new("printf '%s' \"$CREDENTIAL\"", &[(env[0].0, &env[0].1)])
        }

        fn runs(&self) -> usize {
            std::fs::read(self.runs.path()).unwrap().len()
        }

        fn clients(&self, lab: &Lab) -> Clients {
            let settings = Settings {
                exec: Setting::Known(self.exec.clone()),
                ..cluster(lab)
            };
            clients_with(settings, &[])
        }
    }

    #[tokio::test]
    async fn a_program_runs_once_for_all_who_read_through_its_connection() {
        let lab = lab(2).await;
        let program = Program::giving(&json!({"token": token(&lab)}));
        let clients = program.clients(&lab);
        let (one, other) = tokio::join!(nodes(&clients), nodes(&clients));
        assert_eq!((one.unwrap(), other.unwrap()), (2, 2));
        assert_eq!(nodes(&clients).await.unwrap(), 2);
        assert_eq!(program.runs(), 1);
    }

    #[tokio::test]
    async fn a_program_may_give_a_client_certificate() {
        let lab = lab(2).await;
        let admin = lab
            .client_certificate("me", Some("system:masters"))
            .unwrap();
        let program = Program::giving(&json!({
            "clientCertificateData": admin.certificate_pem, "clientKeyData": admin.key_pem,
        }));
        assert_eq!(nodes(&program.clients(&lab)).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_credential_that_ends_is_asked_for_again() {
        let lab = lab(1).await;
        let ended = json!({"token": token(&lab), "expirationTimestamp": "2020-01-01T00:00:00Z"});
        let lasting = json!({"token": token(&lab), "expirationTimestamp": "2120-01-01T00:00:00Z"});
        let ended = Program::giving(&ended);
        let clients = ended.clients(&lab);
        nodes(&clients).await.unwrap();
        let first = ended.runs();
        nodes(&clients).await.unwrap();
        assert!(ended.runs() > first);
        let lasting = Program::giving(&lasting);
        let clients = lasting.clients(&lab);
        nodes(&clients).await.unwrap();
        nodes(&clients).await.unwrap();
        assert_eq!(lasting.runs(), 1);
    }

    #[tokio::test]
    async fn a_credential_that_the_server_no_longer_accepts_is_asked_for_again_once() {
        let lab = lab(2).await;
        let program = Program::giving(&json!({"token": token(&lab)}));
        let clients = program.clients(&lab);
        nodes(&clients).await.unwrap();
        let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 401,
            "reason": "Unauthorized", "message": "Unauthorized"});
        let refusal = Fault::on("GET", NODES, Action::respond(401, refusal));
        lab.add_fault(refusal.clone());
        assert_eq!(nodes(&clients).await.unwrap(), 2);
        assert_eq!(program.runs(), 2);

        lab.add_fault(refusal.always());
        let refused = nodes(&clients).await;
        assert!(
            matches!(refused, Err(Error::Unauthorized { .. })),
            "{refused:?}"
        );
        assert_eq!(program.runs(), 3);
    }

    #[tokio::test]
    async fn a_program_of_the_kubeconfig_is_told_about_the_cluster_where_it_wants_to_be() {
        let lab = lab(1).await;
        let text = std::fs::read_to_string(&lab.connection().kubernetes[0].kubeconfig).unwrap();
        let asked = NamedTempFile::new().unwrap();
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with("token: "));
        let script = format!(
            "printf '%s' \"$KUBERNETES_EXEC_INFO\" > '{}'; printf '%s' \"$CREDENTIAL\"",
            asked.path().display()
        );
        let credential = json!({"apiVersion": API_VERSION, "kind": "ExecCredential",
            "status": {"token": token(&lab)}});
        let exec = json!({"apiVersion": API_VERSION, "command": "sh", "args": ["-c", script],
            "provideClusterInfo": true, "interactiveMode": "IfAvailable",
            "env": [{"name": "CREDENTIAL", "value": credential.to_string()}]});
        let text = text.replacen(line.unwrap(), &format!("    exec: {exec}"), 1);
        let proxy = lab.start_proxy(proxy::Conduct::Open).await.unwrap();
        let through = format!("    proxy-url: {}\n    server: ", proxy.url());
        let text = text.replacen("    server: ", &through, 1);
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().display().to_string();
        assert_eq!(
            nodes(&clients(&[("KUBE_CONFIG_PATH", path)]))
                .await
                .unwrap(),
            1
        );
        let asked: serde_json::Value =
            serde_json::from_slice(&std::fs::read(asked.path()).unwrap()).unwrap();
        assert_eq!(asked["spec"]["interactive"], false);
        let server = asked["spec"]["cluster"]["server"].as_str().unwrap();
        assert!(server.starts_with("https://127.0.0.1:"), "{asked}");
        assert!(asked["spec"]["cluster"]["certificate-authority-data"].is_string());
        let told = asked["spec"]["cluster"]["proxy-url"].as_str().unwrap();
        assert_eq!(told.trim_end_matches('/'), proxy.url());
    }

    #[tokio::test]
    async fn what_a_program_does_wrong_is_told_without_its_secrets() {
        let lab = lab(1).await;
        let v1 = format!(r#"{{"apiVersion": "{API_VERSION}", "status": "#);
        let table = [
            (
                "echo hunter2; echo hunter2 >&2; exit 3".to_owned(),
                "it failed (exit status: 3)",
            ),
            (
                "exec yes hunter2".to_owned(),
                "it prints more than a credential has",
            ),
            (
                "echo '{\"apiVersion\": [\"hunter2\"]}'".to_owned(),
                "no ExecCredential in JSON",
            ),
            (
                "echo '{\"apiVersion\": \"hunter2\"}'".to_owned(),
                "answered in another one",
            ),
            (
                format!("echo '{v1} {{}}}}'"),
                "neither a token nor a certificate",
            ),
            (
                format!("echo '{v1} {{\"clientKeyData\": \"hunter2\"}}}}'"),
                "without a key, or a key alone",
            ),
            (
                format!(
                    "echo '{v1} {{\"token\": \"hunter2\", \"expirationTimestamp\": \"hunter2\"}}}}'"
                ),
                "is no time",
            ),
        ];
        for (script, expected) in table {
            let program = Program::new(&script, &[("SECRET", "hunter2")]);
            let error = nodes(&program.clients(&lab)).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(expected), "{script}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        let mut absent = Program::new("", &[]);
        absent.exec.command = Setting::Known("/nowhere/kubelogin".to_owned());
        let error = nodes(&absent.clients(&lab)).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "signing in to the cluster by the program \"/nowhere/kubelogin\": it is not there, or not on the PATH"
        );
    }

    #[tokio::test]
    async fn an_interrupt_ends_a_program_that_takes_its_time() {
        let lab = lab(1).await;
        let directory = TempDir::new().unwrap();
        let (begun, done) = (
            directory.path().join("begun"),
            directory.path().join("done"),
        );
        // It ends with the directory, and some time later should this test be killed.
        let script = format!(
            "touch '{}'; for i in $(seq 200); do [ -e '{}' ] || exit 1; sleep 0.05; done; touch '{}'",
            begun.display(),
            directory.path().display(),
            done.display()
        );
        let program = Program::new(&script, &[]);
        let (clients, limits) = (program.clients(&lab), limits());
        let connection = Connection::default();
        let (outcome, ()) = tokio::join!(clients.kubernetes(&limits, &connection), async {
            wait_for(&begun).await;
            limits.stop.cancel();
        });
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "signing in to the cluster by the program \"sh\", which has not ended: stopped by an interrupt"
        );
        assert!(!done.exists());
    }

    async fn wait_for(file: &Path) {
        while !file.exists() {
            tokio::task::yield_now().await;
        }
    }
}
