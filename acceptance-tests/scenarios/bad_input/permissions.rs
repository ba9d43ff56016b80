//! What the provider's identity may not do: the action is named, on which object, and who is to give it.

use super::*;
use ako_lab::azure::Denial;

/// A right that is missing, and what is said of it.
struct Denied {
    action: &'static str,
    /// Whether the plan of a create meets it already.
    at_plan: bool,
    said: &'static [&'static str],
}

const SE_SUBNET_WITH_GROUP: &str = r#"
resource "ako_cluster_subnet" "se" {
  virtual_network_id        = var.virtual_network_id
  name                      = "snet-se"
  address_prefixes          = ["10.0.100.0/24"]
  route_table_name          = "rt-se"
  network_security_group_id = "${var.resource_group_id}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes"
}
"#;

const OF_SE_SUBNET: &[Denied] = &[
    Denied {
        action: "Microsoft.Network/virtualNetworks/read",
        at_plan: true,
        said: &[
            "AuthorizationFailed",
            "Reading virtual network \"vnet-ako-lab\"",
            "Nothing was changed",
        ],
    },
    Denied {
        action: "Microsoft.Network/routeTables/read",
        at_plan: true,
        said: &[
            "AuthorizationFailed",
            "Reading route table \"rt-se\"",
            "Nothing was changed",
        ],
    },
    Denied {
        action: "Microsoft.Network/routeTables/write",
        at_plan: false,
        said: &[
            "AuthorizationFailed",
            "Writing route table \"rt-se\"",
            "Nothing was changed",
        ],
    },
    Denied {
        action: "Microsoft.Network/virtualNetworks/subnets/write",
        at_plan: false,
        said: &[
            "AuthorizationFailed",
            "Writing subnet \"snet-se\"",
            "What exists by now is in the state",
        ],
    },
    Denied {
        action: "Microsoft.Network/routeTables/join/action",
        at_plan: false,
        said: &[
            "LinkedAuthorizationFailed",
            "routeTables/rt-se",
            "the join action",
            "What exists by now is in the state",
        ],
    },
    Denied {
        action: "Microsoft.Network/networkSecurityGroups/join/action",
        at_plan: false,
        said: &[
            "LinkedAuthorizationFailed",
            "networkSecurityGroups/nsg-nodes",
            "the join action",
        ],
    },
];

const OF_POD_ROUTES: &[Denied] = &[
    Denied {
        action: "Microsoft.Network/routeTables/read",
        at_plan: true,
        said: &[
            "AuthorizationFailed",
            "Reading route table \"rt-1\"",
            "No route was changed",
        ],
    },
    Denied {
        action: "Microsoft.Network/routeTables/write",
        at_plan: false,
        said: &[
            "AuthorizationFailed",
            "Writing route table \"rt-1\"",
            "No route was changed",
        ],
    },
];

/// Each right is taken away in turn; given back, the same configuration is applied to its end.
#[track_caller]
fn assert_each_is_told(scenario: &Scenario, table: &[Denied]) {
    for Denied {
        action,
        at_plan,
        said,
    } in table
    {
        scenario.lab.azure().deny(Denial::of(action));
        let planned = scenario.plan().run;
        assert_eq!(
            planned
                .warnings()
                .any(|warning| warning.text().contains(action)),
            *at_plan,
            "{action}: {}",
            planned.transcript()
        );
        let run = scenario.apply_fails();
        let told = run.errors().next().expect("an error").text();
        for said in said.iter().chain([action, &"request id"]) {
            assert!(
                told.contains(said),
                "{action}: {said:?} is missing in {told}"
            );
        }
        scenario.lab.azure().allow_all();
    }
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn a_right_that_a_cluster_subnet_lacks_is_named_and_nothing_is_lost() {
    let scenario = Scenario::new(SE_SUBNET_WITH_GROUP);
    assert_each_is_told(&scenario, OF_SE_SUBNET);
    scenario.destroy();
    assert_eq!(
        scenario.azure(&scenario.table("rt-se")),
        serde_json::Value::Null
    );
}

#[test]
fn a_right_that_pod_routes_lack_is_named_and_nothing_is_lost() {
    let scenario = Scenario::new(&format!(
        "resource \"ako_pod_routes\" \"blue\" {{{POD_ROUTES}}}"
    ));
    table_in(&scenario, "rt-1", "westeurope");
    assert_each_is_told(&scenario, OF_POD_ROUTES);
}

#[test]
fn to_associate_a_table_of_others_it_need_not_be_read() {
    let mistake = Mistake {
        name: "se",
        argument: r#"existing_route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1""#,
        line: "",
        said: &[],
    };
    let scenario = Scenario::new(&resource("ako_cluster_subnet", SE_SUBNET, &mistake));
    table_in(&scenario, "rt-1", "westeurope");
    scenario
        .lab
        .azure()
        .deny(Denial::of("Microsoft.Network/routeTables/read"));
    let plan = scenario.plan();
    assert_eq!(plan.run.warnings().count(), 0, "{}", plan.run.transcript());
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
    scenario.destroy();
}
