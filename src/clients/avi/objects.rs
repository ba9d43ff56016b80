//! Reading, finding, making, changing and deleting one object, whatever its type.

use super::super::http::{Answer, Repeat};
use super::error::Error;
use super::patch::{Patch, Step};
use super::refs::{Reference, uuid_of};
use super::requests::Request;
use super::{Client, not_whole};
use crate::clients::{Interrupted, Limits, WriteState};
use bytes::Bytes;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;

/// How many objects are asked for at once: as many as the controller gives.
const PAGE_SIZE: &str = "200";

/// An object of the controller.
///
/// Its type keeps what it does not know in a flattened map, so that it goes back as it came. Where all members are
/// optional it also serves as a change: see [`Patch`].
pub trait Object: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync {
    /// Its type in paths and uuids: `serviceenginegroup`.
    const TYPE: &'static str;
    /// How messages call it: `SE group`.
    const NOUN: &'static str;

    /// Its name.
    fn name(&self) -> &str;
    /// What the controller knows it by; none before it is made.
    fn uuid(&self) -> Option<&str>;
    /// When it was last written, by which a write is guarded.
    fn last_modified(&self) -> Option<&str>;
    /// The cloud in which it is, where it is in one.
    fn cloud_ref(&self) -> Option<&str> {
        None
    }
}

/// Which objects of a type are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    name: Option<String>,
    cloud: Option<Reference>,
    members: Vec<(String, String)>,
}

/// What can be locked: an object by its type with its uuid, or its name where it has none yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockKey {
    noun: &'static str,
    key: String,
}

impl Filter {
    /// All objects of the type.
    pub fn all() -> Filter {
        Filter::default()
    }

    /// The objects of that name.
    pub fn named(name: impl Into<String>) -> Filter {
        Filter {
            name: Some(name.into()),
            ..Filter::default()
        }
    }

    /// Only those in this cloud.
    #[must_use]
    pub fn in_cloud(mut self, cloud: Reference) -> Filter {
        self.cloud = Some(cloud);
        self
    }

    /// Only those with this value in a member, which may lie in another one or in what it refers to:
    /// `se_group_ref.uuid`.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<String>) -> Filter {
        self.members.push((member.into(), value.into()));
        self
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let name = self.name.as_deref().map(|name| ("name", name));
        let cloud = self.cloud.as_ref().map(|cloud| match cloud {
            Reference::Uuid(uuid) => ("cloud_ref.uuid", uuid.as_str()),
            Reference::Name(name) => ("cloud_ref.name", name.as_str()),
        });
        let members = self.members.iter();
        let members = members.map(|(member, value)| (member.as_str(), value.as_str()));
        name.into_iter().chain(cloud).chain(members)
    }

    /// Whether the object has the name and the cloud that were asked for, as far as it tells. A controller that does
    /// not know a filter leaves it out, and gives all.
    fn takes(&self, object: &impl Object) -> bool {
        let cloud = match (&self.cloud, object.cloud_ref().and_then(uuid_of)) {
            (Some(Reference::Uuid(wanted)), Some(found)) => wanted == found,
            _ => true,
        };
        cloud
            && self
                .name
                .as_deref()
                .is_none_or(|name| name == object.name())
    }
}

impl LockKey {
    /// The object with this uuid; a name does where nothing else locks it by the uuid.
    pub fn of<O: Object>(key: impl Into<String>) -> LockKey {
        LockKey {
            noun: O::NOUN,
            key: key.into(),
        }
    }

    /// The error of a wait for this lock that was ended by `cause`.
    pub(super) fn not_locked(&self, cause: Interrupted) -> Error {
        Error::interrupted(
            cause,
            &format!("waiting for {} {:?}", self.noun, self.key),
            "other changes of this configuration to the same object",
            "another change is still running",
            WriteState::NotSent,
        )
    }
}

