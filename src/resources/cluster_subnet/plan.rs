//! What a plan of `ako_cluster_subnet` adds to the rules of its schema.
//!
//! Everything planned here follows from configuration, prior state and constants. What Azure holds at the moment
//! gives warnings only: another change in the same plan may come first.

use super::ClusterSubnet;
use super::messages::{self, Prospect};
use super::model::{Model, Target, azure_id, parse_prefixes, subnet_facts, table_facts};
use super::operation::{Look, misplacements};
use crate::clients::NotReady;
use crate::clients::azure;
use crate::clients::azure::ids::{RouteTableId, VirtualNetworkId};
use crate::clients::azure::virtual_networks::VirtualNetwork;
use crate::configured::limits_of;
use crate::domain::azure_ids::are_same_ids;
use crate::domain::azure_names::check_tags;
use crate::domain::cluster_subnet::{
    Remnant, RouteTableUse, check_address_prefixes, check_create, default_route_table_name,
    subnets_beside,
};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::Context;
use crate::framework::value::Value;
use crate::resources::azure_errors::not_ready;
use crate::resources::forecast::{forecast, look_failed};
use std::collections::{BTreeMap, BTreeSet};

/// The arguments that describe an owned route table, `tags` apart.
pub(super) const OWNED_TABLE_ARGUMENTS: [&str; 3] = [
    "route_table_name",
    "route_table_resource_group_name",
    "bgp_route_propagation_enabled",
];

/// What a configuration shows by itself, beyond single values.
pub(super) fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
    let is_set = |name: &&str| !matches!(config.get(name), Value::Null | Value::Unknown);
    if is_set(&"existing_route_table_id") {
        let arguments: Vec<_> = OWNED_TABLE_ARGUMENTS
            .into_iter()
            .chain(["tags"])
            .filter(is_set)
            .collect();
        if !arguments.is_empty() {
            diagnostics.push(messages::exclusive(&arguments));
        }
    }
    if let Some(Err(reason)) = known_tags(config.get("tags")).map(|tags| check_tags(&tags)) {
        diagnostics.push(messages::wrong("tags", &reason));
    }
    // A prefix that does not read has been told of as a single value.
    if let Some(texts) = texts(config.get("address_prefixes"))
        && let prefixes = parse_prefixes(&texts)
        && prefixes.len() == texts.len()
        && let Err(reason) = check_address_prefixes(&prefixes)
    {
        diagnostics.push(messages::wrong("address_prefixes", &reason));
    }
}

/// Plans the route table: the arguments that the configuration leaves out and, in place, the computed ids.
pub(super) fn plan_route_table(plan: &mut Plan<'_>) {
    match plan.planned("existing_route_table_id").clone() {
        Value::Unknown => plan_unless_configured(plan, |_, _| Value::Unknown),
        Value::Null => plan_unless_configured(plan, owned_table_argument),
        _ => plan_unless_configured(plan, |_, _| Value::Null),
    }
    if plan.is_create() {
        return;
    }
    let table = planned_route_table_id(plan);
    let table = match (plan.prior("route_table_id").as_str(), table.as_str()) {
        (Some(prior), Some(id)) if are_same_ids(prior, id) => Value::from(prior),
        _ => table,
    };
    plan.set("route_table_id", table.clone());
    plan.set("associated_route_table_id", table);
}

/// Warns of what changing the route table in place means.
pub(super) fn transition(plan: &Plan<'_>) -> Option<Diagnostic> {
    if is_replaced(plan) {
        return None;
    }
    let prior = plan.prior("route_table_id").as_str()?;
    let planned = plan.planned("route_table_id").as_str()?;
    let was_existing = !plan.prior("existing_route_table_id").is_null();
    let is_owned = plan.planned("existing_route_table_id").is_null();
    if !are_same_ids(prior, planned) {
        Some(messages::table_changes(prior, planned, !was_existing))
    } else if was_existing && is_owned {
        Some(messages::table_is_taken(planned))
    } else {
        None
    }
}

/// The owned table of an object that another one replaces, in lower case.
pub(super) fn replaced_table(plan: &Plan<'_>) -> Option<String> {
    let was_owned = plan.prior("existing_route_table_id").is_null();
    let table = plan
        .prior("route_table_id")
        .as_str()
        .filter(|_| is_replaced(plan) && was_owned);
    table.map(str::to_lowercase)
}

/// Whether the schema asks for another object.
fn is_replaced(plan: &Plan<'_>) -> bool {
    plan.changes("name") || plan.changes("virtual_network_id")
}

impl ClusterSubnet {
    /// Tells at plan what a create would meet, with one read of the virtual network and one of the route table.
    pub(super) async fn look_ahead(
        &self,
        context: &Context,
        plan: &Plan<'_>,
    ) -> Result<(), Diagnostics> {
        let Some(planned) = known_part(plan) else {
            return Ok(());
        };
        let target = Target::of(&planned)?;
        let summary = messages::cannot("look for", &target.se_subnet);
        let azure = match self.configured.clients.azure() {
            Ok(azure) => azure,
            // The provider is configured by something that is not made yet: a create is planned without a look.
            Err(NotReady::Unknown { .. }) => return Ok(()),
            Err(error) => return Err(not_ready(summary, &error).into()),
        };
        match self.foresee(context, azure, &planned, &target).await {
            Ok(warnings) => warnings
                .into_iter()
                .for_each(|warning| context.warn(warning)),
            Err(error) => look_failed(context, summary, &error)?,
        }
        Ok(())
    }

