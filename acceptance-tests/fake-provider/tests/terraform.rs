//! What the real terraform makes of the plugin and framework layers.

#![cfg(test)]

use ako_lab::terraform::{Action, Error, Run, Workspace};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const ADDRESS: &str = "fake_thing.it";

#[test]
fn core_takes_every_shape_of_a_value_and_the_second_plan_is_empty() {
    let terraform = workspace(
        r#"
        flag    = true
        numbers = [0.1, 1.5, -3]
        large   = 18446744073709551615
        words   = ["b", "a"]
        tags    = {}
        address = "Fd00::A"
        one      = { text = "1" }
        in_order = [{ text = "2" }, { text = "1" }]
        as_set   = [{ text = "2" }, { text = "1" }]
        by_key   = { k = { text = "1" } }
        timeouts { create = "1m" }
        "#,
    );
    terraform.apply(&[]).unwrap_or_else(fail);
    let thing = state(&terraform);
    assert_eq!(thing["numbers"], json!([0.1, 1.5, -3]));
    assert_eq!(thing["large"], json!(u64::MAX));
    assert_eq!(
        (&thing["words"], &thing["tags"]),
        (&json!(["a", "b"]), &json!({}))
    );
    assert_eq!(thing["address"], "Fd00::A");
    assert_eq!(thing["in_order"][0]["id"], "id of 2");
    assert_eq!(thing["as_set"].as_array().unwrap().len(), 2);
    assert_eq!(thing["by_key"]["k"]["id"], "id of 1");
    assert_eq!(thing["size"], 3);
    assert!(terraform.plan(&[]).unwrap_or_else(fail).is_empty());
}

