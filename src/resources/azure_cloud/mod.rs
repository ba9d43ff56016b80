//! `ako_azure_cloud`: a cloud of the Avi controller in Azure.
//!
//! Owns: one cloud, unless it was there before and was adopted.   Reads: its state, and a credential that is named by
//! its name.   Never touches: the credential, SE groups and VRF contexts that the controller makes along with the
//! cloud, members that this provider does not know or that the configuration never had.
//!
//! It is made by one request and is then waited for. A create whose wait fails leaves the cloud in the state, as
//! tainted. A run that was killed leaves a cloud with our mark among its markers, which the next create takes over;
//! a controller older than 22.1.1 has no markers on clouds, and there it is an error with the import command.
//!
//! Calls of the controller: read 1, plan of a create 1, other plans 0, create 2, update 2, delete 2, and one for each
//! look at the cloud's state; one more where the credential is named by its name.

mod messages;
mod model;
mod plan;
mod readiness;
mod schema;

pub use model::Model;

use crate::clients::Limits;
use crate::clients::avi::{
    Client, Cloud, CloudConnectorUser, Error, Filter, LockKey, Object, Reference,
};
use crate::configured::{Configured, limits_of};
use crate::domain::avi_marks::MarkedKind;
use crate::domain::avi_objects::{Start, check_create};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::{Config, Plan};
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::avi_creation::{Made, create_by_name, look_at_plan, uuid_of};
use crate::resources::avi_errors::{call_failed, not_ready};
use crate::resources::forecast::forecast;
use async_trait::async_trait;
use messages::Prospect;
use model::AZURE;
use readiness::{wait_until_gone, wait_until_ready};
use std::sync::Arc;

/// The cloud that every controller brings along, and needs.
const DEFAULT_CLOUD: &str = "Default-Cloud";

/// The resource `ako_azure_cloud`.
#[derive(Debug)]
pub struct AzureCloud {
    configured: Arc<Configured>,
}

#[async_trait]
impl Resource for AzureCloud {
    const NAME: &'static str = "ako_azure_cloud";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> AzureCloud {
        AzureCloud { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        plan::validate(config, diagnostics);
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        plan::plan_adopted(plan);
        match plan.is_create() {
            true => self.look_ahead(context, plan).await,
            false => Ok(()),
        }
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        let summary = messages::cannot("create", &planned.name);
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let failed = |error| messages::call_failed_at(&summary, &error);
        let key = LockKey::of::<Cloud>(&*planned.name);
        let _lock = avi.lock(&limits, [key]).await.map_err(failed)?;
        let by_uuid = with_credential(avi, &limits, &planned, &summary).await?;
        let is_markable = is_markable(avi, &limits).await.map_err(failed)?;
        let desired = by_uuid.clone().with_defaults().desired(is_markable);
        let judge = |found: &Cloud| by_uuid.found(found);
        let adopts = planned.adopt_existing;
        let made = create_by_name(avi, &limits, &desired, adopts, judge).await;
        let made = made.map_err(|stopped| messages::stopped(&summary, &stopped, &planned.name))?;
        let (cloud, adopted) = match made {
            Made::New(cloud) => (cloud, false),
            Made::Found(cloud, Start::AdoptExisting) => (cloud, true),
            Made::Found(cloud, _) => {
                self.adopt(context, &planned.name, &cloud, Prospect::Apply)?;
                (cloud, false)
            }
        };
        if !adopted {
            self.configured.claims.claim([uuid_of(&cloud).to_owned()]);
        }
        let created = planned.completed(&cloud, adopted);
        match wait_until_ready(avi, &limits, &cloud).await {
            Ok(()) => Ok(created),
            Err(ended) => Err(ended.into_failure(&summary, created)),
        }
    }

