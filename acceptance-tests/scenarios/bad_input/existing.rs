//! What does not fit what Azure holds: told at plan as a warning, because another change may come first, and at apply
//! as an error before the first write.

use super::*;

const SE_SUBNET_MISTAKES: &[Mistake] = &[
    Mistake {
        name: "outside",
        argument: r#"address_prefixes = ["192.168.7.0/24"]"#,
        line: "address_prefixes",
        said: &[
            "192.168.7.0/24 is outside virtual network \"vnet-ako-lab\"",
            "10.0.0.0/9",
        ],
    },
    Mistake {
        name: "overlap",
        argument: r#"address_prefixes = ["10.1.8.0/24"]"#,
        line: "address_prefixes",
        said: &[
            "10.1.8.0/24 overlaps with subnet \"snet-cluster1-nodes\"",
            "10.1.0.0/20",
        ],
    },
    Mistake {
        name: "no_network",
        argument: r#"virtual_network_id = "${var.virtual_network_id}-2""#,
        line: "virtual_network_id",
        said: &[
            "Virtual network \"vnet-ako-lab-2\" does not exist",
            "create the virtual network first",
        ],
    },
    Mistake {
        name: "no_group",
        argument: r#"virtual_network_id = replace(var.virtual_network_id, "rg-ako-lab", "rg-typo")"#,
        line: "virtual_network_id",
        said: &["does not exist", "its resource group \"rg-typo\""],
    },
    Mistake {
        name: "other_region",
        argument: r#"existing_route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-north""#,
        line: "existing_route_table_id",
        said: &[
            "Route table \"rt-north\" lies in northeurope, virtual network \"vnet-ako-lab\" in westeurope",
        ],
    },
    Mistake {
        name: "no_table",
        argument: r#"existing_route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-none""#,
        line: "existing_route_table_id",
        said: &[
            "Route table \"rt-none\" does not exist",
            "makes one of its own",
        ],
    },
    Mistake {
        name: "table_exists",
        argument: r#"route_table_name = "rt-north""#,
        line: "route_table_name",
        said: &[
            "Route table \"rt-north\" exists already",
            "existing_route_table_id = ",
        ],
    },
    Mistake {
        name: "subnet_exists",
        argument: r#"name = "snet-cluster2-nodes""#,
        line: "name",
        said: &[
            "Subnet \"snet-cluster2-nodes\" exists already",
            "terraform import 'ako_cluster_subnet.NAME'",
        ],
    },
];

const POD_ROUTES_MISTAKES: &[Mistake] = &[
    Mistake {
        name: "no_table",
        argument: r#"route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-none""#,
        line: "route_table_id",
        said: &["There is no route table \"rt-none\" in resource group \"rg-ako-lab\""],
    },
    Mistake {
        name: "taken",
        argument: r#"pod_cidrs = ["10.250.0.0/24"]"#,
        line: NODE,
        said: &["route corp leads to 10.0.0.99", "on_conflict = \"replace\""],
    },
    Mistake {
        name: "unplanned",
        argument: r#"cluster_name = "red""#,
        line: "",
        said: &[
            "red.old_10.251.0.0_24",
            "terraform import 'ako_pod_routes.NAME'",
        ],
    },
];

