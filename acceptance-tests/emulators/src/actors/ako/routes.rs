//! AKO's own list of routes: its order follows the events, and the order decides whether AKO writes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::nodes::{NodeRoutes, Unusable};

/// The label key of AKO's routes and SE groups.
pub(super) const LABEL_KEY: &str = "clustername";

/// A route as AKO holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    node: String,
    id: Uuid,
    index: usize,
    address: String,
    mask: u8,
    next_hop: String,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    list: Vec<Route>,
    /// Random ids live in memory only: a restart gives every route a new name.
    ids: BTreeMap<String, Uuid>,
}

impl Routes {
    /// Takes in what became of a node: its routes go to the end of the list. True if AKO publishes the list then.
    ///
    /// Of a node that became unusable the routes leave the list, but AKO returns before it publishes: they stay on
    /// the controller until another event (recorded).
    pub(super) fn take_in(&mut self, node: &str, routes: Result<NodeRoutes, Unusable>) -> bool {
        self.list.retain(|route| route.node != node);
        let Ok(routes) = routes else {
            self.ids.remove(node);
            return false;
        };
        let id = *self.ids.entry(node.to_owned()).or_insert_with(Uuid::new_v4);
        for prefix in routes.prefixes {
            // AKO compares base addresses without their masks, and drops the second (recorded).
            if self
                .list
                .iter()
                .any(|route| route.address == prefix.address)
            {
                continue;
            }
            self.list.push(Route {
                node: node.to_owned(),
                id,
                index: prefix.index,
                address: prefix.address,
                mask: prefix.mask,
                next_hop: routes.next_hop.to_string(),
            });
        }
        true
    }

    /// Forgets a node that was deleted.
    pub(super) fn remove(&mut self, node: &str) {
        self.list.retain(|route| route.node != node);
        self.ids.remove(node);
    }

    /// The routes in order.
    pub(super) fn list(&self) -> &[Route] {
        &self.list
    }
}

impl Route {
    /// The element of `static_routes`.
    pub(super) fn to_json(&self, cluster_name: &str) -> Value {
        json!({
            "route_id": format!("{cluster_name}-{}-{}", self.id, self.index),
            "prefix": {"ip_addr": {"addr": self.address, "type": "V4"}, "mask": self.mask},
            "next_hop": {"addr": self.next_hop, "type": "V4"},
            "labels": [{"key": LABEL_KEY, "value": cluster_name}],
        })
    }
}

/// A route labelled `clustername` without a value, which AKO dereferences all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panic;

/// The VRF as AKO writes it back: foreign routes that its rule keeps, then its own.
///
/// The rule looks at the first label alone: none, or another cluster's, is kept; any other key is dropped.
pub(super) fn merged(vrf: &Value, own: &[Route], cluster_name: &str) -> Result<Value, Panic> {
    let mut routes = Vec::new();
    for route in vrf["static_routes"].as_array().into_iter().flatten() {
        if is_kept(route, cluster_name)? {
            routes.push(known_members(route, &ROUTE_MEMBERS));
        }
    }
    routes.extend(own.iter().map(|route| route.to_json(cluster_name)));
    let mut vrf = without_foreign_members(vrf);
    if let Some(members) = vrf.as_object_mut() {
        // An empty list is left out of what AKO sends (recorded).
        members.shift_remove("static_routes");
        if !routes.is_empty() {
            members.insert("static_routes".to_owned(), json!(routes));
        }
    }
    Ok(vrf)
}

/// The object after a round trip through AKO's structs. The emulated controller keeps members beyond the public models
/// only where their name begins with `x_`; these stand for all that AKO does not know.
pub(super) fn without_foreign_members(object: &Value) -> Value {
    let members = object.as_object().into_iter().flatten();
    let known = members.filter(|(name, _)| !name.starts_with("x_"));
    Value::Object(
        known
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

const ROUTE_MEMBERS: [&str; 6] = [
    "route_id",
    "prefix",
    "next_hop",
    "labels",
    "if_name",
    "disable_gateway_monitor",
];

fn is_kept(route: &Value, cluster_name: &str) -> Result<bool, Panic> {
    let Some(label) = route["labels"].as_array().and_then(|labels| labels.first()) else {
        return Ok(true);
    };
    if label["key"] != LABEL_KEY {
        return Ok(false);
    }
    Ok(label["value"].as_str().ok_or(Panic)? != cluster_name)
}

fn known_members(object: &Value, known: &[&str]) -> Value {
    let members = object.as_object().into_iter().flatten();
    let kept = members.filter(|(name, _)| known.contains(&name.as_str()));
    Value::Object(
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::nodes::Prefix;
    use super::*;

    #[test]
    fn an_event_moves_a_node_to_the_end_and_keeps_its_id() {
        let mut routes = Routes::default();
        routes.take_in("a", usable(&["10.1.0.0"]));
        routes.take_in("b", usable(&["10.2.0.0"]));
        let before = routes.list().to_vec();
        routes.take_in("a", usable(&["10.1.0.0"]));
        assert_eq!(addresses(&routes), ["10.2.0.0", "10.1.0.0"]);
        assert_eq!(routes.list()[1], before[0]);
    }

    #[test]
    fn the_second_node_with_a_base_address_is_dropped_until_its_own_next_event() {
        let mut routes = Routes::default();
        routes.take_in("a", usable(&["10.1.0.0"]));
        routes.take_in("b", usable(&["10.1.0.0"]));
        routes.remove("a");
        assert!(addresses(&routes).is_empty());
        routes.take_in("b", usable(&["10.1.0.0"]));
        assert_eq!(addresses(&routes), ["10.1.0.0"]);
    }

    #[test]
    fn an_unusable_node_leaves_the_list_without_a_write() {
        let mut routes = Routes::default();
        routes.take_in("a", usable(&["10.1.0.0"]));
        assert!(!routes.take_in("a", Err(Unusable("nodeip not found"))));
        assert!(addresses(&routes).is_empty());
    }

    #[test]
    fn foreign_routes_are_kept_or_dropped_as_recorded() {
        let label = |key: &str, value: &str| json!([{"key": key, "value": value}]);
        let vrf = json!({"name": "global", "x_foreign": 1, "static_routes": [
            {"route_id": "1", "if_name": "eth1", "x_foreign": 1},
            {"route_id": "2", "labels": label("managed-by", "terraform")},
            {"route_id": "3", "labels": label(LABEL_KEY, "prod-eu-b")},
            {"route_id": "4", "labels": label(LABEL_KEY, "prod-eu")},
        ]});
        let merged = merged(&vrf, &[], "prod-eu").unwrap();
        let expected = json!({"name": "global", "static_routes": [
            {"route_id": "1", "if_name": "eth1"},
            {"route_id": "3", "labels": label(LABEL_KEY, "prod-eu-b")},
        ]});
        assert_eq!(merged, expected);
        let broken = json!({"static_routes": [{"labels": [{"key": LABEL_KEY}]}]});
        assert_eq!(super::merged(&broken, &[], "prod-eu"), Err(Panic));
    }

    fn usable(addresses: &[&str]) -> Result<NodeRoutes, Unusable> {
        let places = addresses.iter().enumerate();
        let prefixes = places.map(|(index, address)| Prefix {
            index,
            address: (*address).to_owned(),
            mask: 24,
        });
        Ok(NodeRoutes {
            next_hop: [10, 0, 0, 4].into(),
            prefixes: prefixes.collect(),
        })
    }

    fn addresses(routes: &Routes) -> Vec<&str> {
        let list = routes.list().iter();
        list.map(|route| route.address.as_str()).collect()
    }
}
