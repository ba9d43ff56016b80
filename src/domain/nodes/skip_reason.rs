//! Why AKO would not program a route, in words for the user.

use super::next_hop::CALICO_ADDRESS_ANNOTATION;
use super::pod_cidrs::POD_CIDRS_ANNOTATION;
use crate::domain::cidr::{Cidr, CidrError};

/// Why AKO would not program a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// No `InternalIP` of IPv4.
    #[error("the node has no IPv4 address of type InternalIP")]
    NoInternalIp,
    /// The annotation of Calico has something else in the place of the address.
    #[error(
        "the annotation {CALICO_ADDRESS_ANNOTATION} must begin with an IPv4 address, not {text:?}"
    )]
    BadCalicoAddress {
        /// The annotation.
        text: String,
    },
    /// Neither the annotation nor the spec names a pod CIDR.
    #[error(
        "the node has no pod CIDR: neither spec.podCIDRs nor the annotation {POD_CIDRS_ANNOTATION} names one"
    )]
    NoPodCidr,
    /// The annotation has an entry that is no IPv4 network.
    #[error("an entry of the annotation {POD_CIDRS_ANNOTATION} is wrong: it {0}")]
    BadAnnotation(CidrError),
    /// There is an entry that is no network at all.
    #[error("an entry in {place} is wrong: it {error}")]
    BadPodCidr {
        /// Where the entry stands.
        place: &'static str,
        /// What is wrong with it.
        error: CidrError,
    },
    /// OVN-Kubernetes has not written the node's subnets.
    #[error(
        "the node lacks the annotation k8s.ovn.org/node-subnets, from which AKO reads its pod CIDRs"
    )]
    NoNodeSubnets,
    /// What OVN-Kubernetes should have written is something else.
    #[error("the annotation k8s.ovn.org/node-subnets cannot be read: {reason}")]
    UnreadableNodeSubnets {
        /// What is wrong with it.
        reason: String,
    },
    /// OVN-Kubernetes names no subnet in the default network.
    #[error("the annotation k8s.ovn.org/node-subnets has no subnet in \"default\"")]
    EmptyNodeSubnets,
    /// The cluster does not serve the objects of the plugin.
    #[error(
        "the cluster has no {resource}, from which AKO reads the pod CIDRs with this cni_plugin: the custom resource definition is not there"
    )]
    NotServed {
        /// The objects, `<plural>.<group>`.
        resource: &'static str,
    },
    /// An object of the plugin about this node lacks its pod CIDRs.
    #[error("{place}, from which AKO reads its pod CIDRs, is missing in {object:?} of {resource}")]
    ObjectWithoutCidrs {
        /// Where they should stand.
        place: &'static str,
        /// The objects, `<plural>.<group>`.
        resource: &'static str,
        /// The name of the object.
        object: String,
    },
    /// A network of IPv6.
    #[error("IPv6: AKO on Azure routes IPv4 only")]
    Ipv6,
    /// Neither IPv4 nor IPv6, though it has the form of a network.
    #[error("AKO leaves it out: it {0}")]
    NotANetwork(CidrError),
    /// Another node, or this one, has a network with the same address already.
    #[error(
        "node {node:?} already has {cidr}, a network with the same address; AKO programs the first of the two only"
    )]
    Duplicate {
        /// The node whose route is programmed.
        node: String,
        /// Its network; AKO compares the address alone, so that the length may differ.
        cidr: Cidr,
    },
    /// Another network of this node is a duplicate.
    #[error(
        "another node already has the address of {duplicate}, a network of the same node; AKO then programs none of the node's networks"
    )]
    BesideDuplicate {
        /// The network in question, as Kubernetes has it.
        duplicate: String,
    },
}

impl SkipReason {
    pub(super) fn duplicate_of(first: &(String, Cidr)) -> SkipReason {
        let (node, cidr) = first.clone();
        SkipReason::Duplicate { node, cidr }
    }
}