#[test]
fn what_does_not_fit_is_told_at_plan_and_refused_before_the_first_write() {
    let tables = [
        ("ako_cluster_subnet", SE_SUBNET, SE_SUBNET_MISTAKES),
        ("ako_pod_routes", POD_ROUTES, POD_ROUTES_MISTAKES),
    ];
    let mut configuration = String::new();
    for (kind, body, mistakes) in tables {
        configuration.extend(mistakes.iter().map(|mistake| {
            // Each where it is right but for its mistake: the prefix of one SE subnet is free.
            resource(kind, body, mistake)
        }));
    }
    let scenario = Scenario::new(&configuration);
    table_in(&scenario, "rt-north", "northeurope");
    let table = table_in(&scenario, "rt-1", "westeurope");
    for (name, prefix, next_hop) in [
        ("corp", "10.250.0.0/24", "10.0.0.99"),
        ("red.old_10.251.0.0_24", "10.251.0.0/24", "10.0.0.98"),
    ] {
        let route = json!({"properties": {
            "addressPrefix": prefix, "nextHopType": "VirtualAppliance", "nextHopIpAddress": next_hop,
        }});
        scenario.somebody("PUT", &format!("{table}/routes/{name}"), &route);
    }
    let before = scenario.lab.azure().state();

    let planned = scenario.plan().run;
    let applied = scenario.apply_fails();
    for (kind, _, mistakes) in tables {
        for mistake in mistakes {
            assert_told(&planned, Severity::Warning, kind, mistake);
            assert_told(&applied, Severity::Error, kind, mistake);
        }
    }
    let forecasts = planned.warnings().all(|warning| {
        warning
            .text()
            .ends_with("as things stand now; another change in this plan may settle it.")
    });
    assert!(forecasts, "{}", planned.transcript());
    assert_no_write(&scenario);
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(scenario.lab.azure().state(), before);
}

/// The command that the resource's message shows, with its own address in place of the general one.
#[track_caller]
fn pasted(run: &Run, address: &str) -> [String; 2] {
    let kind = address.split('.').next().unwrap_or_default();
    let errors = run
        .errors()
        .filter(|error| error.address.as_deref() == Some(address));
    let text: String = errors.map(Diagnostic::text).collect();
    let shown = format!("terraform import '{kind}.NAME' '");
    let command = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(&shown)?.strip_suffix('\''));
    let id = command.unwrap_or_else(|| panic!("a command in {text}"));
    [address.to_owned(), id.to_owned()]
}

#[test]
fn the_import_command_of_an_object_that_is_there_works_as_it_is_shown() {
    let se_subnet = SE_SUBNET.replace("NAME", "theirs");
    let scenario = Scenario::new(&format!(
        "resource \"ako_cluster_subnet\" \"se\" {{{se_subnet}}}\nresource \"ako_pod_routes\" \"blue\" {{{POD_ROUTES}}}"
    ));
    let table = table_in(&scenario, "rt-1", "westeurope");
    served_subnet(&scenario, "snet-se-theirs", "10.0.100.0/24", &table);
    let route = json!({"properties": {
        "addressPrefix": "10.244.9.0/24", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.9",
    }});
    let route_id = format!("{table}/routes/blue.node-9_10.244.9.0_24");
    scenario.somebody("PUT", &route_id, &route);
    let run = scenario.apply_fails();
    let addresses = ["ako_cluster_subnet.se", "ako_pod_routes.blue"];
    for [address, id] in addresses.map(|address| pasted(&run, address)) {
        scenario.import(&address, &id);
    }
    assert_eq!(scenario.state().addresses(), addresses);
    assert_no_write(&scenario);
}

#[test]
fn a_table_that_serves_other_subnets_is_told_of_where_it_is_taken_and_where_routes_go() {
    let existing = Mistake {
        name: "third",
        argument: r#"existing_route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1""#,
        line: "existing_route_table_id",
        said: &[
            "Route table \"rt-1\" serves other subnets, too",
            "snet-one",
            "snet-two",
        ],
    };
    let routes = Mistake {
        name: "blue",
        argument: r#"cluster_name = "blue""#,
        line: "route_table_id",
        said: &[
            "Route table \"rt-1\" serves 2 subnets",
            "snet-one",
            "snet-two",
        ],
    };
    let configuration = resource("ako_cluster_subnet", SE_SUBNET, &existing)
        + &resource("ako_pod_routes", POD_ROUTES, &routes);
    let scenario = Scenario::new(&configuration);
    let table = table_in(&scenario, "rt-1", "West Europe");
    served_subnet(&scenario, "snet-one", "10.0.1.0/24", &table);
    served_subnet(&scenario, "snet-two", "10.0.2.0/24", &table);
    let run = scenario.plan().run;
    assert_told(&run, Severity::Warning, "ako_cluster_subnet", &existing);
    assert_told(&run, Severity::Warning, "ako_pod_routes", &routes);
    scenario.apply_saved_plan();
    let plan = scenario.plan();
    assert!(
        plan.is_empty() && plan.run.warnings().count() == 0,
        "once is enough: {}",
        plan.run.transcript()
    );
}

