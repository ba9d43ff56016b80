//! IPv4 networks in CIDR notation: one spelling for each, containment, overlap, and conflicts between sets of them.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An IPv4 network in canonical form: no bits set behind the prefix length.
///
/// The order is that of the addresses; of two networks with one address the wider comes first, so that a network
/// stands before everything inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    address: Ipv4Addr,
    length: u8,
}

/// Why a text is not the CIDR that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not an address, a slash and a prefix length.
    #[error("must be an IPv4 network in CIDR notation such as \"10.244.1.0/24\", not {text:?}")]
    NotACidr {
        /// The text in question.
        text: String,
    },
    /// A network of IPv6, which AKO does not route on Azure.
    #[error("must be an IPv4 network: AKO on Azure routes IPv4 only, and {text:?} is IPv6")]
    Ipv6 {
        /// The text in question.
        text: String,
    },
    /// Bits are set behind the prefix length.
    #[error(
        "must be the address of a network: {text:?} has bits set behind the prefix; the network is {network}"
    )]
    HostBits {
        /// The text in question.
        text: String,
        /// The network in which the address lies.
        network: Cidr,
    },
}

impl Cidr {
    /// The network in which `address` lies with a prefix of `length` bits; none where `length` is over 32.
    pub fn new(address: Ipv4Addr, length: u8) -> Option<Cidr> {
        let network = Ipv4Net::new(address, length).ok()?.trunc();
        Some(Cidr {
            address: network.addr(),
            length,
        })
    }

    /// Reads a network, refusing one with bits set behind the prefix.
    pub fn parse_exact(text: &str) -> Result<Cidr, CidrError> {
        let network: Cidr = text.parse()?;
        if text.starts_with(&format!("{}/", network.address)) {
            return Ok(network);
        }
        Err(CidrError::HostBits {
            text: text.to_owned(),
            network,
        })
    }

    /// The address of the network.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix in bits.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether every address of `other` lies in this network; true for itself.
    pub fn contains(&self, other: &Cidr) -> bool {
        self.length <= other.length && Cidr::new(other.address, self.length) == Some(*self)
    }

    /// Whether the address lies in this network.
    pub fn contains_address(&self, address: Ipv4Addr) -> bool {
        Cidr::new(address, self.length) == Some(*self)
    }

    /// Whether the two have an address in common: one then contains the other.
    pub fn overlaps(&self, other: &Cidr) -> bool {
        self.contains(other) || other.contains(self)
    }
}

/// Reads a network in any spelling that AKO takes: bits behind the prefix are dropped (recorded: AKO's IPv4 test
/// lets them through, and the controller masks them).
impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let not_a_cidr = || CidrError::NotACidr {
            text: text.to_owned(),
        };
        let (address, length) = text.split_once('/').ok_or_else(not_a_cidr)?;
        if address.parse::<Ipv6Addr>().is_ok() {
            return Err(CidrError::Ipv6 {
                text: text.to_owned(),
            });
        }
        let address: Ipv4Addr = address.parse().map_err(|_| not_a_cidr())?;
        // Digits only: Rust's own parser would let a plus sign through.
        if length.is_empty() || length.len() > 2 || !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(not_a_cidr());
        }
        let length = length.parse().map_err(|_| not_a_cidr())?;
        Cidr::new(address, length).ok_or_else(not_a_cidr)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Cidr, CidrError> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> String {
        cidr.to_string()
    }
}

/// Two networks that have addresses in common, each with its owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap<O> {
    /// The owner of `a`.
    pub owner_a: O,
    /// The wider of the two networks, or either where they are equal.
    pub a: Cidr,
    /// The owner of `b`.
    pub owner_b: O,
    /// The network inside `a`.
    pub b: Cidr,
}

/// Every pair of networks that have addresses in common, in order.
///
/// Networks are nested or apart, never half in one another: walking them in order with those still open on a stack
/// finds all pairs without comparing each with each.
pub fn overlaps<O: Clone + Ord>(networks: impl IntoIterator<Item = (O, Cidr)>) -> Vec<Overlap<O>> {
    let mut networks: Vec<(Cidr, O)> = networks.into_iter().map(|(o, c)| (c, o)).collect();
    networks.sort();
    let mut open: Vec<(Cidr, O)> = Vec::new();
    let mut found = Vec::new();
    for (b, owner_b) in networks {
        open.retain(|(a, _)| a.contains(&b));
        found.extend(open.iter().map(|(a, owner_a)| Overlap {
            owner_a: owner_a.clone(),
            a: *a,
            owner_b: owner_b.clone(),
            b,
        }));
        open.push((b, owner_b));
    }
    found
}

