//! AKO in ClusterIP mode, as far as pod routes go: what it reads, what it writes, and when it does not.
//!
//! Everything here is read in or recorded from AKO 2.2.1. The actor is told when to look at its cluster
//! ([`Ako::sync`]), so that a test knows when it has; what it finds changed then counts as events that came together.
//!
//! Deliberately absent: virtual services and all that belongs to them, `AviInfraSetting`s at run time, a second replica.

mod boot;
mod nodes;
mod routes;
mod se_groups;
mod session;
mod vrf;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

pub use self::session::Sent;

use self::boot::Booted;
use self::nodes::{View, name_of};
use self::routes::{Route, Routes};
use self::session::Session;
use self::vrf::Next;
use super::door::Door;
use crate::lab::KubernetesService;
use crate::sync::lock;

/// The values of AKO's Helm chart that matter here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AkoOptions {
    /// The emulated cluster that it runs in.
    pub cluster: String,
    /// `clusterName`; the name of the emulated cluster where it is empty.
    pub cluster_name: String,
    /// `cloudName`.
    pub cloud: String,
    /// `serviceEngineGroupName`.
    pub se_group: String,
    /// The SE groups that `AviInfraSetting`s name.
    pub infra_se_groups: Vec<String>,
    /// `cniPlugin`.
    pub cni_plugin: String,
    /// `disableStaticRouteSync`.
    pub disable_static_route_sync: bool,
    /// `serviceType`.
    pub service_type: String,
    /// `primaryInstance`.
    pub primary_instance: bool,
    /// `deleteConfig` at boot: AKO then writes no route and deletes none.
    pub delete_config: bool,
    /// The names in `vipNetworkList`.
    pub vip_networks: Vec<String>,
    /// `tenantName`.
    pub tenant: String,
    /// The user on the controller; the lab's own where it is empty.
    pub username: String,
    /// Its password.
    pub password: String,
    /// A token in place of the password.
    pub token: Option<String>,
    /// Milliseconds until AKO repeats what was answered with 500.
    pub slow_retry_ms: u64,
}

impl Default for AkoOptions {
    fn default() -> AkoOptions {
        AkoOptions {
            cluster: String::new(),
            cluster_name: String::new(),
            cloud: "Default-Cloud".to_owned(),
            se_group: "Default-Group".to_owned(),
            infra_se_groups: Vec::new(),
            cni_plugin: String::new(),
            disable_static_route_sync: false,
            service_type: "ClusterIP".to_owned(),
            primary_instance: true,
            delete_config: false,
            vip_networks: vec!["vip-subnet".to_owned()],
            tenant: "admin".to_owned(),
            username: String::new(),
            password: String::new(),
            token: None,
            slow_retry_ms: 90_000,
        }
    }
}

impl AkoOptions {
    /// AKO in that emulated cluster, under its name.
    pub fn of(cluster: &str, cloud: &str, se_group: &str) -> AkoOptions {
        AkoOptions {
            cluster: cluster.to_owned(),
            cluster_name: cluster.to_owned(),
            cloud: cloud.to_owned(),
            se_group: se_group.to_owned(),
            ..AkoOptions::default()
        }
    }

    /// The options without what opens the controller.
    pub(super) fn shown(&self) -> AkoOptions {
        AkoOptions {
            password: String::new(),
            token: None,
            ..self.clone()
        }
    }

    /// Whether this AKO has anything to do with routes.
    fn writes_routes(&self) -> bool {
        !self.disable_static_route_sync && self.service_type == "ClusterIP"
    }

    /// Network plugins are compared in small letters.
    fn plugin(&self) -> String {
        self.cni_plugin.to_lowercase()
    }

