//! The plugin as a process: what Terraform sees of it before, during and after its calls.

#![cfg(test)]
#![cfg(unix)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_ako::plugin::proto::go_plugin::Empty;
use terraform_provider_ako::plugin::proto::go_plugin::grpc_controller_client::GrpcControllerClient;
use terraform_provider_ako::plugin::proto::provider_client::ProviderClient;
use terraform_provider_ako::plugin::proto::{
    DynamicValue, RawState, ServerCapabilities, diagnostic, get_provider_schema,
    get_resource_identity_schemas, stop_provider, upgrade_resource_state, validate_provider_config,
};
use tokio_rustls::TlsConnector;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

const PROGRAM: &str = env!("CARGO_BIN_EXE_terraform-provider-ako");
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

#[test]
fn run_by_hand_it_says_that_it_is_a_plugin_and_fails() {
    let output = program().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = text(&output.stderr);
    assert!(said.contains("plugin"), "{said}");
    assert!(said.contains("dev_overrides"), "{said}");
}

#[test]
fn it_says_its_version() {
    let output = program().arg("--version").output().unwrap();
    assert!(output.status.success());
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text(&output.stdout),
        format!("terraform-provider-ako {version}\n")
    );
}

#[test]
fn a_terraform_of_another_protocol_is_told_so() {
    let output = offered("5").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = text(&output.stderr);
    assert!(
        said.contains("version 6") && said.contains("offers 5"),
        "{said}"
    );
}

#[test]
fn a_client_certificate_that_is_none_is_an_error() {
    let output = offered("6")
        .env("PLUGIN_CLIENT_CERT", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("PLUGIN_CLIENT_CERT"));
}

#[test]
fn only_the_user_reaches_the_socket() {
    let plugin = Plugin::start(Some(&Identity::new()));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&plugin.socket), 0o600);
    assert_eq!(mode(plugin.directory()), 0o700);
}

#[tokio::test]
async fn terraform_is_answered() {
    let terraform = Identity::new();
    let plugin = Plugin::start(Some(&terraform));
    let schema = schema(plugin.connect(Some(&terraform)).await.unwrap())
        .await
        .unwrap();
    assert!(schema.provider.is_some());
    assert!(schema.diagnostics.is_empty());
    // What is declared beyond this would be called.
    assert_eq!(
        schema.server_capabilities,
        Some(ServerCapabilities {
            get_provider_schema_optional: true,
            ..ServerCapabilities::default()
        })
    );
}

#[tokio::test]
async fn whoever_lacks_terraforms_certificate_is_refused_and_terraform_is_still_answered() {
    let terraform = Identity::new();
    let plugin = Plugin::start(Some(&terraform));
    for stranger in [None, Some(&Identity::new())] {
        // TLS 1.3 lets a client believe that it is connected until it reads.
        if let Ok(channel) = plugin.connect(stranger).await {
            assert!(schema(channel).await.is_err());
        }
    }
    let channel = plugin.connect(Some(&terraform)).await.unwrap();
    assert!(schema(channel).await.is_ok());
}

#[tokio::test]
async fn without_tls_the_socket_alone_protects() {
    let plugin = Plugin::start(None);
    assert!(plugin.certificate.is_empty());
    assert!(schema(plugin.connect(None).await.unwrap()).await.is_ok());
}

#[tokio::test]
async fn it_leaves_on_shutdown_and_takes_its_socket_with_it() {
    let terraform = Identity::new();
    let plugin = Plugin::start(Some(&terraform));
    let directory = plugin.directory().to_owned();
    let channel = plugin.connect(Some(&terraform)).await.unwrap();
    shut_down(channel).await;
    assert!(plugin.ended().success());
    assert!(!directory.exists());
}

#[tokio::test]
async fn it_lives_through_what_a_terminal_sends_to_terraform_as_well() {
    let terraform = Identity::new();
    let plugin = Plugin::start(Some(&terraform));
    plugin.signal("INT");
    plugin.signal("HUP");
    let channel = plugin.connect(Some(&terraform)).await.unwrap();
    assert!(schema(channel.clone()).await.is_ok());
    shut_down(channel).await;
    assert!(plugin.ended().success());
}

#[test]
fn a_request_to_terminate_ends_it_in_good_order() {
    let plugin = Plugin::start(Some(&Identity::new()));
    let directory = plugin.directory().to_owned();
    plugin.signal("TERM");
    assert!(plugin.ended().success());
    assert!(!directory.exists());
}

