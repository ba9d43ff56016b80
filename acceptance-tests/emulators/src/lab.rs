//! One running lab: its servers, its handles and what a client must know to reach it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::actors::{
    self, Actors, Ako, AkoOptions, CloudConnector, ControllerAccount, ServiceEngines,
};
use crate::avi::connection::Bound;
use crate::avi::{self, Avi, AviConnection};
use crate::azure::managed_identity::{self, ManagedIdentities};
use crate::azure::{Azure, Identity, Settings, pipelines};
use crate::certificates::{self, Authority};
use crate::client_certificates;
use crate::control::Control;
use crate::faults::{Fault, Faults};
use crate::front::{Front, Service, Shared};
use crate::http::{Request, Response};
use crate::journal::{Entry, Journal};
use crate::kubernetes::{self, Cluster};
use crate::latency::Latency;
use crate::listener::Listener;
use crate::proxy::{Conduct, Proxy};
use crate::seed::{self, Seed};
use crate::sync::lock;

/// How a lab starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// What exists at first.
    pub seed: Seed,
    /// How long calls and operations take; the seed is planted without delay.
    pub latency: Latency,
    /// Ids and secret of the subscription's owner.
    pub identity: Identity,
    /// What else can be set, also later.
    pub settings: Settings,
    /// The Avi controller.
    pub avi: avi::Options,
    /// Where certificates, kubeconfigs and `lab.env` are written; a directory of its own, removed with
    /// the lab, where there is none.
    pub directory: Option<PathBuf>,
    /// The host in the lab's URLs, for which its certificates are made out too; `127.0.0.1` where there is none.
    /// It may be a name that leads nowhere but through [`Lab::start_proxy`].
    pub host: Option<String>,
}

impl Default for Options {
    /// Two clusters of three nodes, no delays.
    fn default() -> Options {
        Options {
            seed: Seed::two_clusters(3),
            latency: Latency::NONE,
            identity: Identity::default(),
            settings: Settings::default(),
            avi: avi::Options::default(),
            directory: None,
            host: None,
        }
    }
}

/// Why a lab did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket, a file or the runtime.
    #[error("starting the lab")]
    Io(#[from] std::io::Error),
    /// TLS.
    #[error("preparing the lab's certificates")]
    Certificates(#[from] certificates::Error),
    /// The seed.
    #[error("planting the lab's seed")]
    Seed(#[from] seed::Error),
}

/// What a client must know to reach the lab; printed as one line of JSON by `cargo lab serve`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Connection {
    /// Azure.
    pub azure: AzureConnection,
    /// The Avi controller.
    pub avi: AviConnection,
    /// The Kubernetes clusters.
    pub kubernetes: Vec<KubernetesConnection>,
    /// The path of the PEM file with the certificate authority that signed all of the lab's certificates.
    pub ca_certificate: PathBuf,
    /// The URL of the control API.
    pub control: String,
}

/// What a client must know of Azure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AzureConnection {
    /// Host and port of the metadata document, as azurerm's `metadata_host` takes it.
    pub metadata_host: String,
    /// The login service, without a tenant.
    pub authority_host: String,
    /// Resource Manager; also the audience of its tokens.
    pub resource_manager_endpoint: String,
    /// The subscription.
    pub subscription_id: String,
    /// The tenant.
    pub tenant_id: String,
    /// The service principal.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What the other ways of signing in need.
    pub sign_in: SignIn,
    /// The seed's resource group.
    pub resource_group: String,
    /// The seed's virtual network.
    pub virtual_network_id: String,
}

/// What a client must know to sign in otherwise than with the secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignIn {
    /// The path of a PKCS#12 file with the service principal's certificate and its key.
    pub client_certificate: PathBuf,
    /// The password of that file.
    pub client_certificate_password: String,
    /// Where GitHub hands out OIDC tokens.
    pub github_request_url: String,
    /// Where Azure DevOps hands out OIDC tokens.
    pub azure_devops_request_url: String,
    /// What a job shows to both.
    pub request_token: String,
    /// The service connection of Azure DevOps.
    pub service_connection_id: String,
    /// Where virtual machines ask for the tokens of their identities, the service principal among them.
    pub msi_endpoint: String,
    /// The same for App Service (`IDENTITY_ENDPOINT`).
    pub identity_endpoint: String,
    /// What an app shows there (`IDENTITY_HEADER`).
    pub identity_header: String,
}

/// What a client must know of one Kubernetes cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KubernetesConnection {
    /// Its name.
    pub name: String,
    /// The path of a kubeconfig.
    pub kubeconfig: PathBuf,
}

