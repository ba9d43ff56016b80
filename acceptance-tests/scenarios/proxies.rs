//! The way to Azure and to the clusters: proxies, exceptions from them, and whose certificates are trusted.

use ako_lab::proxy::{Conduct, Proxy};
use ako_lab::{Lab, Options};

use super::provider_block::{asked, configure_azure};
use crate::harness::Scenario;

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "se" {
  virtual_network_id = var.virtual_network_id
  name               = "snet-se"
  address_prefixes   = ["10.0.100.0/24"]
}

data "ako_cluster_nodes" "one" {
  config_path = var.kubeconfigs["cluster1"]
}

output "nodes" { value = data.ako_cluster_nodes.one.nodes }
"#;

const NODES: &str = r#"
data "ako_cluster_nodes" "one" {
  config_path = var.kubeconfigs["cluster1"]
}
"#;

/// A name that no resolver knows (RFC 6761): what reaches it has come through a proxy.
const ELSEWHERE: &str = "lab.ako.test";

/// This machine by an address that is not one of its own to the rule that keeps loopback from proxies.
const HERE: &str = "0.0.0.0";

const PASSWORD: &str = "hunter2";

fn lab_at(host: &str, configuration: &str) -> Scenario {
    let options = Options {
        host: Some(host.to_owned()),
        ..Options::default()
    };
    Scenario::with(options, configuration)
}

fn proxy(scenario: &Scenario, conduct: Conduct) -> Proxy {
    let proxy = scenario.lab.start_proxy(conduct);
    proxy.expect("a proxy can be started")
}

/// A proxy that wants a user with a password.
fn guarded(password: &str) -> Conduct {
    Conduct::Credentials {
        user: "me".to_owned(),
        password: password.to_owned(),
    }
}

/// Its URL with the credentials of that user.
fn with_password(proxy: &Proxy) -> String {
    format!("http://me:{PASSWORD}@{}", proxy.address())
}

/// The ports of Azure and of the first cluster.
fn ports(lab: &Lab) -> [String; 2] {
    let connection = lab.connection();
    let kubeconfig = std::fs::read_to_string(&connection.kubernetes[0].kubeconfig);
    let kubeconfig = kubeconfig.expect("the lab has written it");
    let server = kubeconfig.lines().find(|line| line.contains("server:"));
    let port = |text: &str| {
        let text = text.trim_end_matches('"');
        text.rsplit(':').next().unwrap_or_default().to_owned()
    };
    [
        port(&connection.azure.metadata_host),
        port(server.expect("it names a server")),
    ]
}

#[test]
fn every_request_takes_the_proxy_of_the_environment_with_its_credentials() {
    let mut scenario = lab_at(ELSEWHERE, CONFIGURATION);
    let proxy = proxy(&scenario, guarded(PASSWORD));
    let terraform = &mut scenario.terraform;
    terraform.set_environment("HTTPS_PROXY", with_password(&proxy));
    terraform.set_environment("TF_LOG_PROVIDER", "trace");
    let run = scenario.apply();
    assert!(!run.says(PASSWORD), "a password is never shown");
    for service in ["metadata", "login", "arm", "kubernetes/cluster1"] {
        assert!(asked(&scenario, service) > 0, "{service} was asked");
    }
    let passages = proxy.passages();
    assert!(passages.iter().all(|passage| passage.status == 200));
    for port in ports(&scenario.lab) {
        let target = format!("{ELSEWHERE}:{port}");
        assert!(passages.iter().any(|passage| passage.target == target));
    }

    let terraform = &mut scenario.terraform;
    terraform.set_environment("HTTPS_PROXY", "");
    terraform.set_environment("https_proxy", with_password(&proxy));
    scenario.assert_nothing_to_do();
    assert!(
        proxy.passages().len() > passages.len(),
        "in small letters too"
    );
}

#[test]
fn hosts_that_no_proxy_names_are_reached_without_it() {
    let mut scenario = lab_at(HERE, CONFIGURATION);
    let proxy = proxy(&scenario, Conduct::Open);
    let terraform = &mut scenario.terraform;
    terraform.set_environment("HTTPS_PROXY", proxy.url());
    terraform.set_environment("NO_PROXY", "example.com, 0.0.0.0/8");
    scenario.apply();
    assert!(asked(&scenario, "arm") > 0 && asked(&scenario, "kubernetes/cluster1") > 0);
    assert_eq!(proxy.passages(), []);
    scenario
        .terraform
        .set_environment("NO_PROXY", "example.com");
    scenario.assert_nothing_to_do();
    let targets: Vec<_> = proxy
        .passages()
        .into_iter()
        .map(|passage| passage.target)
        .collect();
    for port in ports(&scenario.lab) {
        let target = format!("{HERE}:{port}");
        assert!(targets.contains(&target), "{target} in {targets:?}");
    }
}

