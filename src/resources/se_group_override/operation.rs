//! What an operation on an override does at the controller: look, decide, change two members, and look again where
//! the answer was lost or another writer came between.

use super::model::Model;
use crate::clients::avi::{
    Client, Cloud, Error, LockGuard, LockKey, Object, Patch, Reference, SeGroup,
};
use crate::clients::{Limits, WriteState};
use crate::configured::Configured;
use crate::domain::se_groups::{
    DataNetwork, Farewell, ForeignLabel, Kept, LabelStep, OnDestroy, OutsideCloud,
    are_same_data_networks, plan_farewell, plan_label,
};
use crate::resources::se_groups::{
    CloudOfGroup, SubnetLook, labels_of, name_of_network, to_label, with_label,
};

/// How often a change whose outcome is not known is looked at and sent again.
const ATTEMPTS_AFTER_LOSS: u32 = 3;

/// One running operation on an override.
pub(super) struct Operation<'a> {
    pub(super) configured: &'a Configured,
    pub(super) avi: &'a Client,
    pub(super) limits: Limits,
}

/// The SE group of an override, its cloud, and the cloud's SE groups.
pub(super) struct Ground {
    pub(super) cloud: CloudOfGroup,
    pub(super) group: SeGroup,
    pub(super) groups: Vec<SeGroup>,
}

/// What a change has come to so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The subnet before the first request that counted.
    pub(super) before: Option<String>,
    /// Whether the label is one that was added here.
    pub(super) is_label_ours: bool,
    /// A request was sent whose outcome is not known.
    pub(super) is_unclear: bool,
}

/// Why an operation ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The controller refused, or could not be reached.
    Failed(Error),
    /// There is no such cloud.
    NoCloud,
    /// There is no such SE group.
    NoGroup,
    /// It has another label.
    ForeignLabel(ForeignLabel),
    /// The subnet lies in another virtual network.
    Outside(OutsideCloud),
    /// The virtual network has no such subnet.
    NoSubnet(String),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Failed(error)
    }
}

