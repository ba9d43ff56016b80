//! The objects in which network plugins keep the pod CIDRs of nodes.
//!
//! Only the members that AKO reads are looked at. One that is missing or of another type is left out: a single
//! broken object must not hide the others.

use super::list::Resource;
use super::{Client, Error};
use crate::clients::Limits;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A kind of such objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginObjects {
    /// Calico's blocks of pod addresses.
    BlockAffinities,
    /// The subnets of nodes in OpenShift SDN.
    HostSubnets,
    /// Cilium's view of its nodes.
    CiliumNodes,
}

/// One such object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginObject {
    /// Its own name.
    pub name: String,
    /// The node that it is about; none where it does not say.
    pub node: Option<String>,
    /// The pod CIDRs; none where it lacks them, or has something else in their place.
    pub pod_cidrs: Option<Vec<String>>,
}

impl PluginObjects {
    /// Every kind.
    pub const ALL: [PluginObjects; 3] = [
        PluginObjects::BlockAffinities,
        PluginObjects::HostSubnets,
        PluginObjects::CiliumNodes,
    ];

    /// The name in messages, `<plural>.<group>`.
    pub fn name(self) -> &'static str {
        self.resource().name
    }

    /// The API group.
    pub fn group(self) -> &'static str {
        self.resource().group
    }

    /// The name in paths and roles.
    pub fn plural(self) -> &'static str {
        self.resource().plural
    }

    fn resource(self) -> &'static Resource {
        match self {
            PluginObjects::BlockAffinities => &Resource {
                group: "crd.projectcalico.org",
                version: "v1",
                plural: "blockaffinities",
                name: "blockaffinities.crd.projectcalico.org",
            },
            PluginObjects::HostSubnets => &Resource {
                group: "network.openshift.io",
                version: "v1",
                plural: "hostsubnets",
                name: "hostsubnets.network.openshift.io",
            },
            PluginObjects::CiliumNodes => &Resource {
                group: "cilium.io",
                version: "v2",
                plural: "ciliumnodes",
                name: "ciliumnodes.cilium.io",
            },
        }
    }
}

