//! `ako_se_group`: the SE group of one cluster, with its subnet and its label from the first moment.
//!
//! Owns: one SE group.   Reads: its cloud, the cloud's other SE groups, its Service Engines; for a new subnet, the
//! virtual network.   Never touches: another cluster's label, members that it has no argument for, others' markers.
//!
//! A create is one request, so that it never ends half-way; one whose answer was lost is looked for by name. A run that
//! was killed leaves an SE group with our mark, which the next create takes over.
//!
//! Calls of the controller: read 1, plan of a create 2, plan of a change 0 to 2, create 3, change 2, delete 1.

mod memory;
mod messages;
mod model;
mod operation;
mod plan;
mod schema;

pub use model::Model;

pub(super) use messages::{
    engines_keep, foreign_label, label_changes, network_is_shared, no_subnet, nothing_to_import,
    outside_cloud, wrong_import_id,
};

use crate::clients::avi::{self, Cloud, Object, Reference, SeGroup};
use crate::configured::{Configured, limits_of};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::avi_errors::{call_failed, not_ready};
use crate::resources::se_groups::{CloudOfGroup, GroupId, without_name};
use async_trait::async_trait;
use memory::Kept;
use messages::Prospect;
use operation::{Deleted, Found, Ground, Operation, Refusal, Stopped, Written, check_network};
use std::sync::Arc;

/// The resource `ako_se_group`.
#[derive(Debug)]
pub struct SeGroups {
    configured: Arc<Configured>,
}

#[async_trait]
impl Resource for SeGroups {
    const NAME: &'static str = "ako_se_group";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> SeGroups {
        SeGroups { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        plan::validate(config, diagnostics);
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        if let Some(warning) = plan::plan_cloud(plan) {
            context.warn(warning);
            return Ok(());
        }
        plan::plan_defaults(plan, &kept_in(context));
        match plan.is_create() {
            true => self.look_ahead(context, plan).await,
            false => self.look_at_changes(context, plan).await,
        }
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        let summary = messages::cannot("create", &planned.name);
        let operation = self.operation(context, &summary)?;
        let mut planned = planned;
        let made = self.make(context, &operation, &mut planned).await;
        let made = made.map_err(|stopped| messages::stopped(summary, &stopped, &planned))?;
        let own_label = context.config().get("cluster_name").as_str();
        keep(context, own_label.map(str::to_owned));
        Ok(planned.completed(&made))
    }

    async fn read(&self, context: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        let summary = messages::cannot("read", &prior.name);
        let avi = self.avi(&summary)?;
        let Some(uuid) = prior.uuid.as_deref() else {
            return Ok(None);
        };
        let found: Option<SeGroup> = avi
            .get(&limits_of(context), uuid)
            .await
            .map_err(|error| call_failed(summary, &error))?;
        // A tainted object is planned as a create, which then finds what is here.
        self.configured.replaced.claim([uuid.to_owned()]);
        Ok(found.map(|actual| prior.refreshed(&actual)))
    }