    /// The config map that the Helm chart makes of the values.
    fn config_map(&self) -> BTreeMap<String, String> {
        let networks = self.vip_networks.iter();
        let networks: Vec<_> = networks.map(|name| json!({"networkName": name})).collect();
        let pairs = [
            ("clusterName", self.cluster_name.clone()),
            ("cloudName", self.cloud.clone()),
            ("serviceEngineGroupName", self.se_group.clone()),
            ("cniPlugin", self.cni_plugin.clone()),
            ("serviceType", self.service_type.clone()),
            ("tenantName", self.tenant.clone()),
            ("primaryInstance", self.primary_instance.to_string()),
            ("deleteConfig", self.delete_config.to_string()),
            ("vipNetworkList", json!(networks).to_string()),
            (
                "disableStaticRouteSync",
                self.disable_static_route_sync.to_string(),
            ),
        ];
        pairs.map(|(key, value)| (key.to_owned(), value)).into()
    }
}

/// What an AKO is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its pod runs.
    Running,
    /// It was stopped.
    Stopped,
    /// Its process ended by itself; Kubernetes would start it again, this lab does not.
    Ended(Ended),
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The exit code: 0 after a failed validation, 1 without a session, 2 after a panic.
    pub exit_code: i32,
    /// What its log said.
    pub reason: String,
}

impl Ended {
    fn new(exit_code: i32, reason: &str) -> Ended {
        Ended {
            exit_code,
            reason: reason.to_owned(),
        }
    }
}

/// What became of AKO's routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteSync {
    /// There was nothing to write.
    Idle,
    /// The controller took them.
    Written,
    /// It is still trying, in the background.
    Trying,
    /// It was refused, and will not try again before its own list changes.
    GaveUp,
}

/// What an action on an AKO came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What it is doing now.
    pub status: Status,
    /// What became of its routes.
    pub routes: RouteSync,
}

/// One AKO.
pub struct Ako {
    inner: Arc<Inner>,
}

struct Inner {
    options: AkoOptions,
    controller: Arc<dyn Door>,
    controller_host: String,
    cluster: Arc<KubernetesService>,
    sent: Arc<Mutex<Vec<Sent>>>,
    process: AsyncMutex<Process>,
    /// The lab's end.
    stop: CancellationToken,
}

/// What lives in the memory of one process.
struct Process {
    status: Status,
    session: Option<Session>,
    booted: Booted,
    routes: Routes,
    view: View,
    /// The list that it last began to write.
    published: Vec<Route>,
    /// `deleteConfig` at run time.
    paused: bool,
    /// Ends what tries in the background.
    trying: CancellationToken,
}

impl Ako {
    pub(super) fn new(
        options: AkoOptions,
        controller: Arc<dyn Door>,
        controller_host: &str,
        cluster: Arc<KubernetesService>,
        stop: CancellationToken,
    ) -> Ako {
        let process = Process {
            status: Status::Stopped,
            session: None,
            booted: Booted::default(),
            routes: Routes::default(),
            view: View::default(),
            published: Vec::new(),
            paused: false,
            trying: CancellationToken::new(),
        };
        Ako {
            inner: Arc::new(Inner {
                options,
                controller,
                controller_host: controller_host.to_owned(),
                cluster,
                sent: Arc::default(),
                process: AsyncMutex::new(process),
                stop,
            }),
        }
    }

    /// Starts the process, or starts it again: every route gets a new id.
    pub async fn start(&self) -> Outcome {
        self.stop().await;
        let mut process = self.inner.process.lock().await;
        let routes = self.inner.boot(&mut process).await;
        process.outcome(routes)
    }

    /// Stops the process. Nothing is cleaned up.
    pub async fn stop(&self) {
        // What is being tried holds the process; it has to let go first.
        let mut process = self.inner.process.lock().await;
        process.trying.cancel();
        process.session = None;
        process.status = Status::Stopped;
    }

    /// Looks at the cluster and takes in what changed since, as events that came together: one write (recorded: 30 nodes
    /// at once led to five).
    pub async fn sync(&self) -> Outcome {
        let mut process = self.inner.process.lock().await;
        let routes = self.inner.take_in_events(&mut process).await;
        process.outcome(routes)
    }

