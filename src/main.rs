//! The plugin process.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use terraform_provider_ako::framework::server::Server;
use terraform_provider_ako::plugin::{self, Mode, logging};
use terraform_provider_ako::provider::Ako;
use terraform_provider_ako::wording::with_causes;

/// Where the registry has the provider.
const ADDRESS: &str = "registry.terraform.io/ako-azure/ako";

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    logging::install(variable);
    match run(variable) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(io::stderr(), "{}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(variable: impl Fn(&str) -> Option<String>) -> Result<(), Box<dyn Error>> {
    let argument = std::env::args_os().nth(1);
    match Mode::from_process(argument.as_deref().and_then(|text| text.to_str()), variable)? {
        Mode::Plugin(offer) => plugin::serve(server(), &offer)?,
        Mode::Debug => plugin::serve_debug(server(), ADDRESS)?,
        Mode::Version => writeln!(
            io::stdout(),
            "{} {}",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION")
        )?,
    }
    Ok(())
}

fn server() -> Server {
    Server::new::<Ako>()
}
