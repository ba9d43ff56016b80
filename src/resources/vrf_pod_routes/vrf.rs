//! The VRF context at the controller, joined with the decisions on it: read, decide, write, and look again.

use crate::clients::Limits;
use crate::clients::avi::refs::uuid_of;
use crate::clients::avi::{
    Client, Cloud, Error, Filter, IpAddr, IpAddrPrefix, LockGuard, LockKey, Reference, StaticRoute,
    VrfContext, WriteState,
};
use crate::domain::node_routes::NodeRoutes;
use crate::domain::pod_routes::Prefix;
use crate::domain::se_groups::CLUSTER_LABEL;
use crate::domain::vrf_merge::{VrfMerge, VrfObstacle, VrfSlot, vrf_routes_without_recorded};
use crate::domain::vrf_routes::{ClusterLabel, VrfOwnership, VrfRoute, count_in_place};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a look may take after the time of the operation is up or the user has interrupted it.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Where the routes of a cluster are, by what the controller knows it by.
pub(super) struct Ground {
    /// The VRF.
    pub(super) vrf_uuid: String,
    /// Its cloud.
    pub(super) cloud_uuid: Option<String>,
    /// The name of that.
    pub(super) cloud_name: Option<String>,
}

/// A VRF that holds what it should.
pub(super) struct Rewritten {
    /// What was found and changed.
    pub(super) merge: VrfMerge,
    /// When the controller has written it, by its own clock; none where there was nothing to write.
    pub(super) written_at: Option<u64>,
    /// Keeps other operations of this process away from the VRF until it is dropped.
    pub(super) lock: LockGuard,
}

/// Why a VRF does not hold what it should.
pub(super) enum Stopped {
    /// The VRF does not exist.
    NoVrf,
    /// Something stands in the way.
    Refused {
        obstacles: Vec<VrfObstacle>,
        /// Whether a write has left before: the obstacle came after it.
        sent: bool,
    },
    /// A call failed.
    Failed {
        error: Error,
        /// Whether a write has left before, so that the routes may be in place all the same.
        sent: bool,
    },
}

/// The VRF of that name in the cloud.
pub(super) async fn find(
    client: &Client,
    limits: &Limits,
    cloud: &Reference,
    name: &str,
) -> Result<Option<VrfContext>, Error> {
    let filter = Filter::named(name).in_cloud(cloud.clone());
    client.find(limits, &filter).await
}

/// The VRF and its cloud. The name of a cloud that is given by its uuid takes a call.
pub(super) async fn ground_of(
    client: &Client,
    limits: &Limits,
    cloud: &Reference,
    vrf: &VrfContext,
) -> Result<Ground, Error> {
    let cloud_uuid = cloud.uuid().or_else(|| uuid_of(vrf.cloud_ref.as_ref()?));
    let cloud_name = match cloud {
        Reference::Name(name) => Some(name.clone()),
        Reference::Uuid(uuid) => client.get::<Cloud>(limits, uuid).await?.map(|it| it.name),
    };
    Ok(Ground {
        vrf_uuid: vrf.uuid.clone().unwrap_or_default(),
        cloud_uuid: cloud_uuid.map(str::to_owned),
        cloud_name,
    })
}

/// The routes of a VRF as decisions need them.
pub(super) fn routes_of(vrf: &VrfContext) -> Vec<VrfRoute> {
    vrf.static_routes
        .iter()
        .flatten()
        .map(decided_route)
        .collect()
}

/// Reads the VRF, decides and writes, again and again until no other writer comes between.
pub(super) async fn rewrite(
    client: &Client,
    limits: &Limits,
    uuid: &str,
    cluster: &ClusterLabel,
    decide: impl Fn(&[VrfRoute]) -> Result<VrfMerge, Vec<VrfObstacle>>,
) -> Result<Rewritten, Stopped> {
    let mut found = None;
    let slots = |routes: &[VrfRoute]| {
        let merge = decide(routes)?;
        let slots = merge.writes().then(|| merge.routes.clone());
        // What is told to the user is what was found at first: later rounds may find our own routes.
        found.get_or_insert(merge);
        Ok(slots)
    };
    let (written_at, lock) = exchange(client, limits, uuid, cluster, slots).await?;
    Ok(Rewritten {
        merge: found.unwrap_or_default(),
        written_at,
        lock,
    })
}

/// Takes the recorded routes out of the VRF, likewise. Gives the prefixes of those that somebody has led elsewhere: they
/// stay.
///
/// `recorded` is asked under the lock: whoever held it before may have taken routes over.
pub(super) async fn remove<'a>(
    client: &Client,
    limits: &Limits,
    uuid: &str,
    cluster: &ClusterLabel,
    recorded: impl Fn() -> VrfOwnership<'a>,
) -> Result<Vec<String>, Stopped> {
    let mut left = Vec::new();
    let slots = |routes: &[VrfRoute]| {
        let recorded = recorded();
        left = recorded.led_elsewhere(routes);
        let remaining = vrf_routes_without_recorded(&recorded, routes);
        Ok(remaining.map(|kept| kept.into_iter().map(VrfSlot::Keep).collect()))
    };
    drop(exchange(client, limits, uuid, cluster, slots).await?);
    Ok(left)
}

