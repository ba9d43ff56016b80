//! Objects with their past, as etcd keeps them: one counter for all, every list readable as of a revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

/// A resource within its group, without the version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ResourceId {
    /// The API group; empty for the core group.
    pub(super) group: String,
    /// The name in paths, such as `nodes`.
    pub(super) plural: String,
}

impl ResourceId {
    pub(super) fn new(group: &str, plural: &str) -> ResourceId {
        ResourceId {
            group: group.to_owned(),
            plural: plural.to_owned(),
        }
    }

    /// The name in messages: `nodes`, `blockaffinities.crd.projectcalico.org`.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }
}

/// A kind of object that the API serves.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) id: ResourceId,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) short_name: Option<&'static str>,
    pub(super) namespaced: bool,
}

impl Kind {
    /// `v1`, or the group and the version.
    pub(super) fn api_version(&self) -> String {
        if self.id.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.id.group, self.version)
        }
    }

    /// Custom resources differ from built-in ones in small ways; the core group has none.
    pub(super) fn is_custom(&self) -> bool {
        !self.id.group.is_empty()
    }
}

/// Where an object lies within its collection; sorted as etcd sorts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn new(namespace: Option<&str>, name: &str) -> Key {
        match namespace {
            Some(namespace) => Key(format!("{namespace}/{name}")),
            None => Key(name.to_owned()),
        }
    }
}

/// An object in a list, with its place.
pub(super) struct Entry {
    /// The key relative to the listed collection: the name, or the namespace and the name.
    pub(super) place: String,
    pub(super) object: Arc<Value>,
}

struct Collection {
    kind: Kind,
    objects: BTreeMap<String, Vec<Version>>,
}

/// One state of an object, current from one revision to before another.
struct Version {
    from: u64,
    until: Option<u64>,
    object: Arc<Value>,
}

/// All objects of one cluster.
pub(super) struct Store {
    revision: u64,
    compacted: u64,
    collections: Vec<Collection>,
}

impl Store {
    /// An empty store. The counter begins above zero, as a cluster's does once its system objects exist.
    pub(super) fn new() -> Store {
        Store {
            revision: 200,
            compacted: 0,
            collections: Vec::new(),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn is_compacted(&self, revision: u64) -> bool {
        revision < self.compacted
    }

    /// Serves another kind; a kind that is served keeps its objects.
    pub(super) fn add_kind(&mut self, kind: Kind) {
        if self.kind(&kind.id).is_none() {
            self.collections.push(Collection {
                kind,
                objects: BTreeMap::new(),
            });
        }
    }

    pub(super) fn kind(&self, id: &ResourceId) -> Option<&Kind> {
        self.collection(id).map(|collection| &collection.kind)
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.collections.iter().map(|collection| &collection.kind)
    }

    /// The object as it is now.
    pub(super) fn get(&self, id: &ResourceId, key: &Key) -> Option<Arc<Value>> {
        let current = self.collection(id)?.objects.get(&key.0)?.last()?;
        current.until.is_none().then(|| current.object.clone())
    }

    /// The objects as they were at `revision`, in order; with a namespace those in it.
    pub(super) fn list(
        &self,
        id: &ResourceId,
        namespace: Option<&str>,
        revision: u64,
    ) -> Vec<Entry> {
        let prefix = namespace
            .map(|namespace| format!("{namespace}/"))
            .unwrap_or_default();
        let Some(collection) = self.collection(id) else {
            return Vec::new();
        };
        collection
            .objects
            .iter()
            .filter_map(|(key, versions)| {
                let place = key.strip_prefix(&prefix)?.to_owned();
                let version = versions
                    .iter()
                    .rev()
                    .find(|version| version.holds_at(revision))?;
                Some(Entry {
                    place,
                    object: version.object.clone(),
                })
            })
            .collect()
    }

    /// Creates or replaces an object; identity and age stay, and nothing happens where nothing changes.
    pub(super) fn put(
        &mut self,
        id: &ResourceId,
        key: &Key,
        mut object: Value,
    ) -> Option<Arc<Value>> {
        let prior = self.get(id, key);
        let next = self.revision + 1;
        let metadata = &mut object["metadata"];
        match &prior {
            Some(prior) => {
                for member in ["uid", "creationTimestamp", "resourceVersion"] {
                    metadata[member] = prior["metadata"][member].clone();
                }
            }
            None => {
                metadata["uid"] = json!(Uuid::new_v4().to_string());
                metadata["creationTimestamp"] = json!(timestamp());
            }
        }
        if prior.as_deref() == Some(&object) {
            return prior;
        }
        object["metadata"]["resourceVersion"] = json!(next.to_string());
        let object = Arc::new(object);
        let versions = self
            .collection_mut(id)?
            .objects
            .entry(key.0.clone())
            .or_default();
        end_current(versions, next);
        versions.push(Version {
            from: next,
            until: None,
            object: object.clone(),
        });
        self.revision = next;
        Some(object)
    }

    /// Deletes an object; says what it was.
    pub(super) fn remove(&mut self, id: &ResourceId, key: &Key) -> Option<Arc<Value>> {
        let removed = self.get(id, key)?;
        self.revision += 1;
        let now = self.revision;
        end_current(self.collection_mut(id)?.objects.get_mut(&key.0)?, now);
        Some(removed)
    }

    /// Forgets the past, so that no revision before this moment can be read any more.
    pub(super) fn compact(&mut self) {
        self.revision += 1;
        self.compacted = self.revision;
        for collection in &mut self.collections {
            for versions in collection.objects.values_mut() {
                versions.retain(|version| version.until.is_none());
            }
            collection
                .objects
                .retain(|_, versions| !versions.is_empty());
        }
    }

    fn collection(&self, id: &ResourceId) -> Option<&Collection> {
        self.collections
            .iter()
            .find(|collection| collection.kind.id == *id)
    }

    fn collection_mut(&mut self, id: &ResourceId) -> Option<&mut Collection> {
        self.collections
            .iter_mut()
            .find(|collection| collection.kind.id == *id)
    }
}

impl Version {
    fn holds_at(&self, revision: u64) -> bool {
        self.from <= revision && self.until.is_none_or(|until| revision < until)
    }
}

fn end_current(versions: &mut [Version], now: u64) {
    if let Some(current) = versions
        .last_mut()
        .filter(|current| current.until.is_none())
    {
        current.until = Some(now);
    }
}

fn timestamp() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}
