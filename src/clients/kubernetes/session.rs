//! Signing in, once for all calls of one connection, and again when a credential ends.

use super::Error;
use super::connection::Resolved;
use super::program::{Credential, Program, bearer};
use crate::clients::http::TRUST;
use crate::clients::{NotReady, Settings, Variables};
use crate::wording::with_causes;
use http::HeaderValue;
use http::header::USER_AGENT;
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long before its end a credential counts as ended.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// One connection with what it takes to sign in.
pub(super) struct Session {
    resolved: Resolved,
    program: Option<Program>,
    variables: Variables,
    user_agent: String,
    connect_timeout: Duration,
    held: Mutex<Held>,
}

/// A client with the right to call.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) client: kube::Client,
    /// What goes into the header where `client` does not know it.
    pub(super) authorization: Option<HeaderValue>,
    since: Instant,
    until: Option<Timestamp>,
}

#[derive(Default)]
struct Held {
    signed_in: Option<SignedIn>,
    /// The last failure, for those who were waiting while it happened.
    failure: Option<(Instant, Error)>,
}

impl Session {
    pub(super) fn new(settings: &Settings, resolved: Resolved) -> Result<Session, Error> {
        Ok(Session {
            program: resolved.program()?,
            resolved,
            variables: settings.variables.clone(),
            user_agent: settings.user_agent.clone(),
            connect_timeout: settings.request_timeout,
            held: Mutex::default(),
        })
    }

    /// The address of the API server.
    pub(super) fn server(&self) -> &str {
        self.resolved.server()
    }

    /// What is going on while a client signs in.
    pub(super) fn signing_in(&self) -> String {
        match &self.program {
            Some(program) => format!(
                "signing in to the cluster by the program {:?}, which has not ended",
                program.name()
            ),
            None => "signing in to the cluster".to_owned(),
        }
    }

    /// A client that is signed in. A program by which that happens runs here, once however many wait for it; a
    /// token in a file is read each time, since whoever wrote it replaces it before it ends.
    pub(super) async fn sign_in(&self) -> Result<SignedIn, Error> {
        let mut signed_in = self.hold().await?;
        if let Some(file) = self.resolved.token_file() {
            let token = tokio::fs::read_to_string(file).await.map_err(|error| {
                Error::NotReady(NotReady::Invalid {
                    argument: "kubernetes".to_owned(),
                    reason: format!("reading the token in {file}: {error}"),
                })
            })?;
            signed_in.authorization = Some(bearer(&token)?);
        }
        Ok(signed_in)
    }

    /// Forgets what the server no longer accepts; whether signing in anew gives something else. It does where a
    /// program signed in before the call began: not every program tells when its token ends.
    pub(super) async fn forget(&self, refused: &SignedIn, begun: Instant) -> bool {
        if self.program.is_none() {
            return false;
        }
        let mut held = self.held.lock().await;
        let current = held.signed_in.as_ref().map(|held| held.since);
        if current != Some(refused.since) {
            return true;
        }
        let is_old = refused.since < begun;
        if is_old {
            held.signed_in = None;
        }
        is_old
    }

    /// Why a connection failed, with the proxy on the way.
    pub(super) fn reason(&self, error: &kube::Error) -> String {
        let reason = match error {
            // kube's own word for it says nothing.
            kube::Error::Service(error) => with_causes(error.as_ref()),
            error => with_causes(error),
        };
        self.on_the_way(reason)
    }

    /// `reason` with the proxy on the way.
    pub(super) fn on_the_way(&self, reason: String) -> String {
        match self.resolved.proxy() {
            Some(proxy) => format!("{reason} ({})", proxy.hint()),
            None => reason,
        }
    }

    async fn hold(&self) -> Result<SignedIn, Error> {
        let asked = Instant::now();
        let mut held = self.held.lock().await;
        if let Some(signed_in) = held.signed_in.as_ref().filter(|held| held.is_current()) {
            return Ok(signed_in.clone());
        }
        match &held.failure {
            Some((when, failure)) if *when > asked => return Err(failure.clone()),
            _ => {}
        }
        match self.begin().await {
            Ok(signed_in) => Ok(held.signed_in.insert(signed_in).clone()),
            Err(failure) => {
                held.failure = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn begin(&self) -> Result<SignedIn, Error> {
        let credential = match &self.program {
            Some(program) => Some(program.run().await?),
            None => None,
        };
        let authorization = credential.as_ref().map(Credential::authorization);
        Ok(SignedIn {
            client: self.client(credential.as_ref()).await?,
            authorization: authorization.transpose()?.flatten(),
            since: Instant::now(),
            until: credential.and_then(|credential| credential.expires),
        })
    }

    async fn client(&self, credential: Option<&Credential>) -> Result<kube::Client, Error> {
        let mut config = self.resolved.config(&self.variables, credential).await?;
        config.connect_timeout = Some(self.connect_timeout);
        // A call has its own limit, and is repeated within the operation's.
        config.read_timeout = None;
        config.default_retry = false;
        if let Ok(agent) = HeaderValue::from_str(&self.user_agent) {
            config.headers.push((USER_AGENT, agent));
        }
        let invalid = |reason| {
            Error::NotReady(NotReady::Invalid {
                argument: "kubernetes".to_owned(),
                reason,
            })
        };
        // It reads files, and the legacy plugin `gcp` runs a program: on a worker that would hold up all other calls.
        let trusts_the_system = config.root_cert.is_none();
        let client = tokio::task::spawn_blocking(move || kube::Client::try_from(config)).await;
        client
            .map_err(|panic| invalid(with_causes(&panic)))?
            .map_err(|error| {
                let reason = without_secrets(&error);
                invalid(match error {
                    kube::Error::RustlsTls(_) if trusts_the_system => format!("{reason} ({TRUST})"),
                    _ => reason,
                })
            })
    }
}

impl SignedIn {
    fn is_current(&self) -> bool {
        self.until
            .is_none_or(|until| until > Timestamp::now() + MARGIN)
    }
}

/// What kube says went wrong. Its words on how a user signs in may hold environment and output of a program.
fn without_secrets(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(_) => {
            "the way in which the kubeconfig's user signs in does not work".to_owned()
        }
        error => with_causes(error),
    }
}
