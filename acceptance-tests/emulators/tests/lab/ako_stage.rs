//! The scene of a recording of AKO, and the comparison of what was sent there with what was recorded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ako_lab::actors::AkoOptions;
use ako_lab::actors::ako::Sent;
use ako_lab::kubernetes::{Cluster, CustomResource, Node};
use ako_lab::{Action, Fault, Lab, Options, Seed};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ako_recordings::LEFT_OUT;

/// A cloud `azure-cloud` with the SE group `seg-prod-eu`, and a cluster of three nodes.
pub(crate) struct Stage {
    pub(crate) recording: Value,
    pub(crate) options: AkoOptions,
    lab: Arc<Lab>,
    log: Arc<Mutex<Vec<Sent>>>,
    /// How much of what this AKO sent is in the log.
    seen: usize,
}

impl Stage {
    pub(crate) async fn new(recording: &Value) -> Stage {
        let options = Options {
            seed: Seed::two_clusters(0),
            ..Options::default()
        };
        let lab = Lab::start(options).await.unwrap();
        // Nothing here is about Azure.
        lab.connector()
            .change_settings(|settings| settings.running = false);
        make_cloud(&lab);
        let mut options = AkoOptions::of("cluster1", "azure-cloud", "seg-prod-eu");
        options.cluster_name = "prod-eu".to_owned();
        let stage = Stage {
            recording: recording.clone(),
            options,
            lab: Arc::new(lab),
            log: Arc::default(),
            seen: 0,
        };
        stage.set_nodes(&[
            ("node1", "10.0.4.5", &["10.244.1.0/24"]),
            ("node2", "10.0.4.6", &["10.244.2.0/24"]),
            ("node3", "10.0.4.7", &["10.244.3.0/24"]),
        ]);
        stage.make_group("seg-prod-eu");
        stage.label("seg-prod-eu", "clustername", "prod-eu");
        let foreign = json!({"add": {"x_unknown_to_client": "keep-me"}});
        stage.patch_vrf(&foreign);
        stage
    }

    /// A second AKO in another cluster, with an SE group of its own; both write one log.
    pub(crate) fn beside(&self, cluster: &str, cluster_name: &str, se_group: &str) -> Stage {
        let mut options = AkoOptions::of(cluster, "azure-cloud", se_group);
        options.cluster_name = cluster_name.to_owned();
        self.make_group(se_group);
        Stage {
            recording: self.recording.clone(),
            options,
            lab: Arc::clone(&self.lab),
            log: Arc::clone(&self.log),
            seen: 0,
        }
    }

