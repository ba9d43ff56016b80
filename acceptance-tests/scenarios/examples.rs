//! The examples of the documentation's pages.

use std::fs;
use std::path::{Path, PathBuf};

use ako_lab::terraform::Workspace;

use crate::harness::PROVIDER;

/// What the pages leave out because every configuration has it.
const REQUIRED_PROVIDERS: &str = r#"
terraform {
  required_providers {
    ako = { source = "ako-azure/ako" }
  }
}
"#;

#[test]
fn every_example_is_a_configuration_that_terraform_takes() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut folders = vec![examples.join("provider"), examples.join("two-clusters")];
    for kind in ["resources", "data-sources", "functions"] {
        folders.extend(folders_in(&examples.join(kind)));
    }
    assert!(folders.len() > 6, "{folders:?}");
    for folder in folders {
        let workspace = Workspace::new(Path::new(PROVIDER)).unwrap();
        workspace.copy_configuration(&folder).unwrap();
        if !names_its_providers(&folder) {
            workspace.write("terraform.tf", REQUIRED_PROVIDERS).unwrap();
        }
        workspace
            .succeed(&["validate", "-no-color"])
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn names_its_providers(folder: &Path) -> bool {
    let files = fs::read_dir(folder).unwrap();
    let mut texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.any(|text| text.contains("required_providers"))
}
