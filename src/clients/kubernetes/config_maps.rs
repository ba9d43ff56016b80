//! Config maps, one at a time.

use super::{Client, Error, Reading};
use crate::clients::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::form_urlencoded::byte_serialize;

impl Client {
    /// The data of a config map, or none if it, or its namespace, does not exist.
    pub async fn get_config_map(
        &self,
        limits: &Limits,
        namespace: &str,
        name: &str,
    ) -> Result<Option<BTreeMap<String, String>>, Error> {
        let reading = Reading {
            verb: "get",
            resource: "configmaps",
            action: format!("reading config map {name:?} in namespace {namespace:?}"),
        };
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let path = format!(
            "/api/v1/namespaces/{}/configmaps/{}",
            encoded(namespace),
            encoded(name)
        );
        match self.get::<ConfigMap>(limits, &reading, &path).await {
            Ok(found) => Ok(Some(found.data.unwrap_or_default())),
            // Another 404 is a server that has no config maps.
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[derive(Deserialize)]
struct ConfigMap {
    data: Option<BTreeMap<String, String>>,
}