    pub(crate) fn log(&self) -> Vec<Sent> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        self.lab.cluster(&self.options.cluster).unwrap()
    }

    pub(crate) async fn boot(&mut self) {
        self.lab.start_ako(self.options.clone()).await.unwrap();
        self.seen = 0;
        self.drain();
    }

    pub(crate) async fn reboot(&mut self) {
        self.boot().await;
    }

    pub(crate) async fn sync(&mut self) {
        let ako = self.lab.ako(&self.options.cluster).unwrap();
        ako.sync().await;
        self.drain();
    }

    pub(crate) async fn delete_config(&mut self, delete: bool) {
        let ako = self.lab.ako(&self.options.cluster).unwrap();
        ako.set_delete_config(delete).await;
        self.drain();
    }

    /// Waits for this many writes of the VRF.
    pub(crate) async fn wait_for_writes(&mut self, count: usize) {
        let is_write = |sent: &&Sent| sent.method == "PUT" && sent.target.contains("vrfcontext");
        for _ in 0..500 {
            self.drain();
            if self.log().iter().filter(is_write).count() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} writes did not come");
    }

    fn drain(&mut self) {
        let sent = self.lab.ako(&self.options.cluster).unwrap().sent();
        self.log
            .lock()
            .unwrap()
            .extend_from_slice(&sent[self.seen..]);
        self.seen = sent.len();
    }

    pub(crate) fn set_nodes(&self, nodes: &[(&str, &str, &[&str])]) {
        let nodes = nodes.iter().map(|(name, ip, cidrs)| {
            let mut node = Node::ready(name, ip, "");
            node.pod_cidrs = cidrs.iter().map(|cidr| (*cidr).to_owned()).collect();
            node
        });
        self.cluster().set_nodes(&nodes.collect::<Vec<_>>());
    }

    /// Adds a node without AKO's hearing of it.
    pub(crate) fn place(&self, name: &str, ip: &str, cidr: &str) {
        let mut node = Node::ready(name, ip, cidr);
        node.pod_cidrs.retain(|cidr| !cidr.is_empty());
        self.cluster().add_node(&node);
    }

    pub(crate) async fn add(&mut self, name: &str, ip: &str, cidr: &str) {
        self.place(name, ip, cidr);
        self.sync().await;
    }

    pub(crate) async fn add_with_ips(&mut self, name: &str, ips: &[&str], cidr: &str) {
        self.place(name, ips[0], cidr);
        let nodes = self.cluster().node_objects();
        let node = nodes
            .into_iter()
            .find(|node| node["metadata"]["name"] == name);
        let mut node = node.unwrap();
        let addresses = ips
            .iter()
            .map(|ip| json!({"type": "InternalIP", "address": ip}));
        node["status"]["addresses"] = addresses.collect();
        self.cluster().add_node_object(&node);
        self.sync().await;
    }

    pub(crate) async fn remove(&mut self, name: &str) {
        assert!(self.cluster().remove_node(name), "{name}");
        self.sync().await;
    }

    pub(crate) async fn change(&mut self, name: &str, change: impl FnOnce(&mut Node)) {
        assert!(self.cluster().update_node(name, change), "{name}");
        self.sync().await;
    }

    pub(crate) async fn set_ip(&mut self, name: &str, ip: &str) {
        self.change(name, |node| node.internal_ip = Some(ip.to_owned()))
            .await;
    }

    pub(crate) async fn set_cidrs(&mut self, name: &str, cidrs: &[&str]) {
        let cidrs = cidrs.iter().map(|cidr| (*cidr).to_owned()).collect();
        self.change(name, |node| node.pod_cidrs = cidrs).await;
    }

    /// Changes a label: an event without meaning for routes.
    pub(crate) async fn touch(&mut self, name: &str) {
        let value = Uuid::new_v4().to_string();
        self.change(name, |node| {
            node.labels.insert("touched".to_owned(), value);
        })
        .await;
    }

    pub(crate) async fn annotate(&mut self, name: &str, cidrs: Option<&str>) {
        self.change(name, |node| {
            let key = "ako.vmware.com/pod-cidrs";
            match cidrs {
                Some(cidrs) => node.annotations.insert(key.to_owned(), cidrs.to_owned()),
                None => node.annotations.remove(key),
            };
        })
        .await;
    }

    pub(crate) fn set_resources(&self, plural: &str, items: &[Value]) {
        let resource = CustomResource::of_plural(plural).unwrap();
        self.cluster().set_custom_resources(&resource, items);
    }

    /// An SE group without a label, and with a member that AKO does not know.
    pub(crate) fn make_group(&self, name: &str) {
        let group = json!({
            "name": name,
            "cloud_ref": "/api/cloud?name=azure-cloud",
            "data_network_id": "snet-cluster1-nodes",
            "x_unknown_to_client": "keep-me",
        });
        let (status, body) = self.avi("POST", "/api/serviceenginegroup", group);
        assert_eq!(status, 201, "{body}");
    }

    pub(crate) fn remove_group(&self, name: &str) {
        let path = self.path_of("serviceenginegroup", name);
        let (status, body) = self.avi("DELETE", &path, Value::Null);
        assert!(status < 300, "{body}");
    }

    pub(crate) fn label(&self, group: &str, key: &str, value: &str) {
        self.set_labels(group, &json!([{"key": key, "value": value}]));
    }

    pub(crate) fn unlabel(&self, group: &str) {
        self.set_labels(group, &json!([]));
    }

    fn set_labels(&self, group: &str, labels: &Value) {
        let path = self.path_of("serviceenginegroup", group);
        let patch = json!({"replace": {"labels": labels}});
        let (status, body) = self.avi("PATCH", &path, patch);
        assert_eq!(status, 200, "{body}");
    }

    pub(crate) fn patch_vrf(&self, patch: &Value) {
        let path = self.path_of("vrfcontext", "global");
        let (status, body) = self.avi("PATCH", &path, patch.clone());
        assert_eq!(status, 200, "{body}");
    }

    /// Somebody takes a route out of the VRF.
    pub(crate) fn lose_route(&self, address: &str) {
        let (_, vrf) = self.avi("GET", &self.path_of("vrfcontext", "global"), Value::Null);
        let routes = vrf["static_routes"].as_array().unwrap().iter();
        let kept = routes.filter(|route| route["prefix"]["ip_addr"]["addr"] != address);
        let kept: Vec<&Value> = kept.collect();
        self.patch_vrf(&json!({"replace": {"static_routes": kept}}));
    }

    pub(crate) fn other_cluster_route(&self) -> Value {
        json!({
            "route_id": "prod-us-aaaa-0",
            "prefix": {"ip_addr": {"addr": "10.244.1.0", "type": "V4"}, "mask": 24},
            "next_hop": {"addr": "10.9.0.5", "type": "V4"},
            "labels": [{"key": "clustername", "value": "prod-us"}],
        })
    }

    pub(crate) fn refuse_writes(&self, kind: &str, status: u16, error: &str, count: Option<u64>) {
        self.refuse("PUT", kind, status, error, count);
    }

    pub(crate) fn refuse(
        &self,
        method: &str,
        kind: &str,
        status: u16,
        error: &str,
        count: Option<u64>,
    ) {
        let action = Action::Respond {
            status,
            headers: BTreeMap::new(),
            body: json!({"error": error}),
        };
        let mut fault = Fault::on(method, &format!("*/api/{kind}/*"), action);
        fault.pattern.service = Some("ako".to_owned());
        fault.pattern.count = count;
        self.lab.add_fault(fault);
    }

    /// Lets AKO log in with a token in place of the password.
    pub(crate) async fn use_token(&mut self) {
        let avi = &self.lab.connection().avi;
        let (base, http) = (
            format!("https://{}", avi.controller),
            crate::arm::http(&self.lab),
        );
        let user = json!({"username": avi.username, "password": avi.password});
        let login = http.post(format!("{base}/login"));
        let login = login.header("content-type", "application/json");
        let login = login.body(user.to_string()).send().await.unwrap();
        let cookies = login.headers().get_all("set-cookie").iter();
        let cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookies: Vec<&str> = cookies.collect();
        let token = cookies
            .iter()
            .find_map(|cookie| cookie.strip_prefix("csrftoken="));
        let asked = http.post(format!("{base}/api/user-token"));
        let asked = asked.header("cookie", cookies.join("; "));
        let asked = asked.header("x-csrftoken", token.unwrap());
        let asked = asked.header("referer", format!("{base}/"));
        let answer = asked.body(r#"{"hours": 1}"#).send().await.unwrap();
        let answer = answer.bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        self.options.username.clone_from(&avi.username);
        self.options.token = Some(answer["token"].as_str().unwrap().to_owned());
    }

    fn path_of(&self, kind: &str, name: &str) -> String {
        let path = format!("/api/{kind}?name={name}&cloud_ref.name=azure-cloud");
        let (_, list) = self.avi("GET", &path, Value::Null);
        let uuid = list["results"][0]["uuid"].as_str();
        format!(
            "/api/{kind}/{}",
            uuid.unwrap_or_else(|| panic!("{kind} {name}: {list}"))
        )
    }

    fn avi(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.lab.avi().request(method, path, body)
    }
}