#[test]
fn it_does_not_outlive_a_killed_terraform_for_long() {
    // The shell stands for Terraform: it waits for the plugin and is killed.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#""$0" & wait"#, PROGRAM]);
    let mut plugin = Plugin::read(set_offer(&mut shell, "6"));
    let directory = plugin.directory().to_owned();
    assert!(directory.exists());
    plugin.child.kill().unwrap();
    // Its end of the pipe closes when the orphan ends.
    let (sender, ended) = std::sync::mpsc::channel();
    let mut stdout = plugin.take_stdout();
    std::thread::spawn(move || sender.send(stdout.read_to_end(&mut Vec::new())));
    let ended = ended.recv_timeout(Duration::from_secs(10));
    assert!(ended.is_ok(), "it still runs");
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_hundred_connections_of_garbage_and_a_hundred_silent_ones_hold_up_nobody() {
    let terraform = Identity::new();
    let plugin = Plugin::start(Some(&terraform));
    let strangers: Vec<UnixStream> = (0..200)
        .map(|_| UnixStream::connect(&plugin.socket).unwrap())
        .collect();
    for mut stranger in strangers.iter().take(100) {
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    }
    let answered = tokio::time::timeout(Duration::from_secs(5), async {
        schema(plugin.connect(Some(&terraform)).await.unwrap()).await
    });
    assert!(answered.await.unwrap().is_ok());
    drop(strangers);
}

#[tokio::test]
async fn it_goes_on_serving_after_a_stop() {
    let plugin = Plugin::start(None);
    let channel = plugin.connect(None).await.unwrap();
    let request = stop_provider::Request {};
    let answer = ProviderClient::new(channel.clone())
        .stop_provider(request)
        .await
        .unwrap();
    assert_eq!(answer.into_inner().error, "");
    assert!(schema(channel).await.is_ok());
}

#[tokio::test]
async fn a_call_that_is_not_served_says_unimplemented() {
    let plugin = Plugin::start(None);
    let mut provider = ProviderClient::new(plugin.connect(None).await.unwrap());
    let request = get_resource_identity_schemas::Request {};
    let refusal = provider
        .get_resource_identity_schemas(request)
        .await
        .unwrap_err();
    assert_eq!(refusal.code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_state_larger_than_grpcs_own_limit_arrives() {
    let plugin = Plugin::start(None);
    let mut provider = ProviderClient::new(plugin.connect(None).await.unwrap());
    let state = format!("{{\"name\":\"{}\"}}", "x".repeat(6 << 20));
    let request = upgrade_resource_state::Request {
        type_name: "ako_no_such_resource".to_owned(),
        version: 0,
        raw_state: Some(RawState {
            json: state.into_bytes(),
            ..RawState::default()
        }),
    };
    let answer = provider
        .upgrade_resource_state(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.diagnostics.len(), 1);
    assert!(
        answer.diagnostics[0]
            .summary
            .contains("ako_no_such_resource")
    );
}

#[tokio::test]
async fn bytes_that_are_no_configuration_are_a_diagnostic() {
    let plugin = Plugin::start(None);
    let mut provider = ProviderClient::new(plugin.connect(None).await.unwrap());
    for hostile in [&b"\xdf\xff\xff\xff\xff"[..], b"\xc1", &[0x91; 100_000]] {
        let request = validate_provider_config::Request {
            config: Some(DynamicValue {
                msgpack: hostile.to_vec(),
                ..DynamicValue::default()
            }),
        };
        let answer = provider
            .validate_provider_config(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            answer.diagnostics[0].severity(),
            diagnostic::Severity::Error
        );
    }
}

#[tokio::test]
async fn logs_are_lines_of_json_whose_fields_are_all_strings() {
    let terraform = Identity::new();
    let mut command = offered("6");
    command
        .env("TF_LOG_PROVIDER", "debug")
        .stderr(Stdio::piped());
    command.env("PLUGIN_CLIENT_CERT", terraform.cert.pem());
    let mut plugin = Plugin::read(&mut command);
    let mut stderr = plugin.child.stderr.take().unwrap();
    let channel = plugin.connect(Some(&terraform)).await.unwrap();
    schema(channel.clone()).await.unwrap();
    shut_down(channel).await;
    assert!(plugin.ended().success());

    let mut lines = String::new();
    stderr.read_to_string(&mut lines).unwrap();
    let mut rpcs = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        assert!(line.values().all(serde_json::Value::is_string), "{line:?}");
        assert!(line.contains_key("@message") && line.contains_key("@timestamp"));
        rpcs.extend(
            line.get("tf_rpc")
                .map(|rpc| rpc.as_str().unwrap().to_owned()),
        );
    }
    assert!(rpcs.contains(&"GetProviderSchema".to_owned()), "{lines}");
}

#[tokio::test]
async fn a_developer_starts_it_alone_and_ends_it_with_ctrl_c() {
    let mut child = program()
        .arg("-debug")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("TF_REATTACH_PROVIDERS") {
        assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let json = said.split('\'').nth(1).unwrap();
    let reattach: serde_json::Value = serde_json::from_str(json).unwrap();
    let provider = &reattach["registry.terraform.io/ako-azure/ako"];
    assert_eq!(provider["Pid"], child.id());

    let socket = PathBuf::from(provider["Addr"]["String"].as_str().unwrap());
    let mut plugin = Plugin {
        child,
        stdout: Some(stdout),
        socket,
        certificate: String::new(),
    };
    assert!(schema(plugin.connect(None).await.unwrap()).await.is_ok());
    plugin.signal("INT");
    assert!(plugin.child.wait().unwrap().success());
    assert!(!plugin.directory().exists());
}

/// The program in an environment that Terraform has not touched.
fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    for variable in [
        "TF_LOG",
        "TF_LOG_PROVIDER",
        "TF_LOG_PROVIDER_AKO",
        "TF_PLUGIN_MAGIC_COOKIE",
    ] {
        command.env_remove(variable);
    }
    command
}

/// The program as a Terraform that speaks these versions starts it, without TLS.
fn offered(versions: &str) -> Command {
    let mut command = program();
    set_offer(&mut command, versions);
    command
}

fn set_offer<'a>(command: &'a mut Command, versions: &str) -> &'a mut Command {
    command
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", versions)
        .env_remove("PLUGIN_CLIENT_CERT")
}

