//! One request in the session, which is begun again where the controller has ended it.

use super::super::http::{Answer, Call, Repeat};
use super::Client;
use super::answers::{is_avis, judge, said};
use super::error::Error;
use crate::clients::Limits;
use crate::wording::first_words;
use bytes::Bytes;
use reqwest::header::{self, HeaderValue};
use reqwest::{Method, Url};

/// How often one request begins a session before its refusal counts.
const SESSIONS_PER_REQUEST: u32 = 3;

/// What the controller answers where the session is no more: 419 or 401 (recorded: controllers of 17.1 and 20.1), 401
/// also where it does not accept the token against cross-site requests.
const SESSION_ENDED: [u16; 2] = [401, 419];

/// What stands for a secret in all that the controller gives out.
const MASKED: &str = "<sensitive>";

/// One request.
pub(super) struct Request<'a> {
    pub(super) action: &'a str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Bytes>,
    pub(super) repeat: Repeat,
}

impl Client {
    /// Sends a request that must be answered by success.
    pub(super) async fn succeed(
        &self,
        limits: &Limits,
        request: Request<'_>,
    ) -> Result<Answer, Error> {
        let (action, is_write) = (request.action, request.is_write());
        let answer = self.exchange(limits, request).await?;
        match answer.status.is_success() {
            true if is_avis(&answer) => Ok(answer),
            true => Err(Error::not_avi(action, is_write, &answer)),
            false => Err(self.refusal(action, is_write, &answer)),
        }
    }

    /// Sends a request and gives whatever the controller's last word is.
    pub(super) async fn exchange(
        &self,
        limits: &Limits,
        request: Request<'_>,
    ) -> Result<Answer, Error> {
        let (action, is_write) = (request.action, request.is_write());
        if request.has_masked_secret() {
            let action = action.to_owned();
            return Err(Error::MaskedSecret { action });
        }
        let mut sessions = 0;
        let mut lost = false;
        let mut refused = None;
        loop {
            sessions += 1;
            let signed_in = self.session.get(limits, action, refused.as_ref()).await;
            let signed_in = signed_in.map_err(|error| match lost {
                true => error.after_lost_answer(),
                false => error,
            })?;
            let call = request.to_call(self.session.headers(&signed_in, &request.method));
            let answer = self.sender.send(limits, &call, judge).await;
            let mut answer = answer.map_err(|cause| {
                Error::from_no_answer(action, self.address.authority(), is_write, lost, cause)
            })?;
            lost |= answer.after_lost_answer;
            answer.after_lost_answer = lost;
            if !SESSION_ENDED.contains(&answer.status.as_u16()) {
                signed_in.take(&answer);
                return Ok(answer);
            }
            refused = Some(signed_in);
            if sessions >= SESSIONS_PER_REQUEST {
                return Err(Error::SessionRefused {
                    action: action.to_owned(),
                    status: answer.status.as_u16(),
                    message: said(&answer)
                        .or_else(|| first_words(&answer.body))
                        .unwrap_or_else(|| "no reason given".to_owned()),
                    after_lost_answer: lost,
                });
            }
        }
    }

    /// The error of an answer that is no success.
    pub(super) fn refusal(&self, action: &str, is_write: bool, answer: &Answer) -> Error {
        Error::from_answer(action, is_write, self.tenant(), answer)
    }
}

impl<'a> Request<'a> {
    pub(super) fn get(action: &'a str, url: Url) -> Request<'a> {
        Request {
            action,
            method: Method::GET,
            url,
            body: None,
            repeat: Repeat::Always,
        }
    }

    fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    /// Sent back, the mask might be stored in place of the secret.
    fn has_masked_secret(&self) -> bool {
        let mask = MASKED.as_bytes();
        let body = self.body.as_deref().unwrap_or_default();
        body.windows(mask.len()).any(|window| window == mask)
    }

    fn to_call(&self, mut headers: header::HeaderMap) -> Call {
        if self.body.is_some() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        Call {
            method: self.method.clone(),
            url: self.url.clone(),
            headers,
            body: self.body.clone(),
            repeat: self.repeat,
            alias: None,
        }
    }
}