impl Client {
    /// All objects of that kind, in the order of the API; none where the cluster does not serve them.
    pub async fn list_plugin_objects(
        &self,
        limits: &Limits,
        kind: PluginObjects,
    ) -> Result<Option<Vec<PluginObject>>, Error> {
        let listed = match kind {
            PluginObjects::BlockAffinities => self.list_as::<BlockAffinity>(limits, kind).await,
            PluginObjects::HostSubnets => self.list_as::<HostSubnet>(limits, kind).await,
            PluginObjects::CiliumNodes => self.list_as::<CiliumNode>(limits, kind).await,
        };
        match listed {
            Ok(objects) => Ok(Some(objects)),
            Err(Error::NotServed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list_as<T: DeserializeOwned + Into<PluginObject>>(
        &self,
        limits: &Limits,
        kind: PluginObjects,
    ) -> Result<Vec<PluginObject>, Error> {
        let objects: Vec<T> = self.list(limits, kind.resource(), None).await?;
        Ok(objects.into_iter().map(T::into).collect())
    }
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
struct BlockAffinity {
    metadata: Metadata,
    #[serde(default)]
    spec: Lenient<BlockAffinitySpec>,
}

#[derive(Deserialize)]
struct BlockAffinitySpec {
    #[serde(default)]
    node: Lenient<String>,
    #[serde(default)]
    cidr: Lenient<String>,
}

#[derive(Deserialize)]
struct HostSubnet {
    metadata: Metadata,
    #[serde(default)]
    host: Lenient<String>,
    #[serde(default)]
    subnet: Lenient<String>,
}

#[derive(Deserialize)]
struct CiliumNode {
    metadata: Metadata,
    #[serde(default)]
    spec: Lenient<CiliumNodeSpec>,
}

#[derive(Deserialize)]
struct CiliumNodeSpec {
    #[serde(default)]
    ipam: Lenient<CiliumNodeIpam>,
}

#[derive(Deserialize)]
struct CiliumNodeIpam {
    #[serde(default, rename = "podCIDRs")]
    pod_cidrs: Lenient<Vec<String>>,
}

/// A member of the right type, or anything else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    Right(T),
    Other(IgnoredAny),
}

impl<T> Lenient<T> {
    fn right(self) -> Option<T> {
        match self {
            Lenient::Right(value) => Some(value),
            Lenient::Other(_) => None,
        }
    }
}

impl<T> Default for Lenient<T> {
    fn default() -> Lenient<T> {
        Lenient::Other(IgnoredAny)
    }
}

impl From<BlockAffinity> for PluginObject {
    fn from(object: BlockAffinity) -> PluginObject {
        let (node, cidr) = match object.spec.right() {
            Some(spec) => (spec.node.right(), spec.cidr.right()),
            None => (None, None),
        };
        PluginObject {
            name: object.metadata.name,
            node,
            pod_cidrs: cidr.map(|cidr| vec![cidr]),
        }
    }
}

impl From<HostSubnet> for PluginObject {
    fn from(object: HostSubnet) -> PluginObject {
        PluginObject {
            name: object.metadata.name,
            node: object.host.right(),
            pod_cidrs: object.subnet.right().map(|subnet| vec![subnet]),
        }
    }
}

impl From<CiliumNode> for PluginObject {
    fn from(object: CiliumNode) -> PluginObject {
        let ipam = object.spec.right().and_then(|spec| spec.ipam.right());
        PluginObject {
            node: Some(object.metadata.name.clone()),
            name: object.metadata.name,
            pod_cidrs: ipam.and_then(|ipam| ipam.pod_cidrs.right()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: DeserializeOwned + Into<PluginObject>>(text: &str) -> PluginObject {
        let text = format!(r#"{{"metadata": {{"name": "n1"}}, {text}}}"#);
        serde_json::from_str::<T>(&text).unwrap().into()
    }

    #[test]
    fn the_members_that_ako_reads_are_read() {
        let block = read::<BlockAffinity>(
            r#""spec": {"cidr": "10.133.0.0/26", "deleted": "false", "node": "n", "state": "confirmed"}"#,
        );
        let subnet =
            read::<HostSubnet>(r#""host": "n", "hostIP": "10.0.4.5", "subnet": "10.130.0.0/23""#);
        let cilium = read::<CiliumNode>(
            r#""spec": {"addresses": [{"ip": "10.0.4.5"}], "ipam": {"podCIDRs": ["10.128.0.0/24", "fd00::/64"]}}"#,
        );
        for (found, node, cidrs) in [
            (block, "n", &["10.133.0.0/26"][..]),
            (subnet, "n", &["10.130.0.0/23"]),
            (cilium, "n1", &["10.128.0.0/24", "fd00::/64"]),
        ] {
            assert_eq!((&*found.name, found.node.as_deref()), ("n1", Some(node)));
            assert_eq!(found.pod_cidrs.unwrap(), cidrs);
        }
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_left_out() {
        for spec in [
            r#""x": 1"#,
            r#""spec": null"#,
            r#""spec": []"#,
            r#""spec": {"node": 7, "cidr": null}"#,
        ] {
            let block = read::<BlockAffinity>(spec);
            assert_eq!((block.node, block.pod_cidrs), (None, None), "{spec}");
        }
        for members in [r#""x": 1"#, r#""host": ["n"], "subnet": 7"#] {
            let subnet = read::<HostSubnet>(members);
            assert_eq!((subnet.node, subnet.pod_cidrs), (None, None), "{members}");
        }
        for ipam in [
            "null",
            "{}",
            r#"{"podCIDRs": "10.128.0.0/24"}"#,
            r#"{"podCIDRs": [7]}"#,
        ] {
            let cilium = read::<CiliumNode>(&format!(r#""spec": {{"ipam": {ipam}}}"#));
            assert_eq!(cilium.pod_cidrs, None, "{ipam}");
        }
    }

    #[test]
    fn each_kind_is_named_by_its_plural_and_group() {
        for kind in PluginObjects::ALL {
            assert_eq!(kind.name(), format!("{}.{}", kind.plural(), kind.group()));
        }
    }
}
