//! `ako_cluster_subnet`: the subnet of one cluster's Service Engines (the SE subnet), its route table, their
//! association.
//!
//! Owns, in the order of creation: the route table (unless it is somebody else's), the SE subnet with the
//! association.   Reads: the virtual network.   Never touches: routes, other subnets, somebody else's table, what
//! others set on the SE subnet.
//!
//! A create that fails half-way leaves in the state, as tainted, what it has made: the next apply deletes it and
//! starts again. A run that was killed leaves a table with our mark, which the next create takes over. An update that
//! fails keeps the prior state, so that the next one finds what is left to do.
//!
//! Calls of Azure, polls apart: read 2 (1 with an existing table), plan of a create 2, other plans 0, create 6 (4), change
//! of tags 3, change of the SE subnet 3, move to a new table 9, delete 3.

mod messages;
mod model;
mod operation;
mod plan;
mod schema;
#[cfg(test)]
mod tests;

pub use model::Model;

use crate::clients::azure;
use crate::clients::azure::ids::{RouteTableId, SubnetId};
use crate::clients::azure::route_tables::RouteTable;
use crate::clients::azure::virtual_networks::VirtualNetwork;
use crate::configured::{Configured, limits_of};
use crate::domain::cluster_subnet::{
    Farewell, Refusal, Remnant, RouteTableUse, check_create, check_region, plan_farewell,
    plan_table_write,
};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::azure_errors::{call_failed, not_ready};
use async_trait::async_trait;
use messages::Prospect;
use model::{Target, azure_id, subnet_facts, table_facts};
use operation::{Operation, Stopped, misplacements};
use std::sync::Arc;

/// The resource `ako_cluster_subnet`.
#[derive(Debug)]
pub struct ClusterSubnet {
    configured: Arc<Configured>,
}

#[async_trait]
impl Resource for ClusterSubnet {
    const NAME: &'static str = "ako_cluster_subnet";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> ClusterSubnet {
        ClusterSubnet { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        plan::validate(config, diagnostics);
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        plan::plan_route_table(plan);
        if plan.is_create() {
            return self.look_ahead(context, plan).await;
        }
        self.configured.replaced.claim(plan::replaced_table(plan));
        if let Some(warning) = plan::transition(plan) {
            context.warn(warning);
        }
        Ok(())
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        let target = Target::of(&planned)?;
        let summary = messages::cannot("create", &target.se_subnet);
        let operation = self.operation(context, &target, &summary)?;
        let done = self.create_parts(context, &operation, &planned).await;
        let created = planned.completed(&target);
        done.map_err(|stopped| {
            let holds = operation.has_written().then_some(messages::LEFT_BY_CREATE);
            let diagnostic = messages::stopped(summary, &stopped, &target, holds);
            // The ids are known before anything exists, so that nothing that may exist is lost.
            let state = holds.map(|_| created.clone().unassociated());
            Failure {
                diagnostics: diagnostic.into(),
                state,
            }
        })?;
        Ok(created)
    }

    async fn read(&self, context: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        let target = Target::of(&prior)?;
        let summary = messages::cannot("read", &target.se_subnet);
        let operation = self.operation(context, &target, &summary)?;
        let owned = async {
            match target.route_table.owned() {
                Some(id) => operation.table(id).await,
                None => Ok(None),
            }
        };
        let (subnet, table) = tokio::join!(operation.subnet(), owned);
        let subnet = subnet.map_err(|error| call_failed(&summary, &error))?;
        let table = table.map_err(|error| call_failed(&summary, &error))?;
        // Gone only when every part that is ours is gone: the rest would be forgotten in Azure.
        if subnet.is_none() && table.is_none() {
            return Ok(None);
        }
        // A tainted object is planned as a create, which then finds what is here.
        self.configured.replaced.claim([claim_on(&target)]);
        Ok(Some(prior.refreshed(subnet.as_ref(), table.as_ref())))
    }

