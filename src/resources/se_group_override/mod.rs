//! `ako_se_group_override`: the subnet of an SE group that something else owns.
//!
//! Owns: the value of `data_network_id` while it is the one that was set here, and the label if it was added here.
//! Reads: the SE group, its cloud, its Service Engines; for a new subnet, the virtual network.   Never touches: any
//! other member of the SE group, another cluster's label.
//!
//! A create is one request. If it is interrupted, the next one finds the value in place: what was there before is then
//! not known, and destroying leaves the value. Deleting what is gone is success.

mod messages;
mod schema;

use crate::clients::avi::refs::uuid_of;
use crate::clients::avi::{
    self, Cloud, Error, LockGuard, LockKey, Object, Patch, Reference, SeGroup,
};
use crate::clients::{Limits, NotReady, WriteState};
use crate::configured::{Configured, limits_of};
use crate::domain::se_groups::{
    DataNetwork, Farewell, ForeignLabel, LabelStep, OnDestroy, OutsideCloud,
    are_same_data_networks, plan_farewell, plan_label, previous_of,
};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::plan::Plan;
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::avi_errors::{call_failed, look_failed, not_ready};
use crate::resources::forecast::forecast;
use crate::resources::se_group;
use crate::resources::se_groups::{
    CloudOfGroup, GroupId, SubnetLook, cluster_name_of, groups_with_network, labels_of,
    name_of_network, service_engines_of, to_label, without_name,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How often a change whose outcome is not known is looked at and sent again.
const ATTEMPTS_AFTER_LOSS: u32 = 3;

/// The resource `ako_se_group_override`.
#[derive(Debug)]
pub struct SeGroupOverride {
    configured: Arc<Configured>,
}

/// One override as Terraform sees it; a field for each attribute, in the order of the schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The cloud, as the user refers to it.
    pub cloud_ref: String,
    /// The name of the SE group.
    pub se_group_name: String,
    /// The subnet; none where somebody has cleared it.
    pub data_network_id: Option<String>,
    /// The cluster that the label names.
    pub cluster_name: Option<String>,
    /// What was there before.
    pub previous_data_network_id: Option<String>,
    /// What a destroy does.
    pub on_destroy: String,
    /// Whether the label was added here.
    pub label_added: Option<bool>,
    /// What the controller knows the SE group by.
    pub se_group_uuid: Option<String>,
    /// The uuid of the cloud.
    pub cloud_uuid: Option<String>,
    /// The name of the cloud.
    pub cloud_name: Option<String>,
}

/// Why an operation ended early.
#[derive(Debug)]
enum Stopped {
    Failed(Error),
    NoCloud,
    NoGroup,
    ForeignLabel(ForeignLabel),
    Outside(OutsideCloud),
    NoSubnet(String),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Failed(error)
    }
}

#[async_trait]
impl Resource for SeGroupOverride {
    const NAME: &'static str = "ako_se_group_override";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> SeGroupOverride {
        SeGroupOverride { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        if !plan.is_create() && plan.changes("cloud_ref") {
            match is_same_cloud(plan) {
                true => plan.set("cloud_ref", plan.prior("cloud_ref").clone()),
                false => plan.replace(Path::attribute("cloud_ref")),
            }
        }
        if !plan.is_create() && plan.changes("cluster_name") {
            plan.set_unknown("label_added");
        }
        let asks = ["data_network_id", "cluster_name"];
        match plan.is_create() || asks.iter().any(|name| plan.changes(name)) {
            true => self.look_ahead(context, plan).await,
            false => Ok(()),
        }
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        let summary = messages::cannot("override", &planned.se_group_name);
        let avi = self.avi(&summary)?;
        let done = self.set(context, avi, planned.clone()).await;
        Ok(done.map_err(|stopped| messages::stopped(summary, &stopped, &planned))?)
    }

