//! Route tables and routes.

use ako_lab::{Lab, Options};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::arm::{Arm, SUBNETS, network};

#[tokio::test]
async fn a_new_table_is_updating_at_first_and_shows_what_the_service_fills_in() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    let put = arm.put(&table, json!({"location": "West Europe"})).await;
    assert_eq!(put.status, StatusCode::CREATED);
    assert_eq!(put.body["properties"]["provisioningState"], "Updating");
    assert_eq!(put.body["properties"]["routes"], json!([]));
    assert_eq!(put.body["location"], "westeurope");
    assert!(put.header("etag").is_none(), "only GET has the header");

    let get = arm.get(&table).await;
    assert_eq!(get.body["properties"]["provisioningState"], "Succeeded");
    assert_eq!(get.header("etag"), get.body["etag"].as_str());
    assert_ne!(get.body["etag"], put.body["etag"], "completion changes it");
}

#[tokio::test]
async fn a_table_put_without_routes_empties_it_and_leaves_the_association() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let subnet = network(&lab, &format!("{SUBNETS}/se"));
    let body = json!({"properties": {
        "addressPrefix": "10.3.0.0/24",
        "routeTable": {"id": table},
    }});
    arm.put(&subnet, body).await;
    let put = arm
        .put(&table, json!({"location": "westeurope", "properties": {}}))
        .await;
    assert_eq!(put.body["properties"]["routes"], json!([]));
    assert_eq!(put.body["properties"]["subnets"][0]["id"], json!(subnet));
}

#[tokio::test]
async fn a_patch_replaces_all_tags_and_nothing_else() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    for tags in [json!({"a": "1", "b": "2"}), json!({"c": "3"})] {
        let body = Some(json!({"tags": tags}).to_string());
        let patch = arm.send(Method::PATCH, &table, &[], body).await.unwrap();
        assert_eq!(patch.status, StatusCode::OK);
        assert_eq!(patch.body["tags"], tags);
        assert!(
            patch.header("azure-asyncoperation").is_none(),
            "synchronous"
        );
        assert_eq!(
            patch.body["properties"]["routes"].as_array().unwrap().len(),
            2
        );
    }
}

#[tokio::test]
async fn a_put_that_changes_nothing_is_done_at_once_and_keeps_the_etag() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let before = arm.get(&table).await.body;
    // Clients send back what they read; read-only members must not count as changes.
    let put = arm.put(&table, before.clone()).await;
    assert_eq!(put.status, StatusCode::OK);
    assert_eq!(put.body["properties"]["provisioningState"], "Succeeded");
    assert!(put.header("azure-asyncoperation").is_some());
    assert_eq!(arm.get(&table).await.body, before);
}

#[tokio::test]
async fn what_only_the_service_may_set_is_ignored_in_a_put() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let before = arm.get(&table).await.body;
    let mut sent = before.clone();
    sent["etag"] = json!("W/\"other\"");
    sent["id"] = json!("/other");
    for (name, value) in [
        ("provisioningState", json!("Failed")),
        ("resourceGuid", json!("other")),
        ("subnets", json!([{"id": "/other"}])),
    ] {
        sent["properties"][name] = value;
    }
    let route = &mut sent["properties"]["routes"][0];
    route["properties"]["provisioningState"] = json!("Failed");
    route["properties"]["hasBgpOverride"] = json!(true);
    assert_eq!(arm.put(&table, sent).await.status, StatusCode::OK);
    assert_eq!(arm.get(&table).await.body, before);
}

#[tokio::test]
async fn a_write_of_one_route_changes_the_etag_of_its_table_and_of_all_routes() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let old = arm.get(&table).await.body["etag"].clone();
    let route = json!({"properties": route("10.244.9.0/24", "10.1.0.9")});
    let put = arm.put(&format!("{table}/routes/n9"), route).await;
    assert_eq!(put.status, StatusCode::CREATED);
    assert!(
        put.header("azure-asyncnotification").is_none(),
        "not on routes"
    );
    let now = arm.get(&table).await.body;
    assert_ne!(now["etag"], old);
    for route in now["properties"]["routes"].as_array().unwrap() {
        assert_eq!(route["etag"], now["etag"]);
    }
}

