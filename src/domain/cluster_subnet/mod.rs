//! One SE subnet and its route table: whose table it is, what a create may take over, what an update has to write.

#[cfg(test)]
mod tests;

use super::azure_ids::AzureId;
use super::marks::{Mark, Tags, are_same_tags, desired_tags, tags_without_mark};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// The name of an owned route table where the user gives none: that of the SE subnet followed by `-routes`.
///
/// It depends on the configuration alone, so that a plan can name it. A name of 80 characters loses its end: Azure
/// allows no more.
pub fn default_route_table_name(se_subnet_name: &str) -> String {
    const SUFFIX: &str = "-routes";
    let stem: String = se_subnet_name.chars().take(80 - SUFFIX.len()).collect();
    format!("{stem}{SUFFIX}")
}

/// Checks the prefixes of one SE subnet together: there is one, and none contains another.
pub fn check_address_prefixes(prefixes: &BTreeSet<IpNet>) -> Result<(), String> {
    if prefixes.is_empty() {
        return Err("must have at least one address prefix".to_owned());
    }
    let contained = |one: &IpNet| {
        let mut others = prefixes.iter();
        others
            .find(|other| *other != one && other.contains(one))
            .copied()
    };
    let pair = prefixes.iter().find_map(|one| Some((one, contained(one)?)));
    match pair {
        Some((one, other)) => Err(format!(
            "must not have both {other} and {one}, which is in it"
        )),
        None => Ok(()),
    }
}

/// Which route table an SE subnet uses, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTableUse<Id> {
    /// None: as found by an import.
    None,
    /// Somebody else's, which is associated and never touched.
    Existing(Id),
    /// One that is created, changed and deleted with the SE subnet.
    Owned(Id),
}

impl<Id> RouteTableUse<Id> {
    /// The table, whosoever it is.
    pub fn id(&self) -> Option<&Id> {
        match self {
            RouteTableUse::None => None,
            RouteTableUse::Existing(id) | RouteTableUse::Owned(id) => Some(id),
        }
    }

    /// The table if it is ours.
    pub fn owned(&self) -> Option<&Id> {
        match self {
            RouteTableUse::Owned(id) => Some(id),
            _ => None,
        }
    }
}

/// What is planned for an owned route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredTable {
    /// Whether routes learnt by BGP reach the SE subnet.
    pub bgp_route_propagation_enabled: bool,
    /// The tags, or `None` where they are left to others.
    pub tags: Option<Tags>,
    /// Whose it is.
    pub mark: Mark,
}

/// What Azure holds of a route table, its routes apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActualTable {
    /// Whether routes learnt by BGP reach its subnets.
    pub bgp_route_propagation_enabled: bool,
    /// All tags, the mark among them.
    pub tags: Tags,
    /// The subnets that use it.
    pub subnets: Vec<AzureId>,
    /// Whether its last write has failed: all this may not be in force, and writing it again is what mends it
    /// (assumed: the documents only say that a failed resource may be written again).
    pub is_failed: bool,
}

/// What is planned for the SE subnet. At plan a value that is not known yet is `None`: there is nothing to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredSubnet {
    /// Its id.
    pub id: AzureId,
    /// Its address prefixes.
    pub address_prefixes: Option<BTreeSet<IpNet>>,
    /// The network security group, or `None` where it is left to others.
    pub network_security_group: Option<AzureId>,
}

/// What Azure holds of the SE subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActualSubnet {
    /// Its address prefixes.
    pub address_prefixes: BTreeSet<IpNet>,
    /// The route table it uses.
    pub route_table: Option<AzureId>,
    /// Its network security group.
    pub network_security_group: Option<AzureId>,
    /// Whether its last write has failed, as for a route table.
    pub is_failed: bool,
}

/// What an interrupted run has left of an SE subnet that is about to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remnant {
    /// Nothing.
    None,
    /// The route table, with our mark.
    Table,
    /// The route table with our mark and the SE subnet that uses it.
    TableAndSubnet,
}

