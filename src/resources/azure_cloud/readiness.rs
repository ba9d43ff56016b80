//! Waiting for a cloud: until virtual services can be placed in it, and until it is gone.

use super::messages;
use super::model::Model;
use crate::clients::avi::{Client, Cloud, CloudState, CloudStatus, Error};
use crate::clients::{Interrupted, Limits, WriteState};
use crate::framework::resource::Failure;
use crate::resources::avi_creation::uuid_of;

/// Looks at the state from this attempt on come as far apart as those before: up to some eight seconds.
const LONGEST_PAUSE: u32 = 6;

/// Why the cloud is not ready.
#[derive(Debug)]
pub(super) enum NotReady {
    /// Time is up, the user has stopped it, or a call failed.
    Failed(Error),
    /// Somebody is deleting it.
    Deleting(CloudStatus),
}

impl NotReady {
    /// The failed operation, after which `there` is what there is.
    pub(super) fn into_failure(self, summary: &str, there: Model) -> Failure<Model> {
        Failure::with_state(messages::not_ready_yet(summary, &self), there)
    }
}

/// Waits until virtual services can be placed in the cloud.
///
/// No state but its deletion ends the wait before its time: rights that the credential lacks may still be spreading,
/// and the controller tries again by itself (assumed: no source names a failure that is final).
pub(super) async fn wait_until_ready(
    avi: &Client,
    limits: &Limits,
    cloud: &Cloud,
) -> Result<(), NotReady> {
    let uuid = uuid_of(cloud);
    let mut told = None;
    for attempt in 1.. {
        let status = avi.cloud_status(limits, uuid).await;
        let status = match (status, &told) {
            (Ok(status), _) => status,
            // What it waited for is known from the last look.
            (Err(error), Some(last)) if error.is_interruption() => {
                return Err(NotReady::Failed(retold(error, cloud, last)));
            }
            (Err(error), _) => return Err(NotReady::Failed(error)),
        };
        match status.state {
            CloudState::PlacementReady => return Ok(()),
            CloudState::Deleting => return Err(NotReady::Deleting(status)),
            _ => {}
        }
        if told.as_ref() != Some(&status) {
            tracing::info!(cloud = cloud.name, state = %status.state, reason = status.reason, "waiting for the cloud to become ready");
        }
        let pause = limits.pause(attempt.min(LONGEST_PAUSE)).await;
        pause.map_err(|cause| NotReady::Failed(out_of_time(cause, cloud, &status)))?;
        told = Some(status);
    }
    Ok(())
}

/// Waits until the controller does not know the cloud any more.
pub(super) async fn wait_until_gone(
    avi: &Client,
    limits: &Limits,
    uuid: &str,
) -> Result<(), Error> {
    for attempt in 1.. {
        let found: Option<Cloud> = avi.get(limits, uuid).await?;
        let Some(cloud) = found else {
            return Ok(());
        };
        let pause = limits.pause(attempt.min(LONGEST_PAUSE)).await;
        pause.map_err(|cause| {
            Error::interrupted(
                cause,
                &format!("deleting cloud {:?}", cloud.name),
                "the controller to finish the deletion",
                "the cloud is still there",
                WriteState::Accepted,
            )
        })?;
    }
    Ok(())
}

/// What the controller says of the cloud, in one line.
pub(super) fn shown(status: &CloudStatus) -> String {
    match status.reason.is_empty() {
        true => status.state.to_string(),
        false => format!("{}, {}", status.state, status.reason),
    }
}

fn retold(error: Error, cloud: &Cloud, last: &CloudStatus) -> Error {
    let cause = match error {
        Error::Stopped { .. } => Interrupted::Stopped,
        _ => Interrupted::DeadlineExceeded,
    };
    out_of_time(cause, cloud, last)
}

fn out_of_time(cause: Interrupted, cloud: &Cloud, last: &CloudStatus) -> Error {
    Error::interrupted(
        cause,
        &format!("waiting for cloud {:?}", cloud.name),
        "CLOUD_STATE_PLACEMENT_READY",
        &shown(last),
        WriteState::Accepted,
    )
}
