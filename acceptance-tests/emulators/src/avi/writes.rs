//! POST, PUT, PATCH and DELETE of objects.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json as object};

use super::call::{Call, newest};
use super::check::{READ_ONLY, check_required, check_versions, checked, fill_in};
use super::errors::{Refusal, json};
use super::models::model;
use super::patch::{named, patched};
use super::reads::Shape;
use super::refs::{Place, held};
use super::store::{CLOUD, Object, SE_GROUP, Stored, TENANT, Type, VRF};
use super::{Core, rules};
use crate::http::Response;

impl Core {
    pub(super) fn create(&mut self, call: &Call, kind: Type) -> Result<Response, Refusal> {
        let mut members = body(call)?.clone();
        check_versions(&members, model(kind.model), call.version)?;
        members.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        let mut object = Stored::new(kind, Object::new());
        if let Some(slug) = &call.slug {
            // Recorded for pools.
            object.uuid.clone_from(slug);
            if self.store.get(kind, slug).is_some() {
                return Err(Refusal::exists(kind.model));
            }
        }
        object.members = self.completed(call, kind, &members)?;
        self.check_name(&object)?;
        rules::check(&object, None)?;
        let uuid = object.uuid.clone();
        self.keep(object);
        if kind == CLOUD {
            self.equip_cloud(&uuid)?;
        }
        let shown = self.written(kind, &uuid, call, true)?;
        let mut response = json(StatusCode::CREATED, &shown);
        if let Some(Ok(url)) = shown["url"].as_str().map(HeaderValue::from_str) {
            response.headers.insert(header::LOCATION, url);
        }
        Ok(response)
    }

    /// The whole object: what the body leaves out is unset or falls back to its default.
    pub(super) fn replace(
        &mut self,
        call: &Call,
        kind: Type,
        uuid: &str,
    ) -> Result<Response, Refusal> {
        let old = self.writable(call, kind, uuid)?.clone();
        let sent = body(call)?;
        check_versions(sent, model(kind.model), call.version)?;
        // A body without it is not compared (as the official provider sends it).
        if let Some(seen) = sent.get("_last_modified")
            && Some(seen) != old.members.get("_last_modified")
        {
            return Err(Refusal::concurrent());
        }
        self.change(call, &old, sent.clone())
    }

    pub(super) fn patch(
        &mut self,
        call: &Call,
        kind: Type,
        uuid: &str,
    ) -> Result<Response, Refusal> {
        let old = self.writable(call, kind, uuid)?.clone();
        let patch = body(call)?;
        check_versions(&named(patch), model(kind.model), call.version)?;
        let members = patched(&old.members, patch)?;
        self.change(call, &old, members)
    }

    pub(super) fn delete(
        &mut self,
        call: &Call,
        kind: Type,
        uuid: &str,
    ) -> Result<Response, Refusal> {
        let object = self.writable(call, kind, uuid)?.clone();
        if let Some(refusal) = self.refusals.iter().find(|it| it.meets(&object)) {
            return Err(Refusal::referred(refusal.status, &refusal.referrers));
        }
        rules::check_delete(&object)?;
        let referring = self.store.referring(&object);
        let referring = referring.filter(|other| !rules::goes_with(&object, other));
        let referring: Vec<String> = referring
            .map(|other| format!("{} {}", other.kind.model, other.name()))
            .collect();
        if !referring.is_empty() {
            let status = self.settings.refused_delete_status;
            return Err(Refusal::referred(status, &referring));
        }
        let companions = self.store.referring(&object);
        let companions: Vec<Stored> = companions.cloned().collect();
        for companion in companions {
            self.store.remove(companion.kind, &companion.uuid);
        }
        self.store.remove(kind, uuid);
        self.written_clouds.remove(uuid);
        self.tell_of(kind);
        let mut response = Response::empty(StatusCode::NO_CONTENT);
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers.insert(header::CONTENT_TYPE, html);
        Ok(response)
    }

    fn change(
        &mut self,
        call: &Call,
        old: &Stored,
        mut members: Object,
    ) -> Result<Response, Refusal> {
        members.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        for reference in ["tenant_ref", "cloud_ref"] {
            // An object does not move because a body leaves out where it is (assumed).
            if let Some(value) = old.members.get(reference) {
                members.entry(reference).or_insert_with(|| value.clone());
            }
        }
        let members = self.completed(call, old.kind, &members)?;
        let new = Stored {
            members,
            ..old.clone()
        };
        self.check_name(&new)?;
        rules::check(&new, Some(old))?;
        if old.kind == CLOUD {
            rules::check_cloud(&new, old, self.store.referring(old))?;
        }
        self.keep(new);
        let shown = self.written(old.kind, &old.uuid, call, false)?;
        Ok(json(StatusCode::OK, &shown))
    }

