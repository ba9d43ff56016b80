//! `ako_se_group_override`: the subnet of an SE group that something else owns.
//!
//! Owns: the value of `data_network_id` while it is the one that was set here, and the label if it was added here.
//! Reads: the SE group, its cloud, its Service Engines; for a new subnet, the virtual network.   Never touches: any
//! other member of the SE group, another cluster's label.
//!
//! A create is one request. One whose outcome is not known leaves a tainted object, with what was there before. If the
//! run is killed, the next one finds the value in place: what was there before is then not known, and destroying leaves
//! the value. Deleting what is gone is success.
//!
//! What a read finds may be somebody else's. So that a destroy knows its own value, it is kept beside the object.

mod messages;
mod model;
mod operation;
mod schema;

pub use model::Model;

use crate::clients::NotReady;
use crate::clients::avi::{self, Reference, SeGroup};
use crate::configured::{Configured, limits_of};
use crate::domain::se_groups::{ForeignLabel, Kept, LabelStep, plan_label, previous_of};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::Plan;
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::avi_cloud_refs::plan_cloud_ref;
use crate::resources::avi_errors::{call_failed, look_failed, not_ready};
use crate::resources::forecast::forecast;
use crate::resources::se_group;
use crate::resources::se_groups::{GroupId, groups_with_network, labels_of, service_engines_of};
use async_trait::async_trait;
use operation::{Ground, Operation, Progress, Stopped, check_inside, has_network};
use std::sync::Arc;

/// The resource `ako_se_group_override`.
#[derive(Debug)]
pub struct SeGroupOverride {
    configured: Arc<Configured>,
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
        plan_cloud_ref(plan);
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
        let operation = self.operation(context, &summary)?;
        let mut made = planned;
        let mut progress = Progress::default();
        let done = set(context, &operation, &mut made, &mut progress).await;
        if context.config().get("previous_data_network_id").is_null() {
            let wanted = made.data_network_id.as_deref().unwrap_or_default();
            // Set by hand it stays as it is; else it is what was there before the first request.
            made.previous_data_network_id = previous_of(progress.before.as_deref(), wanted);
        }
        finished(context, done, summary, &progress, made).map_err(|failure| *failure)
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
            return Ok(planned);
        }
        let operation = self.operation(context, &summary)?;
        let mut progress = Progress::default();
        let done = change(&operation, &prior, &planned, &mut progress).await;
        finished(context, done, summary, &progress, planned).map_err(|failure| *failure)
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        let summary = messages::cannot("end the override of", &prior.se_group_name);
        let Some(uuid) = prior.se_group_uuid.as_deref() else {
            return Ok(());
        };
        let operation = self.operation(context, &summary)?;
        let ours = own_network(context, &prior);
        let ended = end(&operation, uuid, &ours, &prior).await;
        let kept = ended.map_err(|stopped| messages::stopped(summary, &stopped, &prior))?;
        if let Some((why, actual)) = kept
            && let Some(warning) = messages::kept(why, &ours, &prior, &actual)
        {
            context.warn(warning);
        }
        Ok(())
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

    fn operation(&self, context: &Context, summary: &str) -> Result<Operation<'_>, Diagnostic> {
        Ok(Operation {
            configured: &self.configured,
            avi: self.avi(summary)?,
            limits: limits_of(context),
        })
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
        let prior = |name: &str| plan.prior(name);
        let own = match prior("label_added").as_bool() {
            Some(true) => prior("cluster_name").as_str().map(str::to_owned),
            _ => None,
        };
        let summary = messages::cannot("look at", &model.se_group_name);
        let avi = match self.configured.clients.avi() {
            Ok(avi) => avi,
            Err(NotReady::Unknown { .. }) => return Ok(()),
            Err(error) => return Err(not_ready(summary, &error).into()),
        };
        let operation = Operation {
            configured: &self.configured,
            avi,
            limits: limits_of(context),
        };
        match operation.survey(&model).await {
            Ok(ground) => tell(context, &operation, &ground, &model, own.as_deref()).await,
            Err(Stopped::Failed(error)) => look_failed(context, summary, &error)?,
            Err(stopped) => {
                context.warn(forecast(messages::stopped(summary, &stopped, &model)));
            }
        }
        Ok(())
    }
}

/// Sets the subnet, and the label where one is wanted. `model` gets to know what it is about.
async fn set(
    context: &Context,
    operation: &Operation<'_>,
    model: &mut Model,
    progress: &mut Progress,
) -> Result<(), Stopped> {
    let ground = operation.survey(model).await?;
    let wanted = model.data_network_id.clone().unwrap_or_default();
    operation.check_network(&ground.cloud, &wanted).await?;
    warn_of_sharing(context, &ground, model, |warning| warning);
    let uuid = ground.group.uuid.unwrap_or_default();
    model.se_group_uuid = Some(uuid.clone());
    model.cloud_uuid = Some(ground.cloud.uuid);
    model.cloud_name = Some(ground.cloud.name);
    let _lock = operation.lock(&uuid).await?;
    operation.write(&uuid, None, model, progress).await
}

