//! Rules of the repository that no compiler holds: who may name whom, and what belongs beside what.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use terraform_provider_ako::framework::server::Server;
use terraform_provider_ako::provider::Ako;

/// A layer, what its code must not name, and why.
struct Layer {
    folder: &'static str,
    must_not_name: &'static [&'static str],
    reason: &'static str,
}

const LAYERS: &[Layer] = &[
    Layer {
        folder: "src/plugin",
        must_not_name: &[
            "crate::provider",
            "crate::resources",
            "crate::data_sources",
            "crate::functions",
            "crate::domain",
            "crate::clients",
            "reqwest",
            "kube::",
        ],
        reason: "the plugin layer speaks to the framework alone; main.rs joins it with the provider",
    },
    Layer {
        folder: "src/framework",
        must_not_name: &[
            "crate::plugin",
            "crate::provider",
            "crate::resources",
            "crate::data_sources",
            "crate::functions",
            "crate::domain",
            "crate::clients",
            "tonic",
            "prost",
            "reqwest",
            "kube::",
            "Azure",
        ],
        reason: "the framework knows Terraform's vocabulary and nothing of protobuf, HTTP or AKO",
    },
    Layer {
        folder: "src/resources",
        must_not_name: &[
            "crate::plugin",
            "crate::provider",
            "tonic",
            "prost",
            "reqwest",
            "serde_json::Value",
            "/providers/Microsoft.",
        ],
        reason: "a resource joins domain and clients; wire formats and paths belong to the clients",
    },
    Layer {
        folder: "src/data_sources",
        must_not_name: &[
            "crate::plugin",
            "crate::provider",
            "tonic",
            "prost",
            "reqwest",
            "serde_json::Value",
            "/providers/Microsoft.",
        ],
        reason: "a data source joins domain and clients; wire formats and paths belong to the clients",
    },
    Layer {
        folder: "src/functions",
        must_not_name: &[
            "crate::plugin",
            "crate::provider",
            "crate::clients",
            "tokio",
            "async ",
            "reqwest",
            "std::fs",
            "std::env",
        ],
        reason: "functions are offline and pure",
    },
    Layer {
        folder: "src/domain",
        must_not_name: &[
            "crate::plugin",
            "crate::framework",
            "crate::provider",
            "crate::resources",
            "crate::data_sources",
            "crate::functions",
            "crate::clients",
            "tokio",
            "async ",
            "reqwest",
            "kube::",
            "serde_json",
            "SystemTime",
            "Instant",
            "std::fs",
            "std::env",
            "http",
        ],
        reason: "decisions are pure: no I/O, no clock, no Terraform, no words of HTTP",
    },
    Layer {
        folder: "src/clients",
        must_not_name: &[
            "crate::plugin",
            "crate::framework",
            "crate::provider",
            "crate::resources",
            "crate::data_sources",
            "crate::functions",
            "crate::domain",
            "tonic",
            "prost",
        ],
        reason: "clients know their API and neither Terraform nor our decisions",
    },
];

/// The resources that stand for a wait and cannot be imported.
const WITHOUT_IMPORT: &[&str] = &["ako_pod_route_sync"];

