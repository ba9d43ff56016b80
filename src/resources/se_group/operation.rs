//! What an operation on an SE group does at the controller: look, decide, write, and look again where the answer to a
//! write was lost or another writer came between.

use super::model::{Difference, Model, markers_of, to_marker};
use crate::clients::avi::{Client, Error, Filter, LockGuard, LockKey, Patch, Reference, SeGroup};
use crate::clients::{Limits, WriteState};
use crate::configured::Configured;
use crate::domain::avi_marks::{MarkedKind, Marker};
use crate::domain::se_groups::{DataNetwork, ForeignLabel, LabelStep, OutsideCloud, plan_label};
use crate::framework::plan::Config;
use crate::resources::se_groups::{
    CloudOfGroup, SubnetLook, groups_with_network, labels_of, service_engines_of, to_label,
    with_label,
};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often a request whose outcome is not known is followed by a look and another one.
const ATTEMPTS_AFTER_LOSS: u32 = 3;

/// How often a create is sent whose name is taken by nothing that can be seen: half a minute or so.
const ATTEMPTS_FOR_NAME: u32 = 8;

/// How long the look may take that follows a lost answer at the end of the time, or after an interrupt.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// How much longer than `se_deprovision_delay` a delete waits for Service Engines.
const DEPROVISION_MARGIN: Duration = Duration::from_secs(10 * 60);

/// The controller's own default of `se_deprovision_delay`, in minutes.
const DEFAULT_DEPROVISION_DELAY: i64 = 120;

/// One running operation on an SE group.
pub(super) struct Operation<'a> {
    pub(super) avi: &'a Client,
    pub(super) limits: Limits,
}

/// The cloud of an SE group that is to be made, and what is in it already.
pub(super) struct Ground {
    pub(super) cloud: CloudOfGroup,
    pub(super) groups: Vec<SeGroup>,
}

/// Why an operation ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The controller refused, or could not be reached.
    Failed(Error),
    /// We refused, and have written nothing.
    Refused(Refusal),
    /// The outcome of a create is not known, nor whether the SE group is there.
    Lost(Error),
    /// Service Engines have not left.
    EnginesStay { error: Error, engines: Vec<String> },
}

/// Why nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such cloud.
    NoCloud,
    /// The SE group is there, and not ours.
    Exists { uuid: Option<String> },
    /// It bears our mark and is not as planned.
    Differs(Vec<Difference>),
    /// It bears our mark, and the provider block forbids to take it over.
    NotAdopted,
    /// It has another label.
    ForeignLabel(ForeignLabel),
    /// The subnet lies in another virtual network.
    Outside(OutsideCloud),
    /// The virtual network has no such subnet.
    NoSubnet { virtual_network: String },
    /// It has been deleted since it was read.
    Gone,
}

/// What a create finds under the name.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// Nothing: it is to be made.
    Nothing,
    /// What an interrupted run has left, and what is planned.
    Remnant(Box<SeGroup>),
}

/// What an update has come to.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The SE group.
    pub(super) group: SeGroup,
    /// The cluster whose label was put on by this resource.
    pub(super) own_label: Option<String>,
}

/// How a delete ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deleted {
    /// The SE group is gone.
    Gone,
    /// A create of this run has taken it over.
    Claimed,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Failed(error)
    }
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Stopped {
        Stopped::Refused(refusal)
    }
}

impl Ground {
    /// Looks at the cloud and at its SE groups.
    pub(super) async fn survey(
        avi: &Client,
        limits: &Limits,
        cloud: &Reference,
    ) -> Result<Option<Ground>, Error> {
        let Some(cloud) = CloudOfGroup::find(avi, limits, cloud).await? else {
            return Ok(None);
        };
        let groups = cloud.groups(avi, limits).await?;
        Ok(Some(Ground { cloud, groups }))
    }

    /// What a create of `planned` meets here.
    pub(super) fn check_create(&self, planned: &Model) -> Result<Found, Refusal> {
        self.check_network(planned)?;
        let existing = self.groups.iter().find(|group| group.name == planned.name);
        match existing {
            None => Ok(Found::Nothing),
            Some(existing) => {
                check_remnant(planned, &self.cloud.uuid, existing)?;
                Ok(Found::Remnant(Box::new(existing.clone())))
            }
        }
    }