    /// Members as they are stored: checked and filled in, in a tenant and where that applies in a cloud.
    fn completed(&self, call: &Call, kind: Type, members: &Object) -> Result<Object, Refusal> {
        let table = model(kind.model);
        let mut place = Place {
            store: &self.store,
            tenant: &call.tenant,
            cloud: None,
        };
        let mut homes = Object::new();
        if kind != TENANT {
            let admin = Value::from(format!("/api/tenant/{}", call.home()));
            let tenant = members.get("tenant_ref").unwrap_or(&admin);
            homes.insert(
                "tenant_ref".to_owned(),
                place.resolve(tenant, Some("Tenant"))?,
            );
        }
        if kind.in_cloud {
            let default = Value::from("/api/cloud?name=Default-Cloud");
            let cloud = members.get("cloud_ref").unwrap_or(&default);
            homes.insert("cloud_ref".to_owned(), place.resolve(cloud, Some("Cloud"))?);
        }
        place.cloud = held(&homes, "cloud_ref");
        let mut kept = checked(members, table, place)?;
        kept.extend(homes.clone());
        fill_in(&mut kept, table, newest(&self.settings.version));
        if kind == CLOUD {
            // Computed by the controller; the values are those of the recorded clouds.
            for (name, value) in [
                ("license_type", "LIC_CORES"),
                ("license_tier", "ENTERPRISE"),
            ] {
                kept.entry(name).or_insert_with(|| value.into());
            }
        }
        check_required(&kept, table)?;
        Ok(kept)
    }

    fn check_name(&self, object: &Stored) -> Result<(), Refusal> {
        let same = |other: &Stored, member: &str| object.text(member) == other.text(member);
        let mut others = self.store.of(object.kind);
        let taken = others.any(|other| {
            other.uuid != object.uuid
                && other.name() == object.name()
                && same(other, "tenant_ref")
                && (!object.kind.in_cloud || same(other, "cloud_ref"))
        });
        if taken {
            return Err(Refusal::exists(object.kind.model));
        }
        Ok(())
    }

    /// An object that the tenant of the call may change: 404 where it does not see it, 400 where it sees another
    /// tenant's (AKO's constants and its retry as admin).
    fn writable(&self, call: &Call, kind: Type, uuid: &str) -> Result<&Stored, Refusal> {
        let object = self.visible(call, kind, uuid)?;
        if !call.tenant.owns(object) {
            return Err(Refusal::bad(format!("Cannot modify {}", kind.model)));
        }
        Ok(object)
    }

    fn keep(&mut self, object: Stored) {
        let kind = object.kind;
        if kind == CLOUD {
            let now = std::time::Instant::now();
            self.written_clouds.insert(object.uuid.clone(), now);
        }
        self.store.put(object);
        self.tell_of(kind);
    }

    /// What a new cloud brings (AKO#1389, and the mocks of AKO's tests): an SE group and two VRFs.
    fn equip_cloud(&mut self, uuid: &str) -> Result<(), Refusal> {
        let Some(cloud) = self.store.get(CLOUD, uuid).cloned() else {
            return Ok(());
        };
        let companions = [
            (SE_GROUP, object!({"name": rules::DEFAULT_GROUP})),
            (VRF, object!({"name": "global", "system_default": true})),
            (VRF, object!({"name": "management", "system_default": true})),
        ];
        for (kind, mut members) in companions {
            members["cloud_ref"] = cloud.reference().into();
            members["tenant_ref"] = cloud.text("tenant_ref").into();
            let mut members = members.as_object().cloned().unwrap_or_default();
            fill_in(
                &mut members,
                model(kind.model),
                newest(&self.settings.version),
            );
            self.keep(Stored::new(kind, members));
        }
        Ok(())
    }

    fn written(&self, kind: Type, uuid: &str, call: &Call, new: bool) -> Result<Value, Refusal> {
        let object = self.store.get(kind, uuid);
        let object = object.ok_or_else(|| Refusal::not_found(kind.model))?;
        let shape = Shape {
            names: true,
            // Writes are answered whole whatever is asked (assumed).
            skip_default: false,
            leave_secrets_out: new,
            version: call.version,
        };
        Ok(self.render(object, shape))
    }

    /// Wakes those who wait for changes.
    fn tell_of(&self, kind: Type) {
        if kind != TENANT {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }
}

fn body(call: &Call) -> Result<&Object, Refusal> {
    let body = call.body.as_object();
    body.ok_or_else(|| Refusal::bad("JSON parse error - an object is expected"))
}