    async fn read(&self, context: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        let summary = messages::cannot("read", &prior.name);
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let failed = |error| call_failed(&summary, &error);
        let found: Option<Cloud> = avi.get(&limits, prior.uuid()).await.map_err(failed)?;
        let Some(mut found) = found else {
            return Ok(None);
        };
        if found.vtype.as_deref() != Some(AZURE) {
            return Err(messages::not_in_azure(&found).into());
        }
        spell_credential(avi, &limits, &prior, &mut found)
            .await
            .map_err(failed)?;
        // A tainted object is planned as a create, which then finds what is here.
        self.configured.replaced.claim([prior.uuid().to_owned()]);
        Ok(Some(prior.refreshed(&found)))
    }

    async fn update(
        &self,
        context: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        if !prior.differs_at_controller(&planned) {
            return Ok(planned);
        }
        let summary = messages::cannot("change", &planned.name);
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let failed = |error| messages::call_failed_at(&summary, &error);
        let key = LockKey::of::<Cloud>(prior.uuid());
        let _lock = avi.lock(&limits, [key]).await.map_err(failed)?;
        let desired = match planned.cloud_credential_ref == prior.cloud_credential_ref {
            true => planned.clone(),
            false => with_credential(avi, &limits, &planned, &summary).await?,
        };
        let written = change(avi, &limits, &prior, &desired, &summary).await?;
        let Some(written) = written else {
            return Ok(planned);
        };
        let updated = planned.completed(&written, prior.is_adopted());
        if !prior.differs_in_azure(&desired) {
            return Ok(updated);
        }
        match wait_until_ready(avi, &limits, &written).await {
            Ok(()) => Ok(updated),
            Err(ended) => Err(ended.into_failure(&summary, updated)),
        }
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        if prior.is_adopted() {
            return Ok(());
        }
        if self.configured.claims.holds(prior.uuid()) {
            context.warn(messages::left_to_successor(&prior.name));
            return Ok(());
        }
        if prior.name == DEFAULT_CLOUD {
            return Err(messages::default_cloud_stays().into());
        }
        let summary = messages::cannot("delete", &prior.name);
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let deleted = avi.delete::<Cloud>(&limits, prior.uuid()).await;
        deleted.map_err(|error| messages::not_deleted(&summary, &error))?;
        let gone = wait_until_gone(avi, &limits, prior.uuid()).await;
        gone.map_err(|error| messages::still_there(&summary, &error))?;
        Ok(())
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Model, Diagnostics> {
        let summary = messages::cannot("import", id);
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let reference = Reference::parse(Cloud::TYPE, id);
        let found = match reference.map_err(|error| messages::wrong_import_id(id, &error))? {
            Reference::Uuid(uuid) => avi.get(&limits, &uuid).await,
            Reference::Name(name) => avi.find(&limits, &Filter::named(name)).await,
        };
        let found: Option<Cloud> = found.map_err(|error| call_failed(&summary, &error))?;
        let found = found.ok_or_else(|| messages::nothing_to_import(id))?;
        match found.vtype.as_deref() {
            Some(AZURE) => Ok(Model::imported(&found)),
            _ => Err(messages::not_in_azure(&found).into()),
        }
    }
}

impl AzureCloud {
    fn avi(&self, summary: &str) -> Result<&Client, Diagnostic> {
        let client = self.configured.clients.avi();
        client.map_err(|error| not_ready(summary, &error))
    }

    /// Tells that a remnant is taken over, unless the provider block forbids it or another object of this run has
    /// made it.
    fn adopt(
        &self,
        context: &Context,
        name: &str,
        found: &Cloud,
        prospect: Prospect,
    ) -> Result<(), Diagnostic> {
        if self.configured.claims.holds(uuid_of(found)) {
            return Err(messages::exists(name));
        }
        if !self.configured.adopt_remnants {
            return Err(messages::not_adopted(name));
        }
        context.warn(messages::adopted(name, prospect));
        Ok(())
    }

