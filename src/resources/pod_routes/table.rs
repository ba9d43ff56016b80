//! The route table in Azure, joined with the decisions on it: read, decide, write, and look again.

use super::next_hops::{NextHops, Outside};
use crate::clients::Limits;
use crate::clients::azure::ids::RouteTableId;
use crate::clients::azure::route_tables::{Route, RouteTable};
use crate::clients::azure::{Client, Error, LockGuard, WriteState};
use crate::domain::pod_routes::{NextHop, Ownership, PodRoutes, Prefix, TableRoute};
use crate::domain::route_merge::{Merge, Obstacle, Slot, routes_without_recorded};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often routes that have just been written may be found changed by someone else before we give up.
const MAX_LOST_ROUNDS: u32 = 3;
/// How long a look may take after the time of the operation is up or the user has interrupted it.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// A table that holds what it should.
pub(super) struct Rewritten {
    /// What was found and changed.
    pub(super) merge: Merge,
    /// How many routes the table holds now.
    pub(super) total: usize,
    /// Keeps other operations of this process away from the table until it is dropped.
    pub(super) lock: LockGuard,
}

/// Why a table does not hold what it should.
pub(super) enum Stopped {
    /// The table does not exist.
    NoTable,
    /// Something stands in the way.
    Refused {
        obstacles: Vec<Obstacle>,
        /// Whether a write has left before: the obstacle came after it.
        sent: bool,
    },
    /// Next hops lie where Azure does not deliver; nothing was written.
    Outside(Outside),
    /// Someone else undoes each write.
    Overwritten,
    /// A call failed.
    Failed {
        error: Error,
        /// Whether a write has left before, so that the routes may be in place all the same.
        sent: bool,
        /// How many routes the last write was to leave in the table.
        total: usize,
    },
}

/// The routes of a table as decisions need them.
pub(super) fn routes_of(table: &RouteTable) -> Vec<TableRoute> {
    table.properties.routes.iter().map(table_route).collect()
}

/// The routes of a table as the state shall show them: those that may not be in force lead nowhere, so that the next
/// plan brings them back. What Azure holds looks as if the write that failed had been carried out.
pub(in crate::resources) fn routes_in_force(table: &RouteTable) -> Vec<TableRoute> {
    let routes = table.properties.routes.iter();
    let shown = routes.map(|route| match is_in_force(table, route) {
        true => table_route(route),
        false => TableRoute {
            next_hop: NextHop::Other("not in force".to_owned()),
            ..table_route(route)
        },
    });
    shown.collect()
}

/// Whether some route of these owners may not be in force. Of a table whose last write failed nothing is certain.
pub(super) fn is_out_of_force(table: &RouteTable, ownership: &Ownership<'_>) -> bool {
    let mut own = table.properties.routes.iter();
    table.is_failed() || own.any(|route| ownership.owns(&route.name) && !is_in_force(table, route))
}

fn is_in_force(table: &RouteTable, route: &Route) -> bool {
    !table.is_failed() && !route.is_failed()
}

/// Reads the table, decides, looks at the next hops and writes, again and again until no other writer comes between.
pub(super) async fn rewrite(
    client: &Client,
    limits: &Limits,
    id: &RouteTableId,
    ownership: &Ownership<'_>,
    next_hops: Option<&NextHops<'_>>,
    decide: impl Fn(&[TableRoute]) -> Result<Merge, Vec<Obstacle>>,
) -> Result<Rewritten, Stopped> {
    let mut found = None;
    let slots = |table: &RouteTable| {
        let merge = decide(&routes_of(table))?;
        let writes = merge.writes() || is_out_of_force(table, ownership);
        let slots = writes.then(|| merge.routes.clone());
        // What is told to the user is what was found at first: later rounds may find our own routes.
        found.get_or_insert(merge);
        Ok(slots)
    };
    let (total, lock) = exchange(client, limits, id, next_hops, slots).await?;
    Ok(Rewritten {
        merge: found.unwrap_or_default(),
        total,
        lock,
    })
}

/// Takes the recorded routes out of the table, likewise. A table whose last write failed is written again even if it
/// shows none of them: they may still be in force, and with the state nobody would know of them.
///
/// `recorded` is asked under the lock: whoever held it before may have taken routes over.
pub(super) async fn remove<'a>(
    client: &Client,
    limits: &Limits,
    id: &RouteTableId,
    recorded: impl Fn() -> Ownership<'a>,
) -> Result<(), Stopped> {
    let slots = |table: &RouteTable| {
        let routes = routes_of(table);
        let remaining = routes_without_recorded(&recorded(), &routes);
        let remaining =
            remaining.or_else(|| table.is_failed().then(|| (0..routes.len()).collect()));
        Ok(remaining.map(|kept| kept.into_iter().map(Slot::Keep).collect()))
    };
    let removed = exchange(client, limits, id, None, slots).await;
    removed.map(|_| ())
}

