//! The address of a node to which the routes to its pods lead.

use super::{CniPlugin, NodeFacts, SkipReason};
use std::net::Ipv4Addr;

pub(super) const CALICO_ADDRESS_ANNOTATION: &str = "projectcalico.org/IPv4Address";
const ANTREA_ADDRESSES_ANNOTATION: &str = "node.antrea.io/transport-addresses";

/// The plugin's own address where its annotation has one, else the first `InternalIP` of IPv4.
pub(super) fn read_next_hop(node: &NodeFacts, cni: CniPlugin) -> Result<Ipv4Addr, SkipReason> {
    let from_plugin = match cni {
        CniPlugin::Calico => read_calico_address(node)?,
        CniPlugin::Antrea => read_antrea_address(node),
        _ => None,
    };
    let mut internal = node.internal_ips.iter();
    from_plugin
        .or_else(|| internal.find_map(|text| text.parse().ok()))
        .ok_or(SkipReason::NoInternalIp)
}

/// Calico writes the address with the length of its subnet's prefix.
fn read_calico_address(node: &NodeFacts) -> Result<Option<Ipv4Addr>, SkipReason> {
    let Some(text) = node.annotations.get(CALICO_ADDRESS_ANNOTATION) else {
        return Ok(None);
    };
    match text.split('/').next().unwrap_or_default() {
        "" => Ok(None),
        // AKO would hand on whatever stands there. Assumed: the controller refuses it.
        address => address
            .parse()
            .map(Some)
            .map_err(|_| SkipReason::BadCalicoAddress { text: text.clone() }),
    }
}

/// Of several addresses of IPv4 AKO takes the last.
fn read_antrea_address(node: &NodeFacts) -> Option<Ipv4Addr> {
    let list = node.annotations.get(ANTREA_ADDRESSES_ANNOTATION)?;
    list.split(',')
        .filter_map(|text| text.parse().ok())
        .next_back()
}
