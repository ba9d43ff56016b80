//! What the emulated controller makes of objects: checks, defaults, references, refusals, and the state of clouds.

use ako_lab::avi::DeleteRefusal;
use ako_lab::azure::Denial;
use ako_lab::{Lab, Options};
use serde_json::{Value, json};

async fn lab() -> Lab {
    Lab::start(Options::default()).await.unwrap()
}

fn make(lab: &Lab, kind: &str, body: Value) -> Value {
    let (status, made) = lab.avi().request("POST", &format!("/api/{kind}"), body);
    assert_eq!(status, 201, "{made}");
    made
}

fn path_of(object: &Value) -> String {
    let uuid = object["uuid"].as_str().unwrap();
    format!("/api/{}/{uuid}", uuid.split('-').next().unwrap())
}

fn credential(lab: &Lab, secret: &str) -> Value {
    let connection = lab.connection();
    make(
        lab,
        "cloudconnectoruser",
        json!({"name": "azure", "azure_serviceprincipal": {
            "application_id": connection.avi.principal.client_id,
            "tenant_id": connection.azure.tenant_id,
            "authentication_token": secret,
        }}),
    )
}

fn cloud(lab: &Lab, subnet: &str) -> Value {
    let azure = &lab.connection().azure;
    make(
        lab,
        "cloud",
        json!({"name": "azure", "vtype": "CLOUD_AZURE", "azure_configuration": {
            "cloud_credentials_ref": "/api/cloudconnectoruser?name=azure",
            "subscription_id": azure.subscription_id,
            "resource_group": azure.resource_group,
            "location": "westeurope",
            "network_info": [{
                "virtual_network_id": azure.virtual_network_id,
                "se_network_id": subnet,
            }],
        }}),
    )
}

/// The models' ranges, enumerations, numbers of entries and special values; that all are 400 is assumed.
#[tokio::test]
async fn what_the_models_do_not_allow_is_refused() {
    let lab = lab().await;
    for members in [
        json!({"max_se": 1001}),
        json!({"ha_mode": "HA_MODE_NONE"}),
        json!({"max_se": true}),
        json!({"max_se": "4"}),
        json!({"ntp_sync_status_interval": 100}),
        json!({"max_queues_per_vnic": 3}),
        json!({"labels": [{"key": "a"}, {"key": "b"}]}),
        json!({"labels": [{"value": "b"}]}),
        json!({"se_subnet_id": "unknown"}),
        json!({"cloud_ref": "/api/cloud?name=nope"}),
        json!({"name": null}),
    ] {
        let mut body = json!({"name": "g"});
        body.as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        let (status, answer) = lab.avi().request("POST", "/api/serviceenginegroup", body);
        assert_eq!(status, 400, "{members}: {answer}");
    }
    let allowed = json!({"name": "g", "ntp_sync_status_interval": 0, "x_later": {"kept": true}});
    let group = make(&lab, "serviceenginegroup", allowed);
    assert_eq!(group["x_later"]["kept"], true);
    assert_eq!(group["se_deprovision_delay"], 120);
}

#[tokio::test]
async fn an_empty_list_is_none() {
    let lab = lab().await;
    let body = json!({"name": "g", "labels": [], "instance_flavor": null});
    let group = make(&lab, "serviceenginegroup", body);
    assert_eq!(group.get("labels"), None);
    let labelled = json!({"add": {"labels": [{"key": "clustername", "value": "c"}], "max_se": 4}});
    let (_, group) = lab.avi().request("PATCH", &path_of(&group), labelled);
    assert!(group["labels"].is_array());
    let bare = json!({"replace": {"labels": []}});
    let (_, group) = lab.avi().request("PATCH", &path_of(&group), bare);
    assert_eq!((group.get("labels"), &group["max_se"]), (None, &json!(4)));
}

/// AKO's changelog quotes the refusal.
#[tokio::test]
async fn routes_of_a_vrf_have_ids_of_their_own() {
    let lab = lab().await;
    let route = |id: &str| {
        json!({"route_id": id, "next_hop": {"addr": "10.0.0.1", "type": "V4"},
        "prefix": {"ip_addr": {"addr": "10.1.0.0", "type": "V4"}, "mask": 24}})
    };
    let body = json!({"name": "v", "static_routes": [route("1"), route("1")]});
    let (status, answer) = lab.avi().request("POST", "/api/vrfcontext", body);
    assert_eq!(status, 400);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("route_id has duplicated value")
    );
}

