//! Who asks, and what they may do.
//!
//! Recorded: an administrator in `system:masters`, a user who may only read nodes, and nobody. What the user of a
//! client certificate may do follows from its groups: only `system:masters` may do more than discovery.

use ::http::{Method, header};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Options;
use super::query::Query;
use super::route::{ResourceRequest, Target};
use super::status::Failure;
use super::store::ResourceId;
use crate::http::Request;

/// The user whom [`Options::limited_token`] stands for: may get and list nodes.
pub const LIMITED_USER: &str = "ako-provider";

const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

/// What is to be done, as far as a rule looks at it; empty texts where they do not apply.
#[derive(Clone, Debug, Default)]
pub(super) struct Action {
    pub(super) verb: String,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    /// A path outside the resources, instead of all the others.
    pub(super) path: String,
}

/// Whether it may be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decision {
    Allowed { reason: String },
    Denied,
}

/// Finds out who sent the request. A certificate comes before a token, as in a real server.
pub(super) fn authenticate(request: &Request, options: &Options) -> Result<User, Failure> {
    if let Some(user) = request
        .client_certificate
        .as_deref()
        .and_then(certificate_user)
    {
        return Ok(user);
    }
    match bearer_token(request) {
        None => Ok(User::of("system:anonymous", &["system:unauthenticated"])),
        Some(token) if token == options.token => {
            Ok(User::of("kubernetes-admin", &[MASTERS, AUTHENTICATED]))
        }
        Some(token) if token == options.limited_token => {
            Ok(User::of(LIMITED_USER, &[AUTHENTICATED]))
        }
        Some(_) => Err(Failure::Unauthorized),
    }
}

/// Refuses what the user may not do, before anything is looked up: who may not list must not learn what exists.
pub(super) fn authorize(user: &User, target: &Target, action: &Action) -> Result<(), Failure> {
    if user.decide(action) != Decision::Denied {
        return Ok(());
    }
    Err(match target {
        Target::Resource(request) => forbidden(user, request, action),
        Target::Path(path) => Failure::PathForbidden {
            user: user.name.clone(),
            verb: action.verb.clone(),
            path: path.clone(),
        },
    })
}

impl Action {
    /// What a request wants to do.
    pub(super) fn of(method: &Method, target: &Target, query: &Query) -> Action {
        match target {
            Target::Path(path) => {
                let verb = method.as_str().to_lowercase();
                Action {
                    verb,
                    path: path.clone(),
                    ..Action::default()
                }
            }
            Target::Resource(request) => Action {
                verb: verb(method, request, query).to_owned(),
                group: request.id.group.clone(),
                resource: request.id.plural.clone(),
                subresource: request.subresource.clone().unwrap_or_default(),
                path: String::new(),
            },
        }
    }
}

impl User {
    fn of(name: &str, groups: &[&str]) -> User {
        User {
            name: name.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        }
    }

    /// The rules of the cluster: its superusers, its default roles, and one binding of its own.
    pub(super) fn decide(&self, action: &Action) -> Decision {
        let allowed = |reason: &str| Decision::Allowed {
            reason: reason.to_owned(),
        };
        if self.is_in(MASTERS) {
            return allowed("");
        }
        if !action.path.is_empty() {
            let may = action.verb == "get" && self.may_read_path(&action.path);
            return if may { allowed("") } else { Decision::Denied };
        }
        if self.is_in(AUTHENTICATED) && action.asks_about_oneself() {
            return allowed("");
        }
        if self.name == LIMITED_USER && action.reads_nodes() {
            return allowed(
                "RBAC: allowed by ClusterRoleBinding \"ako-nodes\" of ClusterRole \"ako-nodes\" \
                 to User \"ako-provider\"",
            );
        }
        Decision::Denied
    }

    // Documented: the roles system:public-info-viewer and system:discovery.
    fn may_read_path(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let public = matches!(path, "/healthz" | "/livez" | "/readyz" | "/version");
        let discovery = ["/api", "/apis", "/openapi"].iter().any(|root| {
            path.strip_prefix(root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        public || (discovery && self.is_in(AUTHENTICATED))
    }

    fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|member| member == group)
    }
}

impl Action {
    // Documented: the role system:basic-user.
    fn asks_about_oneself(&self) -> bool {
        let resource = (self.group.as_str(), self.resource.as_str());
        self.verb == "create"
            && matches!(
                resource,
                (
                    "authorization.k8s.io",
                    "selfsubjectaccessreviews" | "selfsubjectrulesreviews"
                ) | ("authentication.k8s.io", "selfsubjectreviews")
            )
    }

    fn reads_nodes(&self) -> bool {
        matches!(self.verb.as_str(), "get" | "list")
            && self.group.is_empty()
            && self.resource == "nodes"
            && self.subresource.is_empty()
    }
}

fn verb(method: &Method, request: &ResourceRequest, query: &Query) -> &'static str {
    match (method.as_str(), &request.name) {
        ("GET" | "HEAD", _) if query.is_on("watch") => "watch",
        ("GET" | "HEAD", Some(_)) => "get",
        ("GET" | "HEAD", None) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", Some(_)) => "delete",
        ("DELETE", None) => "deletecollection",
        _ => "",
    }
}

fn forbidden(user: &User, request: &ResourceRequest, action: &Action) -> Failure {
    let resource = match &request.subresource {
        Some(subresource) => format!("{}/{subresource}", request.id.plural),
        None => request.id.plural.clone(),
    };
    let place = match &request.namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    Failure::Forbidden {
        resource: ResourceId::new(&request.id.group, &resource),
        name: request.name.clone(),
        cause: format!(
            "User \"{}\" cannot {} resource \"{resource}\" in API group \"{}\" {place}",
            user.name, action.verb, action.group
        ),
    }
}

// Assumed (apiserver's token authenticator): credentials of another scheme and empty tokens count as none.
fn bearer_token(request: &Request) -> Option<&str> {
    let credentials = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = credentials.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

// Documented (X.509 client certificates): the common name is the user, the organizations are the groups.
fn certificate_user(der: &[u8]) -> Option<User> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?;
    let organizations = subject
        .iter_organization()
        .filter_map(|group| group.as_str().ok());
    let groups: Vec<&str> = organizations.chain([AUTHENTICATED]).collect();
    Some(User::of(name, &groups))
}
