//! What a configuration shows by itself, without a call of anybody.

use super::*;

const SE_SUBNET_MISTAKES: &[Mistake] = &[
    Mistake {
        name: "no_cidr",
        argument: r#"address_prefixes = ["10.0.100.0"]"#,
        line: "address_prefixes",
        said: &["must be an address prefix such as 10.1.8.0/24, not \"10.0.100.0\""],
    },
    Mistake {
        name: "long_cidr",
        argument: r#"address_prefixes = ["10.0.100.0/33"]"#,
        line: "address_prefixes",
        said: &["not \"10.0.100.0/33\""],
    },
    Mistake {
        name: "host_bits",
        argument: r#"address_prefixes = ["10.0.100.7/24"]"#,
        line: "address_prefixes",
        said: &["the network of 10.0.100.7/24 is 10.0.100.0/24"],
    },
    Mistake {
        name: "no_prefix",
        argument: "address_prefixes = []",
        line: "address_prefixes",
        said: &["at least one address prefix"],
    },
    Mistake {
        name: "nested",
        argument: r#"address_prefixes = ["10.0.100.0/24", "10.0.100.128/25"]"#,
        line: "address_prefixes",
        said: &["10.0.100.0/24 and 10.0.100.128/25, which is in it"],
    },
    Mistake {
        name: "bad_name",
        argument: r#"name = "snet se""#,
        line: "name",
        said: &["must consist of letters, digits", "not ' '"],
    },
    Mistake {
        name: "long_name",
        argument: r#"name = "snet-0123456789012345678901234567890123456789012345678901234567890123456789-toolong""#,
        line: "name",
        said: &["must have 1 to 80 characters"],
    },
    Mistake {
        name: "bad_table_name",
        argument: r#"route_table_name = "rt/se""#,
        line: "route_table_name",
        said: &["not '/'"],
    },
    Mistake {
        name: "bad_group_name",
        argument: r#"route_table_resource_group_name = "rg.""#,
        line: "route_table_resource_group_name",
        said: &["must not end with \".\""],
    },
    Mistake {
        name: "bad_cluster",
        argument: r#"cluster_name = "blue.green""#,
        line: "cluster_name",
        said: &["as AKO's clusterName: '.' is none of them"],
    },
    Mistake {
        name: "group_for_network",
        argument: "virtual_network_id = var.resource_group_id",
        line: "virtual_network_id",
        said: &["must be a virtual network id", "not a resource group id"],
    },
    Mistake {
        name: "name_for_network",
        argument: r#"virtual_network_id = "vnet-ako-lab""#,
        line: "virtual_network_id",
        said: &[
            "/subscriptions/{subscription}/resourceGroups/{group}/",
            "not \"vnet-ako-lab\"",
        ],
    },
    Mistake {
        name: "interface_for_group",
        argument: r#"network_security_group_id = "${var.resource_group_id}/providers/Microsoft.Network/networkInterfaces/nic""#,
        line: "network_security_group_id",
        said: &[
            "must be a network security group id",
            "not the id of a Microsoft.Network/networkInterfaces",
        ],
    },
    Mistake {
        name: "subnet_for_table",
        argument: r#"existing_route_table_id = "${var.virtual_network_id}/subnets/snet""#,
        line: "existing_route_table_id",
        said: &["must be a route table id", "not a subnet id"],
    },
];