fn make_cloud(lab: &Lab) {
    let principal = &lab.connection().avi.principal;
    let azure = &lab.connection().azure;
    let credential = json!({"name": "azure", "azure_serviceprincipal": {
        "application_id": principal.client_id,
        "authentication_token": principal.client_secret,
        "tenant_id": azure.tenant_id,
    }});
    let (status, body) = lab
        .avi()
        .request("POST", "/api/cloudconnectoruser", credential);
    assert_eq!(status, 201, "{body}");
    let cloud = json!({"name": "azure-cloud", "vtype": "CLOUD_AZURE", "azure_configuration": {
        "subscription_id": azure.subscription_id,
        "location": "westeurope",
        "resource_group": azure.resource_group,
        "cloud_credentials_ref": body["url"],
        "network_info": [{
            "virtual_network_id": azure.virtual_network_id,
            "se_network_id": "snet-cluster1-nodes",
        }],
    }});
    let (status, body) = lab.avi().request("POST", "/api/cloud", cloud);
    assert_eq!(status, 201, "{body}");
}

/// Compares; returns how many recorded requests were found again.
pub(crate) fn replayed(
    name: &str,
    recording: &Value,
    sent: &[Sent],
    differences: &mut Vec<String>,
) -> usize {
    let end = LEFT_OUT.iter().find(|(scenario, ..)| *scenario == name);
    let end = end.map_or(u64::MAX, |(_, from, _)| *from);
    let requests = recording["requests"].as_array().unwrap().iter();
    let requests: Vec<&Value> = requests
        .filter(|r| r["n"].as_u64().unwrap() < end)
        .collect();
    let mut rest = sent.iter();
    let (mut theirs, mut ours) = (Ids::default(), Ids::default());
    for request in &requests {
        let expected = Call::recorded(request, recording);
        let found = loop {
            match rest.next() {
                Some(sent) if Call::of(sent) == expected => break Some(sent),
                Some(sent) if is_left_out(name, recording, sent) => {}
                Some(sent) => {
                    differences.push(format!(
                        "{name} {}: recorded {expected:?}, sent {:?}",
                        request["n"],
                        Call::of(sent)
                    ));
                    return 0;
                }
                None => break None,
            }
        };
        let Some(sent) = found else {
            differences.push(format!(
                "{name} {}: {expected:?} was not sent",
                request["n"]
            ));
            return 0;
        };
        if sent.method == "PUT" && !is_abridged(&request["body"]) {
            let (recorded, actual) = (&request["body"], &sent.body);
            let (recorded_facts, facts) = (theirs.facts(recorded), ours.facts(actual));
            let lost = members(recorded).find(|member| actual.get(member.as_str()).is_none());
            let foreign = members(actual).find(|member| member.starts_with("x_"));
            if recorded_facts != facts || lost.is_some() || foreign.is_some() {
                differences.push(format!(
                    "{name} {}: recorded {recorded_facts}\n  sent {facts}\n  lost {lost:?}, foreign {foreign:?}",
                    request["n"]
                ));
            }
        }
    }
    // What comes after the end of the comparison has nothing to be compared with.
    let rest = rest.filter(|_| end == u64::MAX);
    for sent in rest.filter(|sent| !is_left_out(name, recording, sent)) {
        differences.push(format!("{name}: {:?} is not recorded", Call::of(sent)));
    }
    requests.len()
}