    async fn update(
        &self,
        context: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        let (from, to) = (Target::of(&prior)?, Target::of(&planned)?);
        let summary = messages::cannot("change", &to.se_subnet);
        let operation = self.operation(context, &to, &summary)?;
        let updated = planned.clone().completed(&to);
        // What is ours is known by the prior state: it stays until the last step has succeeded.
        let done = self.update_parts(context, &operation, (&prior, &from), &updated);
        done.await.map_err(|stopped| {
            let holds = operation
                .has_written()
                .then(|| messages::left_by_update(&from, &to));
            messages::stopped(summary, &stopped, &to, holds.as_deref())
        })?;
        Ok(updated)
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        let target = Target::of(&prior)?;
        let summary = messages::cannot("delete", &target.se_subnet);
        let operation = self.operation(context, &target, &summary)?;
        let failed =
            |stopped: &Stopped, holds| messages::stopped(summary.clone(), stopped, &target, holds);
        let tables = tables_to_delete(&operation, &prior)
            .await
            .map_err(|error| failed(&error.into(), None))?;
        let tables: Vec<_> = tables.iter().collect();
        let is_claimed = || self.configured.claims.holds(&claim_on(&target));
        let deleted = operation.delete_subnet(&tables, is_claimed).await;
        let Some(_locks) = deleted.map_err(|stopped| failed(&stopped, None))? else {
            context.warn(messages::left_to_successor(&target));
            return Ok(());
        };
        let mut diagnostics = Diagnostics::new();
        let mut left = None;
        for table in tables {
            if let Err(stopped) = operation.delete_table(table).await {
                let holds = match left {
                    None => messages::LEFT_BY_DELETE,
                    Some(_) => messages::LOST_BY_DELETE,
                };
                diagnostics.push(failed(&stopped, Some(holds)));
                left.get_or_insert(table);
            }
        }
        match left {
            None => Ok(()),
            Some(table) => Err(Failure::with_state(diagnostics, prior.reduced_to(table))),
        }
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Model, Diagnostics> {
        let id: SubnetId = id
            .parse()
            .map_err(|error| messages::wrong_import_id(id, &error))?;
        let summary = messages::cannot("import", &id);
        let azure = self.azure(&summary)?;
        let limits = limits_of(context);
        let failed = |error| call_failed(&summary, &error);
        let subnet = azure.get_subnet(&limits, &id).await.map_err(failed)?;
        let subnet = subnet.ok_or_else(|| messages::nothing_to_import(&id))?;
        let id = subnet.id.clone().unwrap_or(id);
        let table = match &subnet.properties.route_table {
            Some(table) => azure
                .get_route_table(&limits, &table.id)
                .await
                .map_err(failed)?,
            None => None,
        };
        Ok(Model::imported(&id, &subnet, table.as_ref()))
    }
}

impl ClusterSubnet {
    fn azure(&self, summary: &str) -> Result<&azure::Client, Diagnostic> {
        let client = self.configured.clients.azure();
        client.map_err(|error| not_ready(summary, &error))
    }

    fn operation<'a>(
        &'a self,
        context: &Context,
        target: &'a Target,
        summary: &str,
    ) -> Result<Operation<'a>, Diagnostic> {
        Ok(Operation::new(
            self.azure(summary)?,
            limits_of(context),
            target,
        ))
    }

    async fn create_parts(
        &self,
        context: &Context,
        operation: &Operation<'_>,
        planned: &Model,
    ) -> Result<(), Stopped> {
        let target = operation.target;
        let table_id = target.planned_table()?;
        let _locks = operation.lock(&[table_id]).await?;
        let network = operation.network().await?;
        let subnet = network.subnet(target.se_subnet.name());
        let owned = target.route_table.owned();
        let table = match owned {
            Some(id) => operation.table(id).await?,
            None => None,
        };
        let desired = target.desired_table(planned);
        let remnant = check_create(
            &target.desired_subnet(),
            owned.map(azure_id).as_ref().map(|id| (id, &desired)),
            subnet.map(subnet_facts).as_ref(),
            table.as_ref().map(table_facts).as_ref(),
        )?;
        check_before_first_write(operation, &network, table.as_ref()).await?;
        self.take_over(context, remnant, target)?;
        if let Some(id) = owned {
            // Nothing of this name is ours by the state yet: it is made here, or was just found with our mark.
            let decide = |actual: Option<&_>| {
                let prior = RouteTableUse::None;
                plan_table_write(&prior, id, &desired, actual, &azure_id(&target.se_subnet))
            };
            let region = Some(network.location.as_str());
            operation
                .write_table(id, &desired, region, table, decide)
                .await?;
        }
        operation.write_subnet(table_id, subnet.cloned()).await?;
        // Only now, and still under the locks: an object that fails to take over must not protect what it leaves.
        if remnant != Remnant::None {
            self.configured.claims.claim([claim_on(target)]);
        }
        Ok(())
    }

    /// The steps of an update: the table that is planned, the SE subnet, and then the tables that were ours.
    async fn update_parts(
        &self,
        context: &Context,
        operation: &Operation<'_>,
        (prior, from): (&Model, &Target),
        planned: &Model,
    ) -> Result<(), Stopped> {
        let to = operation.target;
        let table_id = to.planned_table()?;
        let tables: Vec<_> = from
            .route_table
            .id()
            .into_iter()
            .chain([table_id])
            .collect();
        let stray = stray_table(prior, &tables);
        let tables: Vec<_> = tables.into_iter().chain(&stray).collect();
        let _locks = operation.lock(&tables).await?;
        if let Some(id) = to.route_table.owned()
            && (from.route_table != to.route_table || prior.differs_in_table(planned))
        {
            let table = operation.table(id).await?;
            let desired = to.desired_table(planned);
            let decide = |actual: Option<&_>| {
                plan_table_write(
                    &from.route_table,
                    id,
                    &desired,
                    actual,
                    &azure_id(&to.se_subnet),
                )
            };
            // Refused where it is a stranger's; else an update that was interrupted has left it.
            decide(table.as_ref().map(table_facts).as_ref())?;
            if table.is_some()
                && from.route_table.id() != Some(id)
                && prior.differs_in_association(planned)
            {
                self.take_over(context, Remnant::Table, to)?;
            }
            operation
                .write_table(id, &desired, None, table, decide)
                .await?;
        }
        if from.differs_in_subnet(to) || prior.differs_in_association(planned) {
            let subnet = operation.subnet().await?;
            operation.write_subnet(table_id, subnet).await?;
        }
        part_with_tables(context, operation, &from.route_table, stray.as_ref()).await
    }

    fn take_over(
        &self,
        context: &Context,
        remnant: Remnant,
        target: &Target,
    ) -> Result<(), Stopped> {
        if remnant != Remnant::None && !self.configured.adopt_remnants {
            return Err(Stopped::NotAdopted(remnant));
        }
        let warning = messages::adopted(remnant, target, Prospect::Apply);
        warning
            .into_iter()
            .for_each(|warning| context.warn(warning));
        Ok(())
    }
}