    /// Tells at plan what a create would meet, with one call.
    async fn look_ahead(&self, context: &Context, plan: &Plan<'_>) -> Result<(), Diagnostics> {
        let Some(planned) = plan::known_part(plan) else {
            return Ok(());
        };
        let summary = messages::cannot("look for", &planned.name);
        let found = look_at_plan(&self.configured, context, &summary, &planned.name).await?;
        let Some(found) = found else {
            return Ok(());
        };
        let facts = planned.found(&found);
        let refused = match check_create(Some(&facts), planned.adopt_existing) {
            Ok(Start::AdoptRemnant) => {
                let adopted = self.adopt(context, &planned.name, &found, Prospect::Plan);
                adopted.err()
            }
            Ok(_) => None,
            Err(refusal) => Some(messages::refused(&refusal, &planned.name)),
        };
        let warnings = refused.into_iter().map(forecast);
        warnings.for_each(|warning| context.warn(warning));
        Ok(())
    }
}

/// Sends what changes between `prior` and `planned`, if anything does, and gives what the controller holds then.
///
/// The part about Azure is read and merged again where somebody else has written meanwhile.
async fn change(
    avi: &Client,
    limits: &Limits,
    prior: &Model,
    planned: &Model,
    summary: &str,
) -> Result<Option<Cloud>, Diagnostic> {
    let failed = |error| messages::call_failed_at(summary, &error);
    let is_markable = is_markable(avi, limits).await.map_err(failed)?;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let actual: Option<Cloud> = avi.get(limits, prior.uuid()).await.map_err(failed)?;
        let actual = actual.ok_or_else(|| messages::gone(summary))?;
        let change = planned.change_from(prior, &actual, is_markable);
        if change.is_empty() {
            return Ok(None);
        }
        match avi.patch(limits, prior.uuid(), &change).await {
            Ok(written) => return Ok(Some(written)),
            Err(error) if error.wants_fresh_read() && limits.pause(attempt).await.is_ok() => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// The model with the uuid of a credential that it calls by name, which must be there.
async fn with_credential(
    avi: &Client,
    limits: &Limits,
    model: &Model,
    summary: &str,
) -> Result<Model, Diagnostic> {
    let Some(name) = credential_name(model) else {
        return Ok(model.clone());
    };
    let reference = Reference::Name(name.clone());
    let uuid = avi.resolve::<CloudConnectorUser>(limits, &reference).await;
    let uuid = uuid.map_err(|error| call_failed(summary, &error))?;
    let uuid = uuid.ok_or_else(|| messages::no_credential(&name))?;
    Ok(Model {
        cloud_credential_ref: Some(Reference::Uuid(uuid).spelt(CloudConnectorUser::TYPE)),
        ..model.clone()
    })
}

/// Spells the credential of `cloud` by its name where `model` does so and it is the one of that name.
async fn spell_credential(
    avi: &Client,
    limits: &Limits,
    model: &Model,
    cloud: &mut Cloud,
) -> Result<(), Error> {
    let azure = cloud.azure_configuration.as_mut();
    let actual = azure.and_then(|azure| azure.cloud_credentials_ref.as_mut());
    let (Some(name), Some(actual)) = (credential_name(model), actual) else {
        return Ok(());
    };
    let reference = Reference::Name(name);
    let uuid = avi
        .resolve::<CloudConnectorUser>(limits, &reference)
        .await?;
    if uuid.is_some_and(|uuid| schema::are_same_credentials(&uuid, actual)) {
        *actual = reference.spelt(CloudConnectorUser::TYPE);
    }
    Ok(())
}

fn credential_name(model: &Model) -> Option<String> {
    let text = model.cloud_credential_ref.as_deref()?;
    let reference = Reference::parse(CloudConnectorUser::TYPE, text).ok()?;
    reference.name().map(str::to_owned)
}

/// Whether the controller takes markers on clouds, in the version that is spoken.
async fn is_markable(avi: &Client, limits: &Limits) -> Result<bool, Error> {
    let version = avi.version(limits).await?;
    Ok(MarkedKind::Cloud.is_markable(&version.to_string()))
}
