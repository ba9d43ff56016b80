//! Resource groups: created at once, deleted with all they hold.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::errors::ArmError;
use super::operations::{Operation, Work};
use super::store::Group;
use super::{Core, ok, writes};
use crate::http::Response;

impl Core {
    pub(super) fn list_groups(&self) -> Response {
        let groups = self.store.groups.values();
        ok(&json!({"value": groups.map(Group::render).collect::<Value>()}))
    }

    pub(super) fn get_group(&self, call: &Call, name: &str) -> Result<Response, ArmError> {
        let found = self.find_group(name);
        if call.method == http::Method::HEAD {
            let status = match found {
                Ok(_) => StatusCode::NO_CONTENT,
                Err(_) => StatusCode::NOT_FOUND,
            };
            return Ok(Response::empty(status));
        }
        Ok(ok(&found?.render()))
    }

    pub(super) fn put_group(&mut self, call: &Call, name: &str) -> Result<Response, ArmError> {
        let Some(location) = call.body.get("location").and_then(Value::as_str) else {
            return Err(ArmError::location_required());
        };
        let location = writes::location_name(location);
        let prior = self.store.group(name);
        if let Some(prior) = prior.filter(|prior| prior.location != location) {
            let (name, has) = (&prior.name, &prior.location);
            return Err(ArmError::location_differs(name, name, has, &location));
        }
        let status = match prior {
            Some(_) => StatusCode::OK,
            None => StatusCode::CREATED,
        };
        let subscription = &self.identity.subscription_id;
        let name = prior.map_or_else(|| name.to_owned(), |prior| prior.name.clone());
        let group = Group {
            id: format!("/subscriptions/{subscription}/resourceGroups/{name}"),
            location,
            tags: call.body.get("tags").filter(|t| !t.is_null()).cloned(),
            deleting: false,
            name,
        };
        let body = group.render();
        let key = group.name.to_lowercase();
        self.store.groups.insert(key, group);
        Ok(Response::json(status, &body))
    }

    pub(super) fn patch_group(&mut self, call: &Call, name: &str) -> Result<Response, ArmError> {
        let Some(group) = self.store.groups.get_mut(&name.to_lowercase()) else {
            return Err(ArmError::group_not_found(name));
        };
        if let Some(tags) = call.body.get("tags") {
            group.tags = Some(tags.clone());
        }
        Ok(ok(&group.render()))
    }

    pub(super) fn list_group_resources(&self, name: &str) -> Result<Response, ArmError> {
        let group = self.find_group(name)?;
        let resources = self.store.in_group(group).map(|resource| {
            json!({
                "id": resource.id,
                "name": resource.name,
                "type": format!("Microsoft.Network/{}", resource.kind.segment()),
                "location": resource.location,
                "tags": resource.tags,
                "provisioningState": resource.state.text(),
            })
        });
        Ok(ok(&json!({"value": resources.collect::<Value>()})))
    }

    pub(super) fn delete_group(&mut self, call: &Call, name: &str) -> Result<Response, ArmError> {
        let key = name.to_lowercase();
        let Some(group) = self.store.groups.get_mut(&key) else {
            return Err(ArmError::group_not_found(name));
        };
        group.deleting = true;
        let region = group.location.clone();
        let job = job_id(&group.name, &region);
        let work = Work::DeleteGroup { key };
        let mut operation = self.begin(call, work, &region);
        self.operations.rename(&mut operation, job);

        let mut response = Response::empty(StatusCode::ACCEPTED);
        let url = format!("{}{}", self.base_url, self.group_result_path(&operation));
        writes::insert(&mut response.headers, header::LOCATION.as_str(), &url);
        self.add_retry_after(&mut response);
        Ok(response)
    }

    pub(super) fn finish_delete_group(&mut self, operation: &Operation, key: &str) {
        let Some(group) = self.store.groups.get(key).cloned() else {
            return;
        };
        if let Some(why) = self.what_blocks(&group) {
            if let Some(group) = self.store.groups.get_mut(key) {
                group.deleting = false;
            }
            self.operations.fail(&operation.id, blocked(&group, &why));
            return;
        }
        let held: Vec<String> = self.store.in_group(&group).map(|r| r.id.clone()).collect();
        for id in held {
            self.store.resources.remove(&id.to_lowercase());
            self.history.note(&id, &self.store);
        }
        self.store.groups.remove(key);
    }

    /// The refusal of the first resource in the group that something outside still uses.
    fn what_blocks(&self, group: &Group) -> Option<Value> {
        let mut without = self.store.clone();
        let inside: Vec<_> = self.store.in_group(group).cloned().collect();
        // Users inside go together with what they use.
        for resource in &inside {
            without.resources.remove(&resource.id.to_lowercase());
        }
        inside.iter().find_map(|resource| {
            let refusal = resource.kind.check_delete(resource, &without).err()?;
            serde_json::from_slice(&refusal.response().body).ok()
        })
    }
}

/// The body has capital keys and a string of JSON inside (recorded: azure-libraries-for-net).
fn blocked(group: &Group, why: &Value) -> Value {
    json!({"Error": {
        "Code": "ResourceGroupDeletionBlocked",
        "Target": null,
        "Message": format!("Deletion of resource group '{}' failed as resources are still in use.", group.name),
        "Details": [{"Code": null, "Target": group.id, "Message": why.to_string(), "Details": null}],
    }})
}

/// Job ids look like this one, without the unique end that ours has (recorded).
fn job_id(group: &str, region: &str) -> String {
    let name = group.to_uppercase().replace('-', ":2D");
    let unique = Uuid::new_v4().simple();
    let job = json!({
        "jobId": format!("RESOURCEGROUPDELETIONJOB-{name}-{}-{unique}", region.to_uppercase()),
        "jobLocation": region,
    });
    BASE64_URL_SAFE_NO_PAD.encode(job.to_string())
}