impl Client {
    /// The object with this uuid, or none if it does not exist.
    pub async fn get<O: Object>(&self, limits: &Limits, uuid: &str) -> Result<Option<O>, Error> {
        let action = action::<O>("reading", uuid);
        let request = Request::get(&action, self.url::<O>(Some(uuid)));
        match self.succeed(limits, request).await {
            Ok(answer) => parse(&action, WriteState::NotSent, &answer).map(Some),
            Err(Error::Gone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The one object that the filter means, or none; several are an error.
    pub async fn find<O: Object>(
        &self,
        limits: &Limits,
        filter: &Filter,
    ) -> Result<Option<O>, Error> {
        let mut found = self.list(limits, filter).await?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            count => Err(Error::Ambiguous {
                action: action::<O>("looking for", filter.name.as_deref().unwrap_or_default()),
                count,
            }),
        }
    }

    /// All objects that the filter means.
    pub async fn list<O: Object>(&self, limits: &Limits, filter: &Filter) -> Result<Vec<O>, Error> {
        let action = match &filter.name {
            Some(name) => action::<O>("looking for", name),
            None => format!("listing the {}s", O::NOUN),
        };
        let mut url = self.url::<O>(None);
        url.query_pairs_mut()
            .extend_pairs(filter.pairs())
            .append_pair("page_size", PAGE_SIZE);
        let mut objects: Vec<O> = self.read_pages(limits, &action, url).await?;
        // An object that moves to another page while we read them is there twice.
        let mut seen = HashSet::new();
        objects.retain(|object| {
            let is_new = object
                .uuid()
                .is_none_or(|uuid| seen.insert(uuid.to_owned()));
            is_new && filter.takes(object)
        });
        Ok(objects)
    }

    /// Makes an object and gives what the controller holds then. It is sent once: where the outcome is
    /// [`Error::Unclear`], look for it by its name.
    pub async fn create<O: Object>(&self, limits: &Limits, wanted: &O) -> Result<O, Error> {
        let action = action::<O>("creating", wanted.name());
        let request = Request {
            action: &action,
            method: Method::POST,
            url: self.url::<O>(None),
            body: Some(to_body(&action, wanted)?),
            repeat: Repeat::IfRefused,
        };
        let answer = self.succeed(limits, request).await?;
        parse(&action, WriteState::Accepted, &answer)
    }

    /// Changes some members of the object and gives what the controller holds then.
    ///
    /// Most changes are one request. Where one of several fails after another was carried out, the error is
    /// [`Error::InPart`].
    pub async fn patch<O: Object>(
        &self,
        limits: &Limits,
        uuid: &str,
        change: &Patch,
    ) -> Result<O, Error> {
        let action = action::<O>("changing", uuid);
        let steps = change
            .steps()
            .map_err(|reason| not_whole(&action, reason))?;
        let mut changed = None;
        for step in steps {
            let sent = self.send_step(limits, &action, uuid, step).await;
            changed = Some(match changed {
                None => sent?,
                Some(_) => sent.map_err(Error::in_part)?,
            });
        }
        changed.ok_or_else(|| not_whole(&action, "there is nothing to change".to_owned()))
    }

    async fn send_step<O: Object>(
        &self,
        limits: &Limits,
        action: &str,
        uuid: &str,
        step: Step,
    ) -> Result<O, Error> {
        let request = Request {
            action,
            method: Method::PATCH,
            url: self.url::<O>(Some(uuid)),
            body: Some(Bytes::from(step.body.to_string())),
            repeat: step.repeat,
        };
        let answer = self.succeed(limits, request).await?;
        parse(action, WriteState::Accepted, &answer)
    }

    /// Puts the whole object in place of the one that was read, and gives what the controller holds then. If that has
    /// changed meanwhile, the error [`wants_fresh_read`](Error::wants_fresh_read).
    pub async fn put<O: Object>(&self, limits: &Limits, object: &O) -> Result<O, Error> {
        let action = action::<O>("writing", object.name());
        let Some(uuid) = object.uuid() else {
            return Err(not_whole(&action, "the object has no uuid".to_owned()));
        };
        let request = Request {
            action: &action,
            method: Method::PUT,
            url: self.url::<O>(Some(uuid)),
            body: Some(to_body(&action, object)?),
            // Guarded by the time of the last write, one that was carried out is refused the second time.
            repeat: match object.last_modified() {
                Some(_) => Repeat::Always,
                None => Repeat::IfRefused,
            },
        };
        let answer = self.succeed(limits, request).await?;
        parse(&action, WriteState::Accepted, &answer)
    }

    /// Deletes the object; already gone is success.
    pub async fn delete<O: Object>(&self, limits: &Limits, uuid: &str) -> Result<(), Error> {
        let action = action::<O>("deleting", uuid);
        let request = Request {
            action: &action,
            method: Method::DELETE,
            url: self.url::<O>(Some(uuid)),
            body: None,
            repeat: Repeat::Always,
        };
        match self.succeed(limits, request).await {
            Ok(_) | Err(Error::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The uuid of what a reference means, or none if there is nothing of its name. One with a uuid is taken at its
    /// word.
    pub async fn resolve<O: Object>(
        &self,
        limits: &Limits,
        reference: &Reference,
    ) -> Result<Option<String>, Error> {
        match reference {
            Reference::Uuid(uuid) => Ok(Some(uuid.clone())),
            Reference::Name(name) => {
                let found: Option<O> = self.find(limits, &Filter::named(name)).await?;
                Ok(found.and_then(|object| object.uuid().map(str::to_owned)))
            }
        }
    }

    /// The results of a list, page by page.
    pub(super) async fn read_pages<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        action: &str,
        first: Url,
    ) -> Result<Vec<T>, Error> {
        let mut results = Vec::new();
        let mut seen = HashSet::from([first.clone()]);
        let mut url = first;
        loop {
            let answer = self
                .succeed(limits, Request::get(action, url.clone()))
                .await?;
            let page: Page<T> = parse(action, WriteState::NotSent, &answer)?;
            results.extend(page.results);
            // Recorded: the last page has no such member.
            let Some(next) = page.next.filter(|next| !next.is_empty()) else {
                return Ok(results);
            };
            url = self.next_page(action, &url, &next)?;
            if !seen.insert(url.clone()) {
                let reason = "the list leads back to a page that was read before".to_owned();
                return Err(not_whole(action, reason));
            }
        }
    }

    /// The results on the first page of a list.
    pub(super) async fn read_first_page<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        action: &str,
        url: Url,
    ) -> Result<Vec<T>, Error> {
        let answer = self.succeed(limits, Request::get(action, url)).await?;
        let page: Page<T> = parse(action, WriteState::NotSent, &answer)?;
        Ok(page.results)
    }

    /// The address of the next page. To another host the session would go with the request.
    fn next_page(&self, action: &str, page: &Url, next: &str) -> Result<Url, Error> {
        let next = page.join(next).map_err(|error| {
            not_whole(
                action,
                format!("the next page of the list is nowhere: {error}"),
            )
        })?;
        match self.address.has(&next) {
            true => Ok(next),
            false => Err(not_whole(
                action,
                format!(
                    "the next page of the list is at {}, and not at {}: set avi.controller to the name under which the controller knows itself",
                    next.authority(),
                    self.address.authority()
                ),
            )),
        }
    }

    fn url<O: Object>(&self, uuid: Option<&str>) -> Url {
        let mut url = self.address.join("/api");
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(O::TYPE).extend(uuid);
        }
        url
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    results: Vec<T>,
    next: Option<String>,
}

/// What is done to an object, for messages: `reading SE group "seg-1"`.
fn action<O: Object>(verb: &str, object: &str) -> String {
    format!("{verb} {} {object:?}", O::NOUN)
}

pub(super) fn parse<T: DeserializeOwned>(
    action: &str,
    write: WriteState,
    answer: &Answer,
) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| Error::BadAnswer {
        action: action.to_owned(),
        reason: format!("the answer has an unexpected form: {error}"),
        status: Some(answer.status.as_u16()),
        write,
    })
}

fn to_body(action: &str, object: &impl Serialize) -> Result<Bytes, Error> {
    let body = serde_json::to_vec(object);
    body.map(Bytes::from)
        .map_err(|error| not_whole(action, format!("it cannot be written as JSON: {error}")))
}
