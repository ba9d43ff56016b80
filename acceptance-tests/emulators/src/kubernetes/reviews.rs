//! "May I?" and "who am I?": the reviews that `kubectl auth` posts, in JSON and in protobuf.

use ::http::{HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use serde_json::{Value, json};

use super::access::{Action, Decision, User};
use super::protobuf::{self, Message, field, flag};
use super::route::ResourceRequest;
use super::status::{Failure, json as json_response};
use crate::http::{Request, Response};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Answers a request to a group of reviews; `None` where the resource is no review.
pub(super) fn answer(
    request: &Request,
    target: &ResourceRequest,
    user: &User,
) -> Option<Result<Response, Failure>> {
    let review = match (target.id.group.as_str(), target.id.plural.as_str()) {
        ("authorization.k8s.io", "selfsubjectaccessreviews") => access_review,
        ("authentication.k8s.io", "selfsubjectreviews") => identity_review,
        _ => return None,
    };
    if request.method != Method::POST {
        return Some(Err(Failure::MethodNotAllowed));
    }
    Some(review(request, user))
}

fn access_review(request: &Request, user: &User) -> Result<Response, Failure> {
    let api_version = "authorization.k8s.io/v1";
    let kind = "SelfSubjectAccessReview";
    let (action, spec) = match read_protobuf(request)? {
        Some(message) => {
            let spec = message.message(2).ok_or_else(unreadable)?;
            (
                action_from_protobuf(&spec)?,
                Spec::Protobuf(message.bytes(2).to_vec()),
            )
        }
        None => {
            let body = read_json(request)?;
            (
                action_from_json(&body["spec"])?,
                Spec::Json(body["spec"].clone()),
            )
        }
    };
    let (allowed, reason) = match user.decide(&action) {
        Decision::Allowed { reason } => (true, reason),
        Decision::Denied => (false, String::new()),
    };
    Ok(match spec {
        Spec::Protobuf(spec) => {
            let status = [
                flag(1, allowed),
                field(2, reason.as_bytes()),
                field(3, b""),
                flag(4, false),
            ];
            let content = [field(1, b""), field(2, &spec), field(3, &status.concat())].concat();
            protobuf_response(protobuf::envelope(api_version, kind, &content))
        }
        Spec::Json(spec) => {
            let mut status = json!({ "allowed": allowed });
            if !reason.is_empty() {
                status["reason"] = json!(reason);
            }
            created(api_version, kind, &[("spec", spec), ("status", status)])
        }
    })
}

fn identity_review(request: &Request, user: &User) -> Result<Response, Failure> {
    let api_version = "authentication.k8s.io/v1";
    let kind = "SelfSubjectReview";
    if read_protobuf(request)?.is_none() {
        let info = json!({ "username": user.name, "groups": user.groups });
        return Ok(created(
            api_version,
            kind,
            &[("status", json!({ "userInfo": info }))],
        ));
    }
    let mut info = [field(1, user.name.as_bytes()), field(2, b"")].concat();
    for group in &user.groups {
        info.extend(field(3, group.as_bytes()));
    }
    let content = [field(1, b""), field(2, &field(1, &info))].concat();
    Ok(protobuf_response(protobuf::envelope(
        api_version,
        kind,
        &content,
    )))
}

/// What was asked, in the form it came in, to be repeated in the answer.
enum Spec {
    Json(Value),
    Protobuf(Vec<u8>),
}

fn read_protobuf(request: &Request) -> Result<Option<Message>, Failure> {
    let media_type = request.headers.get(header::CONTENT_TYPE);
    if media_type.is_none_or(|media_type| media_type != PROTOBUF) {
        return Ok(None);
    }
    protobuf::open_envelope(&request.body)
        .map(Some)
        .ok_or_else(unreadable)
}

fn read_json(request: &Request) -> Result<Value, Failure> {
    let media_type = request
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if media_type.is_some_and(|media_type| !media_type.starts_with("application/json")) {
        return Err(Failure::UnsupportedMediaType);
    }
    serde_json::from_slice(&request.body).map_err(|_| unreadable())
}

fn action_from_json(spec: &Value) -> Result<Action, Failure> {
    let text =
        |object: &Value, member: &str| object[member].as_str().unwrap_or_default().to_owned();
    if let Some(path) = spec.get("nonResourceAttributes") {
        return Ok(Action {
            verb: text(path, "verb"),
            path: text(path, "path"),
            ..Action::default()
        });
    }
    let attributes = spec.get("resourceAttributes").ok_or_else(no_attributes)?;
    Ok(Action {
        verb: text(attributes, "verb"),
        group: text(attributes, "group"),
        resource: text(attributes, "resource"),
        subresource: text(attributes, "subresource"),
        path: String::new(),
    })
}

fn action_from_protobuf(spec: &Message) -> Result<Action, Failure> {
    if !spec.bytes(2).is_empty() {
        let path = spec.message(2).ok_or_else(unreadable)?;
        return Ok(Action {
            path: path.text(1),
            verb: path.text(2),
            ..Action::default()
        });
    }
    let attributes = spec.message(1).ok_or_else(no_attributes)?;
    Ok(Action {
        verb: attributes.text(2),
        group: attributes.text(3),
        resource: attributes.text(5),
        subresource: attributes.text(6),
        path: String::new(),
    })
}

fn created(api_version: &str, kind: &str, members: &[(&str, Value)]) -> Response {
    let mut body = json!({ "kind": kind, "apiVersion": api_version, "metadata": {} });
    for (member, value) in members {
        body[*member] = value.clone();
    }
    json_response(StatusCode::CREATED, &body)
}

fn protobuf_response(body: Vec<u8>) -> Response {
    let mut response = Response::empty(StatusCode::CREATED);
    response
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
    response.body = Bytes::from(body);
    response
}

// Assumed: both wordings.
fn unreadable() -> Failure {
    Failure::BadRequest("the body of the request could not be decoded".to_owned())
}

fn no_attributes() -> Failure {
    let message = "exactly one of resourceAttributes and nonResourceAttributes must be specified";
    Failure::BadRequest(message.to_owned())
}

#[cfg(test)]
mod tests {
    use ::http::HeaderMap;

    use super::*;
    use crate::kubernetes::{Cluster, Options};

    fn post(path: &str, body: Vec<u8>) -> Message {
        let options = Options {
            limited_token: "limited".to_owned(),
            ..Options::new("prod")
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("Bearer limited"),
        );
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        let response = Cluster::new(options).handle(&Request {
            method: Method::POST,
            path: path.to_owned(),
            query: String::new(),
            headers,
            body: Bytes::from(body),
            client_certificate: None,
        });
        assert_eq!(response.status, StatusCode::CREATED);
        assert_eq!(response.headers[header::CONTENT_TYPE], PROTOBUF);
        protobuf::open_envelope(&response.body).unwrap()
    }

    #[test]
    fn kubectl_auth_can_i_is_answered_in_protobuf() {
        let may = |resource: &str| {
            let attributes = [
                field(1, b"default"),
                field(2, b"list"),
                field(5, resource.as_bytes()),
            ]
            .concat();
            let content = [field(1, b""), field(2, &field(1, &attributes))].concat();
            let body = protobuf::envelope(
                "authorization.k8s.io/v1",
                "SelfSubjectAccessReview",
                &content,
            );
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
            post(path, body).message(3).unwrap()
        };
        assert_eq!(may("nodes").bytes(1), [1]);
        assert!(
            may("nodes")
                .text(2)
                .starts_with("RBAC: allowed by ClusterRoleBinding")
        );
        assert_eq!(may("configmaps").bytes(1), [0]);
    }

    #[test]
    fn kubectl_auth_whoami_is_answered_in_protobuf() {
        let content = [field(1, b""), field(2, &field(1, b""))].concat();
        let body = protobuf::envelope("authentication.k8s.io/v1", "SelfSubjectReview", &content);
        let review = post("/apis/authentication.k8s.io/v1/selfsubjectreviews", body);
        let info = review.message(2).unwrap().message(1).unwrap();
        assert_eq!(
            (info.text(1), info.text(3)),
            ("ako-provider".to_owned(), "system:authenticated".to_owned())
        );
    }
}