/// What can be said of the routes after a write whose outcome is not known, in a sentence.
///
/// It looks even when the operation is out of time or interrupted, because the next thing that the user has to decide
/// depends on it.
pub(super) async fn look_after_failure(
    client: &Client,
    uuid: &str,
    cluster: &ClusterLabel,
    desired: &NodeRoutes,
) -> String {
    let vrf = match client.get::<VrfContext>(&last_look(), uuid).await {
        Ok(Some(vrf)) => vrf,
        Ok(None) => return "The VRF context does not exist any more.".to_owned(),
        Err(_) => return "Whether the routes are in place could not be read.".to_owned(),
    };
    match (
        count_in_place(cluster, desired, &routes_of(&vrf)),
        desired.len(),
    ) {
        (found, all) if found == all => {
            "The routes are in place: the next run finds them by their label.".to_owned()
        }
        (0, _) => "None of the routes is in place.".to_owned(),
        (found, all) => format!("{found} of {all} routes are in place."),
    }
}

/// The limits of a look that has to be taken after the end of an operation.
pub(super) fn last_look() -> Limits {
    Limits {
        deadline: Instant::now() + LAST_LOOK,
        stop: CancellationToken::new(),
    }
}

/// Puts the slots in the place of the VRF's routes until `slots` wants no change any more. Gives the time of the write,
/// if there was one, and the lock of the VRF.
async fn exchange(
    client: &Client,
    limits: &Limits,
    uuid: &str,
    cluster: &ClusterLabel,
    mut slots: impl FnMut(&[VrfRoute]) -> Result<Option<Vec<VrfSlot>>, Vec<VrfObstacle>>,
) -> Result<(Option<u64>, LockGuard), Stopped> {
    let mut sent = false;
    let failed = |error, sent| Stopped::Failed { error, sent };
    let lock = client.lock(limits, [LockKey::of::<VrfContext>(uuid)]).await;
    let lock = lock.map_err(|error| failed(error, false))?;
    loop {
        let vrf = client.get::<VrfContext>(limits, uuid).await;
        let vrf = vrf.map_err(|error| failed(error, sent))?;
        let vrf = vrf.ok_or(Stopped::NoVrf)?;
        let wanted = slots(&routes_of(&vrf));
        let wanted = wanted.map_err(|obstacles| Stopped::Refused { obstacles, sent })?;
        let Some(wanted) = wanted else {
            let written_at = sent.then(|| time_of(&vrf)).flatten();
            return Ok((written_at, lock));
        };
        match client.put(limits, &filled(vrf, &wanted, cluster)).await {
            Ok(now) => return Ok((time_of(&now), lock)),
            // Someone has written since our read: where AKO is at work, many times in a row. This also follows on a
            // write of ours whose answer was lost.
            Err(error) if error.wants_fresh_read() => {
                sent |= error.after_write() != WriteState::Refused;
                // Always the shortest pause: AKO repeats within milliseconds, and who waits longer never gets its turn.
                let pause = limits.pause(1).await;
                pause.map_err(|_| failed(error, sent))?;
            }
            Err(error) => return Err(failed(error, sent)),
        }
    }
}

/// The VRF with these routes; everything else, and the routes that are kept, as they came.
fn filled(mut vrf: VrfContext, slots: &[VrfSlot], cluster: &ClusterLabel) -> VrfContext {
    let old = vrf.static_routes.take().unwrap_or_default();
    // Of all routes that there are, also of those that go: the next writer may have kept one.
    let taken = old.iter().map(|route| route.route_id.clone()).collect();
    let unique = Uuid::new_v4().to_string();
    let mut ids = cluster.route_ids(&unique, &taken);
    let route = |slot: &VrfSlot| match *slot {
        VrfSlot::Keep(position) => old.get(position).cloned(),
        VrfSlot::Redirect(position, next_hop) => {
            let mut route = old.get(position).cloned()?;
            route.next_hop.addr = next_hop.to_string();
            route.next_hop.r#type = "V4".to_owned();
            Some(route)
        }
        VrfSlot::Add(cidr, next_hop) => Some(StaticRoute::labelled(
            ids.next()?,
            IpAddrPrefix::v4(cidr.address().to_string(), cidr.length()),
            IpAddr::v4(next_hop.to_string()),
            (CLUSTER_LABEL, cluster.as_str()),
        )),
    };
    let routes: Vec<_> = slots.iter().filter_map(route).collect();
    // The controller shows no empty list (recorded), and takes a missing one for it.
    vrf.static_routes = (!routes.is_empty()).then_some(routes);
    vrf
}

fn decided_route(route: &StaticRoute) -> VrfRoute {
    let StaticRoute {
        prefix,
        next_hop,
        labels,
        ..
    } = route;
    let text = format!("{}/{}", prefix.ip_addr.addr, prefix.mask);
    let is_v4 = |address: &IpAddr| address.r#type == "V4";
    let labels = labels.iter().flatten();
    VrfRoute {
        labels: labels
            .map(|label| (label.key.clone(), label.value.clone()))
            .collect(),
        prefix: match is_v4(&prefix.ip_addr) {
            true => Prefix::read(&text),
            false => Prefix::Other(text),
        },
        next_hop: match is_v4(next_hop) {
            true => next_hop.addr.parse().ok(),
            false => None,
        },
    }
}

/// Microseconds since 1970, as the controller writes them.
fn time_of(vrf: &VrfContext) -> Option<u64> {
    vrf.last_modified.as_ref()?.parse().ok()
}