    async fn read(&self, context: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        let summary = messages::cannot("read", &prior.se_group_name);
        let avi = self.avi(&summary)?;
        let Some(uuid) = prior.se_group_uuid.as_deref() else {
            return Ok(None);
        };
        let found: Option<SeGroup> = avi
            .get(&limits_of(context), uuid)
            .await
            .map_err(|error| call_failed(summary, &error))?;
        Ok(found.map(|actual| prior.refreshed(&actual)))
    }

    async fn update(
        &self,
        context: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        let summary = messages::cannot("change the override of", &planned.se_group_name);
        // Arguments that concern the end alone need no call.
        if prior.data_network_id == planned.data_network_id
            && prior.cluster_name == planned.cluster_name
        {
            return Ok(planned.keeping(&prior));
        }
        let avi = self.avi(&summary)?;
        let done = self.change(context, avi, &prior, planned.clone()).await;
        Ok(done.map_err(|stopped| messages::stopped(summary, &stopped, &planned))?)
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        let summary = messages::cannot("end the override of", &prior.se_group_name);
        let avi = self.avi(&summary)?;
        let ended = end(context, avi, &prior).await;
        Ok(ended.map_err(|stopped| messages::stopped(summary, &stopped, &prior))?)
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Model, Diagnostics> {
        let wrong = |error| se_group::wrong_import_id(id, &error);
        let parsed = GroupId::parse(id).map_err(wrong)?;
        let summary = messages::cannot("import the override of", id);
        let (avi, limits) = (self.avi(&summary)?, limits_of(context));
        let found = se_group::find_for_import(avi, &limits, &parsed).await;
        let found = found.map_err(|error| call_failed(&summary, &error))?;
        let (cloud, group) = found.ok_or_else(|| se_group::nothing_to_import(id))?;
        match group.data_network_id {
            None => Err(messages::nothing_overridden(id).into()),
            Some(_) => Ok(Model::imported(&group, cloud.name)),
        }
    }
}

impl SeGroupOverride {
    fn avi(&self, summary: &str) -> Result<&avi::Client, Diagnostic> {
        let client = self.configured.clients.avi();
        client.map_err(|error| not_ready(summary, &error))
    }

    /// Sets the subnet, and the label where one is wanted, in one request.
    async fn set(
        &self,
        context: &Context,
        avi: &avi::Client,
        mut model: Model,
    ) -> Result<Model, Stopped> {
        let limits = limits_of(context);
        let (cloud, group) = find_group(avi, &limits, &model).await?;
        let wanted = model.data_network_id.clone().unwrap_or_default();
        self.check_network(&limits, &cloud, &wanted).await?;
        let uuid = group.uuid.unwrap_or_default();
        let _lock = lock(avi, &limits, &uuid).await?;
        let (before, label) = write(avi, &limits, &uuid, &model).await?;
        if let Ok(groups) = cloud.groups(avi, &limits).await {
            let sharing = groups_with_network(&groups, &model.se_group_name, &wanted);
            if !sharing.is_empty() {
                context.warn(se_group::network_is_shared(&sharing, &wanted));
            }
        }
        // Set by hand it stays as it is; else it is what was there before the first request.
        if context.config().get("previous_data_network_id").is_null() {
            model.previous_data_network_id = previous_of(before.as_deref(), &wanted);
        }
        model.label_added = Some(label == LabelStep::Add);
        model.se_group_uuid = Some(uuid);
        model.cloud_uuid = Some(cloud.uuid);
        model.cloud_name = Some(cloud.name);
        Ok(model)
    }

    /// Brings the SE group from `prior` to what is planned.
    async fn change(
        &self,
        context: &Context,
        avi: &avi::Client,
        prior: &Model,
        planned: Model,
    ) -> Result<Model, Stopped> {
        let limits = limits_of(context);
        if prior.data_network_id != planned.data_network_id {
            let cloud = planned.cloud_uuid.clone().unwrap_or_default();
            let cloud = CloudOfGroup::find(avi, &limits, &Reference::Uuid(cloud)).await?;
            let cloud = cloud.ok_or(Stopped::NoCloud)?;
            let wanted = planned.data_network_id.as_deref().unwrap_or_default();
            self.check_network(&limits, &cloud, wanted).await?;
        }
        let uuid = planned.se_group_uuid.clone().unwrap_or_default();
        let _lock = lock(avi, &limits, &uuid).await?;
        if prior.cluster_name != planned.cluster_name && prior.label_added == Some(true) {
            take_label_away(avi, &limits, &uuid, prior).await?;
        }
        let (_, label) = write(avi, &limits, &uuid, &planned).await?;
        let mut changed = planned.keeping(prior);
        let stays = prior.cluster_name == changed.cluster_name && prior.label_added == Some(true);
        changed.label_added = Some(label == LabelStep::Add || stays);
        Ok(changed)
    }

