//! Reading, writing and deleting one object, whatever its type.

use super::super::http::{Answer, Call, Repeat};
use super::Client;
use super::answers::{covers, is_arms, judge};
use super::environment::Cloud;
use super::error::{Error, Refusal};
use super::ids::{RouteTableId, SubnetId, VirtualNetworkId};
use super::tokens::NoToken;
use crate::clients::{Limits, WriteState};
use azure_core::credentials::Secret;
use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The version of Microsoft.Network's interface that the recordings of cloud-provider-azure show.
const NETWORK_API_VERSION: &str = "2025-05-01";

/// How often an object is looked for after Azure said that it was made.
const READS_AFTER_WRITE: u32 = 5;

/// One object: how it is called in messages, and where it is.
#[derive(Clone, Debug)]
pub(super) struct Object {
    noun: &'static str,
    name: String,
    id: String,
}

/// One request about an object or its operation.
pub(super) struct Request<'a> {
    pub(super) action: &'a str,
    pub(super) method: Method,
    pub(super) target: Target<'a>,
    pub(super) etag: Option<&'a str>,
    pub(super) body: Option<Bytes>,
    pub(super) repeat: Repeat,
}

/// What a request is sent to.
pub(super) enum Target<'a> {
    Object(&'a Object),
    /// An operation, whose URL is signed.
    Operation(Url),
}

impl Object {
    pub(super) fn route_table(id: &RouteTableId) -> Object {
        Object::new("route table", id.name(), id)
    }

    pub(super) fn subnet(id: &SubnetId) -> Object {
        Object::new("subnet", id.name(), id)
    }

    pub(super) fn virtual_network(id: &VirtualNetworkId) -> Object {
        Object::new("virtual network", id.name(), id)
    }

    fn new(noun: &'static str, name: &str, id: &impl ToString) -> Object {
        Object {
            noun,
            name: name.to_owned(),
            id: id.to_string(),
        }
    }

    /// What is done to it, for messages: `reading route table "rt-1"`.
    pub(super) fn action(&self, verb: &str) -> String {
        format!("{verb} {} {:?}", self.noun, self.name)
    }

    fn url(&self, cloud: &Cloud) -> Url {
        let mut url = cloud.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(self.id.split('/').skip(1));
        }
        url.query_pairs_mut()
            .append_pair("api-version", NETWORK_API_VERSION);
        url
    }
}

