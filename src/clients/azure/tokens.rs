//! The access token: asked for once, however many calls wait for it.

use super::super::http::{Sender, is_lasting};
use super::super::{Interrupted, Limits};
use super::credentials::{Error, Way};
use super::environment::Cloud;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, ExponentialRetryOptions, HttpClient, Request, RetryOptions,
    Transport,
};
use azure_core::time::OffsetDateTime;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The access token of one client: asked for once, however many wait for it.
#[derive(Debug)]
pub(super) struct Tokens {
    way: Way,
    sender: Sender,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    credential: Option<Arc<dyn TokenCredential>>,
    token: Option<AccessToken>,
    /// The last failure, for those who were waiting while it happened.
    failure: Option<(Instant, Error)>,
}

impl Held {
    /// The token where Azure accepts it yet: a login service that stumbles for a minute ends no apply.
    fn usable(&self) -> Option<Secret> {
        let soon = OffsetDateTime::now_utc() + azure_core::time::Duration::seconds(30);
        let token = self.token.as_ref()?;
        (token.expires_on > soon).then(|| token.token.clone())
    }
}

/// Why a token was not handed out.
#[derive(Debug)]
pub(super) enum NoToken {
    Failed(Error),
    Interrupted(Interrupted),
}

impl Tokens {
    pub(super) fn new(way: Way, sender: Sender) -> Tokens {
        Tokens {
            way,
            sender,
            held: Mutex::default(),
        }
    }

    /// A token that is valid for some minutes more.
    pub(super) async fn get(&self, limits: &Limits, cloud: &Cloud) -> Result<Secret, NoToken> {
        let asked = Instant::now();
        tokio::select! {
            biased;
            cause = limits.ended() => Err(NoToken::Interrupted(cause)),
            token = self.get_or_request(asked, cloud) => token.map_err(NoToken::Failed),
        }
    }

    /// Forgets `token`, which Azure no longer accepts.
    pub(super) async fn refused(&self, token: &Secret) {
        let mut held = self.held.lock().await;
        if held.token.as_ref().is_some_and(|held| &held.token == token) {
            // The credential has a memory of its own.
            *held = Held::default();
        }
    }

    async fn get_or_request(&self, asked: Instant, cloud: &Cloud) -> Result<Secret, Error> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| is_fresh(token)) {
            return Ok(token.token.clone());
        }
        match &held.failure {
            Some((when, failure)) if *when > asked => {
                return held.usable().ok_or_else(|| failure.clone());
            }
            _ => {}
        }
        let outcome = self.request(&mut held, cloud).await;
        match outcome {
            Ok(token) => Ok(held.token.insert(token).token.clone()),
            Err(source) => {
                let failure = self.way.failed(&source);
                held.failure = Some((Instant::now(), failure.clone()));
                held.usable().ok_or(failure)
            }
        }
    }

    async fn request(&self, held: &mut Held, cloud: &Cloud) -> azure_core::Result<AccessToken> {
        let credential = match &held.credential {
            Some(credential) => credential,
            None => {
                let options = client_options(cloud, &self.sender);
                let credential = self.way.credential(cloud, &self.sender, options)?;
                held.credential.insert(credential)
            }
        };
        // The pipeline repeats what the transport has given up; this ends what the transport cannot see.
        let limit = self.sender.request_timeout() * 4;
        let scopes = [cloud.scope.as_str()];
        match tokio::time::timeout(limit, credential.get_token(&scopes, None)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(no_answer(limit)),
        }
    }
}

/// Our HTTP client under `azure_identity`, with a limit for each request.
#[derive(Debug)]
struct LimitedTransport {
    sender: Sender,
}

#[async_trait::async_trait]
impl HttpClient for LimitedTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let limit = self.sender.request_timeout();
        let answer = self.sender.client().execute_request(request);
        let answer = tokio::time::timeout(limit, answer).await;
        let error = match answer.unwrap_or_else(|_| Err(no_answer(limit))) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let hint = self.sender.hint(request.url(), &error);
        match hint.is_empty() {
            true => Err(error),
            false => {
                let text = format!("{error}{hint}");
                // The pipeline repeats what it takes for a failure of the network.
                let kind = match is_lasting(&error) {
                    true => ErrorKind::Other,
                    false => error.kind().clone(),
                };
                Err(azure_core::Error::with_error(kind, error, text))
            }
        }
    }
}

fn client_options(cloud: &Cloud, sender: &Sender) -> ClientOptions {
    let mut custom = CustomConfiguration::default();
    custom.authority_host = cloud.authority.to_string();
    ClientOptions {
        cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
        transport: Some(Transport::new(Arc::new(LimitedTransport {
            sender: sender.clone(),
        }))),
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            max_retries: 4,
            ..ExponentialRetryOptions::default()
        }),
        ..ClientOptions::default()
    }
}

fn is_fresh(token: &AccessToken) -> bool {
    let soon = OffsetDateTime::now_utc() + azure_core::time::Duration::minutes(5);
    token.expires_on > soon
}

fn no_answer(limit: Duration) -> azure_core::Error {
    let text = format!("no answer within {} seconds", limit.as_secs());
    azure_core::Error::with_message(ErrorKind::Io, text)
}