    async fn check_network(
        &self,
        limits: &Limits,
        cloud: &CloudOfGroup,
        data_network: &str,
    ) -> Result<(), Stopped> {
        if let Ok(network) = DataNetwork::parse(data_network) {
            let own = cloud.virtual_network.as_deref();
            network.check_inside(own).map_err(Stopped::Outside)?;
        }
        let look = cloud.look_for_subnet(&self.configured, limits, data_network);
        match look.await {
            SubnetLook::Unobjectionable => Ok(()),
            SubnetLook::Missing => Err(Stopped::NoSubnet(
                cloud.virtual_network.clone().unwrap_or_default(),
            )),
        }
    }

    /// Tells at plan whom a change meets, and which Service Engines keep what they have.
    async fn look_ahead(&self, context: &Context, plan: &Plan<'_>) -> Result<(), Diagnostics> {
        let text = |name: &str| plan.planned(name).as_str().map(str::to_owned);
        let (Some(cloud_ref), Some(se_group_name)) = (text("cloud_ref"), text("se_group_name"))
        else {
            return Ok(());
        };
        let model = Model {
            cloud_ref,
            se_group_name,
            data_network_id: text("data_network_id"),
            cluster_name: text("cluster_name"),
            ..Model::default()
        };
        let summary = messages::cannot("look at", &model.se_group_name);
        let avi = match self.configured.clients.avi() {
            Ok(avi) => avi,
            Err(NotReady::Unknown { .. }) => return Ok(()),
            Err(error) => return Err(not_ready(summary, &error).into()),
        };
        let limits = limits_of(context);
        let (cloud, group) = match find_group(avi, &limits, &model).await {
            Ok(found) => found,
            Err(Stopped::Failed(error)) => return Ok(look_failed(context, summary, &error)?),
            Err(stopped) => {
                context.warn(forecast(messages::stopped(summary, &stopped, &model)));
                return Ok(());
            }
        };
        let label = plan_label(model.cluster_name.as_deref(), &labels_of(&group));
        if let Err(foreign) = &label {
            context.warn(forecast(se_group::foreign_label(foreign, &group.name)));
        }
        let Some(wanted) = model.data_network_id.as_deref() else {
            return Ok(());
        };
        if let Some(Err(outside)) = DataNetwork::parse(wanted)
            .ok()
            .map(|network| network.check_inside(cloud.virtual_network.as_deref()))
        {
            let diagnostic = se_group::outside_cloud(&outside, wanted, &cloud.name);
            context.warn(forecast(diagnostic));
        }
        let mut changes = Vec::new();
        let actual = group.data_network_id.as_deref();
        if !actual.is_some_and(|actual| are_same_data_networks(actual, wanted)) {
            changes.push("data_network_id");
        }
        if label == Ok(LabelStep::Add) {
            changes.push("cluster_name");
        }
        if let (false, Some(uuid)) = (changes.is_empty(), group.uuid.as_deref()) {
            match service_engines_of(avi, &limits, uuid).await {
                Ok(engines) if engines.is_empty() => {}
                Ok(engines) => context.warn(se_group::engines_keep(&changes, Some(&engines))),
                Err(_) => context.warn(se_group::engines_keep(&changes, None)),
            }
        }
        Ok(())
    }
}

impl Model {
    /// The override as the controller shows it now.
    fn refreshed(mut self, actual: &SeGroup) -> Model {
        let found = actual.data_network_id.clone();
        let is_same = match (&self.data_network_id, &found) {
            (Some(prior), Some(found)) => are_same_data_networks(prior, found),
            _ => false,
        };
        if !is_same {
            self.data_network_id = found;
        }
        self.se_group_name.clone_from(&actual.name);
        // Null is not managed: any label is left alone.
        if self.cluster_name.is_some() {
            self.cluster_name = cluster_name_of(actual);
        }
        self
    }

