//! What stands before every emulated service: the journal, the latency and the faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::avi::Avi;
use crate::azure::{Azure, FAIL_OPERATION};
use crate::faults::{Action, Faults, STALL};
use crate::http::{Request, Response};
use crate::journal::Journal;
use crate::latency::Latency;
use crate::listener::{Answer, Serve};
use crate::sync::lock;

/// An emulated service: a pure answering machine, without sockets or waiting.
pub(crate) trait Service: Send + Sync + 'static {
    /// The name under which the journal notes the request.
    fn label(&self, request: &Request) -> String;
    /// The answer.
    fn handle(&self, request: &Request) -> Response;
}

/// What all services of one lab share.
pub(crate) struct Shared {
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) latency: Mutex<Latency>,
    /// Where a `write` fault writes, unless its path is one of the controller's.
    pub(crate) azure: Arc<Azure>,
    /// Where it writes then.
    pub(crate) avi: Arc<Avi>,
}

/// A service with its front.
pub(crate) struct Front<S> {
    pub(crate) service: Arc<S>,
    pub(crate) shared: Arc<Shared>,
}

impl<S: Service> Serve for Front<S> {
    async fn serve(&self, request: Request) -> Answer {
        let label = self.service.label(&request);
        let n = self.shared.journal.begin(&label, &request);
        let answer = self.answer(&label, n, request).await;
        let status = match &answer {
            Answer::Whole(response) | Answer::Cut(response, _) => Some(response.status.as_u16()),
            Answer::Reset => None,
        };
        self.shared.journal.end(n, status);
        answer
    }
}

impl<S: Service> Front<S> {
    async fn answer(&self, label: &str, n: u64, mut request: Request) -> Answer {
        // Only a fault may set it.
        request.headers.remove(FAIL_OPERATION);
        let faults = self.shared.faults.meeting(label, &request);
        let delay = lock(&self.shared.latency).call;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }

        let (early, late): (Vec<_>, Vec<_>) = faults.into_iter().partition(|(_, f)| f.is_early());
        for (id, fault) in early {
            self.shared.journal.met(n, id);
            if let Some(end) = self.meet(id, &fault.action, &mut request).await {
                return end;
            }
        }
        let response = self.service.handle(&request);
        for (id, fault) in late {
            self.shared.journal.met(n, id);
            if let Action::Truncate { bytes } = fault.action {
                return Answer::Cut(response, bytes);
            }
            if let Some(end) = self.meet(id, &fault.action, &mut request).await {
                return end;
            }
        }
        Answer::Whole(response)
    }

    /// Lets a fault happen; an answer if it ends the exchange, none if the request goes on.
    async fn meet(&self, id: u64, action: &Action, request: &mut Request) -> Option<Answer> {
        match action {
            Action::Respond {
                status,
                headers,
                body,
            } => return Some(Answer::Whole(instead(*status, headers, body))),
            Action::Reset => return Some(Answer::Reset),
            Action::Stall => {
                tokio::time::sleep(STALL).await;
                return Some(Answer::Reset);
            }
            Action::Hold => self.shared.faults.hold(id).await,
            Action::Write { method, path, body } => {
                if path.starts_with("/api/") {
                    self.shared.avi.request(method, path, body.clone());
                } else {
                    self.shared.azure.request(method, path, body.clone());
                }
            }
            Action::FailOperation { code, message } => {
                let error = json!({"code": code, "message": message}).to_string();
                if let Ok(value) = HeaderValue::from_str(&error) {
                    request.headers.insert(FAIL_OPERATION, value);
                }
            }
            // Needs the answer that it cuts.
            Action::Truncate { .. } => {}
        }
        None
    }
}

fn instead(status: u16, headers: &BTreeMap<String, String>, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_json = |kind: &String| kind.contains("json");
    let kind = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let mut response = match (body, kind.is_none_or(|(_, kind)| is_json(kind))) {
        (Value::String(text), false) => Response {
            body: text.clone().into(),
            ..Response::empty(status)
        },
        (Value::Null, _) => Response::empty(status),
        (body, _) => Response::json(status, body),
    };
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers.insert(name, value);
        }
    }
    response
}