/// Every pair of networks of different owners that have addresses in common, in order.
pub fn conflicts<O: Clone + Ord>(networks: impl IntoIterator<Item = (O, Cidr)>) -> Vec<Overlap<O>> {
    let mut found = overlaps(networks);
    found.retain(|overlap| overlap.owner_a != overlap.owner_b);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_one_spelling() {
        assert_eq!(cidr("10.244.1.77/24").to_string(), "10.244.1.0/24");
        assert_eq!(cidr("10.244.1.77/24"), cidr("10.244.1.0/24"));
        assert_eq!(cidr("1.2.3.4/0").to_string(), "0.0.0.0/0");
    }

    #[test]
    fn what_is_no_ipv4_network_is_refused_with_the_reason() {
        for text in [
            "",
            "/",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0/8",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/024",
            "10.0.0.0/8/8",
            " 10.0.0.0/8",
            "010.0.0.0/8",
            "Storage",
            "10.0.0.0/-1",
        ] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert!(
                matches!(error, CidrError::NotACidr { .. }),
                "{text}: {error}"
            );
        }
        let error = "fd00:10::/64".parse::<Cidr>().unwrap_err();
        assert!(matches!(error, CidrError::Ipv6 { .. }));
    }

    #[test]
    fn an_exact_network_has_no_host_bits() {
        assert!(Cidr::parse_exact("10.244.1.0/24").is_ok());
        assert_eq!(
            Cidr::parse_exact("10.244.1.7/24"),
            Err(CidrError::HostBits {
                text: "10.244.1.7/24".into(),
                network: cidr("10.244.1.0/24"),
            })
        );
    }

    #[test]
    fn containment_and_overlap_agree() {
        let wide = cidr("10.244.0.0/16");
        let narrow = cidr("10.244.9.0/24");
        assert!(wide.contains(&narrow) && !narrow.contains(&wide) && wide.contains(&wide));
        assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide));
        assert!(!narrow.overlaps(&cidr("10.244.8.0/24")));
        assert!(narrow.contains_address(Ipv4Addr::new(10, 244, 9, 255)));
    }

    #[test]
    fn conflicts_name_both_owners_and_spare_one_owner_alone() {
        let sets = [
            ("east", cidr("10.244.0.0/16")),
            ("east", cidr("10.244.3.0/24")),
            ("west", cidr("10.244.3.0/24")),
            ("west", cidr("10.245.0.0/16")),
        ];
        let found: Vec<String> = conflicts(sets)
            .iter()
            .map(|o| format!("{} {} / {} {}", o.owner_a, o.a, o.owner_b, o.b))
            .collect();
        assert_eq!(
            found,
            [
                "east 10.244.0.0/16 / west 10.244.3.0/24",
                "east 10.244.3.0/24 / west 10.244.3.0/24"
            ]
        );
    }

    proptest! {
        #[test]
        fn the_sweep_finds_what_comparing_each_with_each_finds(
            networks in proptest::collection::vec((0u8..4, 0u8..16, 4u8..9), 0..12)
        ) {
            let networks: Vec<(u8, Cidr)> = networks
                .into_iter()
                .map(|(owner, octet, length)| (owner, Cidr::new(Ipv4Addr::new(octet << 4, 0, 0, 0), length).unwrap()))
                .collect();
            let mut slow = 0;
            for (i, (_, a)) in networks.iter().enumerate() {
                slow += networks[i + 1..].iter().filter(|(_, b)| a.overlaps(b)).count();
            }
            prop_assert_eq!(overlaps(networks).len(), slow);
        }

        #[test]
        fn every_network_reads_back_from_its_text(address: u32, length in 0u8..=32) {
            let network = Cidr::new(Ipv4Addr::from(address), length).unwrap();
            prop_assert_eq!(Cidr::parse_exact(&network.to_string()), Ok(network));
        }
    }
}