    fn imported(actual: &SeGroup, cloud_name: String) -> Model {
        let cloud_ref = without_name(actual.cloud_ref.as_deref().unwrap_or_default());
        Model {
            cloud_uuid: uuid_of(&cloud_ref).map(str::to_owned),
            cloud_ref,
            se_group_name: actual.name.clone(),
            data_network_id: actual.data_network_id.clone(),
            // The label may be AKO's.
            cluster_name: None,
            previous_data_network_id: None,
            on_destroy: "restore".to_owned(),
            label_added: Some(false),
            se_group_uuid: actual.uuid.clone(),
            cloud_name: Some(cloud_name),
        }
    }

    /// The planned model with what only the state knows.
    fn keeping(mut self, prior: &Model) -> Model {
        if self.label_added.is_none() {
            self.label_added = prior.label_added;
        }
        self
    }
}

fn is_same_cloud(plan: &Plan<'_>) -> bool {
    let text = plan.planned("cloud_ref").as_str();
    let Some(Ok(cloud)) = text.map(|text| Reference::parse(Cloud::TYPE, text)) else {
        return false;
    };
    let known = match &cloud {
        Reference::Uuid(_) => plan.prior("cloud_uuid"),
        Reference::Name(_) => plan.prior("cloud_name"),
    };
    known.as_str() == Some(&cloud.to_string())
}

async fn find_group(
    avi: &avi::Client,
    limits: &Limits,
    model: &Model,
) -> Result<(CloudOfGroup, SeGroup), Stopped> {
    let reference = Reference::parse(Cloud::TYPE, &model.cloud_ref);
    let reference = reference.map_err(|_| Stopped::NoCloud)?;
    let cloud = CloudOfGroup::find(avi, limits, &reference).await?;
    let cloud = cloud.ok_or(Stopped::NoCloud)?;
    let group = cloud.find_group(avi, limits, &model.se_group_name).await?;
    let group = group.ok_or(Stopped::NoGroup)?;
    Ok((cloud, group))
}

async fn lock(avi: &avi::Client, limits: &Limits, uuid: &str) -> Result<LockGuard, Error> {
    avi.lock(limits, [LockKey::of::<SeGroup>(uuid)]).await
}

/// Makes the SE group have the subnet and the label; gives the subnet that it had before the first request, and what
/// was done about the label. Nothing is sent where both are there.
async fn write(
    avi: &avi::Client,
    limits: &Limits,
    uuid: &str,
    model: &Model,
) -> Result<(Option<String>, LabelStep), Stopped> {
    let wanted = model.data_network_id.as_deref().unwrap_or_default();
    let mut first = None;
    for attempt in 1.. {
        let actual: Option<SeGroup> = avi.get(limits, uuid).await?;
        let actual = actual.ok_or(Stopped::NoGroup)?;
        let cluster = model.cluster_name.as_deref();
        let label = plan_label(cluster, &labels_of(&actual)).map_err(Stopped::ForeignLabel)?;
        let (before, step) = first
            .get_or_insert_with(|| (actual.data_network_id.clone(), label))
            .clone();
        let is_there = actual
            .data_network_id
            .is_some_and(|actual| are_same_data_networks(&actual, wanted));
        let mut patch = Patch::new();
        if !is_there {
            patch = patch.replace(&SeGroup {
                data_network_id: Some(name_of_network(wanted)),
                ..SeGroup::default()
            });
        }
        if label == LabelStep::Add {
            patch = patch.add(&SeGroup {
                labels: cluster.map(|cluster| vec![to_label(cluster)]),
                ..SeGroup::default()
            });
        }
        if patch.is_empty() {
            return Ok((before, step));
        }
        let Err(error) = avi.patch::<SeGroup>(limits, uuid, &patch).await else {
            return Ok((before, step));
        };
        // A label that comes between our read and our write makes ours one too many; the fresh read tells whose.
        let may_heal = error.wants_fresh_read()
            || label == LabelStep::Add && error.refusal().is_some() && attempt == 1
            || error.after_write() == WriteState::Unclear && attempt < ATTEMPTS_AFTER_LOSS;
        if !may_heal || limits.pause(attempt).await.is_err() {
            return Err(error.into());
        }
    }
    Err(Stopped::NoGroup)
}

/// Takes the label away that was added here, if it still is the same.
async fn take_label_away(
    avi: &avi::Client,
    limits: &Limits,
    uuid: &str,
    prior: &Model,
) -> Result<(), Stopped> {
    let actual: Option<SeGroup> = avi.get(limits, uuid).await?;
    let actual = actual.ok_or(Stopped::NoGroup)?;
    if let Some(deleted) = label_to_delete(&actual, prior) {
        let patch = Patch::new().delete(&deleted);
        avi.patch::<SeGroup>(limits, uuid, &patch).await?;
    }
    Ok(())
}

fn label_to_delete(actual: &SeGroup, prior: &Model) -> Option<SeGroup> {
    let cluster = prior.cluster_name.as_deref()?;
    let is_ours = prior.label_added == Some(true)
        && plan_label(Some(cluster), &labels_of(actual)) == Ok(LabelStep::Leave);
    is_ours.then(|| SeGroup {
        labels: Some(vec![to_label(cluster)]),
        ..SeGroup::default()
    })
}

/// Gives back what is still ours, in one request.
async fn end(context: &Context, avi: &avi::Client, prior: &Model) -> Result<(), Stopped> {
    let limits = limits_of(context);
    let Some(uuid) = prior.se_group_uuid.as_deref() else {
        return Ok(());
    };
    let _lock = lock(avi, &limits, uuid).await?;
    for attempt in 1.. {
        let Some(actual) = avi.get::<SeGroup>(&limits, uuid).await? else {
            return Ok(());
        };
        let on_destroy = OnDestroy::of_word(&prior.on_destroy);
        let farewell = plan_farewell(
            on_destroy,
            prior.data_network_id.as_deref().unwrap_or_default(),
            actual.data_network_id.as_deref(),
            prior.previous_data_network_id.as_deref(),
        );
        let patch = patch_of(&farewell, &actual, prior, on_destroy);
        let error = match patch.is_empty() {
            true => None,
            false => avi.patch::<SeGroup>(&limits, uuid, &patch).await.err(),
        };
        match error {
            None => {
                if let Farewell::Keep(why) = farewell {
                    let warning = messages::kept(why, prior, &actual);
                    warning
                        .into_iter()
                        .for_each(|warning| context.warn(warning));
                }
                return Ok(());
            }
            Some(Error::Gone(_)) => return Ok(()),
            Some(error) => {
                let may_heal = error.wants_fresh_read()
                    || error.after_write() == WriteState::Unclear && attempt < ATTEMPTS_AFTER_LOSS;
                if !may_heal || limits.pause(attempt).await.is_err() {
                    return Err(error.into());
                }
            }
        }
    }
    Ok(())
}

fn patch_of(farewell: &Farewell, actual: &SeGroup, prior: &Model, on_destroy: OnDestroy) -> Patch {
    let mut deleted = match on_destroy {
        OnDestroy::Keep => SeGroup::default(),
        _ => label_to_delete(actual, prior).unwrap_or_default(),
    };
    let mut replaced = SeGroup::default();
    match farewell {
        Farewell::Set(previous) => replaced.data_network_id = Some(previous.clone()),
        Farewell::Clear => deleted.data_network_id.clone_from(&actual.data_network_id),
        Farewell::Keep(_) => {}
    }
    Patch::new().replace(&replaced).delete(&deleted)
}
