//! Plans: defaults, warnings, replacements, and what the configuration alone shows.

use super::*;

#[tokio::test]
async fn what_the_configuration_leaves_out_has_defaults_that_a_plan_already_shows() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"route_table_name": null, "cluster_name": null}));
    let plan = scene.plan(&Value::Null, &config).await;
    assert_eq!(text(&plan.planned, "route_table_name"), "snet-se-routes");
    assert_eq!(
        text(&plan.planned, "route_table_resource_group_name"),
        "rg-ako-lab"
    );
    assert_eq!(
        plan.planned.get("bgp_route_propagation_enabled"),
        &Value::from(true)
    );
    assert_eq!(plan.planned.get("id"), &Value::Unknown);
    assert_eq!(plan.planned.get("route_table_id"), &Value::Unknown);
    let state = scene.created(&config).await;
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn a_plan_calls_nobody_while_the_virtual_network_is_not_known() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"virtual_network_id": "UNKNOWN"}));
    let plan = scene.plan(&Value::Null, &config).await;
    assert_eq!(errors(&plan.diagnostics), "");
    assert_eq!(
        plan.planned.get("route_table_resource_group_name"),
        &Value::Unknown
    );
    assert_eq!(scene.calls(), [""; 0]);
}

#[tokio::test]
async fn another_name_or_network_is_another_se_subnet_and_nothing_else_is() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let replaced = |plan: PlanOutcome| -> Vec<String> {
        plan.requires_replace
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let other = scene
        .plan(&state, &scene.config(json!({"name": "snet-se2"})))
        .await;
    assert_eq!(replaced(other), ["name"]);
    let spelling = json!({"name": "SNET-se", "virtual_network_id": scene.network().to_uppercase()});
    let same = scene.plan(&state, &scene.config(spelling)).await;
    assert_eq!(
        (same.planned.clone(), replaced(same)),
        (state.clone(), Vec::new())
    );
    let all_else = json!({"address_prefixes": ["10.1.33.0/24"], "cluster_name": "c2", "tags": {"a": "b"},
        "route_table_name": "rt-2", "bgp_route_propagation_enabled": false});
    let changed = scene.plan(&state, &scene.config(all_else)).await;
    assert!(changed.planned.is_wholly_known());
    assert_eq!(replaced(changed), [""; 0]);
}

#[tokio::test]
async fn a_plan_foretells_what_the_virtual_network_would_refuse() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"address_prefixes": ["10.1.0.0/24", "192.168.0.0/24"]}));
    let plan = scene.plan(&Value::Null, &config).await;
    let warned = warnings(&plan.diagnostics);
    assert_eq!(errors(&plan.diagnostics), "");
    assert!(
        warned.contains("10.1.0.0/24 overlaps with subnet \"snet-cluster1-nodes\""),
        "{warned}"
    );
    assert!(warned.contains("192.168.0.0/24 is outside"), "{warned}");
}

#[test]
fn what_the_configuration_alone_shows_is_an_error_at_its_attribute() {
    let network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
    let table = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t";
    let base =
        json!({"name": "se", "virtual_network_id": network, "address_prefixes": ["10.1.0.0/24"]});
    let server = Server::new::<LabProvider>();
    let table = [
        (
            json!({"address_prefixes": ["10.1.0.1/24"]}),
            "address_prefixes",
            "10.1.0.0/24",
        ),
        (
            json!({"address_prefixes": ["10.1.0.0/16", "10.1.0.0/24"]}),
            "address_prefixes",
            "which is in it",
        ),
        (
            json!({"address_prefixes": []}),
            "address_prefixes",
            "at least one",
        ),
        (json!({"name": "se subnet"}), "name", "letters"),
        (
            json!({"virtual_network_id": table}),
            "virtual_network_id",
            "not a route table id",
        ),
        (
            json!({"network_security_group_id": "nsg"}),
            "network_security_group_id",
            "must be a network security group id",
        ),
        (
            json!({"existing_route_table_id": table, "route_table_name": "t"}),
            "existing_route_table_id",
            "excludes",
        ),
        (
            json!({"existing_route_table_id": table, "tags": {}}),
            "existing_route_table_id",
            "excludes",
        ),
        (json!({"tags": {"AKO-cluster-subnet": "x"}}), "tags", "mark"),
        (json!({"cluster_name": "a.b"}), "cluster_name", "letters"),
    ];
    for (change, attribute, expected) in table {
        let mut config = base.clone();
        for (name, value) in change.as_object().unwrap() {
            config[name] = value.clone();
        }
        let found = server.validate_resource(NAME, &object(&config), true);
        let error = found.iter().find(|d| d.severity == Severity::Error);
        let error = error.unwrap_or_else(|| panic!("no error for {change}"));
        let path = error
            .attribute
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(path.starts_with(attribute), "{change}: {path}");
        let text = format!("{} {}", error.summary, error.detail);
        assert!(text.contains(expected), "{change}: {text}");
    }
    let fine = server.validate_resource(NAME, &object(&base), true);
    assert_eq!(errors(&fine), "");
}

