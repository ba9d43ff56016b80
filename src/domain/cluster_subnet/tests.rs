//! Each decision as a table: what is planned and what is there, and what follows.

use super::*;

const SE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/se";

fn id(name: &str) -> AzureId {
    AzureId::new(format!("/tables/{name}"))
}

fn desired() -> DesiredTable {
    DesiredTable {
        bgp_route_propagation_enabled: true,
        tags: None,
        mark: Mark::new(SE, Some("cluster-1")),
    }
}

fn actual(mark: Option<Mark>) -> ActualTable {
    let mut tags = Tags::from([("owner".to_owned(), "net".to_owned())]);
    tags.extend(mark.map(|mark| (crate::domain::marks::MARK_KEY.to_owned(), mark.to_string())));
    ActualTable {
        bgp_route_propagation_enabled: true,
        tags,
        subnets: Vec::new(),
        is_failed: false,
    }
}

fn ours() -> ActualTable {
    actual(Some(desired().mark))
}

fn strangers() -> ActualTable {
    actual(Some(Mark::new("/other/subnet", Some("cluster-2"))))
}

fn subnet() -> DesiredSubnet {
    DesiredSubnet {
        id: AzureId::new(SE),
        address_prefixes: Some(BTreeSet::from(["10.1.0.0/24".parse().unwrap()])),
        network_security_group: None,
    }
}

fn actual_subnet(table: Option<&str>) -> ActualSubnet {
    ActualSubnet {
        address_prefixes: subnet().address_prefixes.unwrap(),
        route_table: table.map(id),
        network_security_group: Some(AzureId::new("/nsg")),
        is_failed: false,
    }
}

fn create(
    subnet_there: Option<&ActualSubnet>,
    table: Option<&ActualTable>,
) -> Result<Remnant, Refusal> {
    check_create(&subnet(), Some((&id("A"), &desired())), subnet_there, table)
}

#[test]
fn a_create_takes_over_only_what_bears_our_mark() {
    let stranger = Refusal::TableOfAnotherSubnet {
        cluster_name: Some("cluster-2".to_owned()),
    };
    let (ours, unmarked, strangers) = (ours(), actual(None), strangers());
    let (with_a, with_b, bare) = (
        actual_subnet(Some("a")),
        actual_subnet(Some("B")),
        actual_subnet(None),
    );
    let table = [
        (None, None, Ok(Remnant::None)),
        (None, Some(&ours), Ok(Remnant::Table)),
        (None, Some(&unmarked), Err(Refusal::TableExists)),
        (None, Some(&strangers), Err(stranger)),
        (Some(&with_a), Some(&ours), Ok(Remnant::TableAndSubnet)),
        (Some(&with_a), Some(&unmarked), Err(Refusal::SubnetExists)),
        (Some(&with_a), Some(&strangers), Err(Refusal::SubnetExists)),
        (Some(&with_b), Some(&ours), Err(Refusal::SubnetExists)),
        (Some(&bare), Some(&ours), Err(Refusal::SubnetExists)),
        (Some(&bare), None, Err(Refusal::SubnetExists)),
    ];
    for (subnet_there, table_there, expected) in table {
        assert_eq!(
            create(subnet_there, table_there),
            expected,
            "{subnet_there:?} {table_there:?}"
        );
    }
}

#[test]
fn an_se_subnet_that_exists_is_never_taken_over_for_somebody_elses_table() {
    let found = actual_subnet(Some("A"));
    assert_eq!(
        check_create(&subnet(), None, Some(&found), Some(&ours())),
        Err(Refusal::SubnetExists)
    );
    assert_eq!(check_create(&subnet(), None, None, None), Ok(Remnant::None));
}

#[test]
fn a_remnant_that_differs_is_refused_with_each_difference() {
    let mut table = ours();
    table.bgp_route_propagation_enabled = false;
    let mut found = actual_subnet(Some("A"));
    found.address_prefixes = BTreeSet::from(["10.2.0.0/24".parse().unwrap()]);
    let Err(Refusal::RemnantDiffers { differences, .. }) = create(Some(&found), Some(&table))
    else {
        panic!("must be refused");
    };
    let attributes: Vec<_> = differences.iter().map(|d| d.attribute).collect();
    assert_eq!(
        attributes,
        ["address_prefixes", "bgp_route_propagation_enabled"]
    );
    assert_eq!(differences[0].actual, "10.2.0.0/24");
}