#[tokio::test]
async fn a_stale_if_match_is_refused_and_changes_nothing() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let before = arm.get(&table).await.body;
    for (method, path) in [
        (Method::PUT, table.clone()),
        (Method::PATCH, table.clone()),
        (Method::DELETE, table.clone()),
        (Method::DELETE, format!("{table}/routes/n0")),
    ] {
        let body = json!({"location": "westeurope", "properties": {}}).to_string();
        let headers = [("if-match", "W/\"stale\"")];
        let answer = arm.send(method.clone(), &path, &headers, Some(body)).await;
        let answer = answer.unwrap();
        assert_eq!(
            answer.status,
            StatusCode::PRECONDITION_FAILED,
            "{method} {path}"
        );
        let detail = &answer.body["error"]["details"][0];
        assert_eq!(detail["code"], "PreconditionFailedEtagMismatch");
        assert!(
            detail["message"]
                .as_str()
                .unwrap()
                .contains("W/\"stale\" does not match")
        );
    }
    assert_eq!(arm.get(&table).await.body, before);

    let headers = [("if-match", before["etag"].as_str().unwrap())];
    let body = Some(json!({"tags": {}}).to_string());
    let fresh = arm
        .send(Method::PATCH, &table, &headers, body)
        .await
        .unwrap();
    assert_eq!(fresh.status, StatusCode::OK);
}

#[tokio::test]
async fn two_routes_with_one_prefix_are_refused_by_name() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let twin = json!({"properties": route("10.244.0.0/24", "10.1.0.9")});
    let put = arm.put(&format!("{table}/routes/twin"), twin).await;
    assert_eq!(put.code(), "RouteConflict");
    let message = put.body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("twin") && message.contains("n0"),
        "{message}"
    );
}

#[tokio::test]
async fn routes_that_azure_would_not_take_are_refused() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let cases = [
        (
            "n",
            route("10.244.9.1/24", "10.1.0.9"),
            "InvalidCIDRNotation",
        ),
        (
            "n",
            route("10.244.9.0", "10.1.0.9"),
            "InvalidAddressPrefixFormat",
        ),
        (
            "-n",
            route("10.244.9.0/24", "10.1.0.9"),
            "InvalidResourceName",
        ),
        (
            "n",
            json!({"addressPrefix": "10.9.0.0/24", "nextHopType": "Elsewhere"}),
            "InvalidRequestFormat",
        ),
        (
            "n",
            json!({"addressPrefix": "10.9.0.0/24", "nextHopType": "VirtualAppliance"}),
            "InvalidNextHopIpAddress",
        ),
        (
            "n",
            json!({"addressPrefix": "10.9.0.0/24", "nextHopType": "None", "node": "n"}),
            "InvalidRequestFormat",
        ),
    ];
    for (name, properties, code) in cases {
        let body = json!({"properties": properties});
        let put = arm
            .put(&format!("{table}/routes/{name}"), body.clone())
            .await;
        assert_eq!(
            (put.status, put.code()),
            (StatusCode::BAD_REQUEST, code),
            "{body}"
        );
    }
    let tag = json!({"properties": {"addressPrefix": "Storage", "nextHopType": "Internet"}});
    let put = arm.put(&format!("{table}/routes/tag"), tag).await;
    assert_eq!(
        put.status,
        StatusCode::CREATED,
        "a service tag is an address prefix"
    );
}