/// One running lab. Dropping it stops the servers.
pub struct Lab {
    handles: Arc<Handles>,
    connection: Connection,
    authority: Authority,
    _stop: DropGuard,
    _directory: Option<TempDir>,
}

/// What the control API and the [`Lab`] share.
pub(crate) struct Handles {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clusters: Vec<Arc<KubernetesService>>,
    pub(crate) actors: Actors,
}

impl Lab {
    /// Starts a lab on the current runtime.
    pub async fn start(options: Options) -> Result<Lab, Error> {
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let mut authority = Authority::new()?;
        authority.certify_host(options.host.as_deref());
        let (directory, path) = run_directory(options.directory.as_deref())?;

        let listener = Listener::bind(0).await?;
        let host = listener.shown_as(options.host.as_deref());
        let base_url = format!("https://{host}");
        let azure = Azure::new(
            options.identity.clone(),
            options.settings.clone(),
            &base_url,
        );
        options.seed.plant(&azure)?;
        azure.set_latency(options.latency);
        let azure = Arc::new(azure);
        let controller = Bound::new(&options.avi, options.host.as_deref(), &azure).await?;
        let shared = Arc::new(Shared {
            journal: Journal::new(),
            faults: Faults::new(),
            latency: Mutex::new(options.latency),
            azure,
            avi: Arc::clone(&controller.avi),
        });
        let front = Front {
            service: Arc::clone(&shared.azure),
            shared: Arc::clone(&shared),
        };
        listener.serve_tls(&authority, Arc::new(front), stop.clone())?;
        let avi = controller.serve(&authority, &shared, stop.clone())?;

        let mut clusters = Vec::new();
        let mut kubeconfigs = Vec::new();
        for seed in &options.seed.clusters {
            let (service, kubeconfig) =
                start_cluster(seed, &authority, &shared, &options, &stop).await?;
            let file = path.join(format!("{}.kubeconfig", seed.name));
            std::fs::write(&file, kubeconfig)?;
            clusters.push(service);
            kubeconfigs.push(KubernetesConnection {
                name: seed.name.clone(),
                kubeconfig: file,
            });
        }
        let actors = Actors::start(
            &shared,
            ControllerAccount::of(&avi),
            clusters.clone(),
            stop.clone(),
        );
        let handles = Arc::new(Handles {
            shared,
            clusters,
            actors,
        });

        let identities = Listener::bind(0).await?;
        let identities_url = format!("http://{}", identities.address());
        let front = Front {
            service: Arc::new(ManagedIdentities(Arc::clone(&handles.shared.azure))),
            shared: Arc::clone(&handles.shared),
        };
        identities.serve_plain(Arc::new(front), stop.clone());

        let control = Listener::bind(0).await?;
        let control_url = format!("http://{}", control.address());
        control.serve_plain(Arc::new(Control(Arc::clone(&handles))), stop);

        let ca_certificate = path.join("ca.pem");
        std::fs::write(&ca_certificate, authority.pem())?;
        let client_certificate = path.join("client.pfx");
        std::fs::write(&client_certificate, client_certificates::MODERN)?;
        let sign_in = sign_in(client_certificate, &base_url, &identities_url);
        let connection = Connection {
            azure: azure_connection(&options, host, base_url, sign_in),
            avi,
            kubernetes: kubeconfigs,
            ca_certificate,
            control: control_url,
        };
        std::fs::write(path.join("lab.env"), connection.environment())?;
        Ok(Lab {
            handles,
            connection,
            authority,
            _stop: guard,
            _directory: directory,
        })
    }