/// What tells one request from another.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    method: String,
    target: String,
    tenant: String,
    version: String,
    status: u64,
}

impl Call {
    fn recorded(request: &Value, recording: &Value) -> Call {
        let header = |name: &str| {
            let own = request["headers"].get(name).and_then(Value::as_str);
            own.or(recording["common_headers"][name].as_str())
                .unwrap_or_default()
                .to_owned()
        };
        Call {
            method: request["method"].as_str().unwrap().to_owned(),
            target: without_ids(request["path"].as_str().unwrap()),
            tenant: header("X-Avi-Tenant"),
            version: header("X-Avi-Version"),
            status: request["status"].as_u64().unwrap(),
        }
    }

    fn of(sent: &Sent) -> Call {
        Call {
            method: sent.method.clone(),
            target: without_ids(&sent.target),
            tenant: sent.headers["x-avi-tenant"].clone(),
            version: sent.headers["x-avi-version"].clone(),
            status: sent.status.map_or(0, u64::from),
        }
    }
}

/// The random ids of routes, numbered as they appear.
#[derive(Default)]
struct Ids(Vec<String>);

impl Ids {
    /// Labels and routes of a body.
    fn facts(&mut self, body: &Value) -> Value {
        let routes = body["static_routes"].as_array();
        let routes = routes.map(|routes| {
            let facts = routes.iter().map(|route| {
                json!([
                    self.numbered(route["route_id"].as_str().unwrap_or_default()),
                    route["prefix"],
                    route["next_hop"],
                    route.get("labels").filter(|labels| **labels != json!([])),
                    route["if_name"],
                    route["disable_gateway_monitor"],
                    route["x_unknown_to_client"],
                ])
            });
            facts.collect::<Value>()
        });
        json!({"labels": body["labels"], "routes": routes})
    }

    fn numbered(&mut self, route_id: &str) -> String {
        let Some((before, id, after)) = find_id(route_id) else {
            return route_id.to_owned();
        };
        let at = self.0.iter().position(|known| known == id);
        let at = at.unwrap_or_else(|| {
            self.0.push(id.to_owned());
            self.0.len() - 1
        });
        format!("{before}{at}{after}")
    }
}

/// Long lists are shown in part, with a text that says so.
fn is_abridged(body: &Value) -> bool {
    let routes = body["static_routes"].as_array();
    routes.is_some_and(|routes| routes.iter().any(Value::is_string))
}

fn members(body: &Value) -> impl Iterator<Item = &String> {
    body.as_object()
        .into_iter()
        .flat_map(|members| members.keys())
}

/// Requests that the recorder left out, and says so.
fn is_left_out(name: &str, recording: &Value, sent: &Sent) -> bool {
    let path = sent.target.split('?').next().unwrap();
    let path = path.trim_start_matches('/');
    let is_listed = path.contains("vrfcontext") || path.contains("serviceenginegroup");
    let key = format!("{} /{path}", sent.method);
    path == "login"
        || recording["not_listed_requests"].get(&key).is_some()
        || (recording.get("boot_requests").is_some() && !is_listed)
        // Of 434 requests the recording shows the first and the last.
        || name == "08_slow_412_for_ever"
}

fn without_ids(target: &str) -> String {
    match find_id(target) {
        Some((before, _, after)) => format!("{before}*{}", without_ids(after)),
        None => target.to_owned(),
    }
}

/// The first uuid in a text.
fn find_id(text: &str) -> Option<(&str, &str, &str)> {
    (0..text.len()).find_map(|at| {
        let id = text.get(at..at + 36)?;
        Uuid::try_parse(id).ok()?;
        Some((&text[..at], id, &text[at + 36..]))
    })
}
