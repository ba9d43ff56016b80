//! Waiting for what Azure has accepted and carries out in its own time.

use super::super::http::Answer;
use super::Client;
use super::error::{Error, Refusal, parenthesis, request_id};
use super::requests::{Object, Request, Target};
use crate::clients::{Interrupted, Limits, WriteState};
use reqwest::{StatusCode, Url};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The wait before the first poll. Short, because Azure finishes small operations at once; the next ones are longer.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The wait before the second poll where Azure names none; each following one is a fifth longer. Network
/// operations take 2 to 4 seconds, and recordings since 2024 carry no `Retry-After`.
const SECOND_WAIT: Duration = Duration::from_secs(1);

/// The longest wait between two polls where Azure names none, as azurerm has it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long an operation may be unknown to the service (404) and still count as running; azurerm sets no bound.
const UNKNOWN_OPERATION: Duration = Duration::from_secs(60);

/// How long the look at the object may take that follows when the time is up.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Where the progress of an operation is told.
#[derive(Clone, Debug)]
enum Source {
    /// `Azure-AsyncOperation`: a document with a status.
    Status(Url),
    /// `Location`: 202 while it runs.
    Location(Url),
    /// The object's own `provisioningState`.
    Object,
    /// The object itself, until it is gone.
    Deletion,
}

/// What is known of an operation that is waited for.
struct Watch<'a> {
    action: &'a str,
    accepted: Instant,
    /// The service's id of the request that began it.
    request_id: Option<String>,
    last_known: String,
}

/// What one poll tells.
enum Progress {
    Running(String),
    Done,
    Failed(Refusal),
}

impl Client {
    /// Waits until the operation that `answer` began has ended.
    pub(super) async fn follow(
        &self,
        limits: &Limits,
        object: &Object,
        action: &str,
        answer: &Answer,
    ) -> Result<(), Error> {
        let Some(source) = self.source_of(answer) else {
            return Ok(());
        };
        let mut wait = answer.retry_after().unwrap_or(FIRST_WAIT);
        let mut next = SECOND_WAIT;
        let mut watch = Watch {
            action,
            accepted: Instant::now(),
            request_id: request_id(answer),
            last_known: "the operation was accepted".to_owned(),
        };
        let mut unknown_since = None;
        loop {
            if let Err(cause) = limits.wait(wait).await {
                return Err(self.ended(limits, object, &watch, cause).await);
            }
            let poll = match self.poll(limits, object, action, &source).await {
                Ok(poll) => poll,
                Err(Error::DeadlineExceeded { .. }) => {
                    let cause = Interrupted::DeadlineExceeded;
                    return Err(self.ended(limits, object, &watch, cause).await);
                }
                Err(error) => return Err(error.after_acceptance(action)),
            };
            match source.read(action, &poll) {
                Progress::Done => return Ok(()),
                Progress::Failed(refusal) => return Err(failed(refusal, &poll)),
                Progress::Running(state) => watch.last_known = format!("the operation is {state}"),
            }
            if poll.status == StatusCode::NOT_FOUND {
                let since: Instant = *unknown_since.get_or_insert_with(Instant::now);
                if since.elapsed() > UNKNOWN_OPERATION {
                    return Err(Error::from_answer(action, false, &poll).after_acceptance(action));
                }
            } else {
                unknown_since = None;
            }
            wait = poll.retry_after().unwrap_or(next);
            next = next.mul_f32(1.2).min(LONGEST_WAIT);
        }
    }

    /// The error of an operation that is not waited for any longer. When its time is up the object is looked at once
    /// more: whether Azure shows it as changed decides what the user does next.
    async fn ended(
        &self,
        limits: &Limits,
        object: &Object,
        watch: &Watch<'_>,
        cause: Interrupted,
    ) -> Error {
        let mut known = watch.told();
        if cause == Interrupted::DeadlineExceeded {
            let limits = Limits {
                deadline: Instant::now() + LAST_LOOK,
                stop: limits.stop.clone(),
            };
            let held = self.get::<Value>(&limits, object).await;
            known.push_str(&match held {
                Ok(Some(body)) => match provisioning_state(&body) {
                    Some(state) => format!("; the object is {state}"),
                    None => "; the object is there".to_owned(),
                },
                Ok(None) => "; the object is not there".to_owned(),
                Err(_) => String::new(),
            });
        }
        let waiting_for = "Azure to finish the operation";
        let write = WriteState::Accepted;
        Error::interrupted(cause, watch.action, waiting_for, &known, write)
    }