    /// Starts a lab with a runtime of its own, for callers that are not async.
    pub fn start_blocking(options: Options) -> Result<BlockingLab, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("ako-lab")
            .enable_all()
            .build()?;
        let lab = runtime.block_on(Lab::start(options))?;
        Ok(BlockingLab {
            lab: Some(lab),
            runtime: Some(runtime),
        })
    }

    /// What a client must know.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The directory with `ca.pem`, `lab.env` and the kubeconfigs.
    pub fn directory(&self) -> &Path {
        let file = &self.connection.ca_certificate;
        file.parent().unwrap_or(file)
    }

    /// Every request since the start or the last [`Lab::clear_journal`], in order of arrival.
    pub fn journal(&self) -> Vec<Entry> {
        self.handles.shared.journal.entries()
    }

    /// Forgets the requests so far.
    pub fn clear_journal(&self) {
        self.handles.shared.journal.clear();
    }

    /// Arms a fault and returns its number.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.handles.shared.faults.add(fault)
    }

    /// Disarms all faults and lets go of what they hold.
    pub fn clear_faults(&self) {
        self.handles.shared.faults.clear();
    }

    /// Lets go of the requests that a `hold` fault holds; the fault stays armed.
    pub fn release(&self, fault: u64) {
        self.handles.shared.faults.release(Some(fault));
    }

    /// Waits until a `hold` fault holds a request; false if it does not within the time.
    pub async fn held(&self, fault: u64, within: Duration) -> bool {
        let held = self.handles.shared.faults.held(fault);
        tokio::time::timeout(within, held).await.is_ok()
    }

    /// Starts a forward proxy beside the lab.
    pub async fn start_proxy(&self, conduct: Conduct) -> std::io::Result<Proxy> {
        Proxy::start(conduct).await
    }

    /// Sets how long calls and operations take from now on.
    pub fn set_latency(&self, latency: Latency) {
        self.handles.set_latency(latency);
    }

    /// The emulated Azure.
    pub fn azure(&self) -> &Azure {
        &self.handles.shared.azure
    }

    /// The emulated Avi controller.
    pub fn avi(&self) -> &Avi {
        &self.handles.shared.avi
    }

    /// Starts AKO in one of the clusters; the one that ran there before is stopped.
    pub async fn start_ako(
        &self,
        options: AkoOptions,
    ) -> Result<actors::ako::Outcome, actors::UnknownCluster> {
        self.handles.actors.start_ako(options).await
    }

    /// The AKO of a cluster, if one was started.
    pub fn ako(&self, cluster: &str) -> Option<Arc<Ako>> {
        self.handles.actors.ako(cluster)
    }

    /// The controller's cloud connector.
    pub fn connector(&self) -> &CloudConnector {
        &self.handles.actors.connector
    }

    /// The controller's Service Engines.
    pub fn service_engines(&self) -> &ServiceEngines {
        &self.handles.actors.engines
    }

    /// The emulated cluster of that name.
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        let mut clusters = self.handles.clusters.iter();
        clusters
            .find(|service| service.0.name() == name)
            .map(|service| &service.0)
    }

    /// A client certificate that the lab's servers trust.
    pub fn client_certificate(
        &self,
        common_name: &str,
        organization: Option<&str>,
    ) -> Result<certificates::ClientCertificate, certificates::Error> {
        self.authority.client_certificate(common_name, organization)
    }
}

/// A lab with a runtime of its own.
pub struct BlockingLab {
    lab: Option<Lab>,
    runtime: Option<Runtime>,
}

impl BlockingLab {
    /// Waits for something that is async, such as [`Lab::start_ako`].
    #[expect(clippy::expect_used, reason = "only drop takes the runtime out")]
    pub fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref();
        runtime
            .expect("the runtime lives until the lab is dropped")
            .block_on(work)
    }

    /// Waits until a `hold` fault holds a request; false if it does not within the time.
    pub fn wait_until_held(&self, fault: u64, within: Duration) -> bool {
        match &self.runtime {
            // The timer is made inside the runtime that drives it.
            Some(runtime) => runtime.block_on(async { self.held(fault, within).await }),
            None => false,
        }
    }

    /// Starts a forward proxy beside the lab.
    pub fn start_proxy(&self, conduct: Conduct) -> std::io::Result<Proxy> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(Proxy::start(conduct)),
            None => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Deref for BlockingLab {
    type Target = Lab;

    #[expect(clippy::expect_used, reason = "only drop takes the lab out")]
    fn deref(&self) -> &Lab {
        self.lab
            .as_ref()
            .expect("the lab lives until it is dropped")
    }
}

impl Drop for BlockingLab {
    fn drop(&mut self) {
        self.lab.take();
        if let Some(runtime) = self.runtime.take() {
            // Waiting for held requests would hang the test that forgot to release them.
            runtime.shutdown_background();
        }
    }
}

impl Handles {
    pub(crate) fn set_latency(&self, latency: Latency) {
        *lock(&self.shared.latency) = latency;
        self.shared.azure.set_latency(latency);
    }
}

