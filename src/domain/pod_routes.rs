//! The routes of one cluster: which there should be, which of a table's are its own, and what these say.

use super::cidr::{Cidr, Overlap};
use super::node_routes::{NodeRoute, route_nodes};
use super::nodes::{Node, Nodes};
use super::route_names::{ClusterName, hash_node_name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

/// A route that there should be. `H` is the next hop, which a plan may not know yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRoute<H = Ipv4Addr> {
    /// Its name in the table.
    pub name: String,
    /// The node whose pods it leads to.
    pub node: String,
    /// The address of that node.
    pub next_hop: H,
}

/// The routes that there should be. Azure allows one route for each prefix of a table, so that the CIDR is the key.
pub type PodRoutes<H = Ipv4Addr> = BTreeMap<Cidr, PodRoute<H>>;

/// A route that a table has, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRoute {
    /// Its name; Azure compares names without case.
    pub name: String,
    /// What it applies to.
    pub prefix: Prefix,
    /// Where it leads.
    pub next_hop: NextHop,
}

/// What a route applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// A network of IPv4.
    Cidr(Cidr),
    /// A service tag or a network of IPv6.
    Other(String),
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// A virtual appliance with that address: the only kind that pod routes use.
    Appliance(Ipv4Addr),
    /// Anything else, in words.
    Other(String),
}

/// Whose routes are whose: those marked by the cluster's name, and those that Terraform's state records.
#[derive(Clone, Debug)]
pub struct Ownership<'a> {
    cluster: &'a ClusterName,
    recorded: BTreeSet<String>,
}

/// What a table holds of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRoute {
    /// Its name.
    pub name: String,
    /// Its node, as far as the name or the state tell.
    pub node: Option<String>,
    /// Its next hop, if it is a virtual appliance.
    pub next_hop: Option<Ipv4Addr>,
}

/// The routes for these nodes, or the CIDRs that cannot be routed together, each with its node.
pub fn plan_routes<H>(
    cluster: &ClusterName,
    nodes: impl IntoIterator<Item = (String, H, Vec<Cidr>)>,
) -> Result<PodRoutes<H>, Vec<Overlap<String>>>
where
    H: Clone,
{
    let routes = route_nodes(nodes)?.into_iter();
    let named = routes.map(|(cidr, NodeRoute { node, next_hop })| {
        let name = cluster.route_name(&node, cidr);
        let route = PodRoute {
            name,
            node,
            next_hop,
        };
        (cidr, route)
    });
    Ok(named.collect())
}

impl<'a> Ownership<'a> {
    /// The routes of this cluster, and those of these names whatever their marks.
    pub fn new<N: AsRef<str>>(
        cluster: &'a ClusterName,
        recorded: impl IntoIterator<Item = N>,
    ) -> Ownership<'a> {
        let recorded = recorded.into_iter().map(|name| fold(name.as_ref()));
        Ownership {
            cluster,
            recorded: recorded.collect(),
        }
    }

    /// The cluster.
    pub fn cluster(&self) -> &ClusterName {
        self.cluster
    }

    /// Whether a route of that name is the cluster's.
    pub fn owns(&self, name: &str) -> bool {
        self.cluster.marks(name) || self.records(name)
    }

    /// Whether the state records a route of that name.
    pub fn records(&self, name: &str) -> bool {
        self.recorded.contains(&fold(name))
    }
}

/// What the table holds of the cluster, by CIDR (or by what stands in its place).
///
/// `known` are names with their nodes: a name may hold a shortened node only, and Azure may return another case.
pub fn find_own_routes<'k>(
    ownership: &Ownership<'_>,
    known: impl IntoIterator<Item = (&'k str, Option<&'k str>)>,
    table: &[TableRoute],
) -> BTreeMap<String, FoundRoute> {
    let known: BTreeMap<String, (&str, Option<&str>)> = known
        .into_iter()
        .map(|(name, node)| (fold(name), (name, node)))
        .collect();
    table
        .iter()
        .filter(|route| ownership.owns(&route.name))
        .map(|route| {
            let (name, node) = match known.get(&fold(&route.name)) {
                Some((name, node)) => (*name, node.map(str::to_owned)),
                None => (route.name.as_str(), None),
            };
            let parsed = || Some(ownership.cluster.parse_route_name(&route.name)?.node);
            let found = FoundRoute {
                name: name.to_owned(),
                node: node.or_else(parsed),
                next_hop: route.next_hop.appliance(),
            };
            (route.prefix.to_string(), found)
        })
        .collect()
}

/// The nodes that the cluster's routes in a table were made for, as far as names and next hops tell.
///
/// A shortened name becomes the whole one where another route has it. Of several next hops of one node the one of
/// its first CIDR is taken; the other routes then show as drift, which they are.
pub fn nodes_of_routes(cluster: &ClusterName, table: &[TableRoute]) -> Nodes {
    let mut read = BTreeMap::new();
    for route in table {
        let (Some(name), Some(next_hop)) = (
            cluster.parse_route_name(&route.name),
            route.next_hop.appliance(),
        ) else {
            continue;
        };
        if route.prefix == Prefix::Cidr(name.cidr) {
            read.insert(name.cidr, (name.node, next_hop));
        }
    }
    let whole_names: BTreeMap<String, String> = read
        .values()
        .filter(|(node, _)| !node.contains('_'))
        .map(|(node, _)| (hash_node_name(node), node.clone()))
        .collect();
    let mut nodes = Nodes::new();
    for (cidr, (node, internal_ip)) in read {
        let whole = node.rsplit_once('_').and_then(|(start, hash)| {
            let whole = whole_names.get(hash)?;
            whole.starts_with(start).then_some(whole)
        });
        nodes
            .entry(whole.unwrap_or(&node).clone())
            .or_insert_with(|| Node {
                internal_ip,
                pod_cidrs: Vec::new(),
            })
            .pod_cidrs
            .push(cidr);
    }
    nodes
}