/// Why nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The SE subnet is there and nothing says that we made it.
    SubnetExists,
    /// A route table of the wanted name is there without a mark.
    TableExists,
    /// A route table of the wanted name is there with the mark of another SE subnet.
    TableOfAnotherSubnet {
        /// The cluster that the mark names.
        cluster_name: Option<String>,
    },
    /// Our own remnant is not what is planned.
    RemnantDiffers {
        /// What is there.
        remnant: Remnant,
        /// In what it differs.
        differences: Vec<Difference>,
    },
    /// The table serves other subnets, which would lose their routes.
    TableServesOthers(Vec<AzureId>),
    /// Somebody else's table is not there.
    NoExistingTable,
    /// The table lies in another region than the virtual network, and Azure associates no such table.
    OtherRegion {
        /// The region of the table.
        table: String,
        /// The region of the virtual network.
        network: String,
    },
    /// A prefix that Azure would refuse.
    Misplaced(Misplacement),
}

/// One attribute in which a remnant is not what is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The attribute.
    pub attribute: &'static str,
    /// What is planned.
    pub planned: String,
    /// What Azure holds.
    pub actual: String,
}

/// The look before a create: what of the plan may be taken over, or why it must not be written.
///
/// `planned` is `None` for the association with somebody else's table: such a subnet carries no mark anywhere, so
/// whatever is found is not ours.
pub fn check_create(
    subnet: &DesiredSubnet,
    planned: Option<(&AzureId, &DesiredTable)>,
    actual_subnet: Option<&ActualSubnet>,
    actual_table: Option<&ActualTable>,
) -> Result<Remnant, Refusal> {
    let Some((table_id, table)) = planned else {
        return match actual_subnet {
            Some(_) => Err(Refusal::SubnetExists),
            None => Ok(Remnant::None),
        };
    };
    let standing = actual_table.map(|actual| standing(actual, &subnet.id));
    match (actual_subnet, standing) {
        (None, None) => Ok(Remnant::None),
        (None, Some(Standing::Ours)) => accept(Remnant::Table, subnet, table, None, actual_table),
        (Some(found), Some(Standing::Ours)) if found.route_table.as_ref() == Some(table_id) => {
            accept(
                Remnant::TableAndSubnet,
                subnet,
                table,
                Some(found),
                actual_table,
            )
        }
        (Some(_), _) => Err(Refusal::SubnetExists),
        (None, Some(Standing::Unmarked)) => Err(Refusal::TableExists),
        (None, Some(Standing::AnotherSubnets { cluster_name })) => {
            Err(Refusal::TableOfAnotherSubnet { cluster_name })
        }
    }
}

/// A prefix of an SE subnet that Azure would refuse as things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misplacement {
    /// It is in none of the virtual network's address ranges.
    OutsideNetwork {
        /// The prefix.
        prefix: IpNet,
        /// The address ranges.
        ranges: Vec<IpNet>,
    },
    /// It has addresses of another subnet.
    Overlap {
        /// The prefix.
        prefix: IpNet,
        /// The other subnet's name.
        subnet: String,
        /// The other subnet's prefix.
        other: IpNet,
    },
}

/// Finds the prefixes that do not fit into a virtual network with these address ranges and these other subnets.
pub fn check_place(
    prefixes: &BTreeSet<IpNet>,
    ranges: &[IpNet],
    others: &BTreeMap<String, BTreeSet<IpNet>>,
) -> Vec<Misplacement> {
    let mut problems = Vec::new();
    for &prefix in prefixes {
        if !ranges.iter().any(|range| range.contains(&prefix)) {
            problems.push(Misplacement::OutsideNetwork {
                prefix,
                ranges: ranges.to_vec(),
            });
        }
        for (subnet, theirs) in others {
            let overlaps = |other: &&IpNet| prefix.contains(*other) || other.contains(&prefix);
            problems.extend(
                theirs
                    .iter()
                    .find(overlaps)
                    .map(|&other| Misplacement::Overlap {
                        prefix,
                        subnet: subnet.clone(),
                        other,
                    }),
            );
        }
    }
    problems
}

