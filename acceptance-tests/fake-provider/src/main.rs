//! A provider whose one resource does what its `mode` says, on the plugin and framework layers of the real one.
//!
//! It shows what no configuration of the real provider can: crashes, write-only arguments, every shape of a value.

mod thing;

use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use terraform_provider_ako::framework::diagnostics::Diagnostics;
use terraform_provider_ako::framework::function::AnyFunction;
use terraform_provider_ako::framework::handler::{AnyDataSource, AnyResource};
use terraform_provider_ako::framework::plan::Config;
use terraform_provider_ako::framework::provider::{Provider, resource};
use terraform_provider_ako::framework::schema::Schema;
use terraform_provider_ako::framework::server::Server;
use terraform_provider_ako::plugin::{self, Mode, logging};
use thing::Thing;

/// What the main thread waits for.
enum End {
    /// The server has left.
    Served,
    /// A resource wants the process to crash.
    Crash,
}

static ENDS: OnceLock<Sender<End>> = OnceLock::new();

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    logging::install(variable);
    let Ok(Mode::Plugin(offer)) = Mode::from_process(None, variable) else {
        return ExitCode::FAILURE;
    };
    let (sender, ends) = channel();
    let ended = ENDS.get_or_init(|| sender).clone();
    let serving = std::thread::spawn(move || {
        let served = plugin::serve(Server::new::<Fake>(), &offer);
        // The main thread listens until one of the two ends comes.
        let _ = ended.send(End::Served);
        served.is_ok()
    });
    let crash = matches!(ends.recv(), Ok(End::Crash));
    assert!(!crash, "boom of the process");
    match serving.join() {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Lets the main thread panic.
pub(crate) fn crash() {
    // It listens as long as calls are answered.
    let _ = ENDS.get().map(|ends| ends.send(End::Crash));
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