#[test]
fn a_machine_is_asked_for_its_identity_without_a_proxy() {
    let mut scenario = Scenario::new(CONFIGURATION);
    let proxy = proxy(&scenario, Conduct::Open);
    let endpoint = &scenario.lab.connection().azure.sign_in.msi_endpoint;
    let endpoint = endpoint.replace("127.0.0.1", HERE);
    assert!(endpoint.contains(HERE), "{endpoint}");
    let terraform = &mut scenario.terraform;
    for name in ["ARM_CLIENT_ID", "ARM_CLIENT_SECRET"] {
        terraform.set_environment(name, "");
    }
    terraform.set_environment("ARM_USE_MSI", "true");
    terraform.set_environment("ARM_MSI_ENDPOINT", endpoint);
    terraform.set_environment("HTTP_PROXY", proxy.url());
    scenario.apply();
    assert!(asked(&scenario, "identity") > 0);
    assert_eq!(proxy.passages(), []);
}

#[test]
fn a_proxy_that_refuses_is_named_without_its_credentials() {
    let mut scenario = lab_at(ELSEWHERE, CONFIGURATION);
    let proxy = proxy(&scenario, guarded("another"));
    // Without a metadata host the login service is the first that is asked.
    configure_azure(
        &scenario,
        "environment = \"custom\"\n resource_manager_endpoint = \"{endpoint}\"\n resource_manager_audience = \"{endpoint}\"\n active_directory_authority_host = \"{authority}\"",
    );
    let terraform = &mut scenario.terraform;
    terraform.set_environment("ARM_METADATA_HOSTNAME", "");
    terraform.set_environment("HTTPS_PROXY", with_password(&proxy));
    let run = scenario.plan_fails();
    let named = format!("through the proxy {}, which HTTPS_PROXY names", proxy.url());
    let errors: Vec<_> = run.errors().collect();
    assert_eq!(errors.len(), 2, "of Azure and of the cluster");
    for error in errors {
        assert!(error.detail.contains(&named), "{}", error.detail);
        assert!(error.detail.contains("NO_PROXY"), "{}", error.detail);
    }
    assert!(!run.says(PASSWORD), "a password is never shown");
    assert!(proxy.passages().iter().all(|passage| passage.status == 407));
    assert_eq!(proxy.passages().len(), 2, "nothing is asked twice");
    assert!(scenario.lab.journal().is_empty(), "nobody was reached");
}

#[test]
fn a_proxy_of_the_connection_wins_over_the_environments() {
    let mut scenario = lab_at(ELSEWHERE, NODES);
    let (general, own) = (
        proxy(&scenario, Conduct::Refuse(502)),
        proxy(&scenario, guarded(PASSWORD)),
    );
    let arguments = format!("kubernetes = {{ proxy_url = \"{}\" }}", with_password(&own));
    scenario.configure_provider(&arguments);
    let terraform = &mut scenario.terraform;
    terraform.set_environment("HTTPS_PROXY", general.url());
    terraform.set_environment("NO_PROXY", ELSEWHERE);
    scenario.plan();
    assert_eq!(general.passages(), []);
    assert!(!own.passages().is_empty());
}

#[test]
fn a_certificate_of_an_authority_that_nobody_named_is_told_with_the_variable_that_names_one() {
    let mut scenario = Scenario::new(CONFIGURATION);
    // Any certificate will do for an authority that has signed nothing here.
    let other = scenario.lab.client_certificate("other", None);
    scenario.write("other.pem", &other.expect("the lab signs").certificate_pem);
    let terraform = &mut scenario.terraform;
    terraform.set_environment("SSL_CERT_FILE", "other.pem");
    scenario.configure(&CONFIGURATION.replace(
        "config_path = var.kubeconfigs[\"cluster1\"]",
        &format!("host = \"https://{}\"", kubernetes(&scenario)),
    ));
    let run = scenario.plan_fails();
    let errors: Vec<_> = run.errors().map(|error| &error.detail).collect();
    assert_eq!(errors.len(), 2, "of Azure and of the cluster");
    assert!(
        errors.iter().all(|error| error.contains("SSL_CERT_FILE")),
        "{errors:?}"
    );
    assert!(run.says("cluster_ca_certificate") && run.says("tls_server_name"));

    scenario.write("not.pem", "hello");
    scenario
        .terraform
        .set_environment("SSL_CERT_FILE", "not.pem");
    let run = scenario.plan_fails();
    for error in run.errors() {
        let said = "SSL_CERT_FILE: cannot read certificates from not.pem";
        let said = error.detail.contains(said);
        assert!(said, "{}", error.detail);
    }
}

fn kubernetes(scenario: &Scenario) -> String {
    format!("127.0.0.1:{}", ports(&scenario.lab)[1])
}
