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
use crate::avi::Avi;
use crate::azure::Azure;
use crate::front::Front;
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

/// There is no emulated cluster of that name.
#[derive(Debug, thiserror::Error)]
#[error("the lab has no cluster {0:?}")]
pub struct UnknownCluster(pub String);

impl Actors {
    /// No AKO runs yet; the connector does.
    pub(crate) fn start(
        avi: Front<Avi>,
        azure: Front<Azure>,
        account: ControllerAccount,
        clusters: Vec<Arc<KubernetesService>>,
        stop: CancellationToken,
    ) -> Actors {
        let (controller, cloud) = (Arc::clone(&avi.service), Arc::clone(&azure.service));
        let engines = ServiceEngines::start(Arc::clone(&controller), cloud, stop.clone());
        let connector = CloudConnector::start(
            controller,
            Arc::new(azure),
            Arc::clone(&engines),
            stop.clone(),
        );
        Actors {
            controller: Arc::new(avi),
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