    /// Sets `deleteConfig` at run time. True takes AKO's routes and label away; false brings them back, but not those of
    /// nodes that came in between (recorded).
    pub async fn set_delete_config(&self, delete: bool) -> Outcome {
        let mut process = self.inner.process.lock().await;
        let routes = match delete {
            true => self.inner.delete_config(&mut process).await,
            false => self.inner.resume(&mut process).await,
        };
        process.outcome(routes)
    }

    /// What it is doing.
    pub async fn status(&self) -> Status {
        self.inner.process.lock().await.status.clone()
    }

    /// Everything it sent so far, over all its restarts.
    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.inner.sent).clone()
    }

    pub(super) fn options(&self) -> &AkoOptions {
        &self.inner.options
    }
}

impl Process {
    fn outcome(&self, routes: RouteSync) -> Outcome {
        Outcome {
            status: self.status.clone(),
            routes,
        }
    }
}

/// Fast attempts before an action returns and the rest goes on in the background.
const AWAITED_ATTEMPTS: u32 = 25;

impl Inner {
    async fn boot(self: &Arc<Self>, process: &mut Process) -> RouteSync {
        let options = &self.options;
        self.cluster
            .0
            .set_config_map("avi-system", "avi-k8s-config", &options.config_map());
        process.status = Status::Running;
        process.routes = Routes::default();
        process.published = Vec::new();
        process.paused = options.delete_config;
        process.view = self.look();
        let mut session = Session::new(
            Arc::clone(&self.controller),
            &self.controller_host,
            options,
            Arc::clone(&self.sent),
        );
        let booted = boot::boot(&mut session, options).await;
        process.session = Some(session);
        match booted {
            Ok(booted) => process.booted = booted,
            Err(ended) => {
                process.status = Status::Ended(ended);
                return RouteSync::Idle;
            }
        }
        if process.paused {
            return RouteSync::Idle;
        }
        let published = self.take_in_all(process);
        let is_stale = process.booted.has_routes && published;
        if process.routes.list().is_empty() && !is_stale {
            return RouteSync::Idle;
        }
        self.publish(process).await
    }

    async fn take_in_events(self: &Arc<Self>, process: &mut Process) -> RouteSync {
        if process.status != Status::Running {
            return RouteSync::Idle;
        }
        let view = self.look();
        let before = std::mem::replace(&mut process.view, view);
        if process.paused {
            // Nodes that come now are not looked at later either; those that go are gone.
            let gone = |node: &&serde_json::Value| process.view.node(name_of(node)).is_some();
            let known = before.nodes.iter().filter(gone).cloned().collect();
            process.view.nodes = known;
            return RouteSync::Idle;
        }
        let plugin = self.options.plugin();
        let mut publishes = false;
        for name in process.view.events_since(&before, &plugin) {
            publishes |= match process.view.node(&name) {
                Some(node) => {
                    let routes = process.view.routes_of(node, &plugin);
                    process.routes.take_in(&name, routes)
                }
                None => {
                    process.routes.remove(&name);
                    true
                }
            };
        }
        if !publishes || process.routes.list() == process.published {
            return RouteSync::Idle;
        }
        self.publish(process).await
    }

    async fn delete_config(self: &Arc<Self>, process: &mut Process) -> RouteSync {
        let Some(session) = process.session.as_mut() else {
            return RouteSync::Idle;
        };
        // Recorded: a configuration that does not hold makes `deleteConfig` do nothing.
        if process.paused || boot::validate(session, &self.options).await.is_err() {
            return RouteSync::Idle;
        }
        process.paused = true;
        let had_routes = !process.routes.list().is_empty();
        process.routes = Routes::default();
        let routes = match had_routes {
            true => self.publish(process).await,
            false => RouteSync::Idle,
        };
        if let (Some(session), true) = (process.session.as_mut(), self.writes()) {
            se_groups::unlabel(session, &self.options).await;
        }
        routes
    }