/// Refuses a table in another region than that of the virtual network.
pub fn check_region(network: &str, table: &str) -> Result<(), Refusal> {
    // Azure takes "West Europe" for "westeurope", and may give back either.
    let folded = |region: &str| region.replace(' ', "").to_lowercase();
    if folded(network) == folded(table) {
        return Ok(());
    }
    Err(Refusal::OtherRegion {
        table: table.to_owned(),
        network: network.to_owned(),
    })
}

/// What to write on the route table that is planned to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableWrite {
    /// It is as planned.
    Nothing,
    /// Create it, with these tags.
    Create(Tags),
    /// Write the whole table, its routes as they are, with these tags.
    Put(Tags),
    /// Write its tags alone.
    PatchTags(Tags),
}

/// What an update writes on the table `planned`, now that `prior` is in the state and `actual` in Azure.
///
/// A table that the state calls ours needs no mark; one that is new to this state must carry ours, unless it was the
/// associated table until now and is taken over on the user's word.
pub fn plan_table_write<Id: PartialEq>(
    prior: &RouteTableUse<Id>,
    planned: &Id,
    desired: &DesiredTable,
    actual: Option<&ActualTable>,
    se_subnet: &AzureId,
) -> Result<TableWrite, Refusal> {
    if let Some(actual) = actual {
        match (prior, standing(actual, se_subnet)) {
            (RouteTableUse::Owned(id), _) if id == planned => {}
            (_, Standing::Ours) => {}
            (RouteTableUse::Existing(id), Standing::Unmarked) if id == planned => {}
            (_, Standing::Unmarked) => return Err(Refusal::TableExists),
            (_, Standing::AnotherSubnets { cluster_name }) => {
                return Err(Refusal::TableOfAnotherSubnet { cluster_name });
            }
        }
    }
    Ok(table_write(desired, actual))
}

/// What brings `actual` to `desired`. A lost mark alone is a reason to write: whoever asks is writing anyway.
pub fn table_write(desired: &DesiredTable, actual: Option<&ActualTable>) -> TableWrite {
    let Some(actual) = actual else {
        return TableWrite::Create(desired_tags(
            desired.tags.as_ref(),
            &Tags::new(),
            &desired.mark,
        ));
    };
    let tags = desired_tags(desired.tags.as_ref(), &actual.tags, &desired.mark);
    if actual.is_failed
        || actual.bgp_route_propagation_enabled != desired.bgp_route_propagation_enabled
    {
        TableWrite::Put(tags)
    } else if !are_same_tags(&tags, &actual.tags) {
        TableWrite::PatchTags(tags)
    } else {
        TableWrite::Nothing
    }
}

/// Whether the SE subnet needs no write: planned values that are `None` are left as they are.
pub fn is_subnet_as_planned(
    desired: &DesiredSubnet,
    route_table: &AzureId,
    actual: &ActualSubnet,
) -> bool {
    !actual.is_failed
        && actual.route_table.as_ref() == Some(route_table)
        && subnet_differences(desired, actual).is_empty()
}

/// What becomes of the table that was ours and is not planned to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell<Id> {
    /// There is none.
    None,
    /// It stays, without our mark.
    Release(Id),
    /// It goes, unless another subnet uses it by now.
    Delete(Id),
}

/// The last step of an update, after the SE subnet has its new table.
pub fn plan_farewell<Id: Clone + PartialEq>(
    prior: &RouteTableUse<Id>,
    planned: &RouteTableUse<Id>,
) -> Farewell<Id> {
    match prior.owned() {
        None => Farewell::None,
        Some(old) if planned.owned() == Some(old) => Farewell::None,
        Some(old) if planned.id() == Some(old) => Farewell::Release(old.clone()),
        Some(old) => Farewell::Delete(old.clone()),
    }
}