#[test]
fn a_secret_reaches_the_provider_and_none_of_terraforms_files_and_logs() {
    let mut terraform = workspace(r#"secret = "hunter2""#);
    terraform.set_environment("TF_LOG_PROVIDER", "trace");
    let plan = terraform.plan(&[]).unwrap_or_else(fail);
    let planned = terraform
        .json(&["show", "-json", "saved.tfplan"])
        .unwrap_or_else(fail);
    assert_eq!(
        planned["planned_values"]
            .to_string()
            .matches("hunter2")
            .count(),
        0
    );
    assert_eq!(
        planned["resource_changes"]
            .to_string()
            .matches("hunter2")
            .count(),
        0
    );
    let applied = terraform.apply_saved_plan().unwrap_or_else(fail);
    assert_eq!(state(&terraform)["secret_length"], 7);
    let stored = terraform.read("terraform.tfstate").unwrap();
    for text in [&stored, &plan.run.stderr, &applied.stderr] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(
        applied.stderr.contains("ApplyResourceChange"),
        "it logs at all"
    );
}

#[test]
fn what_core_lets_through_is_refused_at_its_place() {
    let terraform = workspace(r#"by_key = { k = { text = null } }"#);
    let refused = failed(terraform.plan(&[]).map(|plan| plan.run));
    assert!(
        refused.says(r#"by_key["k"].text needs a value"#),
        "{}",
        refused.transcript()
    );
    configure(&terraform, r#"secret_length = 3"#);
    let refused = failed(terraform.plan(&[]).map(|plan| plan.run));
    assert!(
        refused.says("secret_length is decided by the provider"),
        "{}",
        refused.transcript()
    );
}

#[test]
fn a_panic_in_create_is_a_diagnostic_and_the_object_is_tainted() {
    let terraform = workspace(r#"mode = "panic in create""#);
    let crashed = failed(terraform.apply(&[]));
    assert!(
        crashed.says("The provider crashed while creating fake_thing"),
        "{}",
        crashed.transcript()
    );
    assert!(crashed.says("boom of the create"));
    // The process lives: the user is not told otherwise.
    assert!(!crashed.says("plugin crashed"), "{}", crashed.transcript());
    assert!(terraform.state().unwrap_or_else(fail).is_tainted(ADDRESS));

    configure(&terraform, "");
    let plan = terraform.plan(&[]).unwrap_or_else(fail);
    assert_eq!(plan.resource(ADDRESS).unwrap().action(), Action::Replace);
    terraform.apply_saved_plan().unwrap_or_else(fail);
}

#[test]
fn a_panic_in_update_read_or_delete_keeps_the_state() {
    let terraform = workspace("flag = true");
    terraform.apply(&[]).unwrap_or_else(fail);
    configure(&terraform, r#"mode = "panic in update""#);
    let crashed = failed(terraform.apply(&[]));
    assert!(
        crashed.says("boom of the update"),
        "{}",
        crashed.transcript()
    );
    assert_eq!(state(&terraform)["flag"], true);
    assert_eq!(state(&terraform)["mode"], Value::Null);

    for operation in ["delete", "read"] {
        configure(&terraform, &format!(r#"mode = "panic in {operation}""#));
        terraform.apply(&[]).unwrap_or_else(fail);
        let crashed = failed(terraform.destroy(&[]));
        assert!(
            crashed.says(&format!("boom of the {operation}")),
            "{}",
            crashed.transcript()
        );
        assert!(!crashed.says("plugin crashed"));
        assert_eq!(state(&terraform)["id"], "thing");
    }
}

#[test]
fn terraform_tells_of_the_crash_of_a_process() {
    let mut terraform = workspace(r#"mode = "crash""#);
    // A crash leaves the socket behind: here, where it goes with the workspace.
    terraform.set_environment("TMPDIR", terraform.configuration());
    let crashed = failed(terraform.apply(&[]));
    assert!(crashed.says("plugin crashed!"), "{}", crashed.transcript());
    assert!(
        crashed.says("panic: boom of the process"),
        "{}",
        crashed.transcript()
    );
}

#[test]
fn a_second_ctrl_c_ends_a_provider_that_does_not_listen_and_its_socket_goes_too() {
    let mut terraform = workspace(r#"mode = "deaf""#);
    let sockets = terraform.configuration().join("s");
    std::fs::create_dir(&sockets).unwrap();
    terraform.set_environment("TMPDIR", &sockets);
    let apply = terraform.start_apply(&[]).unwrap_or_else(fail);
    until(|| terraform.configuration().join("creating").exists());
    assert_ne!(std::fs::read_dir(&sockets).unwrap().count(), 0);

    apply.interrupt().unwrap_or_else(fail);
    until(|| apply.output_so_far().contains("Interrupt received"));
    apply.interrupt().unwrap_or_else(fail);
    let stopped = apply.wait().unwrap_or_else(fail);
    assert!(
        stopped.says("Two interrupts received"),
        "{}",
        stopped.transcript()
    );
    assert_eq!(std::fs::read_dir(&sockets).unwrap().count(), 0);
}

#[test]
fn log_lines_keep_their_level_and_their_fields_whatever_their_length() {
    let mut terraform = workspace(r#"mode = "log""#);
    terraform.set_environment("TF_LOG_PROVIDER", "warn");
    let applied = terraform.apply(&[]).unwrap_or_else(fail);
    for (message, status) in [("a short message", "404"), ("a long message", "500")] {
        let line = applied.stderr.lines().find(|line| line.contains(message));
        let line = line.unwrap_or_else(|| panic!("{message}: {}", applied.stderr));
        assert!(
            line.contains("[WARN]  provider.terraform-provider-ako"),
            "{line}"
        );
        assert!(line.contains(&format!("status={status}")), "{line}");
        assert!(line.contains("tf_rpc=ApplyResourceChange"), "{line}");
    }
}

/// Waits for something that happens in another process.
fn until(happened: impl Fn() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it does not happen"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A workspace whose one resource has these arguments.
fn workspace(arguments: &str) -> Workspace {
    let provider = Path::new(env!("CARGO_BIN_EXE_fake-provider"));
    let terraform = Workspace::new(provider).unwrap_or_else(fail);
    configure(&terraform, arguments);
    terraform
}

fn configure(terraform: &Workspace, arguments: &str) {
    let configuration = format!(
        "terraform {{
           required_providers {{
             fake = {{ source = \"ako-azure/ako\" }}
           }}
         }}
         resource \"fake_thing\" \"it\" {{
           {arguments}
         }}"
    );
    terraform
        .write("main.tf", &configuration)
        .unwrap_or_else(fail);
}

fn state(terraform: &Workspace) -> Value {
    let state = terraform.state().unwrap_or_else(fail);
    state
        .resource(ADDRESS)
        .cloned()
        .unwrap_or_else(|| panic!("no {ADDRESS} in the state"))
}

/// What Terraform said when it failed.
fn failed(outcome: Result<Run, Error>) -> Run {
    match outcome {
        Err(Error::Failed(run)) => *run,
        Ok(run) => panic!("this should have failed:\n{}", run.transcript()),
        Err(error) => panic!("{error}"),
    }
}

fn fail<T>(error: Error) -> T {
    panic!("{error}")
}