#[test]
fn a_remnant_differs_by_its_cluster_its_managed_tags_and_its_managed_security_group() {
    let mut wanted = desired();
    wanted.mark = Mark::new(SE, None);
    wanted.tags = Some(Tags::new());
    let mut wanted_subnet = subnet();
    wanted_subnet.network_security_group = Some(AzureId::new("/other-nsg"));
    let Err(Refusal::RemnantDiffers { differences, .. }) = check_create(
        &wanted_subnet,
        Some((&id("A"), &wanted)),
        Some(&actual_subnet(Some("A"))),
        Some(&ours()),
    ) else {
        panic!("must be refused");
    };
    let attributes: Vec<_> = differences.iter().map(|d| d.attribute).collect();
    assert_eq!(
        attributes,
        ["network_security_group_id", "cluster_name", "tags"]
    );
}

#[test]
fn an_update_writes_on_a_table_by_state_first_and_by_mark_where_it_is_new() {
    use RouteTableUse::{Existing, None as NoTable, Owned};
    let take = desired_tags(None, &actual(None).tags, &desired().mark);
    let create = TableWrite::Create(desired_tags(None, &Tags::new(), &desired().mark));
    let stranger = Refusal::TableOfAnotherSubnet {
        cluster_name: Some("cluster-2".to_owned()),
    };
    let table = [
        // The state calls it ours: a lost or a foreign mark does not matter.
        (Owned(id("A")), Some(ours()), Ok(TableWrite::Nothing)),
        (
            Owned(id("A")),
            Some(actual(None)),
            Ok(TableWrite::PatchTags(take.clone())),
        ),
        (
            Owned(id("A")),
            Some(strangers()),
            Ok(TableWrite::PatchTags(take.clone())),
        ),
        (Owned(id("A")), None, Ok(create.clone())),
        // The associated table becomes ours, unless another SE subnet has it.
        (
            Existing(id("A")),
            Some(actual(None)),
            Ok(TableWrite::PatchTags(take)),
        ),
        (Existing(id("A")), Some(ours()), Ok(TableWrite::Nothing)),
        (Existing(id("A")), Some(strangers()), Err(stranger.clone())),
        (Existing(id("A")), None, Ok(create.clone())),
        // A different table: made anew, or left by our own interrupted update.
        (Owned(id("B")), None, Ok(create.clone())),
        (Owned(id("B")), Some(ours()), Ok(TableWrite::Nothing)),
        (
            Owned(id("B")),
            Some(actual(None)),
            Err(Refusal::TableExists),
        ),
        (
            Existing(id("B")),
            Some(actual(None)),
            Err(Refusal::TableExists),
        ),
        (Existing(id("B")), Some(strangers()), Err(stranger)),
        (NoTable, Some(actual(None)), Err(Refusal::TableExists)),
        (NoTable, None, Ok(create)),
    ];
    for (prior, found, expected) in table {
        let write = plan_table_write(
            &prior,
            &id("A"),
            &desired(),
            found.as_ref(),
            &AzureId::new(SE),
        );
        assert_eq!(write, expected, "{prior:?} {found:?}");
    }
}

#[test]
fn the_table_that_was_ours_is_released_when_it_stays_in_use_and_deleted_when_another_is_used() {
    use RouteTableUse::{Existing, None as NoTable, Owned};
    let table = [
        (Owned(id("A")), Owned(id("a")), Farewell::None),
        (
            Owned(id("A")),
            Existing(id("A")),
            Farewell::Release(id("A")),
        ),
        (Owned(id("A")), Existing(id("B")), Farewell::Delete(id("A"))),
        (Owned(id("A")), Owned(id("B")), Farewell::Delete(id("A"))),
        (Existing(id("A")), Owned(id("A")), Farewell::None),
        (Existing(id("A")), Owned(id("B")), Farewell::None),
        (Existing(id("A")), Existing(id("B")), Farewell::None),
        (NoTable, Owned(id("A")), Farewell::None),
    ];
    for (prior, planned, expected) in table {
        assert_eq!(
            plan_farewell(&prior, &planned),
            expected,
            "{prior:?} → {planned:?}"
        );
    }
}

