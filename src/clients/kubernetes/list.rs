//! Lists of any kind of object, page by page.

use super::{Client, Error, Reading};
use crate::clients::Limits;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

/// How many objects one page has, the number that kubectl asks for.
const PAGE: &str = "500";
/// How often a list is begun anew because its place has expired.
const RESTARTS: u32 = 3;

/// A kind of object that the API serves for the whole cluster.
#[derive(Debug)]
pub(super) struct Resource {
    /// The API group; empty for the core group.
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    /// The name in paths.
    pub(super) plural: &'static str,
    /// The name in messages: `nodes`, or `<plural>.<group>`.
    pub(super) name: &'static str,
}

impl Client {
    /// All objects of a kind, in the order of the API, or those that a label selector selects.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        resource: &Resource,
        label_selector: Option<&str>,
    ) -> Result<Vec<T>, Error> {
        let mut restarts = 0;
        loop {
            match self.list_once(limits, resource, label_selector).await {
                // The place in the list has expired while we read it (recorded: kube-apiserver 1.36).
                Err(Error::Refused { status: 410, .. }) if restarts < RESTARTS => restarts += 1,
                outcome => return outcome,
            }
        }
    }

    async fn list_once<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        resource: &Resource,
        label_selector: Option<&str>,
    ) -> Result<Vec<T>, Error> {
        let reading = Reading::list(resource.name);
        let mut objects = Vec::new();
        let mut next = None;
        loop {
            let path = resource.path(label_selector, next.as_deref());
            let page: Page<T> = self.get(limits, &reading, &path).await?;
            objects.extend(page.items);
            match page.metadata.r#continue {
                // Recorded: the last page of custom resources has an empty token, that of others none.
                Some(token) if !token.is_empty() => next = Some(token),
                _ => return Ok(objects),
            }
        }
    }
}

impl Resource {
    fn path(&self, label_selector: Option<&str>, next: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", PAGE);
        if let Some(selector) = label_selector {
            query.append_pair("labelSelector", selector);
        }
        if let Some(token) = next {
            query.append_pair("continue", token);
        }
        let root = match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        format!("{root}/{}?{}", self.plural, query.finish())
    }
}

/// One answer.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    r#continue: Option<String>,
}
