//! The session at the controller: one for all calls of the process, begun again when the controller has ended it.

use super::super::http::{Answer, Call, NoAnswer, NotConnected, Repeat, Sender};
use super::address::Address;
use super::answers::{judge, not_avis, said};
use super::cookies::{CSRF, Cookies};
use super::error::Error;
use super::version::Version;
use crate::clients::{Interrupted, Limits, NotReady, WriteState};
use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

/// How many sessions may be begun within [`SPAN`]. A controller with room for one session of a user throws one client
/// out when the other signs in: the two would go on with that for ever.
const SESSIONS: usize = 8;
const SPAN: Duration = Duration::from_secs(600);

/// How long the end of the process waits for the end of the session.
const LOG_OUT: Duration = Duration::from_secs(1);

const TENANT: HeaderName = HeaderName::from_static("x-avi-tenant");
const VERSION: HeaderName = HeaderName::from_static("x-avi-version");
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrftoken");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// How a client shows who it is.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    username: String,
    /// The member of the request in which the secret goes.
    member: &'static str,
    secret: SecretString,
}

/// Why there is no session.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignInError {
    /// The controller does not accept who we say we are (401).
    #[error("the controller does not accept the user {username:?} with this {secret}: {message}")]
    WrongCredentials {
        /// The user.
        username: String,
        /// `password` or `token`.
        secret: &'static str,
        /// What the controller said.
        message: String,
    },
    /// The controller refuses for another reason.
    #[error("the controller refuses it: {message} (status {status})")]
    Refused {
        /// What the controller said.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// The version to speak and the controller's own do not go together.
    #[error("{0}")]
    Version(String),
    /// The controller has ended one session after the other.
    #[error(
        "the controller has ended {sessions} sessions within {} minutes: something else that signs in as {username:?} throws this one out, and is thrown out by it",
        SPAN.as_secs() / 60
    )]
    ThrownOut {
        /// How many.
        sessions: usize,
        /// The user.
        username: String,
    },
    /// No connection could be made.
    #[error("cannot connect to {host}: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// What answered is no Avi controller.
    #[error("{0}")]
    BadAnswer(String),
}

/// The session of one client.
#[derive(Debug)]
pub(super) struct Session {
    sender: Sender,
    address: Address,
    credentials: Credentials,
    tenant: String,
    configured: Option<Version>,
    held: AsyncMutex<Held>,
}

/// A session that has begun.
#[derive(Debug)]
pub(super) struct SignedIn {
    cookies: Mutex<Cookies>,
    version: Version,
}

#[derive(Debug, Default)]
struct Held {
    signed_in: Option<Arc<SignedIn>>,
    begun: VecDeque<Instant>,
    /// The last failure, for those who were waiting while it happened.
    failure: Option<(Instant, SignInError)>,
}

/// Why no session was begun.
enum NoSession {
    Failed(SignInError),
    Interrupted(Interrupted, String),
}

impl Credentials {
    /// A user with a password.
    pub(super) fn password(username: String, password: String) -> Credentials {
        Credentials {
            username,
            member: "password",
            secret: password.into(),
        }
    }

    /// A user with a token.
    pub(super) fn token(username: String, token: String) -> Credentials {
        Credentials {
            username,
            member: "token",
            secret: token.into(),
        }
    }

    fn body(&self) -> Bytes {
        let mut body = json!({ "username": self.username });
        body[self.member] = json!(self.secret.expose_secret());
        Bytes::from(body.to_string())
    }
}

impl SignInError {
    /// Whether trying again without a change of the configuration is worse than useless: a controller locks the
    /// account of a user after some wrong passwords.
    fn is_lasting(&self) -> bool {
        matches!(
            self,
            SignInError::WrongCredentials { .. } | SignInError::Version(_)
        )
    }
}

impl SignedIn {
    /// The version of the API that is spoken.
    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Keeps what an answer says of the session.
    pub(super) fn take(&self, answer: &Answer) {
        self.cookies().take(answer);
    }

