//! A request to Resource Manager, read and checked for form.

use http::{HeaderMap, Method};
use serde_json::Value;

use super::FAIL_OPERATION;
use super::access::Caller;
use super::errors::ArmError;
use super::resource_types;
use super::store::Object;
use super::target::{self, Target};
use crate::http::{Request, decode};

/// A request to Resource Manager.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) method: Method,
    /// The path, decoded.
    pub(super) path: String,
    pub(super) subscription: Option<String>,
    pub(super) target: Target,
    pub(super) api_version: String,
    /// The query as sent.
    pub(super) query: String,
    /// `$filter`, decoded.
    pub(super) filter: Option<String>,
    pub(super) body: Object,
    headers: HeaderMap,
}

impl Call {
    /// Reads a request; refuses what the gateway refuses before it looks at the target.
    pub(super) fn read(request: &Request, caller: Caller) -> Result<Call, ArmError> {
        let Some(api_version) = request.parameter("api-version") else {
            return Err(ArmError::missing_api_version());
        };
        if !is_api_version(&api_version) {
            return Err(ArmError::invalid_api_version(&api_version));
        }
        let (subscription, target) = target::parse(&request.path);
        Ok(Call {
            caller,
            method: request.method.clone(),
            path: decode(request.path.trim_end_matches('/')),
            subscription,
            target,
            api_version,
            query: request.query.clone(),
            filter: request.parameter("$filter"),
            body: body(request)?,
            headers: request.headers.clone(),
        })
    }

    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The error with which a fault lets this write's operation end.
    pub(super) fn failure(&self) -> Option<Value> {
        serde_json::from_str(self.header(FAIL_OPERATION)?).ok()
    }

    /// The action that the caller needs on the path; none for polls, which anybody may send who has the URL.
    pub(super) fn action(&self) -> Option<String> {
        let verb = match self.method {
            Method::GET | Method::HEAD => "read",
            Method::DELETE => "delete",
            _ => "write",
        };
        let kind = match &self.target {
            Target::Subscriptions | Target::Unknown => return None,
            Target::Operation(_) | Target::OperationResult(_) | Target::GroupOperationResult(_) => {
                return None;
            }
            Target::Subscription | Target::Providers => {
                "Microsoft.Resources/subscriptions".to_owned()
            }
            Target::Groups | Target::Group(_) | Target::GroupResources(_) => {
                "Microsoft.Resources/subscriptions/resourceGroups".to_owned()
            }
            Target::Everywhere(kind) | Target::List(_, kind) => network(kind, None),
            Target::Resource(name) => network(&name.kind, None),
            Target::Children(name, child) | Target::Child(name, child, _) => {
                network(&name.kind, Some(child))
            }
            Target::Authorization(_, rest) => {
                let kind = rest.first().map(String::as_str).unwrap_or_default();
                format!("Microsoft.Authorization/{kind}")
            }
        };
        Some(format!("{kind}/{verb}"))
    }
}

/// The full type in the casing of the documentation, whatever the path has.
fn network(kind: &str, child: Option<&str>) -> String {
    let known = resource_types::find(kind);
    let mut full = format!("Microsoft.Network/{}", known.map_or(kind, |k| k.segment()));
    if let Some(child) = child {
        let known = known.and_then(|kind| kind.child_segment());
        full.push('/');
        full.push_str(known.unwrap_or(child));
    }
    full
}

/// `2025-05-01`, with or without `-preview`.
fn is_api_version(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    date.parse::<jiff::civil::Date>().is_ok() && date.len() == "2025-05-01".len()
}

fn body(request: &Request) -> Result<Object, ArmError> {
    if request.body.is_empty() {
        return Ok(Object::new());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(ArmError::invalid_content("the body is no JSON object")),
        Err(error) => Err(ArmError::invalid_content(&error.to_string())),
    }
}
