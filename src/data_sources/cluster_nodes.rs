//! `ako_cluster_nodes`: the nodes of a cluster with their pod CIDRs, as AKO reads them.

use crate::clients::NotReady;
use crate::clients::kubernetes::{Connection, Error, Node as ApiNode};
use crate::configured::{Configured, limits_of};
use crate::domain::nodes::{CniPlugin, NodeFacts, Selection, select_nodes};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::plan::Config;
use crate::framework::resource::{Context, DataSource};
use crate::framework::schema::{Attribute, Schema, Shape, Type};
use crate::resources::nodes::NodeModel;
use crate::wording::{sentence, with_causes};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The data source `ako_cluster_nodes`.
#[derive(Debug)]
pub struct ClusterNodes {
    configured: Arc<Configured>,
}

/// The attributes of `ako_cluster_nodes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// A kubeconfig file.
    pub config_path: Option<String>,
    /// The context in it.
    pub config_context: Option<String>,
    /// The address of the API server.
    pub host: Option<String>,
    /// The certificate authority of the API server, PEM.
    pub cluster_ca_certificate: Option<String>,
    /// The network plugin, as AKO's `cniPlugin`.
    pub cni_plugin: Option<String>,
    /// The nodes by name.
    pub nodes: Option<BTreeMap<String, NodeModel>>,
    /// Why nodes are left out, by name.
    pub skipped_nodes: Option<BTreeMap<String, String>>,
    /// Which pod CIDRs are left out, and why.
    pub skipped_cidrs: Option<Vec<SkippedCidrModel>>,
}

/// A pod CIDR that is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkippedCidrModel {
    /// The node that has it.
    pub node_name: String,
    /// As Kubernetes has it.
    pub cidr: String,
    /// Why.
    pub reason: String,
}

#[async_trait]
impl DataSource for ClusterNodes {
    const NAME: &'static str = "ako_cluster_nodes";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> ClusterNodes {
        ClusterNodes { configured }
    }

    fn schema() -> Schema {
        Schema::new(
            "The nodes of a Kubernetes cluster with their pod CIDRs and addresses, read as AKO reads them in ClusterIP mode: all nodes, whether ready or not, IPv4 only. The credentials need `list` on `nodes`.",
            attributes(),
        )
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        if let Some(name) = config.get("cni_plugin").as_str()
            && let Err(error) = CniPlugin::parse(name)
        {
            diagnostics.push(unsupported_cni(&error));
        }
    }

    async fn read(&self, context: &Context, config: Model) -> Result<Model, Diagnostics> {
        let cni = CniPlugin::parse(config.cni_plugin.as_deref().unwrap_or_default())
            .map_err(|error| unsupported_cni(&error))?;
        let connection = Connection {
            config_path: config.config_path.clone(),
            config_context: config.config_context.clone(),
            host: config.host.clone(),
            cluster_ca_certificate: config.cluster_ca_certificate.clone(),
        };
        let nodes = async {
            let limits = limits_of(context);
            let client = self.configured.clients.kubernetes(&limits, &connection);
            client.await?.list_nodes(&limits).await
        };
        let nodes = nodes.await.map_err(|error| failed(&error))?;
        Ok(config.with(select_nodes(nodes.into_iter().map(facts_of), cni)))
    }
}

impl Model {
    fn with(self, selection: Selection) -> Model {
        let nodes = selection.nodes.into_iter();
        let nodes = nodes.map(|(name, node)| (name, NodeModel::from(node)));
        let skipped_nodes = selection.skipped_nodes.into_iter();
        let skipped_cidrs = selection.skipped_cidrs.into_iter();
        Model {
            nodes: Some(nodes.collect()),
            skipped_nodes: Some(
                skipped_nodes
                    .map(|node| (node.name, node.reason.to_string()))
                    .collect(),
            ),
            skipped_cidrs: Some(
                skipped_cidrs
                    .map(|skipped| SkippedCidrModel {
                        node_name: skipped.node,
                        cidr: skipped.cidr,
                        reason: skipped.reason.to_string(),
                    })
                    .collect(),
            ),
            ..self
        }
    }
}