/// Brings the SE group from `prior` to what is planned.
async fn change(
    operation: &Operation<'_>,
    prior: &Model,
    planned: &Model,
    progress: &mut Progress,
) -> Result<(), Stopped> {
    if prior.data_network_id != planned.data_network_id {
        let cloud = planned.cloud_uuid.clone().unwrap_or_default();
        let cloud = operation.find_cloud(&Reference::Uuid(cloud)).await?;
        let wanted = planned.data_network_id.as_deref().unwrap_or_default();
        operation.check_network(&cloud, wanted).await?;
    }
    let uuid = planned.se_group_uuid.as_deref().unwrap_or_default();
    let _lock = operation.lock(uuid).await?;
    let own = prior.own_label();
    operation.write(uuid, own, planned, progress).await
}

async fn end(
    operation: &Operation<'_>,
    uuid: &str,
    ours: &str,
    prior: &Model,
) -> Result<Option<(Kept, SeGroup)>, Stopped> {
    let _lock = operation.lock(uuid).await?;
    operation.end(uuid, ours, prior).await
}

/// The object after a change, or the failure with what there is to lose: a request that may have been carried out.
fn finished(
    context: &Context,
    done: Result<(), Stopped>,
    summary: String,
    progress: &Progress,
    mut model: Model,
) -> Result<Model, Box<Failure<Model>>> {
    let stopped = done
        .err()
        .map(|stopped| messages::stopped(summary, &stopped, &model));
    if let (Some(diagnostic), false) = (&stopped, progress.is_unclear) {
        return Err(Box::new(diagnostic.clone().into()));
    }
    model.label_added = Some(progress.is_label_ours);
    let ours = model.data_network_id.as_deref().unwrap_or_default();
    context.memory().keep(ours.as_bytes().to_vec());
    match stopped {
        None => Ok(model),
        Some(diagnostic) => Err(Box::new(Failure::with_state(diagnostic, model))),
    }
}

/// The value that this override has set last; of an imported one what it was found with.
fn own_network(context: &Context, prior: &Model) -> String {
    let kept = context.memory().recall();
    match kept.is_empty() {
        true => prior.data_network_id.clone().unwrap_or_default(),
        false => String::from_utf8_lossy(&kept).into_owned(),
    }
}

/// Tells at plan what a change of the SE group means.
async fn tell(
    context: &Context,
    operation: &Operation<'_>,
    ground: &Ground,
    model: &Model,
    own: Option<&str>,
) {
    let (cloud, group) = (&ground.cloud, &ground.group);
    let labels = labels_of(group);
    let label = plan_label(model.cluster_name.as_deref(), own, &labels);
    match (&label, labels.first()) {
        (Err(foreign), _) => {
            context.warn(forecast(se_group::foreign_label(foreign, &group.name)));
        }
        (Ok(LabelStep::Replace), Some(found)) => {
            let changed = ForeignLabel {
                wanted: model.cluster_name.clone().unwrap_or_default(),
                found: found.clone(),
            };
            context.warn(se_group::label_changes(&changed, &group.name));
        }
        _ => {}
    }
    let Some(wanted) = model.data_network_id.as_deref() else {
        return;
    };
    if let Err(Stopped::Outside(outside)) = check_inside(cloud, wanted) {
        let diagnostic = se_group::outside_cloud(&outside, wanted, &cloud.name);
        context.warn(forecast(diagnostic));
    }
    let mut changes = Vec::new();
    if !has_network(group, model) {
        changes.push("data_network_id");
        warn_of_sharing(context, ground, model, forecast);
    }
    if matches!(label, Ok(LabelStep::Add | LabelStep::Replace)) {
        changes.push("cluster_name");
    }
    let Some(uuid) = group.uuid.as_deref().filter(|_| !changes.is_empty()) else {
        return;
    };
    match service_engines_of(operation.avi, &operation.limits, uuid).await {
        Ok(engines) if engines.is_empty() => {}
        Ok(engines) => context.warn(se_group::engines_keep(&changes, Some(&engines))),
        Err(_) => context.warn(se_group::engines_keep(&changes, None)),
    }
}

fn warn_of_sharing(
    context: &Context,
    ground: &Ground,
    model: &Model,
    worded: impl FnOnce(Diagnostic) -> Diagnostic,
) {
    let wanted = model.data_network_id.as_deref().unwrap_or_default();
    let sharing = groups_with_network(&ground.groups, &model.se_group_name, wanted);
    if !sharing.is_empty() {
        context.warn(worded(se_group::network_is_shared(&sharing, wanted)));
    }
}
