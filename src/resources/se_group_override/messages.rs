//! What `ako_se_group_override` tells the user.

use super::model::Model;
use super::operation::Stopped;
use crate::clients::avi::SeGroup;
use crate::domain::se_groups::Kept;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::resources::avi_errors::call_failed;
use crate::resources::se_group;

/// The summary of a failed operation.
pub(super) fn cannot(verb: &str, name: &str) -> String {
    format!("Cannot {verb} SE group {name:?}")
}

/// The operation ended early.
pub(super) fn stopped(summary: String, stopped: &Stopped, model: &Model) -> Diagnostic {
    let network = model.data_network_id.as_deref().unwrap_or_default();
    match stopped {
        Stopped::Failed(error) => call_failed(summary, error),
        Stopped::NoCloud => Diagnostic::error(
            format!("Cloud {:?} does not exist", model.cloud_ref),
            "The controller knows no such cloud in this tenant (avi.tenant). Check the reference. Nothing was changed.",
        )
        .at(Path::attribute("cloud_ref")),
        Stopped::NoGroup => Diagnostic::error(
            format!("SE group {:?} does not exist", model.se_group_name),
            format!(
                "Cloud {:?} has no SE group of that name in this tenant (avi.tenant); names are told apart by case. An override changes an SE group that something else has made; to make one, use `ako_se_group`. Nothing was changed.",
                model.cloud_ref
            ),
        )
        .at(Path::attribute("se_group_name")),
        Stopped::ForeignLabel(foreign) => se_group::foreign_label(foreign, &model.se_group_name),
        Stopped::Outside(outside) => se_group::outside_cloud(outside, network, &model.cloud_ref),
        Stopped::NoSubnet(virtual_network) => se_group::no_subnet(network, virtual_network),
    }
}

/// The SE group keeps its value when the override of `ours` is gone; nothing to tell where that is as wanted.
pub(super) fn kept(why: Kept, ours: &str, prior: &Model, actual: &SeGroup) -> Option<Diagnostic> {
    let name = &prior.se_group_name;
    let value = actual.data_network_id.as_deref().unwrap_or("nothing");
    let because = match why {
        Kept::Wanted | Kept::Done => return None,
        Kept::Changed => format!(
            "It is {value:?} by now, and not what this override had set ({ours:?}): somebody has changed it since."
        ),
        Kept::PreviousUnknown => format!(
            "It stays {value:?}: what was there before is not known, because the override was imported, or found its value in place. Set `previous_data_network_id`, or `on_destroy = \"clear\"`, and apply before you destroy; now change it at the controller."
        ),
    };
    Some(Diagnostic::warning(
        format!("SE group {name:?} keeps its data_network_id"),
        because,
    ))
}

/// There is no value that an import could take over.
pub(super) fn nothing_overridden(id: &str) -> Diagnostic {
    Diagnostic::error(
        format!("SE group {id:?} has no data_network_id"),
        "There is nothing to import. Apply without an import: it sets the value.",
    )
}