fn attributes() -> Vec<Attribute> {
    let connection = |name: &str, description: &str| {
        let rest = "What is left out comes from the section `kubernetes` of the provider block.";
        Attribute::optional(name, Type::String, format!("{description} {rest}"))
    };
    let node = vec![
        Attribute::computed(
            "internal_ip",
            Type::String,
            "The first IPv4 address of type `InternalIP`.",
        ),
        Attribute::computed(
            "pod_cidrs",
            Type::set(Type::String),
            "The IPv4 networks of the pods on the node.",
        ),
    ];
    let skipped_cidr = vec![
        Attribute::computed("node_name", Type::String, "The node that has it."),
        Attribute::computed("cidr", Type::String, "The pod CIDR as Kubernetes has it."),
        Attribute::computed("reason", Type::String, "Why there is no route for it."),
    ];
    vec![
        connection(
            "config_path",
            "A kubeconfig file, so that one configuration can read several clusters.",
        ),
        connection("config_context", "The context of the kubeconfig."),
        connection(
            "host",
            "The address of the API server. With it alone, the token or client certificate of the section is presented there.",
        ),
        connection(
            "cluster_ca_certificate",
            "The certificate authority of the API server, PEM.",
        ),
        Attribute::optional(
            "cni_plugin",
            Type::String,
            "The network plugin, the same as AKO's `cniPlugin`. Unset, or one that AKO does not know: pod CIDRs from the node annotation `ako.vmware.com/pod-cidrs`, else from the node's `spec.podCIDRs`. `antrea`: the address may come from an annotation of Antrea. `calico`, `cilium`, `openshift` and `ovn-kubernetes` are not supported by this version.",
        ),
        Attribute::computed(
            "nodes",
            Shape::map_of(node),
            "The nodes under their names, ready for `ako_pod_routes`.",
        ),
        Attribute::computed(
            "skipped_nodes",
            Type::map(Type::String),
            "Nodes that can have no route, each with the reason.",
        ),
        Attribute::computed(
            "skipped_cidrs",
            Shape::list_of(skipped_cidr),
            "Pod CIDRs of the other nodes that can have no route, each with the reason: IPv6, and networks whose address another node has already.",
        ),
    ]
}

fn facts_of(node: ApiNode) -> NodeFacts {
    let internal = node.addresses.into_iter();
    let internal = internal.filter(|(kind, _)| kind == "InternalIP");
    NodeFacts {
        name: node.name,
        annotations: node.annotations,
        pod_cidrs: node.pod_cidrs,
        internal_ips: internal.map(|(_, address)| address).collect(),
    }
}

fn unsupported_cni(error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::error(
        "The network plugin is not supported",
        format!(
            "{}. Write the nodes into the configuration by hand until then.",
            error
        ),
    )
    .at(Path::attribute("cni_plugin"))
}

