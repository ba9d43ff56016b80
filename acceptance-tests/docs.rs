//! The pages under `docs/` are rendered from the schemas and `examples/`, in the Registry's layout.
//!
//! The test fails when a page is stale; `UPDATE_DOCS=1 cargo test --test docs` rewrites them. `docs/guides/` is
//! written by hand and left alone.
#![cfg(test)]

mod pages;

use pages::{Page, all_pages};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_pages_under_docs_are_what_schemas_and_examples_say() {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages = all_pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        rewrite(&docs, &pages);
    }
    let mut stale: Vec<String> = pages
        .iter()
        .filter(|page| !is_current(&docs, page))
        .map(|page| page.path.clone())
        .collect();
    stale.extend(orphans(&docs, &pages));
    assert!(
        stale.is_empty(),
        "stale pages, run `UPDATE_DOCS=1 cargo test --test docs`: {stale:?}"
    );
}

#[test]
fn every_page_stays_below_the_limit_of_the_registry() {
    // The Registry cuts a page off at 500 KB.
    for page in all_pages() {
        assert!(
            page.text.len() < 500_000,
            "{} has {} bytes",
            page.path,
            page.text.len()
        );
    }
}

fn is_current(docs: &Path, page: &Page) -> bool {
    fs::read_to_string(docs.join(&page.path)).is_ok_and(|text| text == page.text)
}

fn rewrite(docs: &Path, pages: &[Page]) {
    for orphan in orphans(docs, pages) {
        fs::remove_file(docs.join(orphan)).unwrap();
    }
    for page in pages {
        let file = docs.join(&page.path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &page.text).unwrap();
    }
}

/// Generated pages of what no longer exists.
fn orphans(docs: &Path, pages: &[Page]) -> Vec<String> {
    let known: BTreeSet<&str> = pages.iter().map(|page| page.path.as_str()).collect();
    let mut found = Vec::new();
    for folder in ["resources", "data-sources", "functions"] {
        for entry in fs::read_dir(docs.join(folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if !known.contains(path.as_str()) {
                found.push(path);
            }
        }
    }
    found
}