/// An SE subnet whose change Azure refuses after the plan has been made.
#[test]
fn a_changed_prefix_that_azure_refuses_names_the_other_subnet_and_keeps_the_state() {
    let configuration = |prefix: &str| {
        let body = SE_SUBNET
            .replace("NAME", "one")
            .replace("10.0.100.0/24", prefix);
        format!("resource \"ako_cluster_subnet\" \"se\" {{{body}}}")
    };
    let scenario = Scenario::new(&configuration("10.0.100.0/24"));
    scenario.apply();
    let state = stored_state(&scenario);
    for (prefix, said) in [
        (
            "10.1.8.0/24",
            [
                "10.1.8.0/24 overlaps with subnet \"snet-cluster1-nodes\"",
                "NetcfgSubnetRangesOverlap",
            ],
        ),
        (
            "192.168.7.0/24",
            [
                "192.168.7.0/24 is outside virtual network",
                "NetcfgInvalidSubnet",
            ],
        ),
    ] {
        scenario.configure(&configuration(prefix));
        let run = scenario.apply_fails();
        let told = run.errors().next().expect("an error");
        for said in said {
            assert!(told.text().contains(said), "{said}: {}", told.text());
        }
        assert!(
            told.line().starts_with("address_prefixes"),
            "{:?}",
            told.line()
        );
        assert_eq!(stored_state(&scenario), state);
    }
    scenario.configure(&configuration("10.0.100.0/24"));
    scenario.assert_nothing_to_do();
}

#[test]
fn what_is_missing_beside_the_virtual_network_is_blamed_on_its_argument() {
    for (argument, line, said) in [
        (
            "route_table_resource_group_name = \"rg-typo\"",
            "route_table_resource_group_name",
            "Resource group 'rg-typo' could not be found",
        ),
        (
            "network_security_group_id = \"${var.resource_group_id}/providers/Microsoft.Network/networkSecurityGroups/nsg-none\"",
            "network_security_group_id",
            "lies in another region",
        ),
    ] {
        let mistake = Mistake {
            name: "se",
            argument,
            line: "",
            said: &[],
        };
        let scenario = Scenario::new(&resource("ako_cluster_subnet", SE_SUBNET, &mistake));
        let run = scenario.apply_fails();
        let told = run.errors().next().expect("an error");
        assert!(told.text().contains(said), "{said}: {}", told.text());
        assert!(told.line().starts_with(line), "{:?}", told.line());
        // What was made before is known, and goes.
        scenario.destroy();
        assert_eq!(
            scenario.azure(&scenario.table("snet-se-se-routes")),
            serde_json::Value::Null
        );
    }
}

#[test]
fn more_routes_than_a_table_takes_are_foretold_and_refused_as_a_whole() {
    let configuration = r#"
resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1"
  nodes = {
    for index in range(401) : format("node-%03d", index) => {
      internal_ip = cidrhost("10.0.0.0/16", index + 4)
      pod_cidrs   = [cidrsubnet("100.64.0.0/10", 14, index)]
    }
  }
}
"#;
    let scenario = Scenario::new(configuration);
    let table = table_in(&scenario, "rt-1", "westeurope");
    let plan = scenario.plan();
    assert!(plan.run.says("The route table gets more than 400 routes"));
    let run = scenario.apply_fails();
    assert!(
        run.says("No route was changed. The table would have held 401 routes"),
        "{}",
        run.transcript()
    );
    assert!(run.says("cannot have more than 400 routes"));
    assert_eq!(scenario.azure(&table)["properties"]["routes"], json!([]));
    assert!(scenario.state().addresses().is_empty());
}