    /// Refuses a subnet that is not in the cloud's virtual network by its id.
    pub(super) fn check_network(&self, planned: &Model) -> Result<(), Refusal> {
        check_network(planned.data_network_id.as_deref(), &self.cloud)
    }

    /// The SE groups beside the planned one that use its subnet.
    pub(super) fn sharing(&self, planned: &Model) -> Vec<String> {
        match &planned.data_network_id {
            Some(network) => groups_with_network(&self.groups, &planned.name, network),
            None => Vec::new(),
        }
    }
}

impl Operation<'_> {
    /// Keeps every other writer of this process away from the SE group.
    pub(super) async fn lock(&self, key: &str) -> Result<LockGuard, Error> {
        self.avi
            .lock(&self.limits, [LockKey::of::<SeGroup>(key)])
            .await
    }

    /// Refuses a subnet that Azure does not have.
    pub(super) async fn check_subnet(
        &self,
        configured: &Configured,
        cloud: &CloudOfGroup,
        data_network: Option<&str>,
    ) -> Result<(), Refusal> {
        let (Some(network), Some(virtual_network)) = (data_network, &cloud.virtual_network) else {
            return Ok(());
        };
        let look = cloud.look_for_subnet(configured, &self.limits, network);
        match look.await {
            SubnetLook::Unobjectionable => Ok(()),
            SubnetLook::Missing => Err(Refusal::NoSubnet {
                virtual_network: virtual_network.clone(),
            }),
        }
    }

    /// Makes the SE group with its label, its subnet and its mark in one request.
    ///
    /// Where the answer is lost, a look by name tells whether it was carried out; only if it was not, it is sent again.
    pub(super) async fn create(
        &self,
        planned: &Model,
        cloud: &CloudOfGroup,
    ) -> Result<SeGroup, Stopped> {
        let wanted = self.to_create(planned, cloud).await?;
        for attempt in 1.. {
            let error = match self.avi.create(&self.limits, &wanted).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            let lost = matches!(
                error.after_write(),
                WriteState::Unclear | WriteState::Accepted
            );
            // A name may be taken for a moment after its object was deleted (terraform-provider-avi#606).
            if !lost && !error.is_already_there() {
                return Err(error.into());
            }
            match self.look_for(planned, cloud).await {
                Err(_) if lost => return Err(Stopped::Lost(error)),
                Err(_) => return Err(error.into()),
                // Without a mark: there was none of that name before, and this one is as the lost request makes it.
                Ok(Some(found))
                    if lost
                        && wanted.markers.is_none()
                        && differences(planned, &found).is_empty() =>
                {
                    return Ok(found);
                }
                Ok(Some(found)) => {
                    check_remnant(planned, &cloud.uuid, &found)?;
                    return Ok(found);
                }
                Ok(None) => {}
            }
            let attempts = if lost {
                ATTEMPTS_AFTER_LOSS
            } else {
                ATTEMPTS_FOR_NAME
            };
            let is_last = attempt >= attempts || error.is_interruption();
            if is_last || self.limits.pause(attempt).await.is_err() {
                return Err(error.into());
            }
        }
        Err(Refusal::Gone.into())
    }

    /// Brings the SE group from `prior` to what is planned, by what changes alone. `own` is the cluster whose label was
    /// put on by this resource before.
    pub(super) async fn update(
        &self,
        prior: &Model,
        planned: &Model,
        config: &Config<'_>,
        own: Option<&str>,
    ) -> Result<Written, Stopped> {
        let uuid = planned.uuid.as_deref().unwrap_or_default();
        // Not configured, the planned cluster is only what was there.
        let cluster = config.get("cluster_name").as_str();
        let mut is_label_ours = own.is_some() && own == cluster;
        let done = |group, is_label_ours: bool| Written {
            group,
            own_label: cluster.filter(|_| is_label_ours).map(str::to_owned),
        };
        for attempt in 1.. {
            let actual: Option<SeGroup> = self.avi.get(&self.limits, uuid).await?;
            let actual = actual.ok_or(Refusal::Gone)?;
            let label = plan_label(cluster, own, &labels_of(&actual));
            let label = label.map_err(Refusal::ForeignLabel)?;
            let patch = self.patch(prior, planned, config, &actual, label).await?;
            if patch.is_empty() {
                return Ok(done(actual, is_label_ours));
            }
            let changes_label = label != LabelStep::Leave;
            let error = match self.avi.patch(&self.limits, uuid, &patch).await {
                Ok(written) => return Ok(done(written, is_label_ours || changes_label)),
                Err(error) => error,
            };
            // Where only a later part of the change was refused, a label that replaces ours was written before it.
            is_label_ours |= match error.after_write() {
                WriteState::Unclear => changes_label,
                WriteState::Accepted => label == LabelStep::Replace,
                WriteState::NotSent | WriteState::Refused => false,
            };
            // A label that comes between our read and our write makes ours one too many; the fresh read tells whose.
            let may_heal = error.wants_fresh_read()
                || label == LabelStep::Add && error.refusal().is_some() && attempt == 1
                || error.after_write() == WriteState::Unclear && attempt < ATTEMPTS_AFTER_LOSS;
            if !may_heal || self.limits.pause(attempt).await.is_err() {
                return Err(error.into());
            }
        }
        Err(Refusal::Gone.into())
    }

    /// Deletes the SE group once its Service Engines have left. While they do, no lock is held.
    pub(super) async fn delete(
        &self,
        uuid: &str,
        deprovision_delay: Option<i64>,
        is_claimed: impl Fn() -> bool,
    ) -> Result<Deleted, Stopped> {
        let patience = self.patience(deprovision_delay);
        let mut engines = Vec::new();
        for attempt in 1.. {
            let error = match self.delete_once(uuid, &is_claimed).await {
                Ok(deleted) => return Ok(deleted),
                Err(error) => error,
            };
            // Time is up, or the user has stopped it: what it waited for is known from the last attempt.
            if error.is_interruption() && !engines.is_empty() {
                return Err(Stopped::EnginesStay { error, engines });
            }
            let Some(referrers) = held_by(&error) else {
                return Err(error.into());
            };
            let left = service_engines_of(self.avi, &self.limits, uuid).await;
            // Who may not read Service Engines is told of them by the refusal.
            engines = left.unwrap_or(referrers.engines);
            if referrers.has_others || engines.is_empty() && attempt > 1 {
                return Err(error.into());
            }
            tracing::info!(
                se_group = uuid,
                engines = engines.len(),
                "waiting for Service Engines to leave"
            );
            if patience.pause(attempt).await.is_err() {
                return Err(Stopped::EnginesStay { error, engines });
            }
        }
        Ok(Deleted::Gone)
    }

    async fn delete_once(
        &self,
        uuid: &str,
        is_claimed: &impl Fn() -> bool,
    ) -> Result<Deleted, Error> {
        let _lock = self.lock(uuid).await?;
        if is_claimed() {
            return Ok(Deleted::Claimed);
        }
        self.avi.delete::<SeGroup>(&self.limits, uuid).await?;
        Ok(Deleted::Gone)
    }

    /// As long as Service Engines may take to leave, or as the operation may take where that is shorter.
    fn patience(&self, deprovision_delay: Option<i64>) -> Limits {
        let minutes = deprovision_delay.unwrap_or(DEFAULT_DEPROVISION_DELAY);
        let delay = Duration::from_secs(60 * minutes.unsigned_abs());
        Limits {
            deadline: self
                .limits
                .deadline
                .min(Instant::now() + delay + DEPROVISION_MARGIN),
            stop: self.limits.stop.clone(),
        }
    }

    async fn to_create(&self, planned: &Model, cloud: &CloudOfGroup) -> Result<SeGroup, Error> {
        let mut wanted = planned.to_api();
        wanted.cloud_ref = Some(Reference::Uuid(cloud.uuid.clone()).spelt("cloud"));
        let cluster = planned.cluster_name.as_deref();
        wanted.labels = cluster.map(|cluster| vec![to_label(cluster)]);
        if self.is_marked(planned).await? {
            let mark = Marker::of_se_group(&cloud.uuid, &planned.name);
            wanted.markers = Some(vec![to_marker(mark.entry())]);
        }
        Ok(wanted)
    }

    async fn patch(
        &self,
        prior: &Model,
        planned: &Model,
        config: &Config<'_>,
        actual: &SeGroup,
        label: LabelStep,
    ) -> Result<Patch, Error> {
        let (replaced, mut deleted) = planned.changes(prior, config, actual);
        let mut added = SeGroup::default();
        let mark = Marker::find_in(&markers_of(actual));
        match (planned.mark_enabled, mark) {
            (true, None) if self.is_marked(planned).await? => {
                let cloud = planned.cloud_uuid.as_deref().unwrap_or_default();
                let mark = Marker::of_se_group(cloud, &planned.name);
                added.markers = Some(vec![to_marker(mark.entry())]);
            }
            (false, Some(mark)) => deleted.markers = Some(vec![to_marker(mark.entry())]),
            _ => {}
        }
        let patch = Patch::new().replace(&replaced).add(&added).delete(&deleted);
        Ok(with_label(patch, label, planned.cluster_name.as_deref()))
    }

    /// Whether the SE group is to carry our mark, and the controller takes it.
    async fn is_marked(&self, planned: &Model) -> Result<bool, Error> {
        if !planned.mark_enabled {
            return Ok(false);
        }
        let version = self.avi.version(&self.limits).await?;
        Ok(MarkedKind::SeGroup.is_markable(&version.to_string()))
    }

    /// A look by name; at the end of the time, too, because it tells what a lost request has done.
    async fn look_for(
        &self,
        planned: &Model,
        cloud: &CloudOfGroup,
    ) -> Result<Option<SeGroup>, Error> {
        let limits = match self.limits.check() {
            Ok(()) => self.limits.clone(),
            Err(_) => Limits {
                deadline: Instant::now() + LAST_LOOK,
                stop: CancellationToken::new(),
            },
        };
        let reference = Reference::Uuid(cloud.uuid.clone());
        let filter = Filter::named(&planned.name).in_cloud(reference);
        self.avi.find(&limits, &filter).await
    }
}

