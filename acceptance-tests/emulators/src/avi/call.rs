//! One request to the API, read: who asks, for which tenant, in which version.

use http::HeaderMap;
use serde_json::Value;

use super::errors::Refusal;
use super::query::Query;
use super::sessions::Caller;
use super::store::{Store, Stored, TENANT};
use super::version::{UNSAID, Version};
use crate::http::Request;

/// A request that is let in.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// Without doubled slashes and without one at the end.
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) caller: Caller,
    pub(super) tenant: Tenant,
    pub(super) version: Version,
    /// The uuid that the caller wants for what it creates.
    pub(super) slug: Option<String>,
    pub(super) body: Value,
}

/// Whose objects a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tenant {
    /// Everybody's: `X-Avi-Tenant: *`, and what writers inside the lab see.
    All,
    /// Those of the tenant with this uuid.
    One(String),
}

/// The uuid of the tenant admin, which is its name (recorded).
pub(super) const ADMIN: &str = "admin";

impl Call {
    pub(super) fn read(
        request: &Request,
        caller: Caller,
        store: &Store,
        own_version: &str,
    ) -> Result<Call, Refusal> {
        let inside = caller == Caller::Inside;
        let version = match header(&request.headers, "x-avi-version") {
            _ if inside => newest(own_version),
            None => UNSAID,
            Some(asked) => asked_version(asked, own_version)?,
        };
        let body = match &request.body {
            empty if empty.is_empty() => Value::Null,
            body => serde_json::from_slice(body)
                .map_err(|error| Refusal::bad(format!("JSON parse error - {error}")))?,
        };
        Ok(Call {
            method: request.method.to_string(),
            path: clean(&request.path),
            query: Query::read(&request.query),
            tenant: Tenant::read(&request.headers, store, inside)?,
            caller,
            version,
            slug: header(&request.headers, "slug").map(str::to_owned),
            body,
        })
    }

    /// The steps of the path below `/api`.
    pub(super) fn steps(&self) -> Vec<&str> {
        let below = self.path.strip_prefix("/api/").unwrap_or_default();
        below.split('/').filter(|step| !step.is_empty()).collect()
    }

    /// The tenant of what the call creates unless its body names one.
    pub(super) fn home(&self) -> &str {
        match &self.tenant {
            Tenant::All => ADMIN,
            Tenant::One(uuid) => uuid,
        }
    }
}

impl Tenant {
    fn read(headers: &HeaderMap, store: &Store, inside: bool) -> Result<Tenant, Refusal> {
        let found = match (
            header(headers, "x-avi-tenant"),
            header(headers, "x-avi-tenant-uuid"),
        ) {
            _ if inside => return Ok(Tenant::All),
            (Some("*"), _) | (_, Some("*")) => return Ok(Tenant::All),
            (None, None) => return Ok(Tenant::One(ADMIN.to_owned())),
            (Some(name), _) => store.of(TENANT).find(|it| it.name() == name).ok_or(name),
            (None, Some(uuid)) => store.get(TENANT, uuid).ok_or(uuid),
        };
        let tenant = found.map_err(Refusal::tenant)?;
        Ok(Tenant::One(tenant.uuid.clone()))
    }

    /// Whether a request for this tenant is shown an object.
    pub(super) fn sees(&self, object: &Stored) -> bool {
        let Tenant::One(uuid) = self else { return true };
        let home = home_of(object);
        object.kind == TENANT || home == uuid || (object.kind.shared && home == ADMIN)
    }

    /// Whether it may change an object that it sees.
    pub(super) fn owns(&self, object: &Stored) -> bool {
        let Tenant::One(uuid) = self else { return true };
        home_of(object) == uuid
    }
}

/// The path as the controller takes it: AKO doubles the first slash, many clients end with one, and neither is
/// answered with a redirect.
pub(super) fn clean(path: &str) -> String {
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    format!("/{}", steps.join("/"))
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn home_of(object: &Stored) -> &str {
    let reference = object.text("tenant_ref");
    reference.strip_prefix("/api/tenant/").unwrap_or(ADMIN)
}

fn asked_version(asked: &str, own: &str) -> Result<Version, Refusal> {
    let version = Version::parse(asked).ok_or_else(|| Refusal::version(asked, own))?;
    if version > newest(own) {
        return Err(Refusal::version(asked, own));
    }
    Ok(version)
}

/// The controller's own version.
pub(super) fn newest(own: &str) -> Version {
    Version::parse(own).unwrap_or(UNSAID)
}