#[tokio::test]
async fn a_plan_does_not_take_the_object_that_it_replaces_for_a_stranger() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    // A tainted object: read, then planned as a create.
    scene.read(&state).await;
    let plan = scene.plan(&Value::Null, &config).await;
    assert_eq!(plan.diagnostics, Diagnostics::new());
    // Another name with the same table: planned in place first, then as a create.
    let renamed = scene.config(json!({"name": "snet-new", "address_prefixes": ["10.1.60.0/24"]}));
    scene.plan(&state, &renamed).await;
    let plan = scene.plan(&Value::Null, &renamed).await;
    assert_eq!(plan.diagnostics, Diagnostics::new());
}

#[tokio::test]
async fn a_plan_does_not_compare_a_remnant_with_what_is_not_known_yet() {
    let scene = Scene::new().await;
    scene.created(&scene.config(json!({}))).await;
    for unknown in [
        "cluster_name",
        "bgp_route_propagation_enabled",
        "route_table_resource_group_name",
    ] {
        let config = scene.config(json!({unknown: "UNKNOWN"}));
        let plan = scene.plan(&Value::Null, &config).await;
        assert_eq!(plan.diagnostics, Diagnostics::new(), "{unknown}");
    }
}

#[tokio::test]
async fn a_plan_that_cannot_look_ahead_says_so_and_goes_on() {
    let scene = Scene::new().await;
    // A proxy that answers in Azure's place, as long as another change in the same plan has not opened the way.
    let nonsense = Action::respond(200, Json::Null);
    let fault = Fault::on("GET", "*/virtualNetworks/*", nonsense);
    scene.lab.add_fault(fault);
    let plan = scene.plan(&Value::Null, &scene.config(json!({}))).await;
    assert_eq!(errors(&plan.diagnostics), "");
    let warned = warnings(&plan.diagnostics);
    assert!(warned.contains("as things stand now"), "{warned}");
}

#[tokio::test]
async fn a_replacement_is_not_announced_as_a_move() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let other = scene.config(json!({"name": "snet-new", "route_table_name": "rt-new"}));
    let plan = scene.plan(&state, &other).await;
    assert_eq!(plan.requires_replace.len(), 1);
    assert_eq!(plan.diagnostics, Diagnostics::new());
}

#[test]
fn a_model_has_a_field_for_each_attribute_of_the_schema() {
    let model = Model {
        id: None,
        name: String::new(),
        virtual_network_id: String::new(),
        address_prefixes: None,
        cluster_name: None,
        network_security_group_id: None,
        existing_route_table_id: None,
        route_table_name: None,
        route_table_resource_group_name: None,
        bgp_route_propagation_enabled: None,
        tags: None,
        route_table_id: None,
        associated_route_table_id: None,
    };
    let fields = serde_json::to_value(model).unwrap();
    let mut fields: Vec<_> = fields.as_object().unwrap().keys().cloned().collect();
    let mut attributes: Vec<_> = ClusterSubnet::schema()
        .attributes
        .into_iter()
        .map(|a| a.name)
        .collect();
    fields.sort();
    attributes.sort();
    assert_eq!(fields, attributes);
}