/// What can be said of the routes after a write whose outcome is not known, in a sentence.
///
/// It looks even when the operation is out of time or interrupted, because the next thing that the user has to decide
/// depends on it.
pub(super) async fn look_after_failure(
    client: &Client,
    id: &RouteTableId,
    desired: &PodRoutes,
) -> String {
    let limits = Limits {
        deadline: Instant::now() + LAST_LOOK,
        stop: CancellationToken::new(),
    };
    let table = match client.get_route_table(&limits, id).await {
        Ok(Some(table)) => table,
        Ok(None) => return "The route table does not exist any more.".to_owned(),
        Err(_) => return "Whether the routes are in place could not be read.".to_owned(),
    };
    let routes = routes_of(&table);
    let in_place = routes.iter().filter(|route| match route.prefix {
        Prefix::Cidr(cidr) => desired.get(&cidr).is_some_and(|wanted| {
            wanted.name.eq_ignore_ascii_case(&route.name)
                && route.next_hop.appliance() == Some(wanted.next_hop)
        }),
        Prefix::Other(_) => false,
    });
    match (in_place.count(), desired.len()) {
        (found, all) if found == all && table.is_failed() => {
            "The routes are in the table, but Azure has marked it as failed: the next apply writes them again."
                .to_owned()
        }
        (found, all) if found == all && table.is_at_work() => {
            "The routes are in place, but Azure was still at work on the table a moment ago: the next run finds them by their names."
                .to_owned()
        }
        (found, all) if found == all => {
            "The routes are in place: the next run finds them by their names.".to_owned()
        }
        (0, _) => "None of the routes is in place.".to_owned(),
        (found, all) => format!("{found} of {all} routes are in place."),
    }
}

/// Puts the slots in the table's place until `slots` wants no change any more. Gives the number of routes, and the
/// lock of the table.
async fn exchange(
    client: &Client,
    limits: &Limits,
    id: &RouteTableId,
    mut unchecked: Option<&NextHops<'_>>,
    mut slots: impl FnMut(&RouteTable) -> Result<Option<Vec<Slot>>, Vec<Obstacle>>,
) -> Result<(usize, LockGuard), Stopped> {
    let mut sent = false;
    let mut lost_rounds = 0;
    let failed = |error, sent, total| Stopped::Failed { error, sent, total };
    let lock = client.lock(limits, [id]).await;
    let lock = lock.map_err(|error| failed(error, false, 0))?;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let table = client.get_route_table(limits, id).await;
        let table = table.map_err(|error| failed(error, sent, 0))?;
        let table = table.ok_or(Stopped::NoTable)?;
        let wanted = slots(&table);
        let wanted = wanted.map_err(|obstacles| Stopped::Refused { obstacles, sent })?;
        let Some(wanted) = wanted else {
            if !table.is_at_work() {
                return Ok((table.properties.routes.len(), lock));
            }
            // Nothing to write as things look; but the write that made them so may fail yet.
            let settled = client.wait_for_route_table(limits, id).await;
            settled.map_err(|error| failed(error, sent, 0))?;
            continue;
        };
        if let Some(next_hops) = unchecked.take() {
            let looked = next_hops.check(client, limits, &table).await;
            looked.map_err(Stopped::Outside)?;
        }
        let total = wanted.len();
        match client
            .put_route_table(limits, id, &filled(table, wanted))
            .await
        {
            Ok(now) if matches!(slots(&now), Ok(None)) => {
                return Ok((now.properties.routes.len(), lock));
            }
            Ok(_) if lost_rounds == MAX_LOST_ROUNDS => return Err(Stopped::Overwritten),
            Ok(_) => {
                sent = true;
                lost_rounds += 1;
                let pause = limits.pause(lost_rounds).await;
                pause.map_err(|_| Stopped::Overwritten)?;
            }
            // Someone has written since our read. This also follows on a write of ours whose answer was lost.
            Err(error) if error.wants_fresh_read() => {
                sent |= error.after_write() != WriteState::Refused;
                let pause = limits.pause(attempt).await;
                pause.map_err(|_| failed(error, sent, total))?;
            }
            Err(error) => return Err(failed(error, sent, total)),
        }
    }
}

