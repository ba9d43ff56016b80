//! The one way to send a request: with a limit, repeated where that is safe, stopped when the user says so.

use super::proxies::Proxies;
use super::{Interrupted, Limits, NotReady, Variables};
use crate::wording::with_causes;
use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use reqwest::header::{self, HeaderMap};
use reqwest::{Certificate, Method, Proxy, StatusCode, Url, redirect};
use std::error::Error as StdError;
use std::time::{Duration, Instant};

/// How long a write that is under way is awaited after the user has interrupted Terraform.
const GRACE: Duration = Duration::from_secs(3);

/// How often a connection is tried before the host counts as unreachable: about 10 to 20 seconds.
const CONNECTION_ATTEMPTS: u32 = 6;

/// The longest wait that a service may ask for by `Retry-After` before it is taken for a mistake.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// What decides whom we trust.
pub(super) const TRUST: &str = "the environment variable SSL_CERT_FILE names a file with the certificate authorities to trust, PEM; without it they are the system's";

/// What lets a request pass a proxy that asks who we are.
pub(super) const LOGIN: &str = "it wants a user and a password that it knows, in its URL: http://user:password@host:port, with %40 for an @ and %3A for a : in them";

/// Sends requests and repeats them.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    proxies: Proxies,
    request_timeout: Duration,
    trust_advice: &'static str,
}

/// Whom a sender trusts.
pub(super) enum Trust {
    /// The system's certificate authorities, or those in the file that `SSL_CERT_FILE` names.
    OfEnvironment,
    /// These, and nobody else.
    Only(Vec<Certificate>),
    /// Anybody: certificates are not checked.
    Anybody,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) repeat: Repeat,
    /// What the log shows instead of a path; for URLs that carry a signature.
    pub(super) alias: Option<&'static str>,
}

/// When a request may be sent again without looking at the object first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whatever happened: carrying it out twice is the same as once.
    Always,
    /// Only where it is certain that it was not carried out.
    IfRefused,
}

/// One answer, read whole.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// An earlier attempt got no answer and may have been carried out.
    pub(super) after_lost_answer: bool,
}

/// What to do about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the answer.
    Final,
    /// The service did nothing; ask again, after its own wait if it names one.
    Busy(Option<Duration>, String),
    /// Something on the way failed, perhaps after the service had acted; ask again.
    Broken(Option<Duration>, String),
}

/// Why no connection could be made, with what else the user should know of the way: the proxy, and whom we trust.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotConnected(String);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// No connection could be made.
    Unreachable(NotConnected),
    /// The write was sent, its outcome is not known and it must not be sent again.
    Unclear(String),
    /// The operation ended before there was an answer.
    Interrupted {
        cause: Interrupted,
        /// What came of the last attempt.
        last_known: String,
        /// An attempt got no answer and may have been carried out.
        after_lost_answer: bool,
    },
}

impl NoAnswer {
    /// What happened, for errors of calls that change nothing.
    pub(super) fn reason(self) -> String {
        match self {
            NoAnswer::Unreachable(error) => with_causes(&error),
            NoAnswer::Unclear(reason) => reason,
            NoAnswer::Interrupted {
                cause, last_known, ..
            } => match last_known.is_empty() {
                true => cause.to_string(),
                false => format!("{cause} ({last_known})"),
            },
        }
    }
}

/// How long to wait before the `attempt`th repetition, from 1: 0.25 to 0.5 s at first, then twice as long each time,
/// at most 30 s. The part left to chance keeps parallel operations apart.
pub(super) fn back_off(attempt: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(15);
    let mut delays = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(LONGEST)
        .with_factor(2.0)
        .without_max_times()
        .with_jitter()
        .build();
    let attempt = usize::try_from(attempt.saturating_sub(1).min(32)).unwrap_or(32);
    delays.nth(attempt).unwrap_or(LONGEST)
}

