//! `ako_vrf_pod_routes`: one cluster's labelled static routes in a VRF context of the Avi controller.
//!
//! Owns: the routes with this cluster's label in one VRF.   Reads: the VRF; to wait, SE groups, subnets, route tables.
//! Never touches: the VRF's other members, other clusters' routes, routes without a label or with another key.
//!
//! All changes are one write of the whole VRF, guarded by the time of its last change. A create that fails half-way
//! leaves no state; the next one finds the routes by their label.

mod azure_tables;
mod messages;
mod model;
mod vrf;

pub use model::{Model, RouteModel};

use crate::clients::avi::{self, Filter, Object, VrfContext, WriteState};
use crate::clients::{NotReady, azure};
use crate::configured::{Configured, limits_of};
use crate::domain::node_routes::NodeRoutes;
use crate::domain::pod_routes::Prefix;
use crate::domain::route_merge::Occasion;
use crate::domain::vrf_merge::merge_vrf_routes;
use crate::domain::vrf_routes::{ClusterLabel, VrfOwnership, find_own_vrf_routes};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::avi_cloud_refs::plan_cloud_ref;
use crate::resources::avi_errors::{call_failed, call_failed_leaving, look_failed, not_ready};
use crate::resources::forecast::forecast;
use crate::resources::nodes::known_cidrs;
use crate::resources::route_messages;
use async_trait::async_trait;
use std::sync::Arc;
use vrf::{Ground, Rewritten, Stopped};

/// The attributes that mean another object.
const PLACE: [&str; 3] = ["cloud_ref", "vrf_name", "cluster_name"];

/// What they mean at the controller.
const GROUND: [&str; 3] = ["vrf_uuid", "cloud_uuid", "cloud_name"];
/// What is kept beside an object whose routes were written and did not come to Azure in time.
const WAIT_IS_OWED: &[u8] = b"wait owed";

/// The resource `ako_vrf_pod_routes`.
#[derive(Debug)]
pub struct VrfPodRoutes {
    configured: Arc<Configured>,
}

#[async_trait]
impl Resource for VrfPodRoutes {
    const NAME: &'static str = "ako_vrf_pod_routes";
    /// A tainted object would be destroyed before it is made again: live traffic.
    const FOUND_AGAIN: bool = true;
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> VrfPodRoutes {
        VrfPodRoutes { configured }
    }

    fn schema() -> Schema {
        model::schema()
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        diagnostics.extend(route_messages::overlaps(&known_cidrs(config.get("nodes"))));
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        plan_cloud_ref(plan);
        if let Some(warning) = route_messages::replacement(plan, &PLACE) {
            context.warn(warning);
        }
        let is_elsewhere = PLACE.iter().any(|name| plan.changes(name));
        if is_elsewhere {
            plan.set("id", model::planned_id(plan));
            for name in GROUND {
                plan.set_unknown(name);
            }
        } else if context.memory().recall() == WAIT_IS_OWED
            && plan.planned("wait_for_azure_routes").as_bool() == Some(true)
        {
            // Something has to change, or there would be no update: what is known again without a call.
            plan.set_unknown("cloud_name");
            let cluster = plan.prior("cluster_name").as_str().unwrap_or_default();
            context.warn(messages::wait_is_owed(cluster));
        }
        plan.set("routes", model::planned_routes(plan)?);
        if let Some(warning) = route_messages::routes_go(plan) {
            context.warn(warning);
        }
        match is_elsewhere {
            true => self.look_ahead(context, plan).await,
            false if plan.changes("wait_for_azure_routes") => {
                self.look_at_groups(context, plan).await
            }
            false => Ok(()),
        }
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        self.write(context, self.creating(), planned, None).await
    }