#[tokio::test]
async fn the_route_limit_can_be_set_and_holds() {
    let (lab, arm) = lab().await;
    lab.azure()
        .change_settings(|settings| settings.route_limit = 2);
    let table = table_with_routes(&lab, &arm).await;
    let third = json!({"properties": route("10.244.9.0/24", "10.1.0.9")});
    let put = arm.put(&format!("{table}/routes/third"), third).await;
    assert_eq!(put.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_table_holds_400_routes_unless_the_lab_is_told_otherwise() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    let with = |count: u32| {
        let routes = (0..count).map(|n| {
            let prefix = format!("10.{}.{}.0/24", 100 + n / 256, n % 256);
            json!({"name": format!("n{n}"), "properties": route(&prefix, "10.1.0.4")})
        });
        json!({"location": "westeurope", "properties": {"routes": routes.collect::<Value>()}})
    };
    let refused = arm.put(&table, with(401)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(arm.put(&table, with(400)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_table_in_use_cannot_be_deleted() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let subnet = network(&lab, &format!("{SUBNETS}/se"));
    let with = json!({"properties": {"addressPrefix": "10.3.0.0/24", "routeTable": {"id": table}}});
    arm.put(&subnet, with).await;
    assert_eq!(
        arm.delete(&table).await.code(),
        "InUseRouteTableCannotBeDeleted"
    );

    // A subnet PUT that leaves the table out detaches it.
    let without = json!({"properties": {"addressPrefix": "10.3.0.0/24"}});
    arm.put(&subnet, without).await;
    assert_eq!(arm.delete(&table).await.status, StatusCode::ACCEPTED);
    assert_eq!(arm.get(&table).await.code(), "ResourceNotFound");
    assert_eq!(arm.delete(&table).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn each_kind_of_absence_has_its_own_answer() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let elsewhere = table.replace("rg-ako-lab", "other");
    let subscription = &lab.connection().azure.subscription_id;
    let stranger = table.replace(
        subscription.as_str(),
        "ffffffff-0000-0000-0000-000000000000",
    );
    let cases = [
        (format!("{table}/routes/none"), "NotFound", false),
        (
            table.replace("routeTables/rt", "routeTables/none"),
            "ResourceNotFound",
            true,
        ),
        (
            format!("{}/routes/r", network(&lab, "routeTables/none")),
            "ParentResourceNotFound",
            true,
        ),
        (elsewhere, "ResourceGroupNotFound", true),
        (stranger, "SubscriptionNotFound", true),
        (
            network(&lab, "publicIPAddresses/ip"),
            "InvalidResourceType",
            true,
        ),
    ];
    for (path, code, gateway) in cases {
        let get = arm.get(&path).await;
        assert_eq!(
            (get.status, get.code()),
            (StatusCode::NOT_FOUND, code),
            "{path}"
        );
        assert_eq!(
            get.header("x-ms-failure-cause").is_some(),
            gateway,
            "{path}"
        );
        assert_eq!(
            get.body["error"].get("details").is_none(),
            gateway,
            "{path}"
        );
    }
}

#[tokio::test]
async fn ids_are_compared_without_case_and_answered_as_created() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let get = arm.get(&table.to_uppercase()).await;
    assert_eq!(get.body["id"], json!(table));
    let put = arm.put(&table.to_uppercase(), get.body.clone()).await;
    assert_eq!(put.status, StatusCode::OK);
    assert_eq!(put.body["id"], json!(table));
}

#[tokio::test]
async fn the_history_shows_every_state_of_the_routes_also_of_writers_inside_the_lab() {
    let (lab, arm) = lab().await;
    let table = table_with_routes(&lab, &arm).await;
    let (status, _) = lab
        .azure()
        .request("DELETE", &format!("{table}/routes/n0"), Value::Null);
    assert_eq!(status, 202);
    arm.delete(&format!("{table}/routes/n1")).await;
    let names: Vec<Vec<String>> = lab
        .azure()
        .history(Some(&table.to_uppercase()))
        .iter()
        .map(|change| {
            let routes = change.state["routes"].as_array().unwrap();
            routes
                .iter()
                .map(|r| r["name"].as_str().unwrap().to_owned())
                .collect()
        })
        .collect();
    assert_eq!(names, [vec!["n0", "n1"], vec!["n1"], vec![]]);
    let journal = lab.journal();
    assert!(
        !journal.iter().any(|entry| entry.path.ends_with("/n0")),
        "not a client's"
    );
}

async fn lab() -> (Lab, Arm) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let arm = Arm::of(&lab).await;
    (lab, arm)
}

/// The id of a new table with the routes n0 and n1.
async fn table_with_routes(lab: &Lab, arm: &Arm) -> String {
    let table = network(lab, "routeTables/rt");
    let routes = json!([
        {"name": "n0", "properties": route("10.244.0.0/24", "10.1.0.4")},
        {"name": "n1", "properties": route("10.244.1.0/24", "10.1.0.5")},
    ]);
    let put = arm.put(
        &table,
        json!({"location": "westeurope", "properties": {"routes": routes}}),
    );
    assert_eq!(put.await.status, StatusCode::CREATED);
    table
}

fn route(prefix: &str, next_hop: &str) -> Value {
    json!({
        "addressPrefix": prefix,
        "nextHopType": "VirtualAppliance",
        "nextHopIpAddress": next_hop,
    })
}