/// Refuses a subnet that its id places outside of the cloud's virtual network.
pub(super) fn check_network(
    data_network: Option<&str>,
    cloud: &CloudOfGroup,
) -> Result<(), Refusal> {
    let Some(Ok(network)) = data_network.map(DataNetwork::parse) else {
        return Ok(());
    };
    network
        .check_inside(cloud.virtual_network.as_deref())
        .map_err(Refusal::Outside)
}

/// Refuses what is there under the name, unless it bears our mark and is as planned.
fn check_remnant(planned: &Model, cloud_uuid: &str, existing: &SeGroup) -> Result<(), Refusal> {
    let mark = Marker::of_se_group(cloud_uuid, &planned.name);
    if !planned.mark_enabled || !mark.is_in(&markers_of(existing)) {
        return Err(Refusal::Exists {
            uuid: existing.uuid.clone(),
        });
    }
    let differences = differences(planned, existing);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Differs(differences)),
    }
}

/// What `existing` has otherwise than the request that makes the planned SE group, label included.
fn differences(planned: &Model, existing: &SeGroup) -> Vec<Difference> {
    let mut differences = planned.differences(existing);
    let labels = labels_of(existing);
    if plan_label(planned.cluster_name.as_deref(), None, &labels) != Ok(LabelStep::Leave) {
        differences.push(Difference {
            attribute: "cluster_name",
            planned: planned.cluster_name.clone().unwrap_or_default(),
            actual: match labels.first() {
                Some(label) => format!("label {label}"),
                None => "no label".to_owned(),
            },
        });
    }
    differences
}

/// What keeps an SE group from being deleted.
struct Holders {
    engines: Vec<String>,
    has_others: bool,
}

/// What a refused delete says to be in the way; none where the refusal is about something else.
///
/// Assumed: Service Engines are named like other referrers, or in words of the controller with status 400.
fn held_by(error: &Error) -> Option<Holders> {
    match error {
        Error::InUse { referrers, .. } => {
            let (engines, others): (Vec<_>, Vec<_>) = referrers
                .iter()
                .partition(|referrer| referrer.starts_with("ServiceEngine "));
            let name = |engine: &String| engine.trim_start_matches("ServiceEngine ").to_owned();
            Some(Holders {
                engines: engines.into_iter().map(name).collect(),
                has_others: !others.is_empty(),
            })
        }
        Error::Refused(refusal) if refusal.status == 400 => Some(Holders {
            engines: Vec::new(),
            has_others: false,
        }),
        _ => None,
    }
}