impl Client {
    /// The object, or none if it does not exist.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        object: &Object,
    ) -> Result<Option<T>, Error> {
        let action = object.action("reading");
        let answer = self.exchange(limits, Request::get(&action, object)).await?;
        match answer.status.is_success() {
            true => parse(&action, &answer).map(Some),
            false if Refusal::says_gone(&answer) => Ok(None),
            false => Err(Error::from_answer(&action, false, &answer)),
        }
    }

    /// Makes the object `wanted`, waits for it and gives what Azure holds then.
    pub(super) async fn put<T: Serialize + DeserializeOwned>(
        &self,
        limits: &Limits,
        object: &Object,
        etag: Option<&str>,
        wanted: &T,
    ) -> Result<T, Error> {
        let action = object.action("writing");
        let body = to_json(&action, wanted)?;
        let request = || Request {
            action: &action,
            method: Method::PUT,
            target: Target::Object(object),
            etag,
            body: Some(Bytes::from(body.to_string())),
            // Guarded by its etag, a write that was carried out is refused the second time. Nothing guards one
            // that makes an object: it might undo what others wrote in between.
            repeat: match etag {
                Some(_) => Repeat::Always,
                None => Repeat::IfRefused,
            },
        };
        let mut attempt = 0;
        let answer = loop {
            attempt += 1;
            match self.write(limits, request()).await {
                Ok(answer) => break answer,
                Err(unclear @ Error::Unclear { .. }) if etag.is_none() => {
                    let known = unclear.to_string();
                    match self
                        .look_after_unclear(limits, object, &body, unclear)
                        .await?
                    {
                        Some(answer) => break answer,
                        None => self.pause(limits, &action, attempt, &known).await?,
                    }
                }
                Err(error) => return Err(error),
            }
        };
        self.follow(limits, object, &action, &answer).await?;
        self.read_back(limits, object, &action).await
    }

    /// Changes some members of the object and gives what Azure holds then.
    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        object: &Object,
        etag: Option<&str>,
        change: &Value,
    ) -> Result<T, Error> {
        let action = object.action("tagging");
        let request = Request {
            action: &action,
            method: Method::PATCH,
            target: Target::Object(object),
            etag,
            body: Some(Bytes::from(change.to_string())),
            repeat: Repeat::Always,
        };
        let answer = self.write(limits, request).await?;
        self.follow(limits, object, &action, &answer).await?;
        self.read_back(limits, object, &action).await
    }

    /// Deletes the object and waits until it is gone; already gone is success.
    pub(super) async fn delete(&self, limits: &Limits, object: &Object) -> Result<(), Error> {
        let action = object.action("deleting");
        let mut attempt = 0;
        loop {
            attempt += 1;
            let request = Request {
                action: &action,
                method: Method::DELETE,
                target: Target::Object(object),
                etag: None,
                body: None,
                repeat: Repeat::Always,
            };
            let answer = self.exchange(limits, request).await?;
            if !answer.status.is_success() {
                return match Refusal::says_gone(&answer) {
                    true => Ok(()),
                    false => Err(Error::from_answer(&action, true, &answer)),
                };
            }
            if !is_arms(&answer) {
                return Err(Error::not_arm(&action, true, &answer));
            }
            match self.follow(limits, object, &action, &answer).await {
                Err(Error::TryAgain(refusal)) => {
                    let known = refusal.to_string();
                    self.pause(limits, &action, attempt, &known).await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Waits before an action is tried once more.
    pub(super) async fn pause(
        &self,
        limits: &Limits,
        action: &str,
        attempt: u32,
        last_known: &str,
    ) -> Result<(), Error> {
        limits.pause(attempt).await.map_err(|cause| {
            let waiting_for = "the next attempt";
            Error::interrupted(cause, action, waiting_for, last_known, WriteState::Unclear)
        })
    }

    /// Sends a request that must be answered by success.
    async fn write(&self, limits: &Limits, request: Request<'_>) -> Result<Answer, Error> {
        let action = request.action;
        let answer = self.exchange(limits, request).await?;
        match answer.status.is_success() {
            true if is_arms(&answer) => Ok(answer),
            true => Err(Error::not_arm(action, true, &answer)),
            false => Err(Error::from_answer(action, true, &answer)),
        }
    }

    /// Sends a request as whom we are and gives whatever Azure's last word is.
    pub(super) async fn exchange(
        &self,
        limits: &Limits,
        request: Request<'_>,
    ) -> Result<Answer, Error> {
        let cloud = self.cloud(limits, request.action).await?;
        let is_write = request.method != Method::GET;
        let mut renewed = false;
        let mut lost = false;
        loop {
            let token = match self.tokens.get(limits, cloud).await {
                Ok(token) => token,
                Err(cause) => return Err(no_token(request.action, cause, lost)),
            };
            let call = request.to_call(cloud, self.headers(&request, &token)?);
            let answer = self.sender.send(limits, &call, judge).await;
            let mut answer = answer.map_err(|cause| {
                let host = cloud.endpoint.authority();
                Error::from_no_answer(request.action, host, is_write, cause)
            })?;
            lost |= answer.after_lost_answer;
            answer.after_lost_answer = lost;
            // The token may have been revoked, or expired while Azure was busy.
            if answer.status != StatusCode::UNAUTHORIZED || renewed {
                return Ok(answer);
            }
            self.tokens.refused(&token).await;
            renewed = true;
        }
    }

    /// Where Azure is; asked for once.
    async fn cloud(&self, limits: &Limits, action: &str) -> Result<&Cloud, Error> {
        let resolve = || self.cloud_source.resolve(&self.sender, limits);
        // Another operation may be asking already, and may have more time than this one.
        let cloud = tokio::select! {
            biased;
            cause = limits.ended() => {
                let (waiting_for, known) = ("the description of the cloud", "there is none yet");
                let write = WriteState::NotSent;
                return Err(Error::interrupted(cause, action, waiting_for, known, write));
            }
            cloud = self.cloud.get_or_try_init(resolve) => cloud,
        };
        cloud.map_err(|source| Error::NotAuthenticated {
            action: action.to_owned(),
            source,
        })
    }

    /// Azure's address, once something has been sent there.
    pub(super) fn endpoint(&self) -> Option<&Url> {
        self.cloud.get().map(|cloud| &cloud.endpoint)
    }

    fn headers(&self, request: &Request<'_>, token: &Secret) -> Result<HeaderMap, Error> {
        const CORRELATION: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, JSON);
        headers.insert(CORRELATION, self.correlation_id.clone());
        if let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", token.secret())) {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        if request.body.is_some() {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        if let Some(etag) = request.etag {
            // Without it the write would not be guarded.
            let value = etag.parse().map_err(|_| Error::BadAnswer {
                action: request.action.to_owned(),
                reason: format!("the etag {etag:?} that was read cannot be sent back"),
                status: None,
                request_id: None,
                write: WriteState::NotSent,
            })?;
            headers.insert(header::IF_MATCH, value);
        }
        Ok(headers)
    }

    /// After a write that makes an object got no answer: what stands there now, as if it had been the answer; none
    /// if nothing stands there, so that the write may be sent again.
    async fn look_after_unclear(
        &self,
        limits: &Limits,
        object: &Object,
        wanted: &Value,
        unclear: Error,
    ) -> Result<Option<Answer>, Error> {
        if limits.check().is_err() {
            return Err(unclear);
        }
        let action = object.action("looking for");
        let Ok(answer) = self.exchange(limits, Request::get(&action, object)).await else {
            return Err(unclear);
        };
        let held: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match answer.status.is_success() {
            true if covers(wanted, &held) => Ok(Some(answer)),
            false if Refusal::says_gone(&answer) => Ok(None),
            _ => Err(unclear),
        }
    }

    /// What Azure holds after a write: only now has it the etag that the next write needs (recorded: azure-cli).
    async fn read_back<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        object: &Object,
        action: &str,
    ) -> Result<T, Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let read = self.get(limits, object).await;
            match read.map_err(|error| error.after_acceptance(action))? {
                Some(held) => return Ok(held),
                // A replica may lag behind; azapi reads again for the same reason.
                None if attempt < READS_AFTER_WRITE => self
                    .pause(
                        limits,
                        action,
                        attempt,
                        "it was made and cannot be found yet",
                    )
                    .await
                    .map_err(|error| error.after_acceptance(action))?,
                None => {
                    return Err(Error::BadAnswer {
                        action: action.to_owned(),
                        reason: "Azure carried out the write, but the object cannot be found"
                            .to_owned(),
                        status: Some(404),
                        request_id: None,
                        write: WriteState::Accepted,
                    });
                }
            }
        }
    }
}