/// The table with these routes; everything else, and the routes that are kept, as they came.
fn filled(mut table: RouteTable, slots: Vec<Slot>) -> RouteTable {
    let mut old: Vec<Option<Route>> = table.properties.routes.drain(..).map(Some).collect();
    let route = |slot| match slot {
        Slot::Keep(position) => old.get_mut(position).and_then(Option::take),
        Slot::Write(cidr, route) => Some(Route::to_address(
            route.name,
            cidr.to_string(),
            route.next_hop.to_string(),
        )),
    };
    table.properties.routes = slots.into_iter().filter_map(route).collect();
    table
}

fn table_route(route: &Route) -> TableRoute {
    let properties = &route.properties;
    let address = properties.next_hop_ip_address.as_deref();
    let next_hop = match address.and_then(|address| address.parse().ok()) {
        Some(address)
            if properties
                .next_hop_type
                .eq_ignore_ascii_case("VirtualAppliance") =>
        {
            NextHop::Appliance(address)
        }
        _ => NextHop::Other(properties.next_hop_type.clone()),
    };
    TableRoute {
        name: route.name.clone(),
        prefix: Prefix::read(properties.address_prefix.as_deref().unwrap_or_default()),
        next_hop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table() -> RouteTable {
        serde_json::from_value(json!({
            "etag": "W/\"1\"",
            "location": "westeurope",
            "tags": {"team": "net"},
            "sku": {"new": true},
            "properties": {
                "disableBgpRoutePropagation": true,
                "disablePeeringRoute": "All",
                "routes": [
                    {"name": "corp", "id": "/x", "etag": "W/\"1\"", "properties": {
                        "addressPrefix": "172.16.0.0/12", "nextHopType": "VirtualNetworkGateway", "hasBgpOverride": true}},
                    {"name": "ecmp", "properties": {
                        "addressPrefix": "10.9.0.0/16", "nextHopType": "VirtualApplianceEcmp",
                        "nextHop": {"nextHopIpAddresses": ["10.0.0.8", "10.0.0.9"]}}},
                    {"name": "prod.n1_10.244.1.0_24", "properties": {
                        "addressPrefix": "10.244.1.0/24", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4"}},
                ]
            }
        }))
        .unwrap()
    }

    #[test]
    fn only_a_virtual_appliance_is_a_next_hop_of_ours() {
        let hops: Vec<NextHop> = routes_of(&table())
            .into_iter()
            .map(|r| r.next_hop)
            .collect();
        assert_eq!(
            hops,
            [
                NextHop::Other("VirtualNetworkGateway".into()),
                NextHop::Other("VirtualApplianceEcmp".into()),
                NextHop::Appliance([10, 0, 0, 4].into()),
            ]
        );
    }

    #[test]
    fn a_route_that_may_not_be_in_force_leads_nowhere() {
        let shown = |table: &RouteTable| -> Vec<bool> {
            let routes = routes_in_force(table).into_iter();
            routes
                .map(|route| route.next_hop.appliance().is_some())
                .collect()
        };
        let cluster = "prod".parse().unwrap();
        let ownership = Ownership::new(&cluster, [""; 0]);
        let mut table = table();
        assert_eq!(shown(&table), [false, false, true]);
        // A failed route of others is none of our business.
        let state = || ("provisioningState".to_owned(), json!("Failed"));
        table.properties.routes[0].properties.rest.extend([state()]);
        assert!(!is_out_of_force(&table, &ownership));
        table.properties.routes[2].properties.rest.extend([state()]);
        assert_eq!(shown(&table), [false; 3]);
        assert!(is_out_of_force(&table, &ownership));
        table.properties.routes[2].properties.rest.clear();
        for state in ["Failed", "Canceled"] {
            table.properties.provisioning_state = Some(state.to_owned());
            assert_eq!(shown(&table), [false; 3]);
            assert!(is_out_of_force(&table, &ownership));
        }
    }

    #[test]
    fn what_is_kept_goes_back_as_it_came() {
        let before = serde_json::to_value(table()).unwrap();
        let after = filled(table(), vec![Slot::Keep(0), Slot::Keep(1)]);
        let after = serde_json::to_value(after).unwrap();
        let routes =
            |value: &serde_json::Value| value["properties"]["routes"].as_array().unwrap().clone();
        assert_eq!(routes(&after), routes(&before)[..2]);
        let without_routes = |mut value: serde_json::Value| {
            value["properties"]["routes"].take();
            value
        };
        assert_eq!(without_routes(after), without_routes(before));
    }
}
