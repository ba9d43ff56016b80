//! The kubeconfig that leads clients to a cluster of the lab.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Options;

/// The file: the administrator is the current context, `<name>-limited` and `<name>-certificate` are the others.
pub(super) fn render(options: &Options, server_url: &str, ca_pem: &str) -> String {
    let mut users = vec![
        ("", "admin", json!({ "token": options.token })),
        (
            "-limited",
            "limited",
            json!({ "token": options.limited_token }),
        ),
    ];
    if let Some(certificate) = &options.client_certificate {
        let user = json!({
            "client-certificate-data": STANDARD.encode(&certificate.certificate_pem),
            "client-key-data": STANDARD.encode(&certificate.private_key_pem),
        });
        users.push(("-certificate", "certificate", user));
    }

    let name = &options.name;
    let mut yaml = String::from("apiVersion: v1\nkind: Config\npreferences: {}\n");
    yaml += &format!("current-context: {}\n", json!(name));
    yaml += "clusters:\n";
    let cluster = json!({
        "server": server_url,
        "certificate-authority-data": STANDARD.encode(ca_pem),
    });
    yaml += &entry(name, "cluster", &cluster);
    yaml += "contexts:\n";
    for (suffix, user, _) in &users {
        let context = json!({ "cluster": name, "user": format!("{name}-{user}") });
        yaml += &entry(&format!("{name}{suffix}"), "context", &context);
    }
    yaml += "users:\n";
    for (_, user, credentials) in &users {
        yaml += &entry(&format!("{name}-{user}"), "user", credentials);
    }
    yaml
}

// Strings are written as JSON writes them, which YAML reads alike.
fn entry(name: &str, member: &str, content: &Value) -> String {
    let mut yaml = format!("- name: {}\n  {member}:\n", json!(name));
    for (key, value) in content.as_object().into_iter().flatten() {
        yaml += &format!("    {key}: {value}\n");
    }
    yaml
}