/// Refuses to delete a table that serves any subnet but ours.
pub fn check_delete(table: &ActualTable, se_subnet: &AzureId) -> Result<(), Refusal> {
    let others = subnets_beside(table, se_subnet);
    if others.is_empty() {
        Ok(())
    } else {
        Err(Refusal::TableServesOthers(others))
    }
}

/// The subnets that the table serves, the SE subnet apart.
pub fn subnets_beside(table: &ActualTable, se_subnet: &AzureId) -> Vec<AzureId> {
    let subnets = table.subnets.iter();
    subnets
        .filter(|subnet| *subnet != se_subnet)
        .cloned()
        .collect()
}

enum Standing {
    Ours,
    Unmarked,
    AnotherSubnets { cluster_name: Option<String> },
}

fn standing(table: &ActualTable, se_subnet: &AzureId) -> Standing {
    match Mark::find_in(&table.tags) {
        None => Standing::Unmarked,
        Some(mark) if mark.is_of(se_subnet.as_str()) => Standing::Ours,
        Some(mark) => Standing::AnotherSubnets {
            cluster_name: mark.cluster_name().map(str::to_owned),
        },
    }
}

fn accept(
    remnant: Remnant,
    subnet: &DesiredSubnet,
    table: &DesiredTable,
    actual_subnet: Option<&ActualSubnet>,
    actual_table: Option<&ActualTable>,
) -> Result<Remnant, Refusal> {
    let mut differences: Vec<_> = actual_subnet
        .map(|actual| subnet_differences(subnet, actual))
        .unwrap_or_default();
    differences.extend(
        actual_table
            .into_iter()
            .flat_map(|actual| table_differences(table, actual)),
    );
    if differences.is_empty() {
        Ok(remnant)
    } else {
        Err(Refusal::RemnantDiffers {
            remnant,
            differences,
        })
    }
}

fn subnet_differences(desired: &DesiredSubnet, actual: &ActualSubnet) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(prefixes) = &desired.address_prefixes
        && *prefixes != actual.address_prefixes
    {
        differences.push(Difference {
            attribute: "address_prefixes",
            planned: join(prefixes),
            actual: join(&actual.address_prefixes),
        });
    }
    if let Some(group) = &desired.network_security_group
        && Some(group) != actual.network_security_group.as_ref()
    {
        differences.push(Difference {
            attribute: "network_security_group_id",
            planned: group.to_string(),
            actual: shown(actual.network_security_group.as_ref()),
        });
    }
    differences
}

fn table_differences(desired: &DesiredTable, actual: &ActualTable) -> Vec<Difference> {
    let mut differences = Vec::new();
    let (planned, found) = (
        desired.bgp_route_propagation_enabled,
        actual.bgp_route_propagation_enabled,
    );
    if planned != found {
        differences.push(Difference {
            attribute: "bgp_route_propagation_enabled",
            planned: planned.to_string(),
            actual: found.to_string(),
        });
    }
    let mark = Mark::find_in(&actual.tags);
    let found = mark.as_ref().and_then(Mark::cluster_name);
    if desired.mark.cluster_name() != found {
        differences.push(Difference {
            attribute: "cluster_name",
            planned: shown(desired.mark.cluster_name()),
            actual: shown(found),
        });
    }
    let found = tags_without_mark(&actual.tags);
    if let Some(tags) = &desired.tags
        && !are_same_tags(tags, &found)
    {
        differences.push(Difference {
            attribute: "tags",
            planned: format!("{tags:?}"),
            actual: format!("{found:?}"),
        });
    }
    differences
}

fn join(prefixes: &BTreeSet<IpNet>) -> String {
    let prefixes: Vec<_> = prefixes.iter().map(IpNet::to_string).collect();
    prefixes.join(", ")
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
