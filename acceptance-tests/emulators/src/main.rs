//! `cargo lab`: run the emulators by hand, watch the provider against them, measure it.

fn main() {}
