//! `ako_pod_route_sync`: waits at apply until a route table holds what AKO should have caused.
//!
//! Owns: nothing.   Reads: one route table in Azure, at create and update.   Never touches: anything.
//!
//! A failed wait leaves nothing in state on create and the prior object on update, so that the next plan waits again.

mod model;

pub use model::Model;

use crate::clients::azure::ids::RouteTableId;
use crate::configured::{Configured, limits_of};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::azure_errors::not_ready;
use crate::resources::azure_route_wait::{Expected, wait_for_routes};
use crate::resources::nodes::known_cidrs;
use crate::resources::{route_messages, route_wait_messages};
use async_trait::async_trait;
use std::sync::Arc;

/// The resource `ako_pod_route_sync`.
#[derive(Debug)]
pub struct PodRouteSync {
    configured: Arc<Configured>,
}

#[async_trait]
impl Resource for PodRouteSync {
    const NAME: &'static str = "ako_pod_route_sync";
    /// There is nothing to destroy before the next wait.
    const FOUND_AGAIN: bool = true;
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> PodRouteSync {
        PodRouteSync { configured }
    }

    fn schema() -> Schema {
        model::schema()
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        diagnostics.extend(route_messages::overlaps(&known_cidrs(config.get("nodes"))));
    }

    async fn plan(&self, _: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        if plan.changes("route_table_id") {
            plan.set("id", plan.planned("route_table_id").clone());
        }
        Ok(())
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        self.wait(context, planned).await
    }

    async fn read(&self, _: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        Ok(Some(prior))
    }

    async fn update(
        &self,
        context: &Context,
        _: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        self.wait(context, planned).await
    }

    async fn delete(&self, _: &Context, _: Model) -> Result<(), Failure<Model>> {
        Ok(())
    }

    async fn import(&self, _: &Context, _: &str) -> Result<Model, Diagnostics> {
        Err(Diagnostics::error(
            "An ako_pod_route_sync cannot be imported",
            "It stands for a wait at apply and owns nothing. Apply it: where the routes are in place, that writes nothing and ends at once.",
        ))
    }
}

impl PodRouteSync {
    async fn wait(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        let summary = "The routes have not come to the route table";
        let wrong = |error| route_messages::wrong(Path::attribute("route_table_id"), &error);
        let table: RouteTableId = planned.route_table_id.parse().map_err(wrong)?;
        let desired = planned.desired()?;
        let client = self.configured.clients.azure();
        let client = client.map_err(|error| not_ready(summary, &error))?;
        let expected = Expected {
            routes: &desired,
            exact: planned.exact,
        };
        let waited = wait_for_routes(client, &limits_of(context), &[table], expected).await;
        waited
            .map_err(|reason| -> Diagnostic { route_wait_messages::not_there(summary, &reason) })?;
        Ok(Model {
            id: Some(planned.route_table_id.clone()),
            ..planned
        })
    }
}

#[cfg(test)]
mod tests;