    /// Where to ask about the operation; none if it has ended already.
    fn source_of(&self, answer: &Answer) -> Option<Source> {
        if answer.status == StatusCode::NO_CONTENT {
            return None;
        }
        // Recorded: an answer may name an operation and say Succeeded at once; then there is nothing to wait for.
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let state = provisioning_state(&body);
        if state.is_some_and(|state| state == "Succeeded") {
            return None;
        }
        if let Some(url) = self.trusted(answer.header("azure-asyncoperation")) {
            return Some(Source::Status(url));
        }
        if answer.status == StatusCode::ACCEPTED {
            let location = self.trusted(answer.header("location"));
            // Recorded: 202 answers a deletion, and its body is empty.
            let object = state.map_or(Source::Deletion, |_| Source::Object);
            return Some(location.map_or(object, Source::Location));
        }
        state.map(|_| Source::Object)
    }

    /// The URL if it is at Azure Resource Manager: a poll carries our token.
    fn trusted(&self, url: Option<&str>) -> Option<Url> {
        let endpoint = self.endpoint()?;
        let url = endpoint.join(url?).ok()?;
        if url.origin() == endpoint.origin() {
            return Some(url);
        }
        tracing::warn!(
            host = url.host_str().unwrap_or_default(),
            "not polling an operation at another host than Azure Resource Manager: watching the object instead"
        );
        None
    }

    async fn poll(
        &self,
        limits: &Limits,
        object: &Object,
        action: &str,
        source: &Source,
    ) -> Result<Answer, Error> {
        let request = match source {
            Source::Object | Source::Deletion => Request::get(action, object),
            Source::Status(url) | Source::Location(url) => Request {
                target: Target::Operation(url.clone()),
                ..Request::get(action, object)
            },
        };
        let answer = self.exchange(limits, request).await?;
        let is_news = match source {
            Source::Object | Source::Deletion if answer.status == StatusCode::NOT_FOUND => {
                Refusal::says_gone(&answer)
            }
            Source::Object | Source::Deletion => answer.status.is_success(),
            Source::Status(_) => {
                answer.status.is_success() || answer.status == StatusCode::NOT_FOUND
            }
            // The answer is the operation's own: also its failure.
            Source::Location(_) => answer.status != StatusCode::UNAUTHORIZED,
        };
        match is_news {
            true => Ok(answer),
            false => Err(Error::from_answer(action, false, &answer)),
        }
    }
}

impl Watch<'_> {
    fn told(&self) -> String {
        let id = parenthesis(None, None, self.request_id.as_deref());
        format!(
            "{}, {} s after Azure took the request{id}",
            self.last_known,
            self.accepted.elapsed().as_secs()
        )
    }
}

impl Source {
    fn read(&self, action: &str, poll: &Answer) -> Progress {
        let body: Value = serde_json::from_slice(&poll.body).unwrap_or_default();
        match self {
            // The object is gone: what was accepted without a place to ask was its deletion.
            Source::Object | Source::Deletion if poll.status == StatusCode::NOT_FOUND => {
                Progress::Done
            }
            _ if poll.status == StatusCode::NOT_FOUND => {
                Progress::Running("not known yet".to_owned())
            }
            Source::Status(_) => match body.get("status").and_then(Value::as_str) {
                Some(state) => of_state(state, action, &body),
                None => Progress::Running("without a status".to_owned()),
            },
            Source::Location(_) if poll.status == StatusCode::ACCEPTED => {
                Progress::Running("InProgress".to_owned())
            }
            Source::Location(_) if poll.status.is_success() => Progress::Done,
            Source::Location(_) => of_state("Failed", action, &body),
            Source::Object => match provisioning_state(&body) {
                Some(state) => of_state(state, action, &body),
                None => Progress::Done,
            },
            Source::Deletion => match provisioning_state(&body) {
                // Its deletion has not begun: the state is that of the write before.
                Some("Succeeded") | None => Progress::Running("not begun yet".to_owned()),
                Some(state) => of_state(state, action, &body),
            },
        }
    }
}

/// The meaning of a status or provisioning state. A word that is not known counts as running, as azurerm has it.
fn of_state(state: &str, action: &str, body: &Value) -> Progress {
    match state {
        "Succeeded" => Progress::Done,
        "Failed" | "Canceled" | "Cancelled" => {
            Progress::Failed(Refusal::from_body(action, body).unwrap_or_else(|| Refusal {
                action: action.to_owned(),
                status: None,
                code: state.to_owned(),
                message: format!("the operation ended as {state}, without a reason"),
                details: Vec::new(),
                request_id: None,
                after_lost_answer: false,
            }))
        }
        running => Progress::Running(running.to_owned()),
    }
}

fn failed(mut refusal: Refusal, poll: &Answer) -> Error {
    refusal.request_id = request_id(poll);
    match refusal.is_retryable() {
        true => Error::TryAgain(refusal.into()),
        false => Error::OperationFailed(refusal.into()),
    }
}

fn provisioning_state(body: &Value) -> Option<&str> {
    body.get("properties")?.get("provisioningState")?.as_str()
}
