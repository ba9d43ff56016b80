//! `ako_pod_routes`: the routes that carry one cluster's pod traffic from its SE subnet to its nodes.
//!
//! Owns: the routes of this cluster in one route table.   Reads: the table; for new next hops, the virtual network.
//! Never touches: the table's other members, other clusters' routes, routes added by hand.
//!
//! All changes are one write of the whole table, guarded by its etag: a prefix never has two next hops nor none. A
//! create that fails half-way leaves no state; the next one finds the routes by their names.

mod messages;
mod model;
mod next_hops;
pub(in crate::resources) mod table;

pub use model::{Model, RouteModel};

use crate::clients::azure::{self, WriteState, ids::RouteTableId};
use crate::configured::{Configured, limits_of};
use crate::domain::pod_routes::{Ownership, PodRoutes as DesiredRoutes, find_own_routes};
use crate::domain::route_merge::{Occasion, merge_routes};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::azure_errors::{call_failed, call_failed_leaving, not_ready};
use crate::resources::forecast::{forecast, look_failed};
use crate::resources::nodes::known_cidrs;
use crate::resources::route_messages;
use async_trait::async_trait;
use next_hops::NextHops;
use std::sync::Arc;
use table::{Rewritten, Stopped};

/// The resource `ako_pod_routes`.
#[derive(Debug)]
pub struct PodRoutes {
    configured: Arc<Configured>,
}

#[async_trait]
impl Resource for PodRoutes {
    const NAME: &'static str = "ako_pod_routes";
    /// A tainted object would be destroyed before it is made again: live traffic.
    const FOUND_AGAIN: bool = true;
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> PodRoutes {
        PodRoutes { configured }
    }

    fn schema() -> Schema {
        model::schema()
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        diagnostics.extend(route_messages::overlaps(&known_cidrs(config.get("nodes"))));
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        if let Some(warning) =
            route_messages::replacement(plan, &["cluster_name", "route_table_id"])
        {
            context.warn(warning);
        }
        if plan.changes("route_table_id") || plan.changes("cluster_name") {
            plan.set("id", model::planned_id(plan));
        }
        let routes = model::planned_routes(plan)?;
        let changes = plan.prior("routes") != &routes;
        plan.set("routes", routes);
        if let Some(warning) = route_messages::routes_go(plan) {
            context.warn(warning);
        }
        if let Some(count) = plan.planned("routes").as_map().map(|routes| routes.len())
            && changes
            && let Some(warning) = messages::over_limit(count, plan.planned("route_limit").as_i64())
        {
            context.warn(warning);
        }
        // Of a replacement, too: core shows no warning of the plan in which it is a create, and the routes in the old
        // table would go before those in the new one are refused (seen with 1.11).
        match plan.is_create() || plan.changes("route_table_id") {
            true => self.look_ahead(context, plan).await,
            false => self.look_at_next_hops(context, plan).await,
        }
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        self.write(context, self.creating(), planned, None).await
    }

    async fn read(&self, context: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        let summary = format!("Cannot read the routes of cluster {}", prior.cluster_name);
        let (cluster, id) = (prior.cluster()?, prior.table_id()?);
        let client = self.client(&summary)?;
        let table = client
            .get_route_table(&limits_of(context), &id)
            .await
            .map_err(|error| call_failed(summary, &error))?;
        Ok(table.map(|table| {
            let ownership = Ownership::new(&cluster, prior.route_names());
            if table::is_out_of_force(&table, &ownership) {
                context.warn(messages::not_in_force(&id));
            }
            let known = prior.known_names(&cluster);
            let known = known.iter().map(|(name, node)| (&**name, node.as_deref()));
            let found = find_own_routes(&ownership, known, &table::routes_in_force(&table));
            Model::from_found(prior.clone(), found)
        }))
    }