/// Refuses what Azure would refuse after a table has been made for nothing, and what it refuses in words that name
/// no culprit.
async fn check_before_first_write(
    operation: &Operation<'_>,
    network: &VirtualNetwork,
    owned_table: Option<&RouteTable>,
) -> Result<(), Stopped> {
    let target = operation.target;
    if let Some(problem) = misplacements(target, network).into_iter().next() {
        return Err(Refusal::Misplaced(problem).into());
    }
    match (&target.route_table, owned_table) {
        (RouteTableUse::Existing(id), _) => {
            operation.look_at(id).await?.check(&network.location)?
        }
        (_, Some(table)) => check_region(&network.location, &table.location)?,
        (_, None) => {}
    }
    Ok(())
}

/// Gives up or deletes what was ours and is not planned: the table of the prior state, and `stray` if it is ours.
async fn part_with_tables(
    context: &Context,
    operation: &Operation<'_>,
    prior: &RouteTableUse<RouteTableId>,
    stray: Option<&RouteTableId>,
) -> Result<(), Stopped> {
    if let Some(stray) = stray
        && operation.is_marked_ours(stray).await?
    {
        delete_or_release(context, operation, stray).await?;
    }
    match plan_farewell(prior, &operation.target.route_table) {
        Farewell::None => Ok(()),
        Farewell::Release(id) => operation.release_table(&id).await,
        Farewell::Delete(id) => delete_or_release(context, operation, &id).await,
    }
}

async fn delete_or_release(
    context: &Context,
    operation: &Operation<'_>,
    id: &RouteTableId,
) -> Result<(), Stopped> {
    let checked = operation.check_table_serves_no_other(id).await;
    let deleted = match checked {
        Ok(()) => operation.delete_table(id).await,
        refused => refused,
    };
    let Err(Stopped::Refused(Refusal::TableServesOthers(subnets))) = deleted else {
        return deleted;
    };
    operation.release_table(id).await?;
    context.warn(messages::table_stays(id, &subnets));
    Ok(())
}

/// What stands for an SE subnet in the claims of a run: Azure compares ids without case.
fn claim_on(target: &Target) -> String {
    target.se_subnet.to_string().to_lowercase()
}

/// The table that serves the SE subnet and is none of those that are `meant`. An interrupted update may have moved
/// the SE subnet there: whether it is ours is known by our mark alone.
fn stray_table(prior: &Model, meant: &[&RouteTableId]) -> Option<RouteTableId> {
    let associated: RouteTableId = prior.associated_route_table_id.as_ref()?.parse().ok()?;
    (!meant.contains(&&associated)).then_some(associated)
}

/// The tables that go with the SE subnet: the one that the state calls ours, and the one to which an interrupted
/// update has moved the SE subnet, known by our mark.
async fn tables_to_delete(
    operation: &Operation<'_>,
    prior: &Model,
) -> Result<Vec<RouteTableId>, azure::Error> {
    let route_table = &operation.target.route_table;
    let mut tables: Vec<_> = route_table.owned().cloned().into_iter().collect();
    let meant: Vec<_> = route_table.id().into_iter().collect();
    if let Some(stray) = stray_table(prior, &meant)
        && operation.is_marked_ours(&stray).await?
    {
        tables.push(stray);
    }
    Ok(tables)
}