    async fn foresee(
        &self,
        context: &Context,
        azure: &azure::Client,
        planned: &Model,
        target: &Target,
    ) -> Result<Vec<Diagnostic>, azure::Error> {
        let limits = limits_of(context);
        let network = &target.virtual_network;
        let Some(network) = azure.get_virtual_network(&limits, network).await? else {
            return Ok(vec![forecast(messages::no_network(target))]);
        };
        let mut warnings = misplaced(target, &network);
        if let RouteTableUse::Existing(id) = &target.route_table {
            let look = Look::at(azure, &limits, id).await?;
            warnings.extend(about_existing_table(&look, &network, target));
        }
        if self.is_replaced(&target.se_subnet) {
            return Ok(warnings);
        }
        let table = match target.route_table.owned() {
            Some(id) if !self.is_replaced(id) => azure.get_route_table(&limits, id).await?,
            _ => None,
        };
        let desired = target.desired_table(planned);
        let owned = target.route_table.owned().map(azure_id);
        let found = check_create(
            &target.desired_subnet(),
            owned.as_ref().map(|id| (id, &desired)),
            network
                .subnet(target.se_subnet.name())
                .map(subnet_facts)
                .as_ref(),
            table.as_ref().map(table_facts).as_ref(),
        );
        warnings.extend(match found {
            Ok(Remnant::None) => None,
            Ok(remnant) if self.configured.adopt_remnants => {
                messages::adopted(remnant, target, Prospect::Plan)
            }
            Ok(remnant) => Some(forecast(messages::not_adopted(remnant, target))),
            Err(refusal) => Some(forecast(messages::refused(&refusal, target))),
        });
        Ok(warnings)
    }

    /// Whether what is found under that id is our own, which goes before the new one is made.
    fn is_replaced(&self, id: &impl ToString) -> bool {
        let id = id.to_string().to_lowercase();
        self.configured.replaced.holds(&id)
    }
}

/// What stands in the way of somebody else's table, and that it is not for the SE subnet alone.
fn about_existing_table(
    look: &Look,
    network: &VirtualNetwork,
    target: &Target,
) -> Option<Diagnostic> {
    if let Err(refusal) = look.check(&network.location) {
        return Some(forecast(messages::refused(&refusal, target)));
    }
    let Look::Found(table) = look else {
        return None;
    };
    let others = subnets_beside(&table_facts(table), &azure_id(&target.se_subnet));
    (!others.is_empty()).then(|| messages::table_is_shared(target, &others))
}

/// Where the prefixes lie outside the virtual network or on other subnets.
fn misplaced(target: &Target, network: &VirtualNetwork) -> Vec<Diagnostic> {
    misplacements(target, network)
        .iter()
        .map(|problem| forecast(messages::misplaced(problem, target)))
        .collect()
}

/// As much of a planned create as is known; nothing unless it is known where the SE subnet and its table would be and
/// what would tell them from a remnant.
fn known_part(plan: &Plan<'_>) -> Option<Model> {
    let text = |name: &str| plan.planned(name).as_str().map(str::to_owned);
    let needed = [
        "cluster_name",
        "existing_route_table_id",
        "route_table_name",
        "route_table_resource_group_name",
        "bgp_route_propagation_enabled",
    ];
    if needed.iter().any(|name| plan.planned(name).is_unknown()) {
        return None;
    }
    Some(Model {
        id: None,
        name: text("name")?,
        virtual_network_id: text("virtual_network_id")?,
        address_prefixes: texts(plan.planned("address_prefixes")),
        cluster_name: text("cluster_name"),
        network_security_group_id: text("network_security_group_id"),
        existing_route_table_id: text("existing_route_table_id"),
        route_table_name: text("route_table_name"),
        route_table_resource_group_name: text("route_table_resource_group_name"),
        bgp_route_propagation_enabled: plan.planned("bgp_route_propagation_enabled").as_bool(),
        tags: known_tags(plan.planned("tags")),
        route_table_id: None,
        associated_route_table_id: None,
    })
}

fn texts(set: &Value) -> Option<BTreeSet<String>> {
    let texts = set.as_list()?.iter();
    texts.map(|text| text.as_str().map(str::to_owned)).collect()
}

fn known_tags(tags: &Value) -> Option<BTreeMap<String, String>> {
    let tags = tags.as_map()?.iter();
    tags.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn plan_unless_configured(plan: &mut Plan<'_>, value: fn(&Plan<'_>, &str) -> Value) {
    for argument in OWNED_TABLE_ARGUMENTS {
        if plan.config.get(argument).is_null() {
            let value = value(plan, argument);
            plan.set(argument, value);
        }
    }
}

/// An argument of an owned table that the configuration leaves out: as it was, else its default.
fn owned_table_argument(plan: &Plan<'_>, argument: &str) -> Value {
    match argument {
        "bgp_route_propagation_enabled" => Value::from(true),
        _ if plan.prior(argument).as_str().is_some() => plan.prior(argument).clone(),
        "route_table_name" => match plan.planned("name").as_str() {
            Some(name) => Value::from(default_route_table_name(name)),
            None => Value::Unknown,
        },
        _ => match planned_network(plan) {
            Some(network) => Value::from(network.parent().name()),
            None => Value::Unknown,
        },
    }
}

/// The id of the table that is meant; unknown where an argument that it consists of is.
fn planned_route_table_id(plan: &Plan<'_>) -> Value {
    match plan.planned("existing_route_table_id") {
        Value::Null => {}
        existing => return existing.clone(),
    }
    let id = || -> Option<RouteTableId> {
        let group = plan.planned("route_table_resource_group_name").as_str()?;
        let name = plan.planned("route_table_name").as_str()?;
        let group = planned_network(plan)?.parent().sibling(group).ok()?;
        group.route_table(name).ok()
    };
    id().map_or(Value::Unknown, |id| Value::from(id.to_string()))
}

fn planned_network(plan: &Plan<'_>) -> Option<VirtualNetworkId> {
    plan.planned("virtual_network_id").as_str()?.parse().ok()
}
