//! Those who act in a real installation beside Terraform: AKO, the controller's cloud connector, Service Engines.
//!
//! They write as the real ones do and by code of their own. Their requests pass the fronts of the emulated services, so
//! that the journal, the faults and the latency meet them: under the names `ako` and `connector`.

pub mod ako;
mod azure_account;
pub mod cloud_connector;
mod control;
mod door;
pub mod service_engines;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

pub use self::ako::{Ako, AkoOptions};
pub use self::cloud_connector::CloudConnector;
pub use self::service_engines::ServiceEngines;

use self::door::Door;
use crate::avi::AviConnection;
use crate::front::{Front, Service, Shared};
use crate::lab::KubernetesService;
use crate::sync::lock;

/// The actors of one lab.
pub(crate) struct Actors {
    controller: Arc<dyn Door>,
    account: ControllerAccount,
    clusters: Vec<Arc<KubernetesService>>,
    akos: Mutex<BTreeMap<String, Arc<Ako>>>,
    pub(crate) connector: CloudConnector,
    pub(crate) engines: Arc<ServiceEngines>,
    stop: CancellationToken,
}

/// Where the controller is, and as whom AKO logs in unless told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct ControllerAccount {
    /// Host and port.
    pub(crate) host: String,
    pub(crate) username: String,
    pub(crate) password: String,
}

impl ControllerAccount {
    /// The lab's own user.
    pub(crate) fn of(connection: &AviConnection) -> ControllerAccount {
        ControllerAccount {
            host: connection.controller.clone(),
            username: connection.username.clone(),
            password: connection.password.clone(),
        }
    }
}

/// There is no emulated cluster of that name.
#[derive(Debug, thiserror::Error)]
#[error("the lab has no cluster {0:?}")]
pub struct UnknownCluster(pub String);

impl Actors {
    /// No AKO runs yet; the connector does.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        account: ControllerAccount,
        clusters: Vec<Arc<KubernetesService>>,
        stop: CancellationToken,
    ) -> Actors {
        let (avi, azure) = (&shared.avi, &shared.azure);
        let engines = ServiceEngines::start(Arc::clone(avi), Arc::clone(azure), stop.clone());
        let connector = CloudConnector::start(
            Arc::clone(avi),
            door(azure, shared),
            Arc::clone(&engines),
            stop.clone(),
        );
        Actors {
            controller: door(avi, shared),
            account,
            clusters,
            akos: Mutex::default(),
            connector,
            engines,
            stop,
        }
    }

    /// Starts an AKO; the one that ran in that cluster before is stopped.
    pub(crate) async fn start_ako(
        &self,
        mut options: AkoOptions,
    ) -> Result<ako::Outcome, UnknownCluster> {
        let mut clusters = self.clusters.iter();
        let cluster = clusters.find(|service| service.0.name() == options.cluster);
        let cluster = cluster.ok_or_else(|| UnknownCluster(options.cluster.clone()))?;
        if options.cluster_name.is_empty() {
            options.cluster_name.clone_from(&options.cluster);
        }
        if options.username.is_empty() {
            options.username.clone_from(&self.account.username);
            options.password.clone_from(&self.account.password);
        }
        let name = options.cluster.clone();
        let ako = Arc::new(Ako::new(
            options,
            Arc::clone(&self.controller),
            &self.account.host,
            Arc::clone(cluster),
            self.stop.clone(),
        ));
        let before = lock(&self.akos).insert(name, Arc::clone(&ako));
        if let Some(before) = before {
            before.stop().await;
        }
        Ok(ako.start().await)
    }

    /// The AKO of a cluster, if one was started.
    pub(crate) fn ako(&self, cluster: &str) -> Option<Arc<Ako>> {
        lock(&self.akos).get(cluster).cloned()
    }
}

/// A service with its front.
fn door<S: Service>(service: &Arc<S>, shared: &Arc<Shared>) -> Arc<dyn Door> {
    Arc::new(Front {
        service: Arc::clone(service),
        shared: Arc::clone(shared),
    })
}