fn failed(error: &Error) -> Diagnostic {
    let advice = match error {
        Error::Forbidden { .. } => {
            "Give the account a ClusterRole and a ClusterRoleBinding to it. The least that suffices is this rule:\n\n  apiVersion: rbac.authorization.k8s.io/v1\n  kind: ClusterRole\n  metadata: {name: ako-node-reader}\n  rules:\n    - {apiGroups: [\"\"], resources: [nodes], verbs: [list]}"
        }
        Error::Unauthorized { .. } => {
            "Check the token or the client certificate, whether it has expired, and whether the kubeconfig's context names the right user."
        }
        Error::Unreachable { .. } => {
            "Check the address and the network. If the cluster is made in the same run, its address is not known while planning: apply the cluster first, or give the nodes to ako_pod_routes by hand."
        }
        Error::NotReady(NotReady::Unknown { .. }) => {
            "It depends on something that is made in the same run, and a data source is read while planning. Apply that first (with -target, or in a configuration of its own)."
        }
        Error::NotConfigured => {
            "Name a kubeconfig or a host, in this data source or in the section `kubernetes` of the provider block. KUBECONFIG is not read, as in the Kubernetes provider."
        }
        _ => "Run Terraform again when the cause is removed.",
    };
    Diagnostic::error(
        "Cannot read the nodes of the cluster",
        format!("{}\n\n{advice}", sentence(&with_causes(error))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::{Clients, Settings, Variables, azure, kubernetes, user_agent};
    use crate::configured::Claims;
    use crate::framework::value::Value;
    use ako_lab::{Action, Fault, Lab, Options};
    use serde_json::json;
    use std::time::{Duration, Instant};
    use tokio_util::sync::CancellationToken;

    #[test]
    fn only_internal_addresses_count() {
        let node = ApiNode {
            name: "n1".into(),
            pod_cidrs: vec!["10.244.1.0/24".into()],
            addresses: vec![
                ("ExternalIP".into(), "20.0.0.1".into()),
                ("InternalIP".into(), "10.0.0.4".into()),
                ("Hostname".into(), "n1".into()),
            ],
            ..ApiNode::default()
        };
        assert_eq!(facts_of(node).internal_ips, ["10.0.0.4"]);
    }

    async fn read(lab: &Lab, cluster: &str) -> Result<Model, Diagnostics> {
        let configured = Configured {
            clients: Clients::new(Settings {
                azure: azure::Settings::default(),
                kubernetes: kubernetes::Settings::default(),
                variables: Variables::from_map(BTreeMap::new()),
                user_agent: user_agent("1.11.4"),
                request_timeout: Duration::from_secs(5),
            }),
            adopt_remnants: true,
            claims: Claims::default(),
            replaced: Claims::default(),
        };
        let mut clusters = lab.connection().kubernetes.iter();
        let cluster = clusters.find(|known| known.name == cluster).unwrap();
        let config = Model {
            config_path: Some(cluster.kubeconfig.display().to_string()),
            config_context: None,
            host: None,
            cluster_ca_certificate: None,
            cni_plugin: None,
            nodes: None,
            skipped_nodes: None,
            skipped_cidrs: None,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        let context = Context::new(deadline, CancellationToken::new(), Value::Null);
        let source = ClusterNodes::new(Arc::new(configured));
        source.read(&context, config).await
    }

    #[tokio::test]
    async fn two_clusters_with_the_same_pod_cidrs_are_read_in_one_configuration() {
        let lab = Lab::start(Options::default()).await.unwrap();
        for (cluster, address) in [("cluster1", "10.1.0.4"), ("cluster2", "10.2.0.4")] {
            let nodes = read(&lab, cluster).await.unwrap().nodes.unwrap();
            assert_eq!(nodes.len(), 3);
            let node = &nodes[&format!("{cluster}-node-0")];
            assert_eq!(node.internal_ip.to_string(), address);
            assert_eq!(node.pod_cidrs, ["10.244.0.0/24"]);
        }
    }

    #[tokio::test]
    async fn what_has_no_route_is_named_with_its_reason() {
        let lab = Lab::start(Options::default()).await.unwrap();
        let cluster = lab.cluster("cluster1").unwrap();
        cluster.update_node("cluster1-node-0", |node| node.internal_ip = None);
        cluster.update_node("cluster1-node-1", |node| {
            node.pod_cidrs.push("fd00::/64".into())
        });
        cluster.update_node("cluster1-node-2", |node| {
            let annotation = ("ako.vmware.com/pod-cidrs".into(), "10.9.0.0/24".into());
            node.annotations.extend([annotation]);
            node.ready = false;
        });
        let model = read(&lab, "cluster1").await.unwrap();
        assert_eq!(
            model.nodes.unwrap()["cluster1-node-2"].pod_cidrs,
            ["10.9.0.0/24"]
        );
        let skipped = model.skipped_nodes.unwrap();
        assert!(
            skipped["cluster1-node-0"].contains("InternalIP"),
            "{skipped:?}"
        );
        let [cidr] = &*model.skipped_cidrs.unwrap() else {
            panic!("one is skipped")
        };
        assert_eq!(
            (&*cidr.node_name, &*cidr.cidr),
            ("cluster1-node-1", "fd00::/64")
        );
    }

    #[tokio::test]
    async fn a_forbidden_list_is_an_error_with_its_remedy() {
        let lab = Lab::start(Options::default()).await.unwrap();
        let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "message": "nodes is forbidden: User \"x\" cannot list resource \"nodes\"",
            "reason": "Forbidden", "details": {"kind": "nodes"}, "code": 403});
        lab.add_fault(Fault::on(
            "GET",
            "/api/v1/nodes",
            Action::respond(403, refusal),
        ));
        let errors = read(&lab, "cluster1").await.unwrap_err();
        let detail = &errors.iter().next().unwrap().detail;
        assert!(
            detail.contains("cannot list") && detail.contains("ClusterRole"),
            "{detail}"
        );
    }

    #[test]
    fn a_refusal_comes_with_the_least_role_that_suffices() {
        let error = Error::Forbidden {
            action: "listing nodes".into(),
            verb: "list",
            resource: "nodes",
            message: "forbidden".into(),
        };
        let detail = failed(&error).detail;
        assert!(
            detail.contains("ClusterRole") && detail.contains("verbs: [list]"),
            "{detail}"
        );
    }

    #[test]
    fn a_plugin_with_a_source_of_its_own_is_refused_while_planning() {
        let config = Value::object([("cni_plugin", "calico".into())]);
        let mut found = Diagnostics::new();
        ClusterNodes::validate(&Config::new(&config), &mut found);
        assert!(found.has_errors());
    }
}
