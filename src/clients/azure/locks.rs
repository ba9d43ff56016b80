//! The objects of Azure that several resources of a configuration share.

use super::super::{Interrupted, WriteState};
use super::error::Error;
use super::ids::{NetworkSecurityGroupId, RouteTableId, SubnetId, VirtualNetworkId};

/// What can be locked. The order of the variants is the order in which locks are taken, as azurerm does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockKey {
    /// A network security group.
    NetworkSecurityGroup(NetworkSecurityGroupId),
    /// A route table.
    RouteTable(RouteTableId),
    /// A virtual network: needed for any write in it, because Azure refuses two at a time.
    VirtualNetwork(VirtualNetworkId),
    /// A subnet.
    Subnet(SubnetId),
}

macro_rules! key_of {
    ($($id:ty => $key:ident),*) => {$(
        impl From<$id> for LockKey {
            fn from(id: $id) -> LockKey {
                LockKey::$key(id)
            }
        }

        impl From<&$id> for LockKey {
            fn from(id: &$id) -> LockKey {
                LockKey::$key(id.clone())
            }
        }
    )*};
}

key_of!(
    NetworkSecurityGroupId => NetworkSecurityGroup,
    RouteTableId => RouteTable,
    VirtualNetworkId => VirtualNetwork,
    SubnetId => Subnet
);

impl LockKey {
    /// The error of a wait for this lock that was ended by `cause`.
    pub(super) fn not_locked(&self, cause: Interrupted) -> Error {
        Error::interrupted(
            cause,
            &self.action(),
            "other changes of this configuration to the same object",
            "another change is still running",
            WriteState::NotSent,
        )
    }

    fn action(&self) -> String {
        let (noun, name) = match self {
            LockKey::NetworkSecurityGroup(id) => ("network security group", id.name()),
            LockKey::RouteTable(id) => ("route table", id.name()),
            LockKey::VirtualNetwork(id) => ("virtual network", id.name()),
            LockKey::Subnet(id) => ("subnet", id.name()),
        };
        format!("waiting for {noun} {name:?}")
    }
}