    async fn read(&self, context: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        let summary = format!("Cannot read the routes of cluster {}", prior.cluster_name);
        let cluster = prior.label()?;
        let client = self.client(&summary)?;
        let uuid = prior.vrf_uuid.clone().unwrap_or_default();
        let vrf = client.get::<VrfContext>(&limits_of(context), &uuid).await;
        let vrf = vrf.map_err(|error| call_failed(summary, &error))?;
        Ok(vrf.map(|vrf| {
            let known = prior.known_routes();
            let found = find_own_vrf_routes(&cluster, &known, &vrf::routes_of(&vrf));
            prior.with_found(found)
        }))
    }

    async fn update(
        &self,
        context: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        let desired = planned.desired()?;
        let planned = Model {
            cloud_name: prior.cloud_name.clone(),
            ..planned.with_routes(&desired)
        };
        let is_owed = context.memory().recall() == WAIT_IS_OWED;
        let waits = planned.wait_for_azure_routes && (is_owed || !prior.wait_for_azure_routes);
        // Equal routes alone do not show that there is nothing to do: after an update that was interrupted, a read
        // finds them as planned and the nodes as they were before.
        if planned.routes == prior.routes && planned.nodes == prior.nodes && !waits {
            return Ok(planned);
        }
        self.write(context, Occasion::Update, planned, Some(&prior))
            .await
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        let summary = format!("Cannot delete the routes of cluster {}", prior.cluster_name);
        let cluster = prior.label()?;
        let uuid = prior.vrf_uuid.clone().unwrap_or_default();
        let claims = &self.configured.claims;
        let is_claimed = |prefix: &&str| claims.holds(&claim_on(&uuid, &cluster, prefix));
        let claimed = || prior.prefixes().filter(is_claimed).count();
        let total = prior.prefixes().count();
        // The object must not outlive this run for a call that has nothing to do: the next run knows no claims.
        let has_left_all = || total > 0 && claimed() == total;
        if !has_left_all() {
            let client = self.client(&summary)?;
            let own = || {
                let recorded = prior.recorded();
                let recorded = recorded.filter(|(prefix, _)| !is_claimed(&&**prefix));
                VrfOwnership::new(&cluster, recorded)
            };
            match vrf::remove(client, &limits_of(context), &uuid, &cluster, own).await {
                Ok(left) if !left.is_empty() => {
                    context.warn(messages::left_elsewhere(&left, &prior));
                }
                // With the VRF its routes are gone.
                Ok(_) | Err(Stopped::NoVrf | Stopped::Refused { .. }) => {}
                Err(_) if has_left_all() => {}
                Err(Stopped::Failed { error, .. }) => {
                    return Err(call_failed(summary, &error).into());
                }
            }
        }
        if claimed() > 0 {
            context.warn(messages::left_to_successor(claimed()));
        }
        Ok(())
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Model, Diagnostics> {
        let (cloud_ref, vrf_name, cluster) = model::parse_import_id(id)?;
        let summary = format!("Cannot import the routes of cluster {cluster}");
        let place = Model::imported(cloud_ref.clone(), vrf_name.clone(), &cluster, &[]);
        let found = self.find(context, &summary, &place).await?;
        let ground = self.ground(context, &summary, &place, &found).await?;
        let routes = vrf::routes_of(&found);
        if !routes.iter().any(|route| cluster.is_on(&route.labels)) {
            return Err(messages::nothing_to_import(&summary, &place).into());
        }
        Ok(Model::imported(cloud_ref, vrf_name, &cluster, &routes).at(&ground))
    }
}

impl VrfPodRoutes {
    fn client(&self, summary: &str) -> Result<&avi::Client, Diagnostic> {
        let client = self.configured.clients.avi();
        client.map_err(|error| not_ready(summary, &error))
    }

    fn azure(&self, summary: &str) -> Result<&azure::Client, Diagnostic> {
        let client = self.configured.clients.azure();
        client.map_err(|error| not_ready(summary, &error))
    }