/// A PUT replaces the whole object, as AKO relies on; a stale one is refused with 412 as in AKO#1755.
#[tokio::test]
async fn a_put_wipes_what_it_leaves_out_and_a_stale_one_is_refused() {
    let lab = lab().await;
    let old = make(
        &lab,
        "serviceenginegroup",
        json!({"name": "g", "max_se": 4, "data_network_id": "s"}),
    );
    let path = path_of(&old);
    let put = |body: Value| lab.avi().request("PUT", &path, body);
    let (status, new) = put(json!({"name": "g", "_last_modified": old["_last_modified"]}));
    assert_eq!(status, 200);
    assert_eq!(new["max_se"], 10);
    assert!(new.get("data_network_id").is_none());
    let (status, stale) = put(old.clone());
    assert_eq!(
        (status, stale["error"].as_str()),
        (412, Some("Concurrent Update Error"))
    );
    let (status, _) = put(json!({"name": "g", "max_se": 5}));
    assert_eq!(status, 200, "without _last_modified nothing is compared");
}

/// The vendor's page on PATCH; that `replace` takes the place of a whole list or object is assumed for objects.
#[tokio::test]
async fn a_patch_adds_replaces_and_deletes() {
    let lab = lab().await;
    let group = make(
        &lab,
        "serviceenginegroup",
        json!({"name": "g", "custom_securitygroups_data": ["a"]}),
    );
    let path = path_of(&group);
    for (patch, expected) in [
        (
            json!({"add": {"custom_securitygroups_data": ["b"]}}),
            json!(["a", "b"]),
        ),
        (
            json!({"delete": {"custom_securitygroups_data": ["a"]}}),
            json!(["b"]),
        ),
        (
            json!({"json_patch": [{"op": "add", "path": "/custom_securitygroups_data/0", "value": "c"}]}),
            json!(["c", "b"]),
        ),
        (
            json!({"replace": {"custom_securitygroups_data": ["d"]}}),
            json!(["d"]),
        ),
        (
            json!({"delete": {"custom_securitygroups_data": ["d"]}}),
            Value::Null,
        ),
    ] {
        let (status, answer) = lab.avi().request("PATCH", &path, patch.clone());
        assert_eq!(status, 200, "{patch}: {answer}");
        assert_eq!(answer["custom_securitygroups_data"], expected, "{patch}");
    }
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_cut_into_pages() {
    let lab = lab().await;
    for name in ["seg-b", "seg-a", "other"] {
        make(&lab, "serviceenginegroup", json!({"name": name}));
    }
    let names = |query: &str| -> Vec<String> {
        let path = format!("/api/serviceenginegroup?{query}");
        let (_, answer) = lab.avi().request("GET", &path, Value::Null);
        let results = answer["results"].as_array().unwrap().iter();
        results
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("name.in=seg-a,other"), ["seg-a", "other"]);
    assert_eq!(names("name.contains=seg&sort=name"), ["seg-a", "seg-b"]);
    assert_eq!(
        names("name.icontains=SEG&cloud_ref.name=Default-Cloud&sort=-name"),
        ["seg-b", "seg-a"]
    );
    assert!(names("cloud_ref.name=nope").is_empty());
    let (_, found) = lab
        .avi()
        .request("GET", "/api/serviceenginegroup?name=other", Value::Null);
    let uuid = found["results"][0]["uuid"].as_str().unwrap();
    assert_eq!(names(&format!("uuid={uuid}")), ["other"]);
    assert_eq!(names(&format!("uuid.in=nope,{uuid}")), ["other"]);
    let (_, page) = lab.avi().request(
        "GET",
        "/api/serviceenginegroup?page_size=3&fields=name",
        Value::Null,
    );
    assert_eq!(page["count"], 4);
    assert!(
        page["next"]
            .as_str()
            .unwrap()
            .ends_with("/api/serviceenginegroup?page=2&page_size=3&fields=name")
    );
    assert!(page["results"][0].get("max_se").is_none());
    assert_eq!(names("page_size=3&page=2"), ["other"]);
    let (status, _) =
        lab.avi()
            .request("GET", "/api/serviceenginegroup?page_size=201", Value::Null);
    assert_eq!(status, 400);
}

/// Secrets read back as a mask (recorded); that the mask is stored if somebody sends it is assumed.
#[tokio::test]
async fn a_secret_is_never_shown_and_its_mask_is_taken_for_one() {
    let lab = lab().await;
    let made = credential(&lab, "s3cret");
    assert!(
        made["azure_serviceprincipal"]
            .get("authentication_token")
            .is_none()
    );
    let path = path_of(&made);
    let (_, read) = lab.avi().request("GET", &path, Value::Null);
    assert_eq!(
        read["azure_serviceprincipal"]["authentication_token"],
        "<sensitive>"
    );
    let uuid = made["uuid"].as_str().unwrap();
    assert_eq!(lab.avi().credential_secret(uuid).unwrap(), "s3cret");
    lab.avi().request("PUT", &path, read);
    assert_eq!(lab.avi().credential_secret(uuid).unwrap(), "<sensitive>");
}

/// That a cloud brings an SE group and two VRFs is AKO#1389; refusals are recorded in issues of the official provider.
#[tokio::test]
async fn a_cloud_comes_and_goes_with_what_it_brought_and_nothing_else() {
    let lab = lab().await;
    let credential = credential(&lab, &lab.connection().avi.principal.client_secret);
    let cloud = cloud(&lab, "snet-cluster1-nodes");
    let vrfs = lab
        .avi()
        .request(
            "GET",
            "/api/vrfcontext?cloud_ref.name=azure&sort=name",
            Value::Null,
        )
        .1;
    assert_eq!(vrfs["results"][0]["name"], "global");
    let (status, _) = lab
        .avi()
        .request("DELETE", &path_of(&vrfs["results"][0]), Value::Null);
    assert_eq!(status, 400);
    let (status, refused) = lab
        .avi()
        .request("DELETE", &path_of(&credential), Value::Null);
    assert_eq!(status, 400);
    assert_eq!(
        refused["error"],
        "Cannot delete, object is referred by: ['Cloud azure']"
    );

    let group = make(
        &lab,
        "serviceenginegroup",
        json!({"name": "g", "cloud_ref": cloud["url"]}),
    );
    let engine =
        lab.avi()
            .place_service_engine(group["uuid"].as_str().unwrap(), "se-1", Value::Null);
    let refused = |object: &Value| {
        lab.avi().request("DELETE", &path_of(object), Value::Null).1["error"].to_string()
    };
    assert!(refused(&group).contains("ServiceEngine se-1"));
    assert!(lab.avi().remove_service_engine(&engine.unwrap()));
    assert!(refused(&cloud).contains("['ServiceEngineGroup g']"));
    assert_eq!(
        lab.avi().request("DELETE", &path_of(&group), Value::Null).0,
        204
    );

    lab.avi().refuse_deletes(DeleteRefusal {
        object: "cloud".to_owned(),
        name: None,
        status: 403,
        referrers: vec!["VirtualService shop".to_owned()],
    });
    assert_eq!(
        lab.avi().request("DELETE", &path_of(&cloud), Value::Null).0,
        403
    );
    lab.avi().allow_all();
    assert_eq!(
        lab.avi().request("DELETE", &path_of(&cloud), Value::Null).0,
        204
    );
    assert_eq!(
        lab.avi()
            .request("DELETE", &path_of(&credential), Value::Null)
            .0,
        204
    );
    let (_, left) = lab.avi().request("GET", "/api/vrfcontext", Value::Null);
    assert_eq!(left["count"], 2, "those of Default-Cloud");
}

/// The states are documented; what fails a cloud is assumed.
#[tokio::test]
async fn a_cloud_tells_what_its_credential_lacks_and_recovers() {
    let lab = lab().await;
    let credential = credential(&lab, "wrong");
    let cloud = cloud(&lab, "missing");
    let status = || {
        let path = format!(
            "/api/cloud-inventory?uuid={}",
            cloud["uuid"].as_str().unwrap()
        );
        let answer = lab.avi().request("GET", &path, Value::Null).1;
        let status = &answer["results"][0]["status"];
        let reason = status["reason"].as_str().unwrap_or_default().to_owned();
        (status["state"].as_str().unwrap().to_owned(), reason)
    };
    let (state, reason) = status();
    assert_eq!(state, "CLOUD_STATE_FAILED");
    assert!(reason.contains("AADSTS7000215"), "{reason}");

    let principal = &lab.connection().avi.principal;
    let secret = json!({"add": {"azure_serviceprincipal": {"authentication_token": principal.client_secret}}});
    lab.avi().request("PATCH", &path_of(&credential), secret);
    assert!(status().1.contains("subnets/missing"), "{}", status().1);

    let subnet = json!({"properties": {"addressPrefix": "10.9.0.0/24"}});
    let path = format!(
        "{}/subnets/missing",
        lab.connection().azure.virtual_network_id
    );
    lab.azure().request("PUT", &path, subnet);
    assert_eq!(status().0, "CLOUD_STATE_PLACEMENT_READY", "{}", status().1);
    lab.azure().deny(Denial {
        object_id: Some(principal.object_id.clone()),
        ..Denial::of("*/subnets/join/action")
    });
    assert!(status().1.contains("join/action"), "{}", status().1);
    lab.azure().allow_all();
    lab.avi().change_settings(|settings| {
        settings.cloud_ready_after = std::time::Duration::from_secs(3_600)
    });
    assert_eq!(status().0, "CLOUD_STATE_IN_PROGRESS");
}

#[tokio::test]
async fn events_are_found_by_their_ids() {
    let lab = lab().await;
    for id in ["CLOUD_ROUTE_CREATION_FAILURE", "VS_UP"] {
        lab.avi().add_event(json!({"event_id": id}));
    }
    let path = "/api/analytics/logs?type=2&filter=eq(event_id,[CLOUD_ROUTE_CREATION_FAILURE,X])&page_size=5";
    let (_, found) = lab.avi().request("GET", path, Value::Null);
    assert_eq!(found["count"], 1);
    assert_eq!(
        found["results"][0]["event_id"],
        "CLOUD_ROUTE_CREATION_FAILURE"
    );
}