    async fn update(
        &self,
        context: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        let summary = messages::cannot("change", &prior.name);
        let operation = self.operation(context, &summary)?;
        let written = self.change(context, &operation, &prior, &planned).await;
        let written = written.map_err(|stopped| messages::stopped(summary, &stopped, &planned))?;
        keep(context, written.own_label);
        Ok(planned.completed(&written.group))
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        let summary = messages::cannot("delete", &prior.name);
        let Some(uuid) = prior.uuid.as_deref() else {
            return Ok(());
        };
        let operation = self.operation(context, &summary)?;
        let is_claimed = || self.configured.claims.holds(uuid);
        let deleted = operation.delete(uuid, prior.se_deprovision_delay, is_claimed);
        match deleted.await {
            Ok(Deleted::Gone) => Ok(()),
            Ok(Deleted::Claimed) => {
                context.warn(messages::left_to_successor(&prior.name));
                Ok(())
            }
            Err(stopped) => Err(messages::stopped(summary, &stopped, &prior).into()),
        }
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Model, Diagnostics> {
        let parsed = GroupId::parse(id).map_err(|error| messages::wrong_import_id(id, &error))?;
        let summary = messages::cannot("import", id);
        let (avi, limits) = (self.avi(&summary)?, limits_of(context));
        let found = find_for_import(avi, &limits, &parsed).await;
        let found = found.map_err(|error| call_failed(summary, &error))?;
        let (cloud, group) = found.ok_or_else(|| messages::nothing_to_import(id))?;
        Ok(Model::imported(&group, cloud.name))
    }
}

/// The SE group that an import names, with its cloud.
pub(super) async fn find_for_import(
    avi: &avi::Client,
    limits: &crate::clients::Limits,
    id: &GroupId,
) -> Result<Option<(CloudOfGroup, SeGroup)>, avi::Error> {
    match id {
        GroupId::Names { cloud, name } => {
            let reference = Reference::Name(cloud.clone());
            let Some(cloud) = CloudOfGroup::find(avi, limits, &reference).await? else {
                return Ok(None);
            };
            let group = cloud.find_group(avi, limits, name).await?;
            Ok(group.map(|group| (cloud, group)))
        }
        GroupId::Uuid(uuid) => {
            let Some(group) = avi.get::<SeGroup>(limits, uuid).await? else {
                return Ok(None);
            };
            let cloud = without_name(group.cloud_ref.as_deref().unwrap_or_default());
            let Ok(reference) = Reference::parse(Cloud::TYPE, &cloud) else {
                return Ok(None);
            };
            let cloud = CloudOfGroup::find(avi, limits, &reference).await?;
            Ok(cloud.map(|cloud| (cloud, group)))
        }
    }
}

fn kept_in(context: &Context) -> Kept {
    Kept::from_bytes(&context.memory().recall())
}

fn keep(context: &Context, own_label: Option<String>) {
    let kept = Kept::of(&context.config(), own_label);
    context.memory().keep(kept.to_bytes());
}

impl SeGroups {
    fn avi(&self, summary: &str) -> Result<&avi::Client, Diagnostic> {
        let client = self.configured.clients.avi();
        client.map_err(|error| not_ready(summary, &error))
    }

    fn operation(&self, context: &Context, summary: &str) -> Result<Operation<'_>, Diagnostic> {
        Ok(Operation {
            avi: self.avi(summary)?,
            limits: limits_of(context),
        })
    }

    /// Makes the SE group, or takes over what an interrupted run has left of it.
    async fn make(
        &self,
        context: &Context,
        operation: &Operation<'_>,
        planned: &mut Model,
    ) -> Result<SeGroup, Stopped> {
        let reference = Reference::parse(Cloud::TYPE, &planned.cloud_ref);
        let reference = reference.map_err(|_| Refusal::NoCloud)?;
        let _lock = operation
            .lock(&format!("{}/{}", planned.cloud_ref, planned.name))
            .await?;
        let ground = Ground::survey(operation.avi, &operation.limits, &reference).await?;
        let ground = ground.ok_or(Refusal::NoCloud)?;
        planned.cloud_uuid = Some(ground.cloud.uuid.clone());
        planned.cloud_name = Some(ground.cloud.name.clone());
        let found = ground.check_create(planned)?;
        let sharing = ground.sharing(planned);
        if let (false, Some(network)) = (sharing.is_empty(), &planned.data_network_id) {
            context.warn(messages::network_is_shared(&sharing, network));
        }
        match found {
            Found::Remnant(_) if !self.configured.adopt_remnants => Err(Refusal::NotAdopted.into()),
            Found::Remnant(group) => {
                context.warn(messages::adopted(planned, Prospect::Apply));
                self.configured.claims.claim(group.uuid.clone());
                Ok(*group)
            }
            Found::Nothing => {
                let network = planned.data_network_id.as_deref();
                operation
                    .check_subnet(&self.configured, &ground.cloud, network)
                    .await?;
                operation.create(planned, &ground.cloud).await
            }
        }
    }

    /// Changes what is planned to change; a new subnet is looked at first.
    async fn change(
        &self,
        context: &Context,
        operation: &Operation<'_>,
        prior: &Model,
        planned: &Model,
    ) -> Result<Written, Stopped> {
        if planned.data_network_id.is_some() && planned.data_network_id != prior.data_network_id {
            let uuid = planned.cloud_uuid.clone().unwrap_or_default();
            let reference = Reference::Uuid(uuid);
            let cloud = CloudOfGroup::find(operation.avi, &operation.limits, &reference).await?;
            let cloud = cloud.ok_or(Refusal::NoCloud)?;
            let network = planned.data_network_id.as_deref();
            check_network(network, &cloud)?;
            operation
                .check_subnet(&self.configured, &cloud, network)
                .await?;
        }
        let uuid = planned.uuid.as_deref().unwrap_or_default();
        let _lock = operation.lock(uuid).await?;
        let own_label = kept_in(context).own_label;
        let own_label = own_label.as_deref();
        let config = context.config();
        operation.update(prior, planned, &config, own_label).await
    }
}