    /// The VRF of the place; an error with those that are there if it is not.
    async fn find(
        &self,
        context: &Context,
        summary: &str,
        place: &Model,
    ) -> Result<VrfContext, Diagnostic> {
        let client = self.client(summary)?;
        let (limits, cloud) = (limits_of(context), place.cloud()?);
        let failed = |error| call_failed(summary, &error);
        let found = vrf::find(client, &limits, &cloud, &place.vrf_name).await;
        if let Some(found) = found.map_err(failed)? {
            return Ok(found);
        }
        let all = Filter::all().in_cloud(cloud);
        let there: Vec<VrfContext> = client.list(&limits, &all).await.map_err(failed)?;
        let there: Vec<_> = there.iter().map(|vrf| vrf.name().to_owned()).collect();
        Err(messages::no_vrf(summary, place, &there))
    }

    async fn ground(
        &self,
        context: &Context,
        summary: &str,
        place: &Model,
        vrf: &VrfContext,
    ) -> Result<Ground, Diagnostic> {
        let client = self.client(summary)?;
        let ground = vrf::ground_of(client, &limits_of(context), &place.cloud()?, vrf).await;
        ground.map_err(|error| call_failed(summary, &error))
    }

    /// Tells at plan what a create would meet: warnings only, because another change may come before it.
    async fn look_ahead(&self, context: &Context, plan: &Plan<'_>) -> Result<(), Diagnostics> {
        let Some(planned) = Model::of_plan(plan) else {
            return Ok(());
        };
        let (cluster, cloud) = (planned.label()?, planned.cloud()?);
        let summary = format!("Cannot look for VRF context {:?}", planned.vrf_name);
        let client = match self.configured.clients.avi() {
            Ok(client) => client,
            // The provider is configured by something that is not made yet: a create is planned without a look.
            Err(NotReady::Unknown { .. }) => return Ok(()),
            Err(error) => return Err(not_ready(summary, &error).into()),
        };
        let found = vrf::find(client, &limits_of(context), &cloud, &planned.vrf_name).await;
        let found = match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                // Its list of what is there instead may fail; that, too, is only foretold.
                if let Err(missing) = self
                    .find(context, "The VRF context does not exist", &planned)
                    .await
                {
                    context.warn(forecast(missing));
                }
                return Ok(());
            }
            Err(error) => return Ok(look_failed(context, summary, &error)?),
        };
        let routes = vrf::routes_of(&found);
        let ownership = VrfOwnership::new(&cluster, []);
        let desired = planned.desired()?;
        let merge = merge_vrf_routes(&ownership, self.creating(), &desired, &routes, |_| false);
        let foretold = match merge {
            Ok(merge) => messages::changes(&merge.changes, self.creating(), &planned),
            Err(obstacles) => messages::obstacles(&obstacles, &planned),
        };
        let alike = messages::named_alike(&cluster.names_alike(&routes), &planned);
        for diagnostic in foretold.into_iter().chain(alike) {
            context.warn(forecast(diagnostic));
        }
        self.look_at_groups(context, plan).await
    }

    /// Tells at plan that no SE group has the label of the cluster.
    async fn look_at_groups(&self, context: &Context, plan: &Plan<'_>) -> Result<(), Diagnostics> {
        let (Some(planned), Ok(client)) = (Model::of_plan(plan), self.configured.clients.avi())
        else {
            return Ok(());
        };
        let (limits, cloud) = (limits_of(context), planned.cloud()?);
        // What cannot be read now is told at apply, if it matters.
        let groups = azure_tables::labelled_groups(client, &limits, &planned, &cloud).await;
        if groups.is_ok_and(|groups| groups.is_empty()) {
            context.warn(forecast(messages::no_se_group(&planned)));
        }
        Ok(())
    }

    /// Makes the VRF hold what is planned, and waits for Azure where that is wanted.
    async fn write(
        &self,
        context: &Context,
        occasion: Occasion,
        planned: Model,
        prior: Option<&Model>,
    ) -> Result<Model, Failure<Model>> {
        let summary = write_failed(&planned);
        let desired = planned.desired()?;
        let client = self.client(&summary)?;
        let limits = limits_of(context);
        let planned = match prior {
            Some(_) => planned,
            None => {
                let found = self.find(context, &summary, &planned).await?;
                let ground = self.ground(context, &summary, &planned, &found).await?;
                planned.at(&ground)
            }
        };
        // Before the first write: what makes the wait impossible stops it.
        let tables = match planned.wait_for_azure_routes {
            true => {
                let azure = self.azure(&summary)?;
                azure_tables::tables(client, azure, &limits, &summary, &planned).await?
            }
            false => Vec::new(),
        };
        let written_at = self
            .rewrite(context, occasion, &planned, &desired, prior)
            .await?;
        if !tables.is_empty() {
            let azure = self.azure(&summary)?;
            let summary = format!(
                "The routes of cluster {} have not come to Azure",
                planned.cluster_name
            );
            let since = written_at;
            // A failed wait leaves the routes as planned: a read of them would ask for no other wait.
            context.memory().keep(WAIT_IS_OWED.to_vec());
            azure_tables::wait(client, azure, &limits, &summary, &tables, &desired, since).await?;
        }
        context.memory().keep(Vec::new());
        Ok(planned.with_routes(&desired))
    }

    /// Makes the VRF hold the routes, and tells from when on they have been there.
    async fn rewrite(
        &self,
        context: &Context,
        occasion: Occasion,
        planned: &Model,
        desired: &NodeRoutes,
        prior: Option<&Model>,
    ) -> Result<Option<u64>, Failure<Model>> {
        let summary = &write_failed(planned);
        let cluster = &planned.label()?;
        let uuid = planned.vrf_uuid.as_deref().unwrap_or_default();
        let (client, limits) = (self.client(summary)?, limits_of(context));
        let recorded = prior.into_iter().flat_map(Model::recorded);
        let ownership = VrfOwnership::new(cluster, recorded);
        let claims = &self.configured.claims;
        let is_claimed =
            |prefix: &Prefix| claims.holds(&claim_on(uuid, cluster, &prefix.to_string()));
        let decide =
            |routes: &[_]| merge_vrf_routes(&ownership, occasion, desired, routes, is_claimed);
        match vrf::rewrite(client, &limits, uuid, cluster, decide).await {
            Ok(Rewritten {
                merge,
                written_at,
                lock,
            }) => {
                // Under the lock: who finds these routes next finds them claimed.
                let prefixes = desired.keys().map(ToString::to_string);
                claims.claim(prefixes.map(|prefix| claim_on(uuid, cluster, &prefix)));
                drop(lock);
                for warning in messages::changes(&merge.changes, occasion, planned) {
                    context.warn(warning);
                }
                Ok(written_at)
            }
            Err(Stopped::NoVrf) => Err(messages::no_vrf(summary, planned, &[]).into()),
            Err(Stopped::Refused { obstacles, sent }) => {
                let errors = messages::obstacles(&obstacles, planned).into_iter();
                let errors = errors.map(|error| messages::with_outcome(error, sent));
                Err(errors.collect::<Diagnostics>().into())
            }
            Err(Stopped::Failed { error, sent }) => {
                let state = match error.after_write() {
                    WriteState::Refused | WriteState::NotSent if !sent => {
                        messages::UNCHANGED.to_owned()
                    }
                    _ => vrf::look_after_failure(client, uuid, cluster, desired).await,
                };
                Err(call_failed_leaving(summary, &error, &state).into())
            }
        }
    }

    /// The occasion of a create, as the provider block wants it.
    fn creating(&self) -> Occasion {
        Occasion::Create {
            adopt: self.configured.adopt_remnants,
        }
    }
}

fn write_failed(planned: &Model) -> String {
    let cluster = &planned.cluster_name;
    format!("Cannot write the routes of cluster {cluster}")
}

/// What stands for a route in the claims of a run.
fn claim_on(vrf: &str, cluster: &ClusterLabel, prefix: &str) -> String {
    format!("{vrf}/{cluster}/{prefix}")
}

#[cfg(test)]
mod tests;
