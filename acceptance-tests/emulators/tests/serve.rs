//! `ako-lab serve` as its users start it: what it prints and writes, what it is told, how it ends.

#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use ako_lab::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

#[test]
fn one_line_of_json_tells_clients_everything_and_the_file_holds_the_same() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("lab.json");
    let lab = Serving::start(&["--json", &file.display().to_string()]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lab.line);

    let told: Value = serde_json::from_str(&lab.line).unwrap();
    assert_eq!(
        members(&told),
        ["avi", "azure", "ca_certificate", "control", "kubernetes"]
    );
    let avi = [
        "controller",
        "password",
        "principal",
        "tenant",
        "username",
        "version",
    ];
    assert_eq!(members(&told["avi"]), avi);
    let azure = [
        "authority_host",
        "client_id",
        "client_secret",
        "metadata_host",
        "resource_group",
        "resource_manager_endpoint",
        "sign_in",
        "subscription_id",
        "tenant_id",
        "virtual_network_id",
    ];
    assert_eq!(members(&told["azure"]), azure);
    let certificate = told["azure"]["sign_in"]["client_certificate"].as_str();
    assert!(Path::new(certificate.unwrap()).is_file());
    let names: Vec<&Value> = (0..2).map(|n| &told["kubernetes"][n]["name"]).collect();
    assert_eq!(names, ["cluster1", "cluster2"]);
    assert!(lab.connection().kubernetes[1].kubeconfig.is_file());
}

#[test]
fn a_shell_that_sources_the_environment_finds_the_lab() {
    let lab = Serving::start(&[]);
    let script = ". \"$1\" && printf %s \"$ARM_METADATA_HOSTNAME $ARM_CLIENT_SECRET $AVI_CONTROLLER $SSL_CERT_FILE\"";
    let file = lab.directory().join("lab.env");
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", script, "sh"]).arg(file).output().unwrap();
    let said = String::from_utf8(shell.stdout).unwrap();
    let connection = lab.connection();
    let ca = connection.ca_certificate.display();
    let azure = connection.azure;
    assert_eq!(
        said,
        format!(
            "{} {} {} {ca}",
            azure.metadata_host, azure.client_secret, connection.avi.controller
        )
    );
}

#[test]
fn an_interrupt_ends_it_well_and_takes_its_directory_along() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut lab = Serving::start(&[]);
        let directory = lab.directory();
        assert!(directory.join("lab.env").is_file());
        kill_process(Pid::from_child(&lab.child), signal).unwrap();
        assert!(lab.child.wait().unwrap().success());
        assert!(!directory.exists());
    }
}

#[tokio::test]
async fn the_options_reach_the_lab() {
    let own = tempfile::tempdir().unwrap();
    let directory = own.path().display().to_string();
    let lab = Serving::start(&[
        "--latency",
        "1",
        "--retry-after",
        "7",
        "--nodes",
        "5",
        "--directory",
        &directory,
    ]);
    assert_eq!(lab.directory(), own.path());
    assert_eq!(lab.control("latency").await["call"]["nanos"], 1_000_000);
    assert_eq!(lab.control("settings").await["retry_after"], 7);
    let state = lab.control("state").await;
    let nodes = &state["kubernetes"][0]["nodes"];
    assert_eq!(nodes.as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn without_options_calls_take_no_time_and_ask_for_no_wait() {
    let lab = Serving::start(&[]);
    let latency = lab.control("latency").await;
    assert_eq!(latency["call"], json!({"secs": 0, "nanos": 0}));
    assert_eq!(lab.control("settings").await["retry_after"], Value::Null);
}

#[test]
fn a_seed_is_chosen_by_name_or_by_file() {
    assert!(
        Serving::start(&["--seed", "empty"])
            .connection()
            .kubernetes
            .is_empty()
    );

    let seed = tempfile::NamedTempFile::new().unwrap();
    let text = json!({
        "resource_group": "rg-own", "location": "westeurope", "virtual_network": "vnet-own",
        "clusters": [{"name": "blue"}],
    });
    std::fs::write(seed.path(), text.to_string()).unwrap();
    let lab = Serving::start(&["--seed", &seed.path().display().to_string()]);
    assert_eq!(lab.connection().azure.resource_group, "rg-own");
    assert_eq!(lab.connection().kubernetes[0].name, "blue");
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let cases = [
        (["--latency", "fast"], "\"fast\""),
        (["--retry-after", "soon"], "'soon'"),
        (["--seed", "/no/such/file"], "/no/such/file"),
    ];
    for (arguments, named) in cases {
        let Output { status, stderr, .. } = serve(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        assert!(!status.success() && said.contains(named), "{said}");
    }
}

/// A lab in a process of its own, killed when this is dropped.
struct Serving {
    child: Child,
    line: String,
}

impl Serving {
    fn start(arguments: &[&str]) -> Serving {
        let mut child = serve(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        Serving { child, line }
    }

    fn connection(&self) -> Connection {
        serde_json::from_str(&self.line).unwrap()
    }

    fn directory(&self) -> PathBuf {
        let file = self.connection().ca_certificate;
        file.parent().map(Path::to_owned).unwrap()
    }

    async fn control(&self, what: &str) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/{what}", self.connection().control);
        http.get(url).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The polite way first: it takes the directory along.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ako-lab"));
    command.arg("serve").args(arguments).stderr(Stdio::piped());
    command
}

fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().collect();
    names.sort();
    names.into_iter().map(String::as_str).collect()
}
