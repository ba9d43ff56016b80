//! What a plan of `ako_se_group` adds to the rules of its schema.
//!
//! Everything planned here follows from configuration, prior state and what this resource has kept beside it. What the
//! controller holds at the moment gives warnings only: another change in the same plan may come first.

use super::SeGroups;
use super::memory::Kept;
use super::messages::{self, Prospect};
use super::model::Model;
use super::operation::{Found, Ground, Refusal};
use crate::clients::NotReady;
use crate::clients::avi::{self, Cloud, Object, Reference};
use crate::configured::limits_of;
use crate::domain::se_groups::{ForeignLabel, Label};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::Context;
use crate::framework::value::Value;
use crate::resources::avi_cloud_refs::plan_cloud_ref;
use crate::resources::avi_errors::{look_failed, not_ready};
use crate::resources::forecast::forecast;
use crate::resources::se_groups::{groups_with_network, service_engines_of};
use std::collections::BTreeSet;

/// What Service Engines keep that run already. Avi's documents say so of many fields and list them nowhere; these are
/// about their machine, their network and their label (assumed).
const KEPT_BY_ENGINES: [&str; 13] = [
    "data_network_id",
    "cluster_name",
    "mgmt_network_ref",
    "availability_zone_refs",
    "use_standard_alb",
    "instance_flavor",
    "accelerated_networking",
    "disk_per_se",
    "se_name_prefix",
    "host_gateway_monitor",
    "disable_avi_securitygroups",
    "ntp_sync_status_interval",
    "se_pcap_reinit_frequency",
];

/// What a configuration shows by itself, beyond single values.
pub(super) fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
    for (low, high) in [
        ("min_se", "max_se"),
        ("min_scaleout_per_vs", "max_scaleout_per_vs"),
    ] {
        let values = (config.get(low).as_i64(), config.get(high).as_i64());
        if let (Some(a), Some(b)) = values
            && a > b
        {
            diagnostics.push(messages::above(low, high, (a, b)));
        }
    }
}

/// Plans the cloud: another one means another SE group, another spelling of the same one means nothing.
pub(super) fn plan_cloud(plan: &mut Plan<'_>) -> Option<Diagnostic> {
    plan_cloud_ref(plan).then(messages::replacement)
}

/// Plans what is taken out of the configuration to go back to the controller's default, which is known after apply.
pub(super) fn plan_defaults(plan: &mut Plan<'_>, kept: &Kept) {
    if plan.is_create() {
        return;
    }
    for &name in &kept.sizing {
        if plan.config.get(name).is_null() && !plan.prior(name).is_null() {
            plan.set_unknown(name);
        }
    }
}

impl SeGroups {
    /// Tells at plan what a create would meet, with one read of the cloud and one of its SE groups.
    pub(super) async fn look_ahead(
        &self,
        context: &Context,
        plan: &Plan<'_>,
    ) -> Result<(), Diagnostics> {
        let Some(planned) = known_part(plan) else {
            return Ok(());
        };
        let summary = messages::cannot("look for", &planned.name);
        let Some(avi) = self.client_at_plan(&summary)? else {
            return Ok(());
        };
        let Ok(cloud) = Reference::parse(Cloud::TYPE, &planned.cloud_ref) else {
            return Ok(());
        };
        let ground = match Ground::survey(avi, &limits_of(context), &cloud).await {
            Ok(Some(ground)) => ground,
            Ok(None) => {
                context.warn(forecast(messages::refused(&Refusal::NoCloud, &planned)));
                return Ok(());
            }
            Err(error) => return Ok(look_failed(context, summary, &error)?),
        };
        let sharing = ground.sharing(&planned);
        if let (false, Some(network)) = (sharing.is_empty(), &planned.data_network_id) {
            context.warn(forecast(messages::network_is_shared(&sharing, network)));
        }
        if self.is_replaced(&ground, &planned.name) {
            return Ok(());
        }
        match ground.check_create(&planned) {
            Ok(Found::Nothing) => {}
            Ok(Found::Remnant(_)) if self.configured.adopt_remnants => {
                context.warn(messages::adopted(&planned, Prospect::Plan));
            }
            Ok(Found::Remnant(_)) => {
                context.warn(forecast(messages::refused(&Refusal::NotAdopted, &planned)));
            }
            Err(refusal) => context.warn(forecast(messages::refused(&refusal, &planned))),
        }
        Ok(())
    }