impl<'a> Request<'a> {
    pub(super) fn get(action: &'a str, object: &'a Object) -> Request<'a> {
        Request {
            action,
            method: Method::GET,
            target: Target::Object(object),
            etag: None,
            body: None,
            repeat: Repeat::Always,
        }
    }

    fn to_call(&self, cloud: &Cloud, headers: HeaderMap) -> Call {
        let (url, alias) = match &self.target {
            Target::Object(object) => (object.url(cloud), None),
            Target::Operation(url) => (url.clone(), Some("(operation)")),
        };
        Call {
            method: self.method.clone(),
            url,
            headers,
            body: self.body.clone(),
            repeat: self.repeat,
            alias,
        }
    }
}

fn parse<T: DeserializeOwned>(action: &str, answer: &Answer) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| match error.is_data() {
        // It is JSON, and not of the form that the documentation gives.
        true => Error::BadAnswer {
            action: action.to_owned(),
            reason: format!("the answer has an unexpected form: {error}"),
            status: Some(answer.status.as_u16()),
            request_id: super::error::request_id(answer),
            write: WriteState::NotSent,
        },
        false => Error::not_arm(action, false, answer),
    })
}

fn to_json(action: &str, wanted: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(wanted).map_err(|error| Error::BadAnswer {
        action: action.to_owned(),
        reason: format!("the object cannot be written as JSON: {error}"),
        status: None,
        request_id: None,
        write: WriteState::NotSent,
    })
}

/// The error of a call for which there is no token; `lost` if an earlier attempt may have been carried out.
fn no_token(action: &str, cause: NoToken, lost: bool) -> Error {
    match cause {
        NoToken::Failed(source) if lost => Error::Unclear {
            action: action.to_owned(),
            reason: source.to_string(),
        },
        NoToken::Failed(source) => Error::NotAuthenticated {
            action: action.to_owned(),
            source,
        },
        NoToken::Interrupted(cause) => Error::interrupted(
            cause,
            action,
            "an access token",
            "there is none yet",
            match lost {
                true => WriteState::Unclear,
                false => WriteState::NotSent,
            },
        ),
    }
}
