//! `ako_cloud_credential`: the service principal with which a cloud of the Avi controller signs in to Azure.
//!
//! Owns: one cloud connector user of the controller.   Reads: nothing else.   Never touches: the service principal in
//! Azure, clouds that refer to the credential, members of it that this provider does not know (inside the service
//! principal, which the controller takes as a whole, Avi's models have none).
//!
//! It is made by one request, so that no part of it is ever left. A run that was killed leaves a credential that
//! bears no mark, because there is no place for one: the next create takes it over if name, application and tenant
//! are those of the plan, and writes its secret again.
//!
//! Calls of the controller: read 1, plan of a create 1, other plans 0, create 2, update 1, delete 1.

mod messages;
mod model;
mod plan;
mod schema;

pub use model::Model;

use crate::clients::avi::{Client, CloudConnectorUser, Filter, LockKey, Object, Patch, Reference};
use crate::configured::{Configured, limits_of};
use crate::domain::avi_objects::{Start, check_create};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::plan::Plan;
use crate::framework::resource::{Context, Failure, Resource};
use crate::framework::schema::Schema;
use crate::resources::avi_creation::{Made, create_by_name, look_at_plan, uuid_of};
use crate::resources::avi_errors::{call_failed, not_ready};
use crate::resources::forecast::forecast;
use async_trait::async_trait;
use messages::Prospect;
use model::{change_of, secret_in};
use std::sync::Arc;

/// The resource `ako_cloud_credential`.
#[derive(Debug)]
pub struct CloudCredential {
    configured: Arc<Configured>,
}

#[async_trait]
impl Resource for CloudCredential {
    const NAME: &'static str = "ako_cloud_credential";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> CloudCredential {
        CloudCredential { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        plan::check_secret(plan)?;
        match plan.is_create() {
            true => self.look_ahead(context, plan).await,
            false => Ok(()),
        }
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        let summary = messages::cannot("create", &planned.name);
        let secret = secret_in(context.config()).ok_or_else(messages::secret_for_create)?;
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let failed = |error| call_failed(&summary, &error);
        let key = LockKey::of::<CloudConnectorUser>(&*planned.name);
        let _lock = avi.lock(&limits, [key]).await.map_err(failed)?;
        let desired = planned.desired(secret);
        let judge = |found: &CloudConnectorUser| planned.found(found);
        let made = create_by_name(avi, &limits, &desired, false, judge).await;
        let made = made.map_err(|stopped| messages::stopped(&summary, &stopped, &planned))?;
        let object = match made {
            Made::New(object) => object,
            Made::Found(found, _) => {
                self.adopt(context, &planned, &found, Prospect::Apply)?;
                // Whether its secret is the one that is wanted cannot be seen.
                let change = Patch::new().replace(&desired);
                let written = avi.patch(&limits, uuid_of(&found), &change).await;
                written.map_err(failed)?
            }
        };
        self.configured.claims.claim([uuid_of(&object).to_owned()]);
        Ok(planned.completed(&object))
    }

    async fn read(&self, context: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        let summary = messages::cannot("read", &prior.name);
        let avi = self.avi(&summary)?;
        let found = avi.get(&limits_of(context), prior.uuid()).await;
        let found: Option<CloudConnectorUser> =
            found.map_err(|error| call_failed(&summary, &error))?;
        Ok(found.map(|found| {
            // A tainted object is planned as a create, which then finds what is here.
            self.configured.replaced.claim([prior.uuid().to_owned()]);
            prior.refreshed(&found)
        }))
    }

    async fn update(
        &self,
        context: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        let summary = messages::cannot("change", &planned.name);
        let secret = secret_in(context.config());
        let change = change_of(&prior, &planned, secret)?;
        if change.is_empty() {
            return Ok(planned);
        }
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let failed = |error| call_failed(&summary, &error);
        let key = LockKey::of::<CloudConnectorUser>(prior.uuid());
        let _lock = avi.lock(&limits, [key]).await.map_err(failed)?;
        let written = avi.patch(&limits, prior.uuid(), &change).await;
        let written: CloudConnectorUser = written.map_err(failed)?;
        Ok(planned.completed(&written))
    }

    async fn delete(&self, context: &Context, prior: Model) -> Result<(), Failure<Model>> {
        let summary = messages::cannot("delete", &prior.name);
        if self.configured.claims.holds(prior.uuid()) {
            context.warn(messages::left_to_successor(&prior.name));
            return Ok(());
        }
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let deleted = avi.delete::<CloudConnectorUser>(&limits, prior.uuid());
        let deleted = deleted.await;
        deleted.map_err(|error| messages::not_deleted(summary, &error))?;
        Ok(())
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Model, Diagnostics> {
        let summary = messages::cannot("import", id);
        let avi = self.avi(&summary)?;
        let limits = limits_of(context);
        let reference = Reference::parse(CloudConnectorUser::TYPE, id);
        let found = match reference.map_err(|error| messages::wrong_import_id(id, &error))? {
            Reference::Uuid(uuid) => avi.get(&limits, &uuid).await,
            Reference::Name(name) => avi.find(&limits, &Filter::named(name)).await,
        };
        let found: Option<CloudConnectorUser> =
            found.map_err(|error| call_failed(&summary, &error))?;
        let found = found.ok_or_else(|| messages::nothing_to_import(id))?;
        match found.azure_serviceprincipal {
            Some(_) => Ok(Model::imported(&found)),
            None => Err(messages::no_service_principal(&found.name).into()),
        }
    }
}

impl CloudCredential {
    fn avi(&self, summary: &str) -> Result<&Client, Diagnostic> {
        let client = self.configured.clients.avi();
        client.map_err(|error| not_ready(summary, &error))
    }

    /// Tells that a remnant is taken over, unless the provider block forbids it.
    fn adopt(
        &self,
        context: &Context,
        planned: &Model,
        found: &CloudConnectorUser,
        prospect: Prospect,
    ) -> Result<(), Diagnostic> {
        // What this run's state holds, or another object of this run has made, is no remnant.
        if self.configured.claims.holds(uuid_of(found)) {
            return Err(messages::exists(&planned.name));
        }
        if !self.configured.adopt_remnants {
            return Err(messages::not_adopted(&planned.name));
        }
        context.warn(messages::adopted(&planned.name, prospect));
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
        let refused = match check_create(Some(&planned.found(&found)), false) {
            Ok(Start::Create) => return Ok(()),
            Ok(_) => self.adopt(context, &planned, &found, Prospect::Plan).err(),
            Err(refusal) => Some(messages::refused(&refusal, &planned)),
        };
        refused
            .into_iter()
            .for_each(|refused| context.warn(forecast(refused)));
        Ok(())
    }
}
