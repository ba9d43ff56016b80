//! Terraform's process protocol: how the provider is started, found, called and ended. The one place that knows
//! protobuf and gRPC.
//!
//! Terraform starts the program with an offer in its environment, reads one line from its stdout and then calls it
//! over gRPC on a Unix socket, with TLS in which each side knows the other's certificate. Each command starts several
//! such processes.

pub mod handshake;
pub mod logging;
pub mod tls;

mod connections;
mod controller;
mod from_proto;
mod lifetime;
mod service;
mod to_proto;

use self::connections::Socket;
use self::controller::Controller;
use self::handshake::{HandshakeError, Offer, Reattach};
use self::lifetime::{Calls, Lifetime};
use self::proto::go_plugin::grpc_controller_server::GrpcControllerServer;
use self::proto::provider_server::ProviderServer;
use self::service::Service;
use self::tls::{Tls, TlsError};
use crate::framework::server::Server;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The messages and services of `proto/`, as generated. Public for clients in tests only.
pub mod proto {
    #![expect(
        missing_docs,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::doc_markdown,
        reason = "generated code"
    )]

    tonic::include_proto!("tfplugin6");

    /// go-plugin's own services.
    pub mod go_plugin {
        tonic::include_proto!("plugin");
    }
}

/// The largest message in either direction: gRPC's own limit of 4 MiB is too small for a large state. Terraform's Go
/// providers have the same.
const MESSAGE_LIMIT: usize = 256 << 20;

/// Two workers: one call that computes does not hold up the interrupt of the others.
const WORKERS: usize = 2;

/// How long the clients may take to close their connections.
const CLOSING: Duration = Duration::from_millis(300);

/// How the process was started.
#[derive(Debug, PartialEq, Eq)]
pub enum Mode {
    /// By Terraform, with this offer.
    Plugin(Offer),
    /// By a developer with `-debug`, who hands Terraform the address.
    Debug,
    /// To say its version.
    Version,
}

/// Why the server did not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is no mutual TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The process could not be set up.
    #[error("starting the plugin's server")]
    Start(#[source] io::Error),
    /// gRPC ended by itself.
    #[error("serving Terraform's calls")]
    Transport(#[from] tonic::transport::Error),
}

impl Mode {
    /// The mode that the first argument and the environment, read by `variable`, ask for.
    pub fn from_process(
        argument: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Mode, HandshakeError> {
        match argument {
            Some("-debug" | "--debug") => Ok(Mode::Debug),
            Some("-version" | "--version") => Ok(Mode::Version),
            _ => Offer::from_environment(variable).map(Mode::Plugin),
        }
    }
}

/// Serves Terraform as it has asked, until it needs the provider no longer.
pub fn serve(server: Server, offer: &Offer) -> Result<(), ServeError> {
    let tls = offer
        .client_certificate
        .as_deref()
        .map(Tls::pinned_to)
        .transpose()?;
    run(async {
        let lifetime = Lifetime::with_terraform().map_err(ServeError::Start)?;
        let socket = Socket::bind(offer.ports).map_err(ServeError::Start)?;
        say(&handshake::answer(socket.address(), tls.as_ref())).map_err(ServeError::Start)?;
        answer_calls(server, lifetime, &socket, tls).await
    })
}

/// Serves whoever is told the address, the full name of the provider being `provider`, until it is interrupted.
pub fn serve_debug(server: Server, provider: &str) -> Result<(), ServeError> {
    run(async {
        let lifetime = Lifetime::with_developer().map_err(ServeError::Start)?;
        let socket = Socket::bind((0, 0)).map_err(ServeError::Start)?;
        let reattach = Reattach {
            provider,
            address: socket.address(),
            pid: std::process::id(),
        };
        say(&format!(
            "The provider is running. Terraform uses it where this is set:\n\n\t{reattach}\n"
        ))
        .map_err(ServeError::Start)?;
        answer_calls(server, lifetime, &socket, None).await
    })
}

fn run(serving: impl Future<Output = Result<(), ServeError>>) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(ServeError::Start)?;
    let result = runtime.block_on(serving);
    // What has outlived its grace is not waited for.
    runtime.shutdown_background();
    result
}

async fn answer_calls(
    server: Server,
    mut lifetime: Lifetime,
    socket: &Socket,
    tls: Option<Tls>,
) -> Result<(), ServeError> {
    let server = Arc::new(server);
    let calls = Calls::default();
    let service = Service::new(Arc::clone(&server), calls.clone());
    let incoming = socket.incoming(tls.map(|tls| tls.acceptor), lifetime.reached.clone());
    let leaving = CancellationToken::new();
    let serving = tonic::transport::Server::builder()
        .add_service(
            ProviderServer::new(service)
                .max_decoding_message_size(MESSAGE_LIMIT)
                .max_encoding_message_size(MESSAGE_LIMIT),
        )
        .add_service(GrpcControllerServer::new(Controller(
            lifetime.shutdown.clone(),
        )))
        .serve_with_incoming_shutdown(incoming, leaving.clone().cancelled_owned());
    let mut serving = tokio::spawn(serving);

    let end = tokio::select! {
        end = lifetime.end() => end,
        ended = &mut serving => return flatten(ended),
    };
    tracing::debug!(?end, "leaving");
    server.stop();
    let closing = async {
        calls.finished().await;
        server.close().await;
    };
    if timeout(end.grace(), closing).await.is_err() {
        tracing::warn!(?end, "leaving although something still runs");
    }
    leaving.cancel();
    // A client that does not close its connection has got its answers all the same.
    timeout(CLOSING, serving).await.map_or(Ok(()), flatten)
}

fn flatten(
    ended: Result<Result<(), tonic::transport::Error>, tokio::task::JoinError>,
) -> Result<(), ServeError> {
    match ended {
        Ok(result) => Ok(result?),
        Err(panic) => Err(ServeError::Start(io::Error::other(panic))),
    }
}

fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
