//! A provider whose one resource does what its `mode` says, on the plugin and framework layers of the real one.
//!
//! It shows what no configuration of the real provider can: crashes, write-only arguments, every shape of a value.

mod thing;

use std::process::ExitCode;
use terraform_provider_ako::framework::diagnostics::Diagnostics;
use terraform_provider_ako::framework::function::AnyFunction;
use terraform_provider_ako::framework::handler::{AnyDataSource, AnyResource};
use terraform_provider_ako::framework::plan::Config;
use terraform_provider_ako::framework::provider::{Provider, resource};
use terraform_provider_ako::framework::schema::Schema;
use terraform_provider_ako::framework::server::Server;
use terraform_provider_ako::plugin::{self, Mode, logging};
use thing::Thing;

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    logging::install(variable);
    assert!(variable("FAKE_PANIC").is_none(), "boom of the process");
    let served = match Mode::from_process(None, variable) {
        Ok(Mode::Plugin(offer)) => plugin::serve(Server::new::<Fake>(), &offer).is_ok(),
        _ => false,
    };
    if served {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Fake;

impl Provider for Fake {
    const NAME: &'static str = "fake";
    type Clients = ();

    fn schema() -> Schema {
        Schema::new("A provider that does what it is told.", Vec::new())
    }

    fn configure(_: Config<'_>, _: &str) -> Result<(), Diagnostics> {
        Ok(())
    }

    fn resources() -> Vec<Box<dyn AnyResource<()>>> {
        vec![resource::<Thing>()]
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<()>>> {
        Vec::new()
    }

    fn functions() -> Vec<AnyFunction> {
        Vec::new()
    }
}
