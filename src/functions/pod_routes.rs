//! `provider::ako::pod_routes`: the routes of a cluster, without making them.

use crate::domain::cidr::Cidr;
use crate::domain::pod_routes::plan_routes;
use crate::domain::route_names::{ClusterName, check_node_name};
use crate::framework::resource::{Function, FunctionError, Parameter, Signature};
use crate::framework::schema::Type;
use crate::framework::value::Value;
use crate::resources::nodes::{nodes_shape, parse_address};
use std::net::Ipv4Addr;

/// The function `pod_routes`.
#[derive(Debug)]
pub struct PodRoutes;

impl Function for PodRoutes {
    const NAME: &'static str = "pod_routes";

    fn signature() -> Signature {
        let route = Type::Object(vec![
            ("name".to_owned(), Type::String),
            ("next_hop_ip_address".to_owned(), Type::String),
            ("node_name".to_owned(), Type::String),
        ]);
        Signature {
            summary: "The routes that the nodes of a cluster need".to_owned(),
            description: "Gives the routes that the nodes of a cluster need in the route table of its SE subnet, under their CIDRs: the same names and next hops as the attribute `routes` of `ako_pod_routes`. Calls nothing. Pod CIDRs that overlap are an error.".to_owned(),
            parameters: vec![
                Parameter {
                    name: "cluster_name".to_owned(),
                    r#type: Type::String,
                    description: "The name of the cluster, the same as AKO's `clusterName`.".to_owned(),
                },
                Parameter {
                    name: "nodes".to_owned(),
                    r#type: nodes_shape().value_type(),
                    description: "The nodes under their names, as `data.ako_cluster_nodes` gives them.".to_owned(),
                },
            ],
            result: Type::map(route),
        }
    }

    fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
        let [cluster, nodes] = arguments else {
            return Err(wrong(0, "two arguments are needed"));
        };
        let cluster: ClusterName = cluster
            .as_str()
            .unwrap_or_default()
            .parse()
            .map_err(|error| wrong(0, format!("The cluster name {error}.")))?;
        let nodes = nodes.as_map().into_iter().flatten();
        let nodes = nodes.map(|(name, node)| {
            let (internal_ip, pod_cidrs) = read_node(name, node)?;
            Ok((name.clone(), internal_ip, pod_cidrs))
        });
        let routes = plan_routes(&cluster, nodes.collect::<Result<Vec<_>, _>>()?);
        let routes = routes.map_err(|overlaps| {
            let pairs = overlaps.iter().take(10).map(|overlap| {
                format!(
                    "{} of node {:?} and {} of node {:?}",
                    overlap.a, overlap.owner_a, overlap.b, overlap.owner_b
                )
            });
            wrong(
                1,
                format!(
                    "Pod CIDRs overlap: {}.",
                    pairs.collect::<Vec<_>>().join("; ")
                ),
            )
        })?;
        Ok(Value::object(routes.into_iter().map(|(cidr, route)| {
            let members = [
                ("name", Value::from(route.name)),
                (
                    "next_hop_ip_address",
                    Value::from(route.next_hop.to_string()),
                ),
                ("node_name", Value::from(route.node)),
            ];
            (cidr.to_string(), Value::object(members))
        })))
    }
}

fn read_node(name: &str, node: &Value) -> Result<(Ipv4Addr, Vec<Cidr>), FunctionError> {
    check_node_name(name).map_err(|error| wrong(1, format!("The name of a node {error}.")))?;
    let address = node.get("internal_ip").as_str().unwrap_or_default();
    let internal_ip = parse_address(address)
        .map_err(|reason| wrong(1, format!("The internal_ip of node {name:?} {reason}.")))?;
    let cidrs = node.get("pod_cidrs").as_list().unwrap_or_default().iter();
    let cidrs = cidrs.map(|cidr| {
        let cidr = cidr.as_str().unwrap_or_default().parse();
        cidr.map_err(|error| wrong(1, format!("A pod CIDR of node {name:?} {error}.")))
    });
    Ok((internal_ip, cidrs.collect::<Result<_, _>>()?))
}

fn wrong(argument: usize, text: impl Into<String>) -> FunctionError {
    FunctionError {
        text: text.into(),
        argument: Some(argument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(address: &str, cidrs: &[&str]) -> Value {
        Value::object([
            ("internal_ip", Value::from(address)),
            (
                "pod_cidrs",
                Value::list(cidrs.iter().map(|&cidr| Value::from(cidr))),
            ),
        ])
    }

    #[test]
    fn the_routes_are_those_of_the_resource() {
        let nodes = Value::object([("n1", node("10.0.0.4", &["10.244.1.7/24"]))]);
        let routes = PodRoutes::call(&[Value::from("prod"), nodes]).unwrap();
        let route = routes.get("10.244.1.0/24");
        assert_eq!(route.get("name").as_str(), Some("prod.n1_10.244.1.0_24"));
        assert_eq!(route.get("next_hop_ip_address").as_str(), Some("10.0.0.4"));
        assert_eq!(route.get("node_name").as_str(), Some("n1"));
    }

    #[test]
    fn a_wrong_argument_is_named_by_its_position_and_node() {
        let good = || Value::object([("n1", node("10.0.0.4", &[]))]);
        let error = PodRoutes::call(&[Value::from("a.b"), good()]).unwrap_err();
        assert_eq!(error.argument, Some(0));
        for (nodes, part) in [
            (Value::object([("n1", node("fd00::1", &[]))]), "IPv4"),
            (Value::object([("n1", node("10.0.0.4", &["x"]))]), "\"n1\""),
            (
                Value::object([("N1", node("10.0.0.4", &[]))]),
                "Kubernetes node",
            ),
            (
                Value::object([
                    ("n1", node("10.0.0.4", &["10.244.0.0/16"])),
                    ("n2", node("10.0.0.5", &["10.244.1.0/24"])),
                ]),
                "10.244.1.0/24 of node \"n2\"",
            ),
        ] {
            let error = PodRoutes::call(&[Value::from("prod"), nodes]).unwrap_err();
            assert_eq!(error.argument, Some(1));
            assert!(error.text.contains(part), "{}", error.text);
        }
    }
}
