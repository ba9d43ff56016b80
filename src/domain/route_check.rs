//! What a route table lacks of the routes that should be in it, whoever writes them.

use super::cidr::Cidr;
use super::node_routes::NodeRoutes;
use super::pod_routes::{NextHop, Prefix, TableRoute};
use std::fmt;
use std::net::Ipv4Addr;

/// One difference between a table and what it should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// No route has the prefix.
    Missing {
        /// The prefix.
        cidr: Cidr,
        /// Where it should lead.
        next_hop: Ipv4Addr,
        /// The node with that address.
        node: String,
    },
    /// The route with the prefix leads elsewhere.
    Elsewhere {
        /// The prefix.
        cidr: Cidr,
        /// Where it should lead.
        next_hop: Ipv4Addr,
        /// The node with that address.
        node: String,
        /// Where it leads.
        found: NextHop,
    },
    /// A route to an address that belongs to no node.
    Surplus {
        /// Its name.
        name: String,
        /// Its prefix.
        prefix: Prefix,
        /// Where it leads.
        next_hop: Ipv4Addr,
    },
}

/// What the table lacks; with `exact` also the routes to virtual appliances that no node asks for.
///
/// Names do not count: the controller's cloud connector makes up its own.
pub fn find_gaps(desired: &NodeRoutes, table: &[TableRoute], exact: bool) -> Vec<Gap> {
    let of_prefix = |cidr: Cidr| {
        let mut routes = table.iter();
        routes.find(|route| route.prefix == Prefix::Cidr(cidr))
    };
    let lacking = desired.iter().filter_map(|(cidr, wanted)| {
        let (cidr, next_hop, node) = (*cidr, wanted.next_hop, wanted.node.clone());
        match of_prefix(cidr) {
            None => Some(Gap::Missing {
                cidr,
                next_hop,
                node,
            }),
            Some(route) if route.next_hop.appliance() == Some(next_hop) => None,
            Some(route) => Some(Gap::Elsewhere {
                cidr,
                next_hop,
                node,
                found: route.next_hop.clone(),
            }),
        }
    });
    let wanted = |prefix: &Prefix| match prefix {
        Prefix::Cidr(cidr) => desired.contains_key(cidr),
        Prefix::Other(_) => false,
    };
    let others = table.iter().filter(|route| exact && !wanted(&route.prefix));
    let surplus = others.filter_map(|route| {
        Some(Gap::Surplus {
            name: route.name.clone(),
            prefix: route.prefix.clone(),
            next_hop: route.next_hop.appliance()?,
        })
    });
    lacking.chain(surplus).collect()
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Missing {
                cidr,
                next_hop,
                node,
            } => write!(f, "{cidr} to {next_hop} (node {node:?}): there is no route"),
            Gap::Elsewhere {
                cidr,
                next_hop,
                node,
                found,
            } => write!(
                f,
                "{cidr} to {next_hop} (node {node:?}): the route leads to {found}"
            ),
            Gap::Surplus {
                name,
                prefix,
                next_hop,
            } => write!(
                f,
                "{prefix} to {next_hop}: route {name:?} is there, and no node asks for it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::node_routes::route_nodes;

    fn table(routes: &[(&str, &str)]) -> Vec<TableRoute> {
        let routes = routes.iter().enumerate();
        let route = |(position, (prefix, next_hop)): (usize, &(&str, &str))| TableRoute {
            name: format!("r{position}"),
            prefix: Prefix::read(prefix),
            next_hop: match next_hop.parse() {
                Ok(address) => NextHop::Appliance(address),
                Err(_) => NextHop::Other((*next_hop).to_owned()),
            },
        };
        routes.map(route).collect()
    }

    fn lines(routes: &[(&str, &str)], exact: bool) -> Vec<String> {
        let node = |name: &str, address: &str, cidr: &str| {
            let cidrs = vec![cidr.parse().unwrap()];
            (name.to_owned(), address.parse().unwrap(), cidrs)
        };
        let nodes = [
            node("n1", "10.0.0.4", "10.244.1.0/24"),
            node("n2", "10.0.0.5", "10.244.2.0/24"),
        ];
        let gaps = find_gaps(&route_nodes(nodes).unwrap(), &table(routes), exact);
        gaps.iter().map(Gap::to_string).collect()
    }

    #[test]
    fn a_table_that_holds_every_pair_under_any_name_lacks_nothing() {
        let held = [
            ("10.244.1.0/24", "10.0.0.4"),
            ("10.244.2.7/24", "10.0.0.5"),
            ("0.0.0.0/0", "10.9.9.9"),
        ];
        assert_eq!(lines(&held, false), [""; 0]);
    }

    #[test]
    fn what_is_missing_and_what_leads_elsewhere_is_told_with_its_node() {
        let held = [("10.244.2.0/24", "Internet")];
        assert_eq!(
            lines(&held, false),
            [
                "10.244.1.0/24 to 10.0.0.4 (node \"n1\"): there is no route",
                "10.244.2.0/24 to 10.0.0.5 (node \"n2\"): the route leads to Internet",
            ]
        );
    }

    #[test]
    fn an_exact_table_holds_no_other_route_to_an_address() {
        let held = [
            ("10.244.1.0/24", "10.0.0.4"),
            ("10.244.2.0/24", "10.0.0.5"),
            ("10.244.3.0/24", "10.0.0.6"),
            ("172.16.0.0/12", "VirtualNetworkGateway"),
        ];
        let told = lines(&held, true);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("10.244.3.0/24 to 10.0.0.6"));
    }
}