    async fn update(
        &self,
        context: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        let desired = planned.desired()?;
        let planned = planned.with_routes(&desired);
        // Only arguments that concern Terraform alone have changed. Equal routes alone do not show that: after an
        // update that was interrupted, a read finds them as planned and the nodes as they were before.
        if planned.routes == prior.routes && planned.nodes == prior.nodes {
            return Ok(planned);
        }
        self.write(context, Occasion::Update, planned, Some(&prior))
            .await
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        let summary = format!("Cannot delete the routes of cluster {}", prior.cluster_name);
        let (cluster, id) = (prior.cluster()?, prior.table_id()?);
        let claims = &self.configured.claims;
        let is_claimed = |name: &&str| claims.holds(&claim_on(&id, name));
        let claimed = || prior.route_names().filter(is_claimed).count();
        let total = prior.route_names().count();
        // The object must not outlive this run for a call that has nothing to do: the next run knows no claims.
        let has_left_all = || total > 0 && claimed() == total;
        if !has_left_all() {
            let client = self.client(&summary)?;
            // Even where no route is left: a removal that failed reads as done.
            let own = || {
                let names = prior.route_names().filter(|name| !is_claimed(name));
                Ownership::new(&cluster, names)
            };
            match table::remove(client, &limits_of(context), &id, own).await {
                // With the table its routes are gone.
                Ok(()) | Err(Stopped::NoTable) => {}
                Err(_) if has_left_all() => {}
                Err(Stopped::Failed { error, .. }) => {
                    return Err(call_failed(summary, &error).into());
                }
                Err(stopped) => return Err(messages::stopped(&summary, &id, &stopped).into()),
            }
        }
        if claimed() > 0 {
            context.warn(messages::left_to_successor(claimed()));
        }
        Ok(())
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Model, Diagnostics> {
        let (table_id, cluster) = model::parse_import_id(id)?;
        let summary = format!("Cannot import the routes of cluster {cluster}");
        let client = self.client(&summary)?;
        let table_of_id = table_id
            .parse()
            .map_err(|error| messages::import_id(id, &error))?;
        let table = client
            .get_route_table(&limits_of(context), &table_of_id)
            .await
            .map_err(|error| call_failed(&summary, &error))?
            .ok_or_else(|| messages::no_table(&summary, &table_of_id))?;
        let routes = table::routes_of(&table);
        if !routes.iter().any(|route| cluster.marks(&route.name)) {
            return Err(messages::nothing_to_import(&summary, &table_of_id, &cluster).into());
        }
        Ok(Model::imported(table_id, &cluster, &routes))
    }
}

impl PodRoutes {
    fn client(&self, summary: &str) -> Result<&azure::Client, Diagnostic> {
        let client = self.configured.clients.azure();
        client.map_err(|error| not_ready(summary, &error))
    }

    /// Tells at plan what a create would meet: warnings only, because another change may come before it.
    async fn look_ahead(&self, context: &Context, plan: &Plan<'_>) -> Result<(), Diagnostics> {
        let Some(planned) = Model::of_plan(plan) else {
            return Ok(());
        };
        let (cluster, id) = (planned.cluster()?, planned.table_id()?);
        let summary = format!("Cannot look for routes in route table {:?}", id.name());
        let client = match self.configured.clients.azure() {
            Ok(client) => client,
            // The provider is configured by something that is not made yet: a create is planned without a look.
            Err(crate::clients::NotReady::Unknown { .. }) => return Ok(()),
            Err(error) => return Err(not_ready(summary, &error).into()),
        };
        let table = match client.get_route_table(&limits_of(context), &id).await {
            Ok(Some(table)) => table,
            Ok(None) => {
                context.warn(forecast(messages::no_table(
                    "The route table does not exist",
                    &id,
                )));
                return Ok(());
            }
            Err(error) => return Ok(look_failed(context, summary, &error)?),
        };
        let desired = planned.desired()?;
        let ownership = Ownership::new(&cluster, [""; 0]);
        let found = merge_routes(
            &ownership,
            self.creating(),
            planned.on_conflict.into(),
            &desired,
            &table::routes_of(&table),
        );
        if let Some(warning) = messages::shared(&table, &id) {
            context.warn(warning);
        }
        let foretold = match found {
            Ok(merge) => messages::changes(&merge.changes, self.creating(), &id, &cluster),
            Err(obstacles) => messages::obstacles(&obstacles, &id, &cluster),
        };
        for diagnostic in foretold {
            context.warn(forecast(diagnostic));
        }
        let next_hops = next_hops(context, &planned, &desired, None);
        if let Some(next_hops) = next_hops
            && let Err(outside) = next_hops.check(client, &limits_of(context), &table).await
        {
            context.warn(forecast(messages::outside(&outside, &cluster)));
        }
        Ok(())
    }

