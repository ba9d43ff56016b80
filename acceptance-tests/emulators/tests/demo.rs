//! `demo` as a process: whoever runs it in a script hears of a step that failed.
#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn a_step_that_fails_ends_the_demo_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let provider = folder.path().join("terraform-provider-ako");
    fs::write(&provider, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&provider, fs::Permissions::from_mode(0o755)).unwrap();

    let mut demo = Command::new(env!("CARGO_BIN_EXE_ako-lab"));
    let output = demo
        .arg("demo")
        .arg("--provider")
        .arg(&provider)
        .output()
        .unwrap();

    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{printed}");
    assert!(printed.contains("terraform apply"), "{printed}");
    assert!(!printed.contains("Everything was seen"), "{printed}");
}
