//! The pod CIDRs of a node, from where its network plugin keeps them.

use super::{CniPlugin, NodeFacts, NodeSubnets, PluginObject, SkipReason};
use crate::domain::cidr::{Cidr, CidrError};
use std::collections::HashMap;

/// The annotation by which a user tells AKO a node's pod CIDRs, comma-separated. It wins over the node's own; the
/// plugins with a source of their own do not look at it.
pub const POD_CIDRS_ANNOTATION: &str = "ako.vmware.com/pod-cidrs";

/// A pod CIDR as Kubernetes has it, and the network, or why AKO leaves it out.
pub(super) struct PodCidr {
    pub(super) text: String,
    pub(super) network: Result<Cidr, SkipReason>,
}

/// Where the pod CIDRs of one cluster are found.
pub(super) struct Sources<'a> {
    cni: CniPlugin,
    objects: Option<&'a [PluginObject]>,
    by_node: HashMap<&'a str, Vec<&'a PluginObject>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(cni: CniPlugin, objects: Option<&'a [PluginObject]>) -> Sources<'a> {
        let mut by_node: HashMap<&str, Vec<&PluginObject>> = HashMap::new();
        for object in objects.into_iter().flatten() {
            if let Some(node) = &object.node {
                by_node.entry(node).or_default().push(object);
            }
        }
        Sources {
            cni,
            objects,
            by_node,
        }
    }

    pub(super) fn objects_without_node(&self) -> Vec<String> {
        let objects = self.objects.into_iter().flatten();
        let without = objects.filter(|object| object.node.is_none());
        without.map(|object| object.name.clone()).collect()
    }

    /// The pod CIDRs of a node; an error where AKO would give up on the node.
    pub(super) fn pod_cidrs_of(&self, node: &NodeFacts) -> Result<Vec<PodCidr>, SkipReason> {
        let texts = match (self.cni, self.cni.objects()) {
            (_, Some(resource)) => self.read_objects(node, resource)?,
            (CniPlugin::OvnKubernetes, None) => read_subnets(&node.node_subnets)?,
            _ => match node.annotations.get(POD_CIDRS_ANNOTATION) {
                Some(list) => return read_annotation(list),
                None => read_spec(node)?,
            },
        };
        let read = texts.iter().map(|text| read_cidr(text));
        let read = read.collect::<Result<_, _>>();
        read.map_err(|error| SkipReason::BadPodCidr {
            place: self.cni.source_of_cidrs(),
            error,
        })
    }

    /// A node without an object has no pod CIDRs, and that is no error (recorded for Calico and Cilium).
    fn read_objects(
        &self,
        node: &NodeFacts,
        resource: &'static str,
    ) -> Result<Vec<String>, SkipReason> {
        if self.objects.is_none() {
            return Err(SkipReason::NotServed { resource });
        }
        let mut texts: Vec<String> = Vec::new();
        for object in self.by_node.get(node.name.as_str()).into_iter().flatten() {
            let cidrs = object.pod_cidrs.as_ref();
            let cidrs = cidrs.ok_or_else(|| SkipReason::ObjectWithoutCidrs {
                place: self.cni.source_of_cidrs(),
                resource,
                object: object.name.clone(),
            })?;
            for cidr in cidrs {
                if !texts.contains(cidr) {
                    texts.push(cidr.clone());
                }
            }
        }
        Ok(texts)
    }
}

fn read_subnets(subnets: &NodeSubnets) -> Result<Vec<String>, SkipReason> {
    match subnets {
        NodeSubnets::Absent => Err(SkipReason::NoNodeSubnets),
        NodeSubnets::Unreadable(reason) => Err(SkipReason::UnreadableNodeSubnets {
            reason: reason.clone(),
        }),
        NodeSubnets::NoDefault => Ok(Vec::new()),
        NodeSubnets::Default(texts) if texts.is_empty() || texts.iter().any(String::is_empty) => {
            Err(SkipReason::EmptyNodeSubnets)
        }
        NodeSubnets::Default(texts) => Ok(texts.clone()),
    }
}

/// Present but empty means: no routes to this node.
fn read_annotation(list: &str) -> Result<Vec<PodCidr>, SkipReason> {
    let texts = list.trim().split(',').filter(|text| !text.is_empty());
    let read = texts.map(|text| {
        let text = text.trim();
        let network = text.parse().map_err(SkipReason::BadAnnotation)?;
        Ok(PodCidr {
            text: text.to_owned(),
            network: Ok(network),
        })
    });
    read.collect()
}

fn read_spec(node: &NodeFacts) -> Result<Vec<String>, SkipReason> {
    match node.pod_cidrs.iter().all(String::is_empty) {
        true => Err(SkipReason::NoPodCidr),
        false => Ok(node.pod_cidrs.clone()),
    }
}

/// AKO gives up on a node where a text is no two parts around a slash with a number at the end. Anything else that
/// is not IPv4 it leaves out, and takes the rest.
fn read_cidr(text: &str) -> Result<PodCidr, CidrError> {
    let has_length = |text: &str| {
        let length = text.split_once('/').map(|(_, length)| length);
        length.is_some_and(|length| length.parse::<i64>().is_ok())
    };
    let network = match text.parse() {
        _ if !has_length(text) => {
            return Err(CidrError::NotACidr {
                text: text.to_owned(),
            });
        }
        Ok(cidr) => Ok(cidr),
        Err(CidrError::Ipv6 { .. }) => Err(SkipReason::Ipv6),
        Err(error) => Err(SkipReason::NotANetwork(error)),
    };
    Ok(PodCidr {
        text: text.to_owned(),
        network,
    })
}