    /// Tells at plan what a change means for Service Engines that run, and who else uses the subnet.
    pub(super) async fn look_at_changes(
        &self,
        context: &Context,
        plan: &Plan<'_>,
    ) -> Result<(), Diagnostics> {
        if let Some(foreign) = planned_over_label(plan) {
            let name = plan.prior("name").as_str().unwrap_or_default();
            let own = super::kept_in(context).own_label;
            context.warn(match own.is_some() && own == foreign.found.value {
                true => messages::label_changes(&foreign, name),
                false => forecast(messages::foreign_label(&foreign, name)),
            });
        }
        let changes: Vec<_> = KEPT_BY_ENGINES
            .into_iter()
            .filter(|name| plan.changes(name))
            .collect();
        let Some(uuid) = plan.prior("uuid").as_str().filter(|_| !changes.is_empty()) else {
            return Ok(());
        };
        // What cannot be asked now is told by the apply.
        let Ok(avi) = self.configured.clients.avi() else {
            return Ok(());
        };
        let limits = limits_of(context);
        match service_engines_of(avi, &limits, uuid).await {
            Ok(engines) if engines.is_empty() => {}
            Ok(engines) => context.warn(messages::engines_keep(&changes, Some(&engines))),
            Err(_) => context.warn(messages::engines_keep(&changes, None)),
        }
        let network = plan.planned("data_network_id").as_str();
        let cloud = plan.prior("cloud_uuid").as_str();
        if let (true, Some(network), Some(cloud)) =
            (plan.changes("data_network_id"), network, cloud)
        {
            let filter = avi::Filter::all().in_cloud(Reference::Uuid(cloud.to_owned()));
            let groups: Vec<avi::SeGroup> = avi.list(&limits, &filter).await.unwrap_or_default();
            let name = plan.prior("name").as_str().unwrap_or_default();
            let sharing = groups_with_network(&groups, name, network);
            if !sharing.is_empty() {
                context.warn(forecast(messages::network_is_shared(&sharing, network)));
            }
        }
        Ok(())
    }

    fn client_at_plan(&self, summary: &str) -> Result<Option<&avi::Client>, Diagnostics> {
        match self.configured.clients.avi() {
            Ok(avi) => Ok(Some(avi)),
            // The provider is configured by something that is not made yet: a create is planned without a look.
            Err(NotReady::Unknown { .. }) => Ok(None),
            Err(error) => Err(not_ready(summary, &error).into()),
        }
    }

    /// Whether what is found under the name is our own, which goes before the new one is made.
    fn is_replaced(&self, ground: &Ground, name: &str) -> bool {
        let existing = ground.groups.iter().find(|group| group.name == name);
        let uuid = existing.and_then(|group| group.uuid.as_deref());
        uuid.is_some_and(|uuid| self.configured.replaced.holds(uuid))
    }
}

/// The label that a plan would overwrite, where the last read found one.
fn planned_over_label(plan: &Plan<'_>) -> Option<ForeignLabel> {
    let wanted = plan.config.get("cluster_name").as_str()?;
    let found = plan.prior("cluster_name").as_str()?;
    (wanted != found).then(|| ForeignLabel {
        wanted: wanted.to_owned(),
        found: Label::of_cluster(found),
    })
}

/// As much of a planned create as is known; nothing unless it is known where the SE group would be.
fn known_part(plan: &Plan<'_>) -> Option<Model> {
    let text = |name: &str| plan.planned(name).as_str().map(str::to_owned);
    let number = |name: &str| plan.planned(name).as_i64();
    let flag = |name: &str| plan.planned(name).as_bool();
    let zones = plan.planned("availability_zone_refs").as_list();
    Some(Model {
        name: text("name")?,
        cloud_ref: text("cloud_ref")?,
        cluster_name: text("cluster_name"),
        description: text("description"),
        data_network_id: text("data_network_id"),
        mgmt_network_ref: text("mgmt_network_ref"),
        availability_zone_refs: zones.and_then(texts),
        use_standard_alb: flag("use_standard_alb"),
        instance_flavor: text("instance_flavor"),
        accelerated_networking: flag("accelerated_networking"),
        max_se: number("max_se"),
        min_se: number("min_se"),
        buffer_se: number("buffer_se"),
        ha_mode: text("ha_mode"),
        algo: text("algo"),
        max_vs_per_se: number("max_vs_per_se"),
        min_scaleout_per_vs: number("min_scaleout_per_vs"),
        max_scaleout_per_vs: number("max_scaleout_per_vs"),
        se_name_prefix: text("se_name_prefix"),
        se_deprovision_delay: number("se_deprovision_delay"),
        disk_per_se: number("disk_per_se"),
        host_gateway_monitor: flag("host_gateway_monitor"),
        vs_host_redundancy: flag("vs_host_redundancy"),
        disable_avi_securitygroups: flag("disable_avi_securitygroups"),
        max_public_ips_per_lb: number("max_public_ips_per_lb"),
        max_rules_per_lb: number("max_rules_per_lb"),
        min_cpu_usage: number("min_cpu_usage"),
        max_cpu_usage: number("max_cpu_usage"),
        ntp_sync_status_interval: number("ntp_sync_status_interval"),
        se_pcap_reinit_frequency: number("se_pcap_reinit_frequency"),
        mark_enabled: flag("mark_enabled").unwrap_or(true),
        ..Model::default()
    })
}

fn texts(elements: &[Value]) -> Option<BTreeSet<String>> {
    let texts = elements.iter();
    texts.map(|text| text.as_str().map(str::to_owned)).collect()
}