impl Connection {
    /// The variables by which the usual clients find the lab, as a file for `source`.
    pub fn environment(&self) -> String {
        let (azure, avi) = (&self.azure, &self.avi);
        let ca = self.ca_certificate.display().to_string();
        let kubeconfigs: Vec<String> = self
            .kubernetes
            .iter()
            .map(|cluster| cluster.kubeconfig.display().to_string())
            .collect();
        let mut variables = BTreeMap::from([
            ("ARM_METADATA_HOSTNAME", azure.metadata_host.clone()),
            ("ARM_SUBSCRIPTION_ID", azure.subscription_id.clone()),
            ("ARM_TENANT_ID", azure.tenant_id.clone()),
            ("ARM_CLIENT_ID", azure.client_id.clone()),
            ("ARM_CLIENT_SECRET", azure.client_secret.clone()),
            ("ARM_DISABLE_INSTANCE_DISCOVERY", "true".to_owned()),
            ("AVI_CONTROLLER", avi.controller.clone()),
            ("AVI_USERNAME", avi.username.clone()),
            ("AVI_PASSWORD", avi.password.clone()),
            ("AVI_TENANT", avi.tenant.clone()),
            ("AVI_VERSION", avi.version.clone()),
            ("SSL_CERT_FILE", ca.clone()),
            ("REQUESTS_CA_BUNDLE", ca.clone()),
            ("CURL_CA_BUNDLE", ca),
            ("AKO_LAB_CONTROL", self.control.clone()),
        ]);
        if let Some(first) = kubeconfigs.first() {
            variables.insert("KUBE_CONFIG_PATH", first.clone());
            variables.insert("KUBECONFIG", kubeconfigs.join(":"));
        }
        let mut file = String::new();
        for (name, value) in variables {
            let quoted = value.replace('\'', r"'\''");
            let _ = writeln!(file, "export {name}='{quoted}'");
        }
        file
    }
}

/// A cluster behind the lab's front.
pub(crate) struct KubernetesService(pub(crate) Cluster);

impl Service for KubernetesService {
    fn label(&self, _request: &Request) -> String {
        format!("kubernetes/{}", self.0.name())
    }

    fn handle(&self, request: &Request) -> Response {
        self.0.handle(request)
    }
}

async fn start_cluster(
    seed: &seed::Cluster,
    authority: &Authority,
    shared: &Arc<Shared>,
    lab: &Options,
    stop: &CancellationToken,
) -> Result<(Arc<KubernetesService>, String), Error> {
    let listener = Listener::bind(0).await?;
    let url = format!("https://{}", listener.shown_as(lab.host.as_deref()));
    let certificate = authority.client_certificate("lab-admin", Some("system:masters"))?;
    let mut options = kubernetes::Options::new(&seed.name);
    options.client_certificate = Some(kubernetes::ClientCertificate {
        certificate_pem: certificate.certificate_pem,
        private_key_pem: certificate.key_pem,
    });
    let cluster = Cluster::new(options);
    seed.plant(&cluster)?;
    let kubeconfig = cluster.kubeconfig(&url, &authority.pem());

    let service = Arc::new(KubernetesService(cluster));
    let front = Front {
        service: Arc::clone(&service),
        shared: Arc::clone(shared),
    };
    listener.serve_tls(authority, Arc::new(front), stop.clone())?;
    Ok((service, kubeconfig))
}

fn run_directory(asked: Option<&Path>) -> Result<(Option<TempDir>, PathBuf), std::io::Error> {
    if let Some(path) = asked {
        std::fs::create_dir_all(path)?;
        return Ok((None, path.to_owned()));
    }
    let own = tempfile::Builder::new().prefix("ako-lab-").tempdir()?;
    let path = own.path().to_owned();
    Ok((Some(own), path))
}

fn sign_in(client_certificate: PathBuf, base_url: &str, identities_url: &str) -> SignIn {
    SignIn {
        client_certificate,
        client_certificate_password: client_certificates::PASSWORD.to_owned(),
        github_request_url: format!("{base_url}{}", pipelines::GITHUB),
        azure_devops_request_url: format!("{base_url}{}", pipelines::AZURE_DEVOPS),
        request_token: pipelines::REQUEST_TOKEN.to_owned(),
        service_connection_id: pipelines::SERVICE_CONNECTION.to_owned(),
        msi_endpoint: format!("{identities_url}{}", managed_identity::INSTANCE_METADATA),
        identity_endpoint: format!("{identities_url}{}", managed_identity::APP_SERVICE),
        identity_header: managed_identity::IDENTITY_HEADER.to_owned(),
    }
}

fn azure_connection(
    options: &Options,
    host: String,
    base_url: String,
    sign_in: SignIn,
) -> AzureConnection {
    let identity = &options.identity;
    let seed = &options.seed;
    AzureConnection {
        metadata_host: host,
        authority_host: base_url.clone(),
        resource_manager_endpoint: base_url,
        subscription_id: identity.subscription_id.clone(),
        tenant_id: identity.tenant_id.clone(),
        client_id: identity.client_id.clone(),
        client_secret: identity.client_secret.clone(),
        sign_in,
        resource_group: seed.resource_group.clone(),
        virtual_network_id: format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/virtualNetworks/{}",
            identity.subscription_id, seed.resource_group, seed.virtual_network
        ),
    }
}
