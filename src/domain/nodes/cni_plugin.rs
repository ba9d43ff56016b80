//! The network plugin of a cluster, which decides where AKO looks.

/// The names that AKO's documentation lists for `cniPlugin`.
pub const KNOWN_PLUGINS: [&str; 8] = [
    "antrea",
    "calico",
    "canal",
    "cilium",
    "flannel",
    "ncp",
    "openshift",
    "ovn-kubernetes",
];

/// The network plugin of a cluster, as far as AKO tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CniPlugin {
    /// Pod CIDRs from the annotation or the node's spec, the next hop from the node's status.
    Default,
    /// As the default, but the next hop may come from an annotation of Antrea.
    Antrea,
    /// Pod CIDRs from `BlockAffinity` objects, the next hop from an annotation of Calico.
    Calico,
    /// Pod CIDRs from `HostSubnet` objects.
    OpenShift,
    /// Pod CIDRs from an annotation of the node.
    OvnKubernetes,
    /// Pod CIDRs from `CiliumNode` objects.
    Cilium,
}

/// Whether AKO's documentation lists this name; AKO reads it in any case, and takes none for the default.
pub fn is_known_plugin(name: &str) -> bool {
    name.is_empty() || KNOWN_PLUGINS.contains(&name.to_lowercase().as_str())
}

impl CniPlugin {
    /// The plugin of that name, in any case; a name that AKO does not know reads as the default, as it does there.
    pub fn of_name(name: &str) -> CniPlugin {
        match name.to_lowercase().as_str() {
            "antrea" => CniPlugin::Antrea,
            "calico" => CniPlugin::Calico,
            "openshift" => CniPlugin::OpenShift,
            "ovn-kubernetes" => CniPlugin::OvnKubernetes,
            "cilium" => CniPlugin::Cilium,
            _ => CniPlugin::Default,
        }
    }

    /// The objects in which the plugin keeps pod CIDRs, named as in the API: `<plural>.<group>`.
    pub fn objects(self) -> Option<&'static str> {
        match self {
            CniPlugin::Calico => Some("blockaffinities.crd.projectcalico.org"),
            CniPlugin::OpenShift => Some("hostsubnets.network.openshift.io"),
            CniPlugin::Cilium => Some("ciliumnodes.cilium.io"),
            CniPlugin::Default | CniPlugin::Antrea | CniPlugin::OvnKubernetes => None,
        }
    }

    /// Where a pod CIDR of such a cluster is written, for messages.
    pub(super) fn source_of_cidrs(self) -> &'static str {
        match self {
            CniPlugin::Default | CniPlugin::Antrea => "spec.podCIDRs",
            CniPlugin::Calico => "spec.cidr of its BlockAffinity objects",
            CniPlugin::OpenShift => "subnet of its HostSubnet",
            CniPlugin::OvnKubernetes => "the annotation k8s.ovn.org/node-subnets",
            CniPlugin::Cilium => "spec.ipam.podCIDRs of its CiliumNode",
        }
    }
}