impl Sender {
    /// A sender that goes through the proxies that the environment names, and says `trust_advice` where a certificate
    /// is refused or there is nobody to trust.
    pub(super) fn new(
        user_agent: &str,
        request_timeout: Duration,
        variables: &Variables,
        trust: Trust,
        trust_advice: &'static str,
    ) -> Result<Sender, NotReady> {
        let proxies = Proxies::new(variables)?;
        let of = proxies.clone();
        let mut builder = reqwest::Client::builder()
            .user_agent(user_agent)
            // In place of reqwest's own reading of the environment, whose rules differ from other providers'.
            .proxy(Proxy::custom(move |url| {
                of.of(url).map(|proxy| proxy.url().clone())
            }))
            // A redirect would carry the token to a host that nobody configured.
            .redirect(redirect::Policy::none())
            .connect_timeout(request_timeout);
        builder = match (trust, variables.get("SSL_CERT_FILE")) {
            (Trust::Anybody, _) => builder.tls_danger_accept_invalid_certs(true),
            (Trust::Only(authorities), _) => builder.tls_certs_only(authorities),
            // The verifier of macOS and Windows does not know the variable, and tests hand in their own.
            (Trust::OfEnvironment, Some(file)) => builder.tls_certs_only(certificates(&file)?),
            (Trust::OfEnvironment, None) => builder,
        };
        let client = builder.build().map_err(|error| NotReady::Invalid {
            argument: "SSL_CERT_FILE".to_owned(),
            reason: format!("{} ({trust_advice})", with_causes(&error)),
        })?;
        Ok(Sender {
            client,
            proxies,
            request_timeout,
            trust_advice,
        })
    }

    /// A sender with the same limit to a service of this very machine, which no proxy could reach.
    pub(super) fn without_proxy(&self) -> reqwest::Result<Sender> {
        let builder = reqwest::Client::builder().no_proxy();
        Ok(Sender {
            client: builder.redirect(redirect::Policy::none()).build()?,
            proxies: Proxies::default(),
            request_timeout: self.request_timeout,
            trust_advice: self.trust_advice,
        })
    }