impl Operation<'_> {
    /// Looks for the SE group, with its cloud and its neighbours.
    pub(super) async fn survey(&self, model: &Model) -> Result<Ground, Stopped> {
        let reference = Reference::parse(Cloud::TYPE, &model.cloud_ref);
        let cloud = self
            .find_cloud(&reference.map_err(|_| Stopped::NoCloud)?)
            .await?;
        let groups = cloud.groups(self.avi, &self.limits).await?;
        let group = groups
            .iter()
            .find(|group| group.name == model.se_group_name);
        let group = group.cloned().ok_or(Stopped::NoGroup)?;
        Ok(Ground {
            cloud,
            group,
            groups,
        })
    }

    /// The cloud that the reference means.
    pub(super) async fn find_cloud(&self, reference: &Reference) -> Result<CloudOfGroup, Stopped> {
        let cloud = CloudOfGroup::find(self.avi, &self.limits, reference).await?;
        cloud.ok_or(Stopped::NoCloud)
    }

    /// Keeps every other writer of this process away from the SE group.
    pub(super) async fn lock(&self, uuid: &str) -> Result<LockGuard, Error> {
        self.avi
            .lock(&self.limits, [LockKey::of::<SeGroup>(uuid)])
            .await
    }

    /// Refuses a subnet outside of the cloud's virtual network, and one that Azure does not have.
    pub(super) async fn check_network(
        &self,
        cloud: &CloudOfGroup,
        data_network: &str,
    ) -> Result<(), Stopped> {
        check_inside(cloud, data_network)?;
        let look = cloud.look_for_subnet(self.configured, &self.limits, data_network);
        match look.await {
            SubnetLook::Unobjectionable => Ok(()),
            SubnetLook::Missing => Err(Stopped::NoSubnet(
                cloud.virtual_network.clone().unwrap_or_default(),
            )),
        }
    }

    /// Makes the SE group have the subnet and the label of `model`, with one request, or none where both are there.
    /// `own` is the cluster whose label was added here before.
    pub(super) async fn write(
        &self,
        uuid: &str,
        own: Option<&str>,
        model: &Model,
        progress: &mut Progress,
    ) -> Result<(), Stopped> {
        let cluster = model.cluster_name.as_deref();
        for attempt in 1.. {
            let actual: Option<SeGroup> = self.avi.get(&self.limits, uuid).await?;
            let actual = actual.ok_or(Stopped::NoGroup)?;
            let label = plan_label(cluster, own, &labels_of(&actual));
            let label = label.map_err(Stopped::ForeignLabel)?;
            let patch = patch_to(model, &actual, label);
            progress.note(model, &actual, label, own);
            if patch.is_empty() {
                return Ok(());
            }
            let written = self.avi.patch::<SeGroup>(&self.limits, uuid, &patch).await;
            let Err(error) = written else {
                return Ok(());
            };
            progress.is_unclear |= is_unclear(&error);
            // A label that comes between our read and our write makes ours one too many; the fresh read tells whose.
            let is_crossed = label == LabelStep::Add && error.refusal().is_some() && attempt == 1;
            if !is_crossed && !may_heal(&error, attempt)
                || self.limits.pause(attempt).await.is_err()
            {
                return Err(error.into());
            }
        }
        Err(Stopped::NoGroup)
    }

    /// Gives back what is still ours, in one request: the subnet where it is `ours`, and the label. Gives why the
    /// subnet stays, and what it is.
    pub(super) async fn end(
        &self,
        uuid: &str,
        ours: &str,
        prior: &Model,
    ) -> Result<Option<(Kept, SeGroup)>, Stopped> {
        let on_destroy = OnDestroy::of_word(&prior.on_destroy);
        let previous = prior.previous_data_network_id.as_deref();
        for attempt in 1.. {
            let Some(actual) = self.avi.get::<SeGroup>(&self.limits, uuid).await? else {
                return Ok(None);
            };
            let network = actual.data_network_id.as_deref();
            let farewell = plan_farewell(on_destroy, ours, network, previous);
            let patch = patch_from(&farewell, &actual, prior, on_destroy);
            let error = match patch.is_empty() {
                true => None,
                false => self
                    .avi
                    .patch::<SeGroup>(&self.limits, uuid, &patch)
                    .await
                    .err(),
            };
            match (error, farewell) {
                (None, Farewell::Keep(why)) => return Ok(Some((why, actual))),
                (None | Some(Error::Gone(_)), _) => return Ok(None),
                (Some(error), _) if may_heal(&error, attempt) => {
                    if self.limits.pause(attempt).await.is_err() {
                        return Err(error.into());
                    }
                }
                (Some(error), _) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

impl Progress {
    /// Notes what a fresh read shows before the next request. What an unclear request of ours may have left there is
    /// not what was there before it.
    fn note(&mut self, model: &Model, actual: &SeGroup, label: LabelStep, own: Option<&str>) {
        if !self.is_unclear || !has_network(actual, model) {
            self.before.clone_from(&actual.data_network_id);
        }
        let is_own = own.is_some() && own == model.cluster_name.as_deref();
        let may_be_own = self.is_unclear && self.is_label_ours;
        self.is_label_ours = label != LabelStep::Leave || is_own || may_be_own;
    }
}

/// Refuses a subnet that its id places outside of the cloud's virtual network.
pub(super) fn check_inside(cloud: &CloudOfGroup, data_network: &str) -> Result<(), Stopped> {
    match DataNetwork::parse(data_network) {
        Ok(network) => {
            let inside = network.check_inside(cloud.virtual_network.as_deref());
            inside.map_err(Stopped::Outside)
        }
        Err(_) => Ok(()),
    }
}

/// Whether the SE group has the subnet that is planned.
pub(super) fn has_network(actual: &SeGroup, model: &Model) -> bool {
    let networks = (&actual.data_network_id, &model.data_network_id);
    matches!(networks, (Some(actual), Some(wanted)) if are_same_data_networks(actual, wanted))
}

fn is_unclear(error: &Error) -> bool {
    matches!(
        error.after_write(),
        WriteState::Unclear | WriteState::Accepted
    )
}

fn may_heal(error: &Error, attempt: u32) -> bool {
    error.wants_fresh_read()
        || error.after_write() == WriteState::Unclear && attempt < ATTEMPTS_AFTER_LOSS
}

fn patch_to(model: &Model, actual: &SeGroup, label: LabelStep) -> Patch {
    let network = model.data_network_id.as_deref();
    let patch = match has_network(actual, model) {
        true => Patch::new(),
        false => Patch::new().replace(&SeGroup {
            data_network_id: network.map(name_of_network),
            ..SeGroup::default()
        }),
    };
    with_label(patch, label, model.cluster_name.as_deref())
}

fn patch_from(
    farewell: &Farewell,
    actual: &SeGroup,
    prior: &Model,
    on_destroy: OnDestroy,
) -> Patch {
    let (mut replaced, mut deleted) = (SeGroup::default(), SeGroup::default());
    match farewell {
        Farewell::Set(previous) => replaced.data_network_id = Some(previous.clone()),
        Farewell::Clear => deleted.data_network_id.clone_from(&actual.data_network_id),
        Farewell::Keep(_) => {}
    }
    // The label alone makes no sense to keep, nor the subnet without it.
    if let (Some(own), true) = (prior.own_label(), on_destroy != OnDestroy::Keep)
        && plan_label(Some(own), None, &labels_of(actual)) == Ok(LabelStep::Leave)
    {
        deleted.labels = Some(vec![to_label(own)]);
    }
    Patch::new().replace(&replaced).delete(&deleted)
}
