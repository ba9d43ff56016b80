//! The section `kubernetes` of the provider block: which cluster it reaches, and by whom.

use crate::harness::Scenario;

const CONFIGURATION: &str = r#"
data "ako_cluster_nodes" "one" {}

data "ako_cluster_nodes" "again" {}

output "names" { value = keys(data.ako_cluster_nodes.one.nodes) }
"#;

/// A member of the first cluster's kubeconfig.
fn member(scenario: &Scenario, name: &str) -> String {
    let kubeconfig = &scenario.lab.connection().kubernetes[0].kubeconfig;
    let text = std::fs::read_to_string(kubeconfig).expect("the lab has written it");
    let name = format!("{name}: ");
    let mut lines = text.lines().map(str::trim_start);
    let value = lines.find_map(|line| line.strip_prefix(&name));
    value.expect("it has it").trim_matches('"').to_owned()
}

/// Arguments of the section that lead to the first cluster, with more of them.
fn configure(scenario: &Scenario, arguments: &str) {
    let server = member(scenario, "server");
    let authority = member(scenario, "certificate-authority-data");
    scenario.configure_provider(&format!(
        "kubernetes = {{\n host = \"{server}\"\n cluster_ca_certificate = base64decode(\"{authority}\")\n {arguments}\n }}"
    ));
}

#[cfg(unix)]
#[test]
fn a_program_signs_in_once_for_all_data_sources_and_its_secrets_are_never_shown() {
    let mut scenario = Scenario::new(CONFIGURATION);
    let token = member(&scenario, "token");
    let script = r#"echo run >> runs; printf '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"%s\"}}' $${TOKEN}"#;
    let exec = format!(
        "exec = {{\n api_version = \"client.authentication.k8s.io/v1\"\n command = \"sh\"\n args = [\"-c\", \"{script}\"]\n env = {{ TOKEN = \"{token}\" }}\n }}"
    );
    configure(&scenario, &exec);
    scenario
        .terraform
        .set_environment("TF_LOG_PROVIDER", "trace");
    let plan = scenario.plan();
    assert!(!plan.run.says(&token), "secrets are never shown");
    let runs = scenario.terraform.read("runs").expect("it ran");
    assert_eq!(runs, "run\n", "once for the whole plan");

    configure(&scenario, &exec.replace("printf", "exit 3; printf"));
    let run = scenario.plan_fails();
    assert!(run.says("by the program \"sh\": it failed (exit status: 3)"));
    assert!(!run.says(&token), "secrets are never shown");
}

#[test]
fn a_client_certificate_signs_in() {
    let scenario = Scenario::new(CONFIGURATION);
    let admin = scenario
        .lab
        .client_certificate("me", Some("system:masters"));
    let admin = admin.expect("the lab signs");
    scenario.write("me.pem", &admin.certificate_pem);
    scenario.write("me.key", &admin.key_pem);
    configure(
        &scenario,
        "client_certificate = file(\"me.pem\")\n client_key = file(\"me.key\")",
    );
    scenario.plan();
    configure(&scenario, "client_certificate = file(\"me.pem\")");
    let run = scenario.plan_fails();
    assert!(run.says("kubernetes.client_key is not set") && run.says("KUBE_CLIENT_KEY_DATA"));
}

#[test]
fn arguments_that_contradict_each_other_are_told_before_anybody_is_asked() {
    let mut scenario = Scenario::new(CONFIGURATION);
    configure(
        &scenario,
        "token = \"t\"\n username = \"me\"\n password = \"hush\"",
    );
    let run = scenario.plan_fails();
    assert!(run.says("kubernetes.username") && run.says("kubernetes.token"));
    configure(&scenario, "exec = { command = \"sh\" }");
    assert!(scenario.plan_fails().says("api_version"));
    configure(&scenario, "insecure = true");
    assert!(scenario.plan_fails().says("kubernetes.insecure"));
    configure(&scenario, "username = \"me\"");
    scenario.terraform.set_environment("KUBE_TOKEN", "");
    let run = scenario.plan_fails();
    assert!(run.says("kubernetes.password is not set") && run.says("KUBE_PASSWORD"));
    assert!(scenario.lab.journal().is_empty());
}

#[test]
fn an_unknown_member_of_a_program_is_named() {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.write(
        "made.tf",
        "resource \"terraform_data\" \"made\" {\n input = \"a\"\n}\n",
    );
    configure(
        &scenario,
        "exec = {\n api_version = \"client.authentication.k8s.io/v1\"\n command = \"sh\"\n env = { A = terraform_data.made.output }\n }",
    );
    let run = scenario.plan_fails();
    assert!(run.says("kubernetes.exec.env is not known yet"));
}
