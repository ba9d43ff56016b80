//! What exists: the objects of every type, with references that name uuids.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use uuid::Uuid;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// A type of objects: its name in paths and that of its model. Types whose model the table lacks take any member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) path: &'static str,
    pub(super) model: &'static str,
    /// Whether names are unique within a cloud rather than within the tenant alone.
    pub(super) in_cloud: bool,
    /// Whether other tenants see what the tenant admin has (AKO reads these so, and retries its writes as admin).
    pub(super) shared: bool,
}

/// The type with that name in paths.
pub(super) fn type_of_path(path: &str) -> Option<Type> {
    TYPES.iter().find(|kind| kind.path == path).copied()
}

/// The type of that model.
pub(super) fn type_of_model(model: &str) -> Option<Type> {
    TYPES.iter().find(|kind| kind.model == model).copied()
}

/// The objects of one controller, in the order of their creation.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: Vec<Stored>,
    last_modified: u64,
}

/// One object. References inside it read `/api/<type>/<uuid>`.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) kind: Type,
    pub(super) uuid: String,
    pub(super) members: Object,
}

impl Store {
    pub(super) fn get(&self, kind: Type, uuid: &str) -> Option<&Stored> {
        let mut objects = self.of(kind);
        objects.find(|object| object.uuid == uuid)
    }

    /// The objects of one type.
    pub(super) fn of(&self, kind: Type) -> impl Iterator<Item = &Stored> {
        self.all().filter(move |object| object.kind == kind)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Stored> {
        self.objects.iter()
    }

    /// Puts an object in the place of the one with its uuid, or after all others, under a new time of change.
    pub(super) fn put(&mut self, mut object: Stored) {
        object
            .members
            .insert("_last_modified".to_owned(), Value::from(self.now()));
        let mut objects = self.objects.iter_mut();
        match objects.find(|it| it.kind == object.kind && it.uuid == object.uuid) {
            Some(old) => *old = object,
            None => self.objects.push(object),
        }
    }

    pub(super) fn remove(&mut self, kind: Type, uuid: &str) {
        self.objects
            .retain(|object| object.kind != kind || object.uuid != uuid);
    }

    /// The first object that a reference in stored form leads to.
    pub(super) fn follow(&self, reference: &str) -> Option<&Stored> {
        let (kind, uuid) = split_reference(reference)?;
        self.get(kind, uuid)
    }

    /// Whatever names the object in one of its members.
    pub(super) fn referring(&self, object: &Stored) -> impl Iterator<Item = &Stored> {
        let reference = object.reference();
        self.all()
            .filter(move |other| names(&Value::Object(other.members.clone()), &reference))
    }

    /// Epoch microseconds as text (recorded), never the same twice.
    fn now(&mut self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
        self.last_modified = now.max(self.last_modified + 1);
        self.last_modified.to_string()
    }
}

impl Stored {
    /// An object with a fresh uuid.
    pub(super) fn new(kind: Type, members: Object) -> Stored {
        let uuid = format!("{}-{}", kind.path, Uuid::new_v4());
        Stored {
            kind,
            uuid,
            members,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.text("name")
    }

    /// A member that is a text; empty where there is none.
    pub(super) fn text(&self, member: &str) -> &str {
        let value = self.members.get(member);
        value.and_then(Value::as_str).unwrap_or_default()
    }

    /// The reference to it, in stored form.
    pub(super) fn reference(&self) -> String {
        format!("/api/{}/{}", self.kind.path, self.uuid)
    }
}

/// Type and uuid of a reference in stored form.
pub(super) fn split_reference(reference: &str) -> Option<(Type, &str)> {
    let (path, uuid) = reference.strip_prefix("/api/")?.split_once('/')?;
    Some((type_of_path(path)?, uuid))
}

/// Whether a member's name says that it holds references.
pub(super) fn is_reference(member: &str) -> bool {
    member.ends_with("_ref") || member.ends_with("_refs")
}

fn names(value: &Value, reference: &str) -> bool {
    match value {
        Value::String(text) => text == reference,
        Value::Array(items) => items.iter().any(|item| names(item, reference)),
        Value::Object(members) => members.values().any(|value| names(value, reference)),
        _ => false,
    }
}

const fn plain(path: &'static str, model: &'static str) -> Type {
    Type {
        path,
        model,
        in_cloud: false,
        shared: false,
    }
}

const fn infrastructure(path: &'static str, model: &'static str, in_cloud: bool) -> Type {
    Type {
        path,
        model,
        in_cloud,
        shared: true,
    }
}

pub(super) const TENANT: Type = infrastructure("tenant", "Tenant", false);
pub(super) const CLOUD: Type = infrastructure("cloud", "Cloud", false);
pub(super) const CREDENTIAL: Type = plain("cloudconnectoruser", "CloudConnectorUser");
pub(super) const SE_GROUP: Type = infrastructure("serviceenginegroup", "ServiceEngineGroup", true);
pub(super) const VRF: Type = infrastructure("vrfcontext", "VrfContext", true);
pub(super) const SERVICE_ENGINE: Type = infrastructure("serviceengine", "ServiceEngine", true);

/// The five types of ours, what they refer to, and what AKO lists when it starts.
const TYPES: &[Type] = &[
    TENANT,
    CLOUD,
    CREDENTIAL,
    SE_GROUP,
    VRF,
    SERVICE_ENGINE,
    infrastructure("network", "Network", true),
    infrastructure("availabilityzone", "AvailabilityZone", true),
    plain("ipamdnsproviderprofile", "IpamDnsProviderProfile"),
    plain("hardwaresecuritymodulegroup", "HardwareSecurityModuleGroup"),
    plain("sslkeyandcertificate", "SSLKeyAndCertificate"),
    plain("pkiprofile", "PKIProfile"),
    plain("vsvip", "VsVip"),
    plain(
        "applicationpersistenceprofile",
        "ApplicationPersistenceProfile",
    ),
    plain("pool", "Pool"),
    plain("poolgroup", "PoolGroup"),
    plain("stringgroup", "StringGroup"),
    plain("vsdatascriptset", "VSDataScriptSet"),
    plain("l4policyset", "L4PolicySet"),
    plain("httppolicyset", "HTTPPolicySet"),
    plain("virtualservice", "VirtualService"),
    plain("healthmonitor", "HealthMonitor"),
];