#[test]
fn a_changed_flag_is_a_put_that_carries_the_tags_along() {
    let mut table = ours();
    table.bgp_route_propagation_enabled = false;
    assert_eq!(
        table_write(&desired(), Some(&table)),
        TableWrite::Put(table.tags.clone())
    );
}

#[test]
fn what_azure_failed_to_carry_out_is_not_as_planned() {
    let mut table = ours();
    table.is_failed = true;
    assert_eq!(
        table_write(&desired(), Some(&table)),
        TableWrite::Put(table.tags.clone())
    );
    let mut found = actual_subnet(Some("A"));
    found.is_failed = true;
    assert!(!is_subnet_as_planned(&subnet(), &id("A"), &found));
}

#[test]
fn an_unmanaged_security_group_is_no_reason_to_write() {
    assert!(is_subnet_as_planned(
        &subnet(),
        &id("A"),
        &actual_subnet(Some("a"))
    ));
    assert!(!is_subnet_as_planned(
        &subnet(),
        &id("A"),
        &actual_subnet(Some("B"))
    ));
    assert!(!is_subnet_as_planned(
        &subnet(),
        &id("A"),
        &actual_subnet(None)
    ));
}

#[test]
fn a_table_that_serves_another_subnet_is_not_deleted() {
    let mut table = ours();
    table.subnets = vec![AzureId::new(SE.to_uppercase())];
    assert_eq!(check_delete(&table, &AzureId::new(SE)), Ok(()));
    table.subnets.push(id("other"));
    assert_eq!(
        check_delete(&table, &AzureId::new(SE)),
        Err(Refusal::TableServesOthers(vec![id("other")]))
    );
}

#[test]
fn a_table_of_another_region_is_refused_with_both_regions() {
    assert_eq!(check_region("westeurope", "West Europe"), Ok(()));
    assert_eq!(
        check_region("westeurope", "northeurope"),
        Err(Refusal::OtherRegion {
            table: "northeurope".to_owned(),
            network: "westeurope".to_owned(),
        })
    );
}

#[test]
fn a_prefix_outside_the_network_or_on_another_subnet_is_found() {
    let net = |text: &str| -> IpNet { text.parse().unwrap() };
    let others = BTreeMap::from([("nodes".to_owned(), BTreeSet::from([net("10.1.4.0/22")]))]);
    let find = |prefix: &str| {
        check_place(
            &BTreeSet::from([net(prefix)]),
            &[net("10.1.0.0/16")],
            &others,
        )
    };
    assert_eq!(find("10.1.8.0/24"), []);
    assert!(matches!(
        find("10.2.8.0/24")[..],
        [Misplacement::OutsideNetwork { .. }]
    ));
    assert!(matches!(
        find("10.1.5.0/24")[..],
        [Misplacement::Overlap { .. }]
    ));
    assert!(matches!(
        find("10.1.0.0/20")[..],
        [Misplacement::Overlap { .. }]
    ));
}

#[test]
fn prefixes_within_each_other_are_refused_with_both() {
    let set = |texts: &[&str]| -> BTreeSet<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    assert_eq!(
        check_address_prefixes(&set(&["10.1.0.0/24", "10.1.1.0/24"])),
        Ok(())
    );
    let reason = check_address_prefixes(&set(&["10.1.0.0/16", "10.1.1.0/24"])).unwrap_err();
    assert!(reason.contains("10.1.0.0/16 and 10.1.1.0/24"), "{reason}");
    assert!(check_address_prefixes(&set(&[])).is_err());
}

#[test]
fn the_default_table_name_stays_a_name_that_azure_accepts() {
    use crate::domain::azure_names::check_network_name;
    assert_eq!(
        default_route_table_name("se-cluster-1"),
        "se-cluster-1-routes"
    );
    let long = default_route_table_name(&"x".repeat(80));
    assert_eq!((long.len(), check_network_name(&long)), (80, Ok(())));
}
