//! What the user is told when routes do not come to a route table.

use super::azure_errors::call_failed;
use super::azure_route_wait::NotThere;
use super::route_messages::list;
use crate::clients::Interrupted;
use crate::framework::diagnostics::Diagnostic;

/// The error for tables that do not hold what was waited for.
pub(super) fn not_there(summary: &str, not_there: &NotThere) -> Diagnostic {
    let (cause, table, gaps, waited) = match not_there {
        NotThere::NoTable(table) => {
            return Diagnostic::error(
                summary,
                format!(
                    "There is no route table {:?} in resource group {:?}, so that nothing can write routes there.",
                    table.name(),
                    table.parent().name()
                ),
            );
        }
        NotThere::Failed(error) => return call_failed(summary, error),
        NotThere::Lacking {
            cause,
            table,
            gaps,
            waited,
        } => (cause, table, gaps, waited),
    };
    let ended = match cause {
        Interrupted::DeadlineExceeded => "time is up",
        Interrupted::Stopped => "stopped by an interrupt",
    };
    let lines: Vec<_> = gaps.iter().map(ToString::to_string).collect();
    Diagnostic::error(
        summary,
        format!(
            "Waiting for routes in route table {:?}: {ended} after {} s. The table is not yet as it should be:\n\n{}\n\nWhere AKO writes routes, it and the controller's cloud connector have to act first: see whether the SE group has the label of the cluster, whether the cloud credential may write routes in this table, and what the controller's events say. If the time is too short, raise it in the `timeouts` block.",
            table.name(),
            waited.as_secs(),
            list(&lines)
        ),
    )
}