    /// The client itself, for libraries that bring their own requests.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// What to say beside `error`, by which a request of `url` failed: how it went, and what else to check. Empty
    /// where there is nothing to add.
    pub(super) fn hint(&self, url: &Url, error: &(dyn StdError + 'static)) -> String {
        let proxy = self.proxies.of(url).map(|proxy| proxy.hint());
        let trust = is_certificate_error(error).then(|| self.trust_advice.to_owned());
        let login = is_refused_by_proxy(error).then(|| LOGIN.to_owned());
        let hints: Vec<String> = proxy.into_iter().chain(login).chain(trust).collect();
        match hints.is_empty() {
            true => String::new(),
            false => format!(" ({})", hints.join("; ")),
        }
    }

    /// The longest that one request may take.
    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Sends `call` until `judge` takes an answer for final, and no longer than `limits` allow.
    pub(super) async fn send(
        &self,
        limits: &Limits,
        call: &Call,
        judge: impl Fn(&Answer) -> Verdict,
    ) -> Result<Answer, NoAnswer> {
        let mut progress = Progress::default();
        loop {
            limits.check().map_err(|cause| progress.ended(cause))?;
            progress.attempt += 1;
            let (asked, said) = match self.attempt(limits, call, &progress).await {
                Ok(answer) => match judge(&answer) {
                    Verdict::Final => return Ok(answer),
                    Verdict::Busy(wait, said) => (wait, said),
                    Verdict::Broken(wait, said) => {
                        progress.lost_answer(call, &said)?;
                        (wait, said)
                    }
                },
                Err(Lost::NotConnected(error)) => {
                    progress.connections += 1;
                    let said = with_causes(&error) + &self.hint(&call.url, &error);
                    if progress.connections >= CONNECTION_ATTEMPTS || is_lasting(&error) {
                        return Err(match progress.after_lost_answer {
                            true => NoAnswer::Unclear(said),
                            false => NoAnswer::Unreachable(NotConnected(said)),
                        });
                    }
                    (None, said)
                }
                Err(Lost::NoAnswer(said)) => {
                    progress.lost_answer(call, &said)?;
                    (None, said)
                }
                Err(Lost::Stopped { in_flight: false }) => {
                    return Err(progress.ended(Interrupted::Stopped));
                }
                Err(Lost::Stopped { in_flight: true }) => {
                    return Err(NoAnswer::Unclear(format!(
                        "interrupted, and no answer within {} seconds",
                        GRACE.as_secs()
                    )));
                }
            };
            progress.last_known = said;
            let wait = asked.unwrap_or_else(|| back_off(progress.attempt));
            // A wait that ends after the deadline helps nobody: fail now.
            let cause = match wait < limits.remaining() {
                true => limits.wait(wait).await.err(),
                false => Some(Interrupted::DeadlineExceeded),
            };
            if let Some(cause) = cause {
                return Err(progress.ended(cause));
            }
        }
    }

    async fn attempt(
        &self,
        limits: &Limits,
        call: &Call,
        progress: &Progress,
    ) -> Result<Answer, Lost> {
        let started = Instant::now();
        let limit = self.request_timeout.min(limits.remaining());
        let exchange = tokio::time::timeout(limit, self.exchange(call, progress));
        tokio::pin!(exchange);
        let outcome = tokio::select! {
            biased;
            outcome = &mut exchange => outcome,
            () = limits.stop.cancelled() => match call.is_write() {
                false => return Err(Lost::Stopped { in_flight: false }),
                true => match tokio::time::timeout(GRACE, exchange).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Err(Lost::Stopped { in_flight: true }),
                },
            },
        };
        let outcome = outcome
            .unwrap_or_else(|_| Err(Lost::NoAnswer(format!("no answer within {limit:.0?}"))));
        call.log(&outcome, started.elapsed(), progress.attempt);
        outcome
    }

    async fn exchange(&self, call: &Call, progress: &Progress) -> Result<Answer, Lost> {
        let mut request = self
            .client
            .request(call.method.clone(), call.url.clone())
            .headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(Lost::from_reqwest)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        Ok(Answer {
            status,
            headers,
            body: response.bytes().await.map_err(Lost::from_reqwest)?,
            after_lost_answer: progress.after_lost_answer,
        })
    }
}

impl Call {
    fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    fn log(&self, outcome: &Result<Answer, Lost>, elapsed: Duration, attempt: u32) {
        let status = match outcome {
            Ok(answer) => answer.status.as_str().to_owned(),
            Err(Lost::NotConnected(_)) => "not connected".to_owned(),
            Err(_) => "no answer".to_owned(),
        };
        tracing::debug!(
            method = %self.method,
            path = self.alias.unwrap_or(self.url.path()),
            status,
            milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            attempt,
            "sent a request"
        );
    }
}

impl Answer {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the service asks to wait: seconds, or a date. No wait at all is none asked for: else a service that
    /// says 0, or whose clock is behind ours, would be asked again without a pause until the deadline.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.header(header::RETRY_AFTER.as_str())?.trim();
        let wait = match text.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => until(text)?,
        };
        (!wait.is_zero() && wait <= LONGEST_RETRY_AFTER).then_some(wait)
    }
}

/// How far a call has come.
#[derive(Debug, Default)]
struct Progress {
    attempt: u32,
    connections: u32,
    last_known: String,
    after_lost_answer: bool,
}

impl Progress {
    /// Notes that the outcome of an attempt is not known, and fails if that forbids another one.
    fn lost_answer(&mut self, call: &Call, said: &str) -> Result<(), NoAnswer> {
        self.after_lost_answer |= call.is_write();
        match call.repeat {
            Repeat::Always => Ok(()),
            Repeat::IfRefused => Err(NoAnswer::Unclear(said.to_owned())),
        }
    }