#[test]
fn each_layer_names_only_what_is_below_it() {
    let mut breaches = Vec::new();
    for layer in LAYERS {
        for file in code_files(layer.folder) {
            for (number, line) in code_lines(&file) {
                for word in layer
                    .must_not_name
                    .iter()
                    .filter(|word| line.contains(**word))
                {
                    breaches.push(format!(
                        "{}:{number} names `{word}`: {}",
                        shown(&file),
                        layer.reason
                    ));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn the_lab_does_not_depend_on_the_provider() {
    let manifest = read(&root().join("acceptance-tests/emulators/Cargo.toml"));
    assert!(
        !manifest.contains("terraform-provider-ako"),
        "both could then be wrong together"
    );
}

#[test]
fn every_resource_has_its_example_scenario_page_and_changelog_line() {
    let server = Server::new::<Ako>();
    let mut missing = Vec::new();
    for (name, _) in server.resource_schemas() {
        let short = short_name(name);
        missing.extend(absent(&format!("examples/resources/{name}/resource.tf")));
        let import = format!("examples/resources/{name}/import.sh");
        missing.extend(absent(&import).filter(|_| !WITHOUT_IMPORT.contains(&name)));
        missing.extend(absent(&format!("docs/resources/{short}.md")));
        missing.extend(
            absent(&format!("src/resources/{short}.rs"))
                .filter(|_| absent(&format!("src/resources/{short}/mod.rs")).is_some()),
        );
        missing.extend(without_scenario(short));
        missing.extend(without_changelog_line(name));
    }
    for (name, _) in server.data_source_schemas() {
        let short = short_name(name);
        missing.extend(absent(&format!(
            "examples/data-sources/{name}/data-source.tf"
        )));
        missing.extend(absent(&format!("docs/data-sources/{short}.md")));
        missing.extend(without_scenario(short));
        missing.extend(without_changelog_line(name));
    }
    for (name, _) in server.functions() {
        missing.extend(absent(&format!("examples/functions/{name}/function.tf")));
        missing.extend(absent(&format!("docs/functions/{name}.md")));
        missing.extend(without_changelog_line(name));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn nothing_is_left_half_done() {
    // Spelt in halves, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ign", "ore"),
        concat!("#[al", "low("),
        concat!("unimple", "mented!"),
    ];
    let mut found = Vec::new();
    for folder in ["src", "acceptance-tests"] {
        for file in rust_files(&root().join(folder)) {
            for (number, line) in read(&file).lines().enumerate() {
                for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                    found.push(format!("{}:{} has `{mark}`", shown(&file), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_folder_hides_code_without_a_theme() {
    let nameless = [
        "utils.rs",
        "util.rs",
        "common.rs",
        "helpers.rs",
        "helper.rs",
        "misc.rs",
    ];
    let files = [
        rust_files(&root().join("src")),
        rust_files(&root().join("acceptance-tests")),
    ]
    .concat();
    let found: Vec<_> = files
        .iter()
        .filter(|file| nameless.iter().any(|name| file.ends_with(name)))
        .map(|file| shown(file))
        .collect();
    assert!(found.is_empty(), "these names say nothing: {found:?}");
}

#[test]
fn integration_tests_are_test_code_to_every_lint() {
    for root_file in ["main.rs", "tidy.rs", "docs.rs", "plugin.rs"] {
        let file = root().join("acceptance-tests").join(root_file);
        assert!(
            read(&file).contains("#![cfg(test)]"),
            "{} lacks #![cfg(test)]",
            shown(&file)
        );
    }
}

fn without_scenario(short: &str) -> Option<String> {
    absent(&format!("acceptance-tests/scenarios/{short}.rs"))
        .filter(|_| absent(&format!("acceptance-tests/scenarios/{short}/mod.rs")).is_some())
}

fn without_changelog_line(name: &str) -> Option<String> {
    let named = read(&root().join("CHANGELOG.md")).contains(&format!("`{name}`"));
    (!named).then(|| format!("CHANGELOG.md says nothing of `{name}`"))
}

fn short_name(type_name: &str) -> &str {
    type_name.strip_prefix("ako_").unwrap_or(type_name)
}

fn absent(path: &str) -> Option<String> {
    (!root().join(path).is_file()).then(|| format!("{path} is missing"))
}

/// The files of a layer but for its tests, which may call the emulators as other clients do.
fn code_files(folder: &str) -> impl Iterator<Item = PathBuf> {
    let is_test = |file: &Path| {
        file.iter()
            .any(|part| part == "tests" || part == "tests.rs")
    };
    let files = rust_files(&root().join(folder)).into_iter();
    files.filter(move |file| !is_test(file))
}

/// The lines of a file with their numbers, without comments and without its tests, which stand last.
fn code_lines(file: &Path) -> Vec<(usize, String)> {
    let text = read(file);
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default()
        .to_owned();
    let lines = code
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.to_owned()));
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("reading {}: {error}", shown(file)))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .display()
        .to_string()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
