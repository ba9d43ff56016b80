//! Compiles the protocol definitions in `proto/`, without protoc.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let definitions = ["proto/tfplugin6.proto", "proto/plugin.proto"];
    for definition in definitions {
        println!("cargo::rerun-if-changed={definition}");
    }
    // The default stubs answer Unimplemented to what the provider does not serve, which Terraform understands. Only
    // the tests use the clients; the linker leaves them out of the binary.
    tonic_prost_build::configure()
        .generate_default_stubs(true)
        .compile_fds(protox::compile(definitions, ["proto"])?)?;
    Ok(())
}