const POD_ROUTES_MISTAKES: &[Mistake] = &[
    Mistake {
        name: "bad_cluster",
        argument: r#"cluster_name = "blue.green""#,
        line: "cluster_name",
        said: &["as AKO's clusterName: '.' is none of them"],
    },
    Mistake {
        name: "bad_start",
        argument: r#"cluster_name = "_blue""#,
        line: "cluster_name",
        said: &["must start with a letter or a digit"],
    },
    Mistake {
        name: "long_cluster",
        argument: r#"cluster_name = "a-cluster-with-a-name-of-more-than-fifty-characters-x""#,
        line: "cluster_name",
        said: &[
            "must have at most 50 characters",
            "AKO recommends at most 32",
        ],
    },
    Mistake {
        name: "network_for_table",
        argument: "route_table_id = var.virtual_network_id",
        line: "route_table_id",
        said: &["must be a route table id", "not a virtual network id"],
    },
    Mistake {
        name: "machine_for_table",
        argument: r#"route_table_id = "${var.resource_group_id}/providers/Microsoft.Compute/virtualMachines/vm""#,
        line: "route_table_id",
        said: &["not the id of a Microsoft.Compute/virtualMachines"],
    },
    Mistake {
        name: "no_address",
        argument: "internal_ip = null",
        line: NODE,
        said: &["nodes[\"node-1\"].internal_ip needs a value"],
    },
    Mistake {
        name: "bad_address",
        argument: r#"internal_ip = "10.0.0.256""#,
        line: NODE,
        said: &[
            "nodes[\"node-1\"].internal_ip",
            "must be an IPv4 address",
            "not \"10.0.0.256\"",
        ],
    },
    Mistake {
        name: "loopback",
        argument: r#"internal_ip = "127.0.0.1""#,
        line: NODE,
        said: &["127.0.0.1 is a loopback address"],
    },
    Mistake {
        name: "bad_cidr",
        argument: r#"pod_cidrs = ["10.244.0.0"]"#,
        line: NODE,
        said: &[
            "must be an IPv4 network in CIDR notation",
            "not \"10.244.0.0\"",
        ],
    },
    Mistake {
        name: "ipv6",
        argument: r#"pod_cidrs = ["fd00:10::/64"]"#,
        line: NODE,
        said: &["AKO on Azure routes IPv4 only"],
    },
    Mistake {
        name: "overlap",
        argument: r#"pod_cidrs = ["10.244.0.0/16", "10.244.7.0/24"]"#,
        line: NODE,
        said: &["Node \"node-1\" has 10.244.0.0/16 and, inside it, 10.244.7.0/24"],
    },
    Mistake {
        name: "bad_choice",
        argument: r#"on_conflict = "overwrite""#,
        line: "on_conflict",
        said: &["must be one of \"error\", \"replace\""],
    },
    Mistake {
        name: "bad_timeout",
        argument: "timeouts {\n create = \"soon\"\n }",
        line: "create",
        said: &["timeouts.create"],
    },
];

#[test]
fn what_the_configuration_alone_shows_is_told_at_its_line_without_a_call() {
    let tables = [
        ("ako_cluster_subnet", SE_SUBNET, SE_SUBNET_MISTAKES),
        ("ako_pod_routes", POD_ROUTES, POD_ROUTES_MISTAKES),
    ];
    let of_table = |(kind, body, mistakes): &(&str, &str, &'static [Mistake])| {
        let resources = mistakes.iter().map(|mistake| resource(kind, body, mistake));
        resources.collect::<String>()
    };
    let configuration: String = tables.iter().map(of_table).collect();
    let scenario = Scenario::new("");
    // Terraform does not know a variable when it validates.
    let literal = |text: String, name: &str, value: &str| text.replace(name, &format!("{value:?}"));
    let configuration = literal(configuration, "var.resource_group_id", &scenario.group());
    scenario.configure(&literal(
        configuration,
        "var.virtual_network_id",
        &scenario.network(),
    ));
    let run = scenario.plan_fails();
    for (kind, _, mistakes) in tables {
        for mistake in mistakes {
            assert_told(&run, Severity::Error, kind, mistake);
        }
    }
    assert!(scenario.lab.journal().is_empty(), "nobody was asked");
}

#[test]
fn arguments_of_the_provider_are_told_by_name() {
    let mut scenario = Scenario::new(&resource(
        "ako_cluster_subnet",
        SE_SUBNET,
        &Mistake {
            name: "se",
            argument: r#"name = "snet-se""#,
            line: "",
            said: &[],
        },
    ));
    // It would win over what the block says of the cloud.
    scenario
        .terraform
        .set_environment("ARM_METADATA_HOSTNAME", "");
    for (arguments, line, said) in [
        (
            "azure = {}\n  request_timeout_in_seconds = 0",
            "request_timeout_in_seconds",
            "must be a whole number",
        ),
        (
            "azure = { environment = \"mars\" }",
            "",
            "azure.environment",
        ),
        (
            "azure = { resource_manager_endpoint = \"http://127.0.0.1:1\", environment = \"custom\", active_directory_authority_host = \"https://127.0.0.1:1\" }",
            "",
            "must begin with https://",
        ),
    ] {
        scenario.configure_provider(arguments);
        let run = scenario.plan_fails();
        let told = run.errors().next().expect("an error");
        assert!(told.text().contains(said), "{said}: {}", told.text());
        assert!(told.line().starts_with(line), "{:?}", told.line());
    }
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}