    fn ended(&self, cause: Interrupted) -> NoAnswer {
        NoAnswer::Interrupted {
            cause,
            last_known: self.last_known.clone(),
            after_lost_answer: self.after_lost_answer,
        }
    }
}

/// What one attempt ended in instead of an answer.
#[derive(Debug)]
enum Lost {
    NotConnected(reqwest::Error),
    NoAnswer(String),
    Stopped { in_flight: bool },
}

impl Lost {
    fn from_reqwest(error: reqwest::Error) -> Lost {
        // Errors print their URL, and that of an operation is signed.
        let error = error.without_url();
        match error.is_connect() {
            true => Lost::NotConnected(error),
            false => Lost::NoAnswer(with_causes(&error)),
        }
    }
}

/// The certificate authorities in the file that `SSL_CERT_FILE` names.
pub(super) fn certificates(file: &str) -> Result<Vec<Certificate>, NotReady> {
    let invalid = |reason: String| NotReady::Invalid {
        argument: "SSL_CERT_FILE".to_owned(),
        reason: format!("cannot read certificates from {file}: {reason}"),
    };
    let pem = std::fs::read(file).map_err(|error| invalid(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| invalid(with_causes(&error)))?;
    match found.is_empty() {
        true => Err(invalid("it holds none".to_owned())),
        false => Ok(found),
    }
}

/// Whether no repetition heals it.
pub(super) fn is_lasting(error: &(dyn StdError + 'static)) -> bool {
    is_certificate_error(error) || is_refused_by_proxy(error)
}

/// Whether the host was reached and its certificate refused.
pub(super) fn is_certificate_error(error: &(dyn StdError + 'static)) -> bool {
    has_cause(error, &|cause| {
        let cause = cause.downcast_ref::<rustls::Error>();
        matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
    })
}

/// Whether the proxy on the way wants other credentials (407). hyper-util's type for it has no name outside of it:
/// its words are all that tells.
pub(super) fn is_refused_by_proxy(error: &(dyn StdError + 'static)) -> bool {
    has_cause(error, &|cause| {
        cause.to_string() == "tunnel error: proxy authorization required"
    })
}

/// Whether `is_it` holds for an error or for what caused it.
fn has_cause(
    error: &(dyn StdError + 'static),
    is_it: &dyn Fn(&(dyn StdError + 'static)) -> bool,
) -> bool {
    if is_it(error) {
        return true;
    }
    // An I/O error shows the source of what is inside it, not what is inside.
    let inside = error
        .downcast_ref::<std::io::Error>()
        .and_then(|error| error.get_ref());
    match inside {
        Some(inside) => has_cause(inside, is_it),
        None => error.source().is_some_and(|cause| has_cause(cause, is_it)),
    }
}

/// The time from now until an HTTP date.
fn until(date: &str) -> Option<Duration> {
    let then = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let wait = then.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(retry_after: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
        Answer {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers,
            body: Bytes::new(),
            after_lost_answer: false,
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(answer("7").retry_after(), Some(Duration::from_secs(7)));
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&soon)
            .unwrap();
        let wait = answer(&date).retry_after().unwrap();
        assert!((55..=60).contains(&wait.as_secs()), "{wait:?}");
    }

    #[test]
    fn a_retry_after_that_asks_for_no_wait_leaves_the_wait_to_us() {
        assert_eq!(answer("0").retry_after(), None);
        let past = answer("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(past.retry_after(), None);
    }

    #[test]
    fn an_absurd_retry_after_is_ignored() {
        assert_eq!(answer("86400000").retry_after(), None);
        assert_eq!(answer("soon").retry_after(), None);
    }

    #[test]
    fn waits_grow_and_stay_bounded() {
        assert!(back_off(1) >= Duration::from_millis(250));
        assert!(back_off(1) <= Duration::from_millis(500));
        assert!(back_off(4) >= Duration::from_secs(2));
        assert!(back_off(u32::MAX) <= Duration::from_secs(30));
    }
}