/// A name as Azure compares it.
pub(super) fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl Prefix {
    /// The prefix in this text of a route.
    pub fn read(text: &str) -> Prefix {
        match text.parse() {
            Ok(cidr) => Prefix::Cidr(cidr),
            Err(_) => Prefix::Other(text.to_owned()),
        }
    }
}

impl NextHop {
    /// The address of the virtual appliance, if it is one.
    pub fn appliance(&self) -> Option<Ipv4Addr> {
        match self {
            NextHop::Appliance(address) => Some(*address),
            NextHop::Other(_) => None,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prefix::Cidr(cidr) => cidr.fmt(f),
            Prefix::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextHop::Appliance(address) => address.fmt(f),
            NextHop::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> ClusterName {
        "prod".parse().unwrap()
    }

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    fn route(name: &str, prefix: &str, last: u8) -> TableRoute {
        TableRoute {
            name: name.into(),
            prefix: Prefix::read(prefix),
            next_hop: NextHop::Appliance(ip(last)),
        }
    }

    #[test]
    fn each_cidr_of_each_node_has_a_route_to_that_node() {
        let routes = plan_routes(
            &cluster(),
            [
                (
                    "n1".to_owned(),
                    ip(4),
                    vec![cidr("10.244.1.0/24"), cidr("10.244.9.0/24")],
                ),
                ("n2".to_owned(), ip(5), vec![cidr("10.244.2.0/24")]),
                ("n3".to_owned(), ip(6), vec![]),
            ],
        )
        .unwrap();
        let lines: Vec<String> = routes
            .iter()
            .map(|(cidr, route)| format!("{cidr} {} {} {}", route.name, route.node, route.next_hop))
            .collect();
        assert_eq!(
            lines,
            [
                "10.244.1.0/24 prod.n1_10.244.1.0_24 n1 10.0.0.4",
                "10.244.2.0/24 prod.n2_10.244.2.0_24 n2 10.0.0.5",
                "10.244.9.0/24 prod.n1_10.244.9.0_24 n1 10.0.0.4",
            ]
        );
    }

    #[test]
    fn cidrs_that_overlap_are_refused_with_both_nodes() {
        let conflicts = plan_routes(
            &cluster(),
            [
                ("n1".to_owned(), (), vec![cidr("10.244.0.0/16")]),
                ("n2".to_owned(), (), vec![cidr("10.244.2.0/24")]),
            ],
        )
        .unwrap_err();
        assert_eq!(conflicts.len(), 1);
        assert_eq!(
            (&*conflicts[0].owner_a, &*conflicts[0].owner_b),
            ("n1", "n2")
        );
        let twice = vec![cidr("10.244.1.0/24"), cidr("10.244.1.0/24")];
        assert!(plan_routes(&cluster(), [("n1".to_owned(), (), twice)]).is_err());
    }

    #[test]
    fn a_table_shows_marked_and_recorded_routes_in_the_spelling_of_the_state() {
        let cluster = cluster();
        let ownership = Ownership::new(&cluster, ["prod.n1_10.244.1.0_24"]);
        let table = [
            route("PROD.N1_10.244.1.0_24", "10.244.1.0/24", 4),
            route("prod.n2_10.244.2.0_24", "10.99.0.0/24", 5),
            route("other.n3_10.244.3.0_24", "10.244.3.0/24", 6),
            TableRoute {
                name: "prod.by-hand".into(),
                prefix: Prefix::read("Storage"),
                next_hop: NextHop::Other("Internet".into()),
            },
        ];
        let known = [("prod.n1_10.244.1.0_24", Some("n1"))];
        let found = find_own_routes(&ownership, known, &table);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["10.244.1.0/24", "10.99.0.0/24", "Storage"]
        );
        assert_eq!(found["10.244.1.0/24"].name, "prod.n1_10.244.1.0_24");
        assert_eq!(found["10.99.0.0/24"].node.as_deref(), Some("n2"));
        assert_eq!(
            (&found["Storage"].node, found["Storage"].next_hop),
            (&None, None)
        );
    }

    #[test]
    fn nodes_read_back_from_the_routes_they_were_made_of() {
        let cluster = cluster();
        let long = "ip-10-0-0-4.westeurope.cloudapp.internal.example.com.of-a-pool";
        let wanted = [
            (
                long.to_owned(),
                ip(4),
                vec![cidr("10.0.0.0/8"), cidr("192.168.100.100/32")],
            ),
            ("n2".to_owned(), ip(5), vec![cidr("11.2.0.0/24")]),
        ];
        let routes = plan_routes(&cluster, wanted.clone()).unwrap();
        let mut table: Vec<TableRoute> = routes
            .iter()
            .map(|(cidr, route)| TableRoute {
                name: route.name.clone(),
                prefix: Prefix::Cidr(*cidr),
                next_hop: NextHop::Appliance(route.next_hop),
            })
            .collect();
        table.push(route("corp-dns", "172.16.0.0/12", 9));
        let nodes = nodes_of_routes(&cluster, &table);
        assert_eq!(nodes.len(), 2, "{nodes:?}");
        for (name, internal_ip, pod_cidrs) in wanted {
            let node = Node {
                internal_ip,
                pod_cidrs,
            };
            assert_eq!(nodes[&name], node);
        }
    }
}
