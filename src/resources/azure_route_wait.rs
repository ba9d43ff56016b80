//! Waiting until route tables in Azure hold what somebody else is to write there.

use super::pod_routes::table::routes_in_force;
use crate::clients::azure::ids::RouteTableId;
use crate::clients::azure::{Client, Error};
use crate::clients::{Interrupted, Limits};
use crate::domain::node_routes::NodeRoutes;
use crate::domain::route_check::{Gap, find_gaps};
use std::time::{Duration, Instant};

/// How long to wait between two looks at first; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long at most. The cloud connector writes each route for itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What the tables should hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// The networks with their nodes.
    pub(super) routes: &'a NodeRoutes,
    /// Whether they should hold no other route to an address.
    pub(super) exact: bool,
}

/// Why the tables do not hold it.
#[derive(Debug)]
pub(super) enum NotThere {
    /// A table does not exist.
    NoTable(RouteTableId),
    /// A table could not be read.
    Failed(Error),
    /// The wait was ended, and this is what was lacking at the last look.
    Lacking {
        /// What ended it.
        cause: Interrupted,
        /// The first table that lacked something.
        table: RouteTableId,
        /// What it lacked.
        gaps: Vec<Gap>,
        /// How long it was waited.
        waited: Duration,
    },
}

/// Looks at the tables, one after the other, until each holds what is expected.
pub(super) async fn wait_for_routes(
    client: &Client,
    limits: &Limits,
    tables: &[RouteTableId],
    expected: Expected<'_>,
) -> Result<(), NotThere> {
    let start = Instant::now();
    for table in tables {
        let mut pause = FIRST_PAUSE;
        let mut last_seen: Option<Vec<Gap>> = None;
        loop {
            let gaps = match look(client, limits, table, expected).await {
                Ok(gaps) => gaps,
                // The last look says more than that there was no time for another.
                Err(NotThere::Failed(error)) if error.is_interruption() && last_seen.is_some() => {
                    let cause = limits.check().err();
                    return Err(NotThere::Lacking {
                        cause: cause.unwrap_or(Interrupted::DeadlineExceeded),
                        table: table.clone(),
                        gaps: last_seen.unwrap_or_default(),
                        waited: start.elapsed(),
                    });
                }
                Err(error) => return Err(error),
            };
            if gaps.is_empty() {
                break;
            }
            tracing::debug!(table = %table, lacking = gaps.len(), "waiting for routes");
            limits
                .wait(pause)
                .await
                .map_err(|cause| NotThere::Lacking {
                    cause,
                    table: table.clone(),
                    gaps: gaps.clone(),
                    waited: start.elapsed(),
                })?;
            last_seen = Some(gaps);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    Ok(())
}

async fn look(
    client: &Client,
    limits: &Limits,
    id: &RouteTableId,
    expected: Expected<'_>,
) -> Result<Vec<Gap>, NotThere> {
    let table = client.get_route_table(limits, id).await;
    let table = table.map_err(NotThere::Failed)?;
    let table = table.ok_or_else(|| NotThere::NoTable(id.clone()))?;
    let routes = routes_in_force(&table);
    Ok(find_gaps(expected.routes, &routes, expected.exact))
}
