//! What an operation on an SE subnet does in Azure: read under a lock, merge, write, and once more where another
//! writer came between.

use super::model::{Target, azure_id, subnet_facts, table_facts};
use crate::clients::Limits;
use crate::clients::azure::ids::RouteTableId;
use crate::clients::azure::route_tables::RouteTable;
use crate::clients::azure::subnets::Subnet;
use crate::clients::azure::virtual_networks::VirtualNetwork;
use crate::clients::azure::{Client, Error, LockGuard, LockKey, Reference, WriteState};
use crate::domain::cluster_subnet::{
    ActualTable, DesiredTable, Misplacement, Refusal, Remnant, TableWrite, check_delete,
    check_place, check_region, is_subnet_as_planned,
};
use crate::domain::marks::{Mark, Tags, tags_without_mark};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// One running operation on the SE subnet of `target`.
pub(super) struct Operation<'a> {
    pub(super) target: &'a Target,
    azure: &'a Client,
    limits: Limits,
    has_written: AtomicBool,
}

/// Why an operation ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Azure refused, or could not be reached or followed.
    Failed(Error),
    /// We refused, and have written nothing since the last read.
    Refused(Refusal),
    /// There is a remnant, and the provider block forbids to take it over.
    NotAdopted(Remnant),
    /// There is no such virtual network.
    NoNetwork,
    /// No route table is planned, which the plan excludes.
    NoTable,
    /// Azure has refused the SE subnet because of where it would lie.
    Misplaced {
        error: Box<Error>,
        problem: Misplacement,
    },
    /// The SE subnet is still in use: by these network interfaces and the like.
    InUse { error: Error, users: Vec<String> },
}

/// What can be seen of a table that we may associate and nothing else.
pub(super) enum Look {
    Found(Box<RouteTable>),
    Missing,
    /// Associating a table takes the right to join it, not the right to read it.
    Hidden,
}