/// A running plugin; dropping it kills it.
struct Plugin {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    socket: PathBuf,
    certificate: String,
}

impl Plugin {
    /// Started by the Terraform with this identity, or by one without TLS.
    fn start(terraform: Option<&Identity>) -> Plugin {
        let mut command = offered("5,6");
        if let Some(terraform) = terraform {
            command.env("PLUGIN_CLIENT_CERT", terraform.cert.pem());
        }
        Plugin::read(&mut command)
    }

    /// Started by this command, and its line read.
    fn read(command: &mut Command) -> Plugin {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let fields: Vec<&str> = line.trim_end().split('|').collect();
        let ["1", "6", "unix", socket, "grpc", certificate] = fields[..] else {
            panic!("unexpected line {line:?}");
        };
        Plugin {
            child,
            stdout: Some(stdout),
            socket: PathBuf::from(socket),
            certificate: certificate.to_owned(),
        }
    }

    fn take_stdout(&mut self) -> BufReader<ChildStdout> {
        self.stdout.take().unwrap()
    }

    fn directory(&self) -> &Path {
        self.socket.parent().unwrap()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for its own end.
    fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// A channel as `client` opens it, with TLS where the plugin has some.
    async fn connect(&self, client: Option<&Identity>) -> Result<Channel, tonic::transport::Error> {
        let tls = (!self.certificate.is_empty()).then(|| {
            let certificate = BASE64_STANDARD_NO_PAD.decode(&self.certificate).unwrap();
            TlsConnector::from(Arc::new(client_config(certificate.into(), client)))
        });
        let socket = self.socket.clone();
        let connector = tower::service_fn(move |_| {
            let (socket, tls) = (socket.clone(), tls.clone());
            async move {
                let stream = tokio::net::UnixStream::connect(socket).await?;
                let stream: Box<dyn Stream> = match tls {
                    None => Box::new(stream),
                    Some(tls) => {
                        let name = ServerName::try_from("localhost").unwrap();
                        Box::new(tls.connect(name, stream).await?)
                    }
                };
                Ok::<_, std::io::Error>(TokioIo::new(stream))
            }
        });
        Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(self.directory());
    }
}

trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send {}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Stream for S {}

async fn schema(channel: Channel) -> Result<get_provider_schema::Response, tonic::Status> {
    let request = get_provider_schema::Request {};
    let answer = ProviderClient::new(channel)
        .get_provider_schema(request)
        .await?;
    Ok(answer.into_inner())
}

async fn shut_down(channel: Channel) {
    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Key and certificate as Terraform makes its own: a self-signed authority on P-521.
struct Identity {
    cert: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl Identity {
    fn new() -> Identity {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let cert = parameters.self_signed(&key).unwrap();
        Identity { cert, key }
    }
}

fn client_config(server: CertificateDer<'static>, client: Option<&Identity>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PinnedServer(server)));
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let key = PrivatePkcs8KeyDer::from(client.key.serialize_der());
            let chain = vec![client.cert.der().clone()];
            builder.with_client_auth_cert(chain, key.into()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// The server whose certificate stands in the handshake line.
#[derive(Debug)]
struct PinnedServer(CertificateDer<'static>);

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        assert_eq!(end_entity, &self.0);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