    /// Tells at plan what an update would meet that leads to addresses outside of what was seen so far. There is
    /// nothing to look at where nothing was seen yet, and where nodes only come and go inside.
    async fn look_at_next_hops(
        &self,
        context: &Context,
        plan: &Plan<'_>,
    ) -> Result<(), Diagnostics> {
        let Some(planned) = Model::of_plan(plan) else {
            return Ok(());
        };
        let prior = model::next_hops_of(plan.prior("routes"));
        let mut desired = planned.desired()?;
        desired.retain(|_, route| !prior.contains(&route.next_hop));
        let Some(next_hops) = next_hops(context, &planned, &desired, None) else {
            return Ok(());
        };
        if next_hops.are_seen() || next_hops.is_first_look() {
            return Ok(());
        }
        let (cluster, id) = (planned.cluster()?, planned.table_id()?);
        let (Ok(client), limits) = (self.configured.clients.azure(), limits_of(context)) else {
            return Ok(());
        };
        // What cannot be read now is told at apply.
        if let Ok(Some(table)) = client.get_route_table(&limits, &id).await
            && let Err(outside) = next_hops.check(client, &limits, &table).await
        {
            context.warn(forecast(messages::outside(&outside, &cluster)));
        }
        Ok(())
    }

    /// Makes the table hold what is planned.
    async fn write(
        &self,
        context: &Context,
        occasion: Occasion,
        planned: Model,
        prior: Option<&Model>,
    ) -> Result<Model, Failure<Model>> {
        let summary = format!(
            "Cannot write the routes of cluster {}",
            planned.cluster_name
        );
        let (cluster, id) = (planned.cluster()?, planned.table_id()?);
        let desired = planned.desired()?;
        let client = self.client(&summary)?;
        let recorded = prior.into_iter().flat_map(Model::route_names);
        let ownership = Ownership::new(&cluster, recorded);
        let claims = &self.configured.claims;
        let next_hops = next_hops(context, &planned, &desired, prior);
        let decide = |routes: &[_]| {
            let on_conflict = planned.on_conflict.into();
            let merge = merge_routes(&ownership, occasion, on_conflict, &desired, routes)?;
            merge.refuse_claimed(&ownership, routes, |name| {
                claims.holds(&claim_on(&id, name))
            })
        };
        let limits = limits_of(context);
        match table::rewrite(client, &limits, &id, &ownership, next_hops.as_ref(), decide).await {
            Ok(Rewritten { merge, total, lock }) => {
                let written = planned.with_routes(&desired);
                // Under the lock: who finds these routes next finds them claimed.
                claims.claim(written.route_names().map(|name| claim_on(&id, name)));
                drop(lock);
                for warning in messages::changes(&merge.changes, occasion, &id, &cluster) {
                    context.warn(warning);
                }
                if merge.writes()
                    && let Some(warning) = messages::over_limit(total, Some(written.route_limit))
                {
                    context.warn(warning);
                }
                Ok(written)
            }
            Err(Stopped::Refused { obstacles, sent }) => {
                let errors = messages::obstacles(&obstacles, &id, &cluster).into_iter();
                let errors = errors.map(|error| messages::with_outcome(error, sent));
                Err(errors.collect::<Diagnostics>().into())
            }
            Err(Stopped::Failed { error, sent, total }) => {
                let state = match error.after_write() {
                    WriteState::Refused if !sent => messages::refused_whole(total),
                    WriteState::NotSent if !sent => messages::UNCHANGED.to_owned(),
                    _ => table::look_after_failure(client, &id, &desired).await,
                };
                Err(call_failed_leaving(summary, &error, &state).into())
            }
            Err(Stopped::Outside(outside)) => {
                let error = messages::outside(&outside, &cluster);
                Err(messages::with_outcome(error, false).into())
            }
            Err(stopped) => Err(messages::stopped(&summary, &id, &stopped).into()),
        }
    }

    /// The occasion of a create, as the provider block wants it.
    fn creating(&self) -> Occasion {
        Occasion::Create {
            adopt: self.configured.adopt_remnants,
        }
    }
}

/// The next hops of routes that `prior` does not have; none where the user wants no look at them.
fn next_hops<'a>(
    context: &'a Context,
    planned: &Model,
    desired: &DesiredRoutes,
    prior: Option<&Model>,
) -> Option<NextHops<'a>> {
    let hops = desired.values();
    let hops = hops.map(|route| (route.next_hop, route.node.clone()));
    planned
        .next_hop_check_enabled
        .then(|| NextHops::new(hops, prior, context.memory()))
}

/// What stands for a route in the claims of a run: Azure compares both parts without case.
fn claim_on(table: &RouteTableId, name: &str) -> String {
    format!("{table}/routes/{name}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