impl Look {
    /// A look at somebody else's table.
    pub(super) async fn at(
        azure: &Client,
        limits: &Limits,
        id: &RouteTableId,
    ) -> Result<Look, Error> {
        match azure.get_route_table(limits, id).await {
            Ok(Some(table)) => Ok(Look::Found(Box::new(table))),
            Ok(None) => Ok(Look::Missing),
            Err(error) if error.is_forbidden() => {
                tracing::debug!(route_table = %id, %error, "not looking at a route table that may not be read");
                Ok(Look::Hidden)
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses a table that Azure would not associate with a subnet in `region`.
    pub(super) fn check(&self, region: &str) -> Result<(), Refusal> {
        match self {
            Look::Found(table) => check_region(region, &table.location),
            Look::Missing => Err(Refusal::NoExistingTable),
            Look::Hidden => Ok(()),
        }
    }
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

impl<'a> Operation<'a> {
    /// An operation on the SE subnet of `target`, of which nothing has been done yet.
    pub(super) fn new(azure: &'a Client, limits: Limits, target: &'a Target) -> Operation<'a> {
        Operation {
            target,
            azure,
            limits,
            has_written: AtomicBool::new(false),
        }
    }

    /// Whether something was written, or may have been.
    pub(super) fn has_written(&self) -> bool {
        self.has_written.load(Ordering::Relaxed)
    }

    /// Keeps every other writer of this process away from the SE subnet, its virtual network, its security group
    /// and these route tables.
    pub(super) async fn lock(&self, tables: &[&RouteTableId]) -> Result<LockGuard, Error> {
        let target = self.target;
        let mut keys = vec![
            LockKey::from(&target.virtual_network),
            LockKey::from(&target.se_subnet),
        ];
        keys.extend(tables.iter().map(|id| LockKey::from(*id)));
        keys.extend(target.network_security_group.as_ref().map(LockKey::from));
        self.azure.lock(&self.limits, keys).await
    }

    /// The virtual network, which must be there.
    pub(super) async fn network(&self) -> Result<VirtualNetwork, Stopped> {
        let network = &self.target.virtual_network;
        let found = self
            .azure
            .get_virtual_network(&self.limits, network)
            .await?;
        found.ok_or(Stopped::NoNetwork)
    }

    /// The route table.
    pub(super) async fn table(&self, id: &RouteTableId) -> Result<Option<RouteTable>, Error> {
        self.azure.get_route_table(&self.limits, id).await
    }

    /// Somebody else's route table, as far as it can be seen.
    pub(super) async fn look_at(&self, id: &RouteTableId) -> Result<Look, Error> {
        Look::at(self.azure, &self.limits, id).await
    }

    /// The SE subnet.
    pub(super) async fn subnet(&self) -> Result<Option<Subnet>, Error> {
        let id = &self.target.se_subnet;
        self.azure.get_subnet(&self.limits, id).await
    }

    /// Brings the table to `desired`, from `actual` as it was just read. Its routes go back as they came.
    ///
    /// A new table is made in `region`, that of the virtual network (Azure associates no other); it is looked up
    /// where the caller has not read the network.
    pub(super) async fn write_table(
        &self,
        id: &RouteTableId,
        desired: &DesiredTable,
        region: Option<&str>,
        mut actual: Option<RouteTable>,
        decide: impl Fn(Option<&ActualTable>) -> Result<TableWrite, Refusal>,
    ) -> Result<(), Stopped> {
        for attempt in 1.. {
            let write = decide(actual.as_ref().map(table_facts).as_ref())?;
            let written = match (write, actual) {
                (TableWrite::Nothing, _) => return Ok(()),
                (TableWrite::PatchTags(tags), Some(table)) => self.patch(id, &tags, &table).await,
                (TableWrite::Create(tags) | TableWrite::Put(tags), Some(table)) => {
                    self.put_table(id, desired, tags, table).await
                }
                (
                    TableWrite::Create(tags) | TableWrite::Put(tags) | TableWrite::PatchTags(tags),
                    None,
                ) => {
                    let location = match region {
                        Some(region) => region.to_owned(),
                        None => self.network().await?.location,
                    };
                    let table = RouteTable {
                        location,
                        ..RouteTable::default()
                    };
                    self.put_table(id, desired, tags, table).await
                }
            };
            if self.is_written(attempt, written).await? {
                return Ok(());
            }
            actual = self.table(id).await?;
        }
        Ok(())
    }

    /// Takes our mark off the table, and nothing else. The mark of another SE subnet is not ours to take.
    pub(super) async fn release_table(&self, id: &RouteTableId) -> Result<(), Stopped> {
        for attempt in 1.. {
            let Some(table) = self.table(id).await? else {
                return Ok(());
            };
            let tags = table.tags.clone().unwrap_or_default();
            if !self.is_ours(&tags) {
                return Ok(());
            }
            let written = self.patch(id, &tags_without_mark(&tags), &table).await;
            if self.is_written(attempt, written).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Brings the SE subnet to what is planned, from `actual` as it was just read. What others have set on it
    /// (delegations, service endpoints, …) goes back as it came.
    pub(super) async fn write_subnet(
        &self,
        table: &RouteTableId,
        mut actual: Option<Subnet>,
    ) -> Result<(), Stopped> {
        let desired = self.target.desired_subnet();
        for attempt in 1.. {
            let facts = actual.as_ref().map(subnet_facts);
            if facts.is_some_and(|actual| is_subnet_as_planned(&desired, &azure_id(table), &actual))
            {
                return Ok(());
            }
            let subnet = self.merged(table, actual.unwrap_or_default());
            let id = &self.target.se_subnet;
            let written = self.azure.put_subnet(&self.limits, id, &subnet).await;
            let written = match written {
                Err(error) if error.is_misplaced() => return Err(self.explained(error).await),
                written => written,
            };
            if self.is_written(attempt, written).await? {
                return Ok(());
            }
            actual = self.subnet().await?;
        }
        Ok(())
    }

    /// Deletes the SE subnet once it is empty, unless one of these tables serves another subnet by now; gives the
    /// locks that the tables' deletion still needs. None if a create of this run has taken it over: then it stays.
    ///
    /// Service Engines leave slowly. While they do, no lock is held: other work in the same virtual network goes on.
    pub(super) async fn delete_subnet(
        &self,
        tables: &[&RouteTableId],
        is_claimed: impl Fn() -> bool,
    ) -> Result<Option<LockGuard>, Stopped> {
        let mut attempt = 0;
        let mut users = Vec::new();
        loop {
            attempt += 1;
            let locks = match self.lock(tables).await {
                Err(error) if !users.is_empty() => return Err(Stopped::InUse { error, users }),
                locks => locks?,
            };
            if is_claimed() {
                return Ok(None);
            }
            for table in tables {
                self.check_table_serves_no_other(table).await?;
            }
            let id = &self.target.se_subnet;
            let error = match self.azure.delete_subnet(&self.limits, id).await {
                Ok(()) => return Ok(Some(locks)),
                Err(error) if error.is_in_use() => error,
                // Time is up, or the user has stopped it: what it waited for is known from the last attempt.
                Err(error) if error.is_interruption() && !users.is_empty() => {
                    return Err(Stopped::InUse { error, users });
                }
                Err(error) => return Err(error.into()),
            };
            drop(locks);
            users = self.users_of_subnet().await;
            tracing::info!(se_subnet = %id, users = users.len(), "waiting for the SE subnet to become empty");
            if self.limits.pause(attempt).await.is_err() {
                return Err(Stopped::InUse { error, users });
            }
        }
    }

    /// Deletes a table, unless it serves another subnet.
    ///
    /// Azure may call it in use for a while after its last subnet has gone (azurerm#4834).
    pub(super) async fn delete_table(&self, id: &RouteTableId) -> Result<(), Stopped> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.azure.delete_route_table(&self.limits, id).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_in_use() => error,
                Err(error) => return Err(error.into()),
            };
            self.check_table_serves_no_other(id).await?;
            if self.limits.pause(attempt).await.is_err() {
                return Err(error.into());
            }
        }
    }

    /// Refuses if the table serves a subnet that is not ours.
    pub(super) async fn check_table_serves_no_other(
        &self,
        id: &RouteTableId,
    ) -> Result<(), Stopped> {
        if let Some(table) = self.table(id).await? {
            check_delete(&table_facts(&table), &azure_id(&self.target.se_subnet))?;
        }
        Ok(())
    }

    /// Whether the table bears the mark of this SE subnet.
    pub(super) async fn is_marked_ours(&self, id: &RouteTableId) -> Result<bool, Error> {
        let table = self.table(id).await?;
        let tags = table.and_then(|table| table.tags).unwrap_or_default();
        Ok(self.is_ours(&tags))
    }

    fn is_ours(&self, tags: &Tags) -> bool {
        let id = self.target.se_subnet.to_string();
        Mark::find_in(tags).is_some_and(|mark| mark.is_of(&id))
    }

    /// Azure says that the SE subnet is in the wrong place; what it is that it collides with, the virtual network shows.
    async fn explained(&self, error: Error) -> Stopped {
        let network = self.network().await;
        let problem = network
            .ok()
            .and_then(|network| misplacements(self.target, &network).into_iter().next());
        match problem {
            Some(problem) => Stopped::Misplaced {
                error: error.into(),
                problem,
            },
            None => Stopped::Failed(error),
        }
    }

    /// Whether the write has succeeded. After an error that a fresh read may heal it waits a little and says no;
    /// any other error, or one for which there is no time, ends the operation.
    async fn is_written<T>(&self, attempt: u32, written: Result<T, Error>) -> Result<bool, Error> {
        let state = written.as_ref().err().map(Error::after_write);
        if !matches!(state, Some(WriteState::NotSent | WriteState::Refused)) {
            self.has_written.store(true, Ordering::Relaxed);
        }
        let Err(error) = written else {
            return Ok(true);
        };
        if !error.wants_fresh_read() || self.limits.pause(attempt).await.is_err() {
            return Err(error);
        }
        Ok(false)
    }

    async fn patch(
        &self,
        id: &RouteTableId,
        tags: &Tags,
        read: &RouteTable,
    ) -> Result<RouteTable, Error> {
        let etag = read.etag.as_deref();
        self.azure
            .patch_route_table_tags(&self.limits, id, tags, etag)
            .await
    }

    async fn put_table(
        &self,
        id: &RouteTableId,
        desired: &DesiredTable,
        tags: Tags,
        mut table: RouteTable,
    ) -> Result<RouteTable, Error> {
        table.tags = Some(tags);
        table.properties.disable_bgp_route_propagation =
            Some(!desired.bgp_route_propagation_enabled);
        self.azure.put_route_table(&self.limits, id, &table).await
    }

    fn merged(&self, table: &RouteTableId, mut subnet: Subnet) -> Subnet {
        let properties = &mut subnet.properties;
        properties.route_table = Some(Reference::to(table.clone()));
        if let Some(group) = &self.target.network_security_group {
            properties.network_security_group = Some(Reference::to(group.clone()));
        }
        if let Some(prefixes) = &self.target.address_prefixes {
            let prefixes: Vec<_> = prefixes.iter().map(IpNet::to_string).collect();
            // Azure holds one prefix in either member; a subnet that has the list keeps the list.
            let keeps_list = properties
                .address_prefixes
                .as_ref()
                .is_some_and(|list| !list.is_empty());
            match (prefixes.as_slice(), keeps_list) {
                ([prefix], false) => properties.address_prefix = Some(prefix.clone()),
                _ => {
                    properties.address_prefix = None;
                    properties.address_prefixes = Some(prefixes);
                }
            }
        }
        subnet
    }

    /// What keeps the SE subnet in use, as far as Azure tells; used for messages only.
    async fn users_of_subnet(&self) -> Vec<String> {
        let Ok(Some(subnet)) = self.subnet().await else {
            return Vec::new();
        };
        let mut users: Vec<String> = subnet
            .properties
            .used_by()
            .into_iter()
            .map(owner_of)
            .collect();
        users.sort();
        users.dedup();
        users
    }
}

/// Where the planned prefixes lie outside the virtual network or on other subnets.
pub(super) fn misplacements(target: &Target, network: &VirtualNetwork) -> Vec<Misplacement> {
    let Some(prefixes) = &target.address_prefixes else {
        return Vec::new();
    };
    let ranges = &network.properties.address_space.address_prefixes;
    let ranges: Vec<_> = ranges
        .iter()
        .filter_map(|range| range.parse().ok())
        .collect();
    let subnets = network.properties.subnets.iter();
    let others: BTreeMap<_, _> = subnets
        .filter_map(|subnet| Some((subnet.id.as_ref()?, subnet)))
        .filter(|(id, _)| **id != target.se_subnet)
        .map(|(id, subnet)| (id.name().to_owned(), subnet_facts(subnet).address_prefixes))
        .collect();
    check_place(prefixes, &ranges, &others)
}

/// The network interface (or whatever else) that an IP configuration belongs to.
fn owner_of(ip_configuration: &str) -> String {
    let end = ip_configuration
        .to_ascii_lowercase()
        .find("/ipconfigurations/");
    ip_configuration[..end.unwrap_or(ip_configuration.len())].to_owned()
}
