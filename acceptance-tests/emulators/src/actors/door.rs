//! The way of the actors into the lab: through the fronts of the emulated services, without sockets.
//!
//! So the journal, the faults and the latency meet them as they meet every client.

use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::http::Request;
use crate::listener::{Answer, Serve};

/// A service that an actor may ask.
pub(super) trait Door: Send + Sync {
    /// Answers one request; nothing where the connection was broken.
    fn ask(&self, request: Request) -> Pin<Box<dyn Future<Output = Option<Reply>> + Send + '_>>;
}

/// An answer as an actor reads it.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: StatusCode,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body; null where it is no JSON.
    pub(super) body: Value,
}

impl<S: Serve> Door for S {
    fn ask(&self, request: Request) -> Pin<Box<dyn Future<Output = Option<Reply>> + Send + '_>> {
        Box::pin(async move {
            match self.serve(request).await {
                Answer::Whole(response) => Some(Reply {
                    status: response.status,
                    body: serde_json::from_slice(&response.body).unwrap_or_default(),
                    headers: response.headers,
                }),
                Answer::Cut(..) | Answer::Reset => None,
            }
        })
    }
}

/// A request with a JSON body, or none where it is null.
pub(super) fn request(method: &str, target: &str, body: &Value) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = match body {
        Value::Null => Bytes::new(),
        body => Bytes::from(body.to_string()),
    };
    Request {
        method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: HeaderMap::new(),
        body,
        client_certificate: None,
    }
}

/// Sets a header; a value that HTTP does not allow is left out.
pub(super) fn set(request: &mut Request, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        let name = HeaderName::from_static(name);
        request.headers.insert(name, value);
    }
}

/// A text as it stands in a query.
pub(super) fn encoded(text: &str) -> String {
    const SAFE: AsciiSet = NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(text, &SAFE).to_string()
}