    fn cookies(&self) -> MutexGuard<'_, Cookies> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    pub(super) fn new(
        sender: Sender,
        address: Address,
        credentials: Credentials,
        tenant: String,
        configured: Option<Version>,
    ) -> Result<Session, NotReady> {
        if HeaderValue::try_from(&tenant).is_err() {
            return Err(NotReady::Invalid {
                argument: "avi.tenant".to_owned(),
                reason: "it cannot be sent in a header".to_owned(),
            });
        }
        Ok(Session {
            sender,
            address,
            credentials,
            tenant,
            configured,
            held: AsyncMutex::default(),
        })
    }

    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// A session for `action` that is not the one that the controller has `refused`: begun once, however many wait
    /// for it.
    pub(super) async fn get(
        &self,
        limits: &Limits,
        action: &str,
        refused: Option<&Arc<SignedIn>>,
    ) -> Result<Arc<SignedIn>, Error> {
        let asked = Instant::now();
        let session = tokio::select! {
            biased;
            cause = limits.ended() => Err(NoSession::Interrupted(cause, String::new())),
            session = self.get_or_begin(limits, asked, refused) => session,
        };
        session.map_err(|cause| match cause {
            NoSession::Failed(source) => Error::NotSignedIn {
                action: action.to_owned(),
                source,
            },
            NoSession::Interrupted(cause, last_known) => {
                let last_known = match last_known.is_empty() {
                    true => "there is none yet",
                    false => &last_known,
                };
                let waiting_for = "a session at the Avi controller";
                Error::interrupted(cause, action, waiting_for, last_known, WriteState::NotSent)
            }
        })
    }

    /// The headers of a request in a session.
    pub(super) fn headers(&self, signed_in: &SignedIn, method: &Method) -> HeaderMap {
        let mut headers = self.common_headers(Some(signed_in.version));
        let cookies = signed_in.cookies();
        if let Some(value) = cookies.header() {
            headers.insert(header::COOKIE, value);
        }
        let csrf = cookies.get(CSRF).map(HeaderValue::try_from);
        if let (true, Some(Ok(mut value))) = (*method != Method::GET, csrf) {
            value.set_sensitive(true);
            headers.insert(CSRF_TOKEN, value);
        }
        headers
    }

    /// Ends the session, if there is one.
    pub(super) async fn log_out(&self) {
        let Ok(mut held) = self.held.try_lock() else {
            // Somebody signs in at this moment, and will be ended with the process.
            return;
        };
        let Some(signed_in) = held.signed_in.take() else {
            return;
        };
        let limits = Limits {
            deadline: Instant::now() + LOG_OUT,
            stop: CancellationToken::new(),
        };
        let call = Call {
            method: Method::POST,
            url: self.address.join("/logout"),
            headers: self.headers(&signed_in, &Method::POST),
            body: Some(Bytes::from_static(b"{}")),
            repeat: Repeat::IfRefused,
            alias: None,
        };
        // What is not ended here ends by itself after the controller's idle time.
        let _ = self.sender.send(&limits, &call, judge).await;
    }

    async fn get_or_begin(
        &self,
        limits: &Limits,
        asked: Instant,
        refused: Option<&Arc<SignedIn>>,
    ) -> Result<Arc<SignedIn>, NoSession> {
        let mut held = self.held.lock().await;
        match &held.signed_in {
            Some(current) if refused.is_none_or(|refused| !Arc::ptr_eq(current, refused)) => {
                return Ok(current.clone());
            }
            _ => held.signed_in = None,
        }
        match &held.failure {
            Some((when, failure)) if *when > asked || failure.is_lasting() => {
                return Err(NoSession::Failed(failure.clone()));
            }
            _ => {}
        }
        match self.begin(limits, &mut held.begun).await {
            Ok(signed_in) => Ok(held.signed_in.insert(Arc::new(signed_in)).clone()),
            Err(NoSession::Failed(failure)) => {
                held.failure = Some((Instant::now(), failure.clone()));
                Err(NoSession::Failed(failure))
            }
            Err(interrupted) => Err(interrupted),
        }
    }

    async fn begin(
        &self,
        limits: &Limits,
        begun: &mut VecDeque<Instant>,
    ) -> Result<SignedIn, NoSession> {
        begun.retain(|when| when.elapsed() < SPAN);
        if begun.len() >= SESSIONS {
            return Err(NoSession::Failed(SignInError::ThrownOut {
                sessions: begun.len(),
                username: self.credentials.username.clone(),
            }));
        }
        let mut headers = self.common_headers(self.configured);
        headers.insert(header::CONTENT_TYPE, JSON);
        let call = Call {
            method: Method::POST,
            url: self.address.join("/login"),
            headers,
            body: Some(self.credentials.body()),
            // A session more does no harm.
            repeat: Repeat::Always,
            alias: None,
        };
        let answer = self.ask(limits, &call).await?;
        if !answer.status.is_success() {
            return Err(NoSession::Failed(self.refusal(&answer)));
        }
        let body = body_of(&answer)?;
        let mut cookies = Cookies::default();
        cookies.take(&answer);
        let name = body["session_cookie_name"].as_str().unwrap_or("sessionid");
        if cookies.get(CSRF).is_none() || cookies.get(name).is_none() {
            return Err(NoSession::Failed(SignInError::BadAnswer(format!(
                "the answer to the sign-in sets no cookies {CSRF} and {name}: something on the way may keep them back"
            ))));
        }
        let of_controller = match version_in(&body) {
            Some(version) => version,
            None => self.ask_version(limits, &cookies).await?,
        };
        begun.push_back(Instant::now());
        let version = Version::to_speak(self.configured, of_controller)
            .map_err(|reason| NoSession::Failed(SignInError::Version(reason)))?;
        tracing::debug!(%version, %of_controller, "signed in to the Avi controller");
        Ok(SignedIn {
            cookies: Mutex::new(cookies),
            version,
        })
    }

    /// The controller's version, where the sign-in does not tell.
    async fn ask_version(&self, limits: &Limits, cookies: &Cookies) -> Result<Version, NoSession> {
        let mut headers = self.common_headers(self.configured);
        if let Some(value) = cookies.header() {
            headers.insert(header::COOKIE, value);
        }
        let call = Call {
            method: Method::GET,
            url: self.address.join("/api/initial-data"),
            headers,
            body: None,
            repeat: Repeat::Always,
            alias: None,
        };
        let answer = self.ask(limits, &call).await?;
        version_in(&body_of(&answer)?).ok_or_else(|| {
            let reason = "the controller does not tell its version".to_owned();
            NoSession::Failed(SignInError::BadAnswer(reason))
        })
    }

    async fn ask(&self, limits: &Limits, call: &Call) -> Result<Answer, NoSession> {
        let answer = self.sender.send(limits, call, judge).await;
        answer.map_err(|cause| match cause {
            NoAnswer::Unreachable(error) => NoSession::Failed(self.unreachable(&error)),
            NoAnswer::Unclear(reason) => NoSession::Failed(SignInError::Unreachable {
                host: self.address.authority().to_owned(),
                reason,
            }),
            NoAnswer::Interrupted {
                cause, last_known, ..
            } => NoSession::Interrupted(cause, last_known),
        })
    }

    fn unreachable(&self, error: &NotConnected) -> SignInError {
        SignInError::Unreachable {
            host: self.address.authority().to_owned(),
            reason: error.to_string(),
        }
    }

    fn refusal(&self, answer: &Answer) -> SignInError {
        let message = said(answer);
        match (answer.status, message) {
            (StatusCode::UNAUTHORIZED, message) => SignInError::WrongCredentials {
                username: self.credentials.username.clone(),
                secret: self.credentials.member,
                message: message.unwrap_or_else(|| not_avis(answer)),
            },
            (status, Some(message)) => SignInError::Refused {
                message,
                status: status.as_u16(),
            },
            (status, None) => {
                SignInError::BadAnswer(format!("{} (status {})", not_avis(answer), status.as_u16()))
            }
        }
    }

    fn common_headers(&self, version: Option<Version>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, JSON);
        let referer = HeaderValue::try_from(self.address.referer());
        let tenant = HeaderValue::try_from(&self.tenant);
        let version = version.map(|version| HeaderValue::try_from(version.to_string()));
        let named = [
            (header::REFERER, Some(referer)),
            (TENANT, Some(tenant)),
            (VERSION, version),
        ];
        for (name, value) in named {
            if let Some(Ok(value)) = value {
                headers.insert(name, value);
            }
        }
        headers
    }
}

fn body_of(answer: &Answer) -> Result<Value, NoSession> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    body.filter(Value::is_object)
        .ok_or_else(|| NoSession::Failed(SignInError::BadAnswer(not_avis(answer))))
}

fn version_in(body: &Value) -> Option<Version> {
    Version::parse(body["version"]["Version"].as_str()?)
}
