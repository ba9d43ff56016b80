//! The demo, as a newcomer runs it.

use std::path::Path;

use crate::harness::PROVIDER;

#[test]
fn the_demo_sees_repairs_and_destroys() {
    let mut printed = Vec::new();
    let outcome = ako_lab::demo::run(Path::new(PROVIDER), &mut printed);
    println!("{}", String::from_utf8_lossy(&printed));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