    async fn resume(self: &Arc<Self>, process: &mut Process) -> RouteSync {
        let Some(session) = process.session.as_mut().filter(|_| process.paused) else {
            return RouteSync::Idle;
        };
        if let Err(ended) = boot::resume(session, &self.options).await {
            process.status = Status::Ended(ended);
            return RouteSync::Idle;
        }
        let now = self.look();
        let known: Vec<String> = process
            .view
            .nodes
            .iter()
            .map(|n| name_of(n).to_owned())
            .collect();
        process.view = now;
        process
            .view
            .nodes
            .retain(|node| known.iter().any(|name| name == name_of(node)));
        process.paused = false;
        self.take_in_all(process);
        // The nodes that came in between count as seen, so that nothing leads to an event for them.
        process.view = self.look();
        match process.routes.list().is_empty() {
            true => RouteSync::Idle,
            false => self.publish(process).await,
        }
    }

    /// Takes in every node that it knows; true if one of them could be used.
    fn take_in_all(&self, process: &mut Process) -> bool {
        let plugin = self.options.plugin();
        let mut usable = false;
        for node in &process.view.nodes {
            let routes = process.view.routes_of(node, &plugin);
            usable |= process.routes.take_in(name_of(node), routes);
        }
        usable
    }

    /// Writes the list. What is not done after some attempts goes on in the background.
    async fn publish(self: &Arc<Self>, process: &mut Process) -> RouteSync {
        process.trying.cancel();
        process.trying = self.stop.child_token();
        process.published = process.routes.list().to_vec();
        // Recorded: without the VRF in its cache AKO leaves it at one line in its log.
        if !self.writes() || process.booted.vrf.is_none() {
            return RouteSync::Idle;
        }
        for attempt in 0..AWAITED_ATTEMPTS {
            match self.attempt(process).await {
                Next::Done => return RouteSync::Written,
                Next::Never => return RouteSync::GaveUp,
                Next::Later => {
                    self.go_on_later(process, Duration::from_millis(self.options.slow_retry_ms));
                    return RouteSync::Trying;
                }
                Next::Soon if self.stop.is_cancelled() => return RouteSync::GaveUp,
                Next::Soon => tokio::time::sleep(vrf::pause(attempt)).await,
            }
        }
        self.go_on_later(process, vrf::pause(AWAITED_ATTEMPTS));
        RouteSync::Trying
    }

    fn go_on_later(self: &Arc<Self>, process: &Process, mut delay: Duration) {
        let inner = Arc::clone(self);
        let trying = process.trying.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = trying.cancelled() => return,
                    () = tokio::time::sleep(delay) => {}
                }
                let mut process = inner.process.lock().await;
                if trying.is_cancelled() {
                    return;
                }
                let attempt = tokio::select! {
                    () = inner.stop.cancelled() => return,
                    next = inner.attempt(&mut process) => next,
                };
                delay = match attempt {
                    Next::Done | Next::Never => return,
                    Next::Soon => vrf::pause(AWAITED_ATTEMPTS),
                    Next::Later => Duration::from_millis(inner.options.slow_retry_ms),
                };
            }
        });
    }

    async fn attempt(&self, process: &mut Process) -> Next {
        let (Some(session), Some(uuid)) = (&mut process.session, &process.booted.vrf) else {
            return Next::Never;
        };
        let list = &process.published;
        match vrf::write(session, &self.options, uuid, list).await {
            Ok(next) => next,
            Err(routes::Panic) => {
                let reason = "panic: invalid memory address or nil pointer dereference";
                process.status = Status::Ended(Ended::new(2, reason));
                process.session = None;
                Next::Never
            }
        }
    }

    /// Whether it is the instance that writes routes.
    fn writes(&self) -> bool {
        self.options.writes_routes() && self.options.primary_instance
    }

    fn look(&self) -> View {
        View {
            nodes: self.cluster.0.node_objects(),
            custom_resources: self.cluster.0.custom_resources(),
        }
    }
}
