//! `ako_se_group` as a data source: an SE group by its cloud and name.
//!
//! Reads: the cloud, the SE group, the names of its Service Engines.

use crate::clients::avi::{Cloud, Error, Object, Reference, SeGroup};
use crate::clients::{Limits, avi};
use crate::configured::{Configured, limits_of};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::resource::{Context, DataSource};
use crate::framework::schema::{Attribute, Check, Schema, Type};
use crate::resources::avi_errors::{call_failed, not_ready};
use crate::resources::se_groups::{
    CloudOfGroup, check_ref, cluster_name_of, service_engines_of, without_name,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The data source `ako_se_group`.
#[derive(Debug)]
pub struct SeGroupLookup {
    configured: Arc<Configured>,
}

/// An SE group as Terraform sees it; a field for each attribute, in the order of the schema.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Model {
    /// The cloud, as the user refers to it.
    pub cloud_ref: String,
    /// Its name.
    pub name: String,
    /// What the controller knows it by.
    pub uuid: Option<String>,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The uuid of its cloud.
    pub cloud_uuid: Option<String>,
    /// The cluster that its label names.
    pub cluster_name: Option<String>,
    /// What people say of it.
    pub description: Option<String>,
    /// The subnet of its Service Engines.
    pub data_network_id: Option<String>,
    /// The size of the virtual machines.
    pub instance_flavor: Option<String>,
    /// How many Service Engines there may be.
    pub max_se: Option<i64>,
    /// How many there are at least.
    pub min_se: Option<i64>,
    /// How many are kept beyond the need.
    pub buffer_se: Option<i64>,
    /// How virtual services survive the loss of one.
    pub ha_mode: Option<String>,
    /// How many minutes an unused one stays.
    pub se_deprovision_delay: Option<i64>,
    /// The Service Engines that there are.
    pub service_engines: Option<Vec<String>>,
}

#[async_trait]
impl DataSource for SeGroupLookup {
    const NAME: &'static str = "ako_se_group";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> SeGroupLookup {
        SeGroupLookup { configured }
    }

    fn schema() -> Schema {
        Schema::new(DESCRIPTION, attributes())
    }

    async fn read(&self, context: &Context, config: Model) -> Result<Model, Diagnostics> {
        let summary = format!("Cannot read SE group {:?}", config.name);
        let avi = self.configured.clients.avi();
        let avi = avi.map_err(|error| not_ready(&summary, &error))?;
        let found = look_up(avi, &limits_of(context), &config).await;
        let found = found.map_err(|error| call_failed(&summary, &error))?;
        let (group, engines) = found.ok_or_else(|| missing(&config))?;
        Ok(config.filled(group, engines))
    }
}

const DESCRIPTION: &str = "An SE group of the Avi controller, found by its cloud and its name.

An SE group that does not exist is an error. The names of its Service Engines are null where the user may not read \
Service Engines.";

fn attributes() -> Vec<Attribute> {
    let text = |name: &str, description: &str| Attribute::computed(name, Type::String, description);
    let number =
        |name: &str, description: &str| Attribute::computed(name, Type::Number, description);
    vec![
        Attribute::required(
            "cloud_ref",
            Type::String,
            "The cloud of the SE group: a reference in any spelling that the controller gives or takes, a uuid, or a \
             name.",
        )
        .check(Check::Text(check_ref::<Cloud>)),
        Attribute::required("name", Type::String, "The name of the SE group."),
        text("uuid", "What the controller knows it by."),
        text(
            "ref",
            "Its reference, as resources of the official provider (`avi_*`) take it.",
        ),
        text("cloud_uuid", "The uuid of its cloud."),
        text(
            "cluster_name",
            "The cluster that its label `clustername` names; null where it has none.",
        ),
        text("description", "What people say of it."),
        text(
            "data_network_id",
            "The subnet of its Service Engines, as the controller has it; null where it is the cloud's.",
        ),
        text("instance_flavor", "The size of the virtual machines."),
        number("max_se", "How many Service Engines there may be."),
        number("min_se", "How many Service Engines there are at least."),
        number(
            "buffer_se",
            "How many Service Engines are kept beyond the need.",
        ),
        text(
            "ha_mode",
            "How virtual services survive the loss of a Service Engine.",
        ),
        number(
            "se_deprovision_delay",
            "How many minutes an unused Service Engine stays.",
        ),
        Attribute::computed(
            "service_engines",
            Type::list(Type::String),
            "The names of its Service Engines, in order.",
        ),
    ]
}

impl Model {
    fn filled(self, group: SeGroup, engines: Option<Vec<String>>) -> Model {
        let cloud = group.cloud_ref.as_deref();
        Model {
            cloud_uuid: cloud.and_then(avi::refs::uuid_of).map(str::to_owned),
            cluster_name: cluster_name_of(&group),
            uuid: group.uuid,
            reference: group.url.as_deref().map(without_name),
            description: group.description,
            data_network_id: group.data_network_id,
            instance_flavor: group.instance_flavor,
            max_se: group.max_se,
            min_se: group.min_se,
            buffer_se: group.buffer_se,
            ha_mode: group.ha_mode,
            se_deprovision_delay: group.se_deprovision_delay,
            service_engines: engines,
            ..self
        }
    }
}

async fn look_up(
    avi: &avi::Client,
    limits: &Limits,
    config: &Model,
) -> Result<Option<(SeGroup, Option<Vec<String>>)>, Error> {
    let Ok(reference) = Reference::parse(Cloud::TYPE, &config.cloud_ref) else {
        return Ok(None);
    };
    let Some(cloud) = CloudOfGroup::find(avi, limits, &reference).await? else {
        return Ok(None);
    };
    let Some(group) = cloud.find_group(avi, limits, &config.name).await? else {
        return Ok(None);
    };
    let uuid = group.uuid.clone().unwrap_or_default();
    let engines = match service_engines_of(avi, limits, &uuid).await {
        Ok(engines) => Some(engines),
        Err(error) if error.is_forbidden() => None,
        Err(error) => return Err(error),
    };
    Ok(Some((group, engines)))
}

fn missing(config: &Model) -> Diagnostic {
    Diagnostic::error(
        format!("SE group {:?} does not exist", config.name),
        format!(
            "Cloud {:?} has no SE group of that name, or there is no such cloud in this tenant (avi.tenant). Names are told apart by case.",
            config.cloud_ref
        ),
    )
    .at(Path::attribute("name"))
}
