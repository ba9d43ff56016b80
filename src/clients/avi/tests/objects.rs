//! What becomes of objects.

use super::*;
use crate::clients::avi::{
    AzureServicePrincipal, CloudConnectorUser, CloudState, Error, Patch, Secret, WriteState,
};
use ako_lab::avi::DeleteRefusal;
use ako_lab::{Action, Fault};

#[tokio::test]
async fn what_the_client_does_not_know_goes_back_as_it_came() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let path = format!("{GROUPS}/{uuid}");
    let foreign = json!({"replace": {"x_later": {"deep": [1]}, "se_mtu": 1400}});
    scene.lab.avi().request("PATCH", &path, foreign);
    let mut group = scene.get(&uuid).await.unwrap();
    group.max_se = Some(9);
    let written = scene.avi().put(&scene.limits, &group).await.unwrap();
    assert_eq!(written.max_se, Some(9));
    let held = scene.held(&uuid);
    assert_eq!(held["x_later"], json!({"deep": [1]}));
    assert_eq!(held["se_mtu"], 1400);
}

#[tokio::test]
async fn a_write_of_what_somebody_has_changed_meanwhile_is_refused() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let group = scene.get(&uuid).await.unwrap();
    let path = format!("{GROUPS}/{uuid}");
    scene
        .lab
        .avi()
        .request("PATCH", &path, json!({"replace": {"max_se": 5}}));
    let error = scene.avi().put(&scene.limits, &group).await.unwrap_err();
    assert!(error.wants_fresh_read(), "{error}");
    assert_eq!(scene.held(&uuid)["max_se"], 5);
}

#[tokio::test]
async fn a_change_leaves_everything_else_alone() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let change = Patch::new().add(&labels());
    scene
        .avi()
        .patch::<SeGroup>(&scene.limits, &uuid, &change)
        .await
        .unwrap();
    let change = Patch::new().replace(&subnet());
    scene
        .avi()
        .patch::<SeGroup>(&scene.limits, &uuid, &change)
        .await
        .unwrap();
    assert_eq!(scene.held(&uuid)["labels"][0]["value"], "prod");
    let change = Patch::new().delete(&subnet());
    let changed = scene
        .avi()
        .patch::<SeGroup>(&scene.limits, &uuid, &change)
        .await
        .unwrap();
    assert_eq!((changed.data_network_id, changed.max_se), (None, Some(4)));
}

#[tokio::test]
async fn a_change_of_several_operations_is_sent_as_one_request_each() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let change = Patch::new().replace(&subnet()).add(&labels());
    let changed = scene
        .avi()
        .patch::<SeGroup>(&scene.limits, &uuid, &change)
        .await
        .unwrap();
    assert_eq!(changed.data_network_id.as_deref(), Some("subnet1"));
    assert_eq!(changed.labels, labels().labels);
    assert_eq!(scene.calls("PATCH", GROUPS), 1);
    let bigger = SeGroup {
        max_se: Some(7),
        ..SeGroup::default()
    };
    let change = Patch::new().replace(&bigger).delete(&subnet());
    let changed = scene
        .avi()
        .patch::<SeGroup>(&scene.limits, &uuid, &change)
        .await
        .unwrap();
    assert_eq!((changed.data_network_id, changed.max_se), (None, Some(7)));
    assert_eq!(scene.calls("PATCH", GROUPS), 3);
}

#[tokio::test]
async fn a_change_of_which_a_part_fails_is_not_called_unmade() {
    let refused = || {
        Fault::on(
            "PATCH",
            ONE_GROUP,
            Action::respond(403, json!({"error": "no"})),
        )
    };
    let lost = || Fault::on("PATCH", ONE_GROUP, Action::Reset).always();
    for (fault, nth, state) in [
        (refused(), 1, WriteState::Refused),
        (refused(), 2, WriteState::Accepted),
        (lost(), 2, WriteState::Unclear),
    ] {
        let scene = Scene::new().await;
        let uuid = scene.group("seg-1");
        scene.lab.add_fault(fault.nth(nth));
        let bigger = SeGroup {
            max_se: Some(7),
            ..SeGroup::default()
        };
        let change = Patch::new().replace(&bigger).delete(&subnet());
        let error = scene
            .avi()
            .patch::<SeGroup>(&limits(Duration::from_secs(2)), &uuid, &change)
            .await
            .unwrap_err();
        let expected = if nth == 1 { 4 } else { 7 };
        assert_eq!(scene.held(&uuid)["max_se"], expected);
        assert_eq!(error.after_write(), state, "{error}");
        assert!(error.action().starts_with("changing SE group"), "{error}");
    }
}

#[tokio::test]
async fn an_object_is_found_by_its_name_within_its_cloud() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg & 1");
    let cloud: Option<Cloud> = {
        let filter = Filter::named("Default-Cloud");
        scene.avi().find(&scene.limits, &filter).await.unwrap()
    };
    let cloud = Reference::Uuid(cloud.unwrap().uuid.unwrap());
    for cloud in [cloud, Reference::Name("Default-Cloud".to_owned())] {
        let filter = Filter::named("seg & 1").in_cloud(cloud);
        let found: Option<SeGroup> = scene.avi().find(&scene.limits, &filter).await.unwrap();
        assert_eq!(found.unwrap().uuid.as_deref(), Some(uuid.as_str()));
    }
    let elsewhere = Filter::named("seg & 1").in_cloud(Reference::Name("other".to_owned()));
    let found: Option<SeGroup> = scene.avi().find(&scene.limits, &elsewhere).await.unwrap();
    assert!(found.is_none());
    let name = Reference::Name("seg & 1".to_owned());
    let resolved = scene.avi().resolve::<SeGroup>(&scene.limits, &name).await;
    assert_eq!(resolved.unwrap(), Some(uuid));
}

#[tokio::test]
async fn several_objects_of_one_name_are_told() {
    let scene = Scene::new().await;
    let body = json!({"count": 2, "results": [
        {"name": "seg-1", "uuid": "serviceenginegroup-1"},
        {"name": "seg-1", "uuid": "serviceenginegroup-2"},
    ]});
    scene
        .lab
        .add_fault(Fault::on("GET", GROUPS, Action::respond(200, body)));
    let filter = Filter::named("seg-1");
    let found = scene.avi().find::<SeGroup>(&scene.limits, &filter);
    assert!(matches!(
        found.await,
        Err(Error::Ambiguous { count: 2, .. })
    ));
}

#[tokio::test]
async fn a_hundred_pages_are_all_read() {
    let scene = Scene::new().await;
    (0..100).for_each(|number| drop(scene.group(&format!("seg-{number}"))));
    let mut url = scene.avi().address.join(GROUPS);
    url.query_pairs_mut()
        .append_pair("name.contains", "seg-")
        .append_pair("page_size", "1");
    let found: Vec<SeGroup> = scene
        .avi()
        .read_pages(&scene.limits, "listing", url)
        .await
        .unwrap();
    assert_eq!(found.len(), 100);
    assert_eq!(scene.calls("GET", GROUPS), 100);
}

#[tokio::test]
async fn a_list_that_leads_elsewhere_or_in_a_circle_is_an_error() {
    let scene = Scene::new().await;
    let circle = format!(
        "https://{}{GROUPS}?page_size=200",
        scene.lab.connection().avi.controller
    );
    for (next, told) in [
        (
            "https://10.0.0.9/api/serviceenginegroup?page=2",
            "at 10.0.0.9, and not at",
        ),
        (circle.as_str(), "read before"),
    ] {
        let body = json!({"count": 2, "results": [], "next": next});
        scene
            .lab
            .add_fault(Fault::on("GET", GROUPS, Action::respond(200, body)));
        let error = scene
            .avi()
            .list::<SeGroup>(&scene.limits, &Filter::all())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn only_a_controller_that_names_the_object_says_that_it_is_gone() {
    let scene = Scene::new().await;
    let gone = scene
        .avi()
        .get::<SeGroup>(&scene.limits, "serviceenginegroup-x")
        .await;
    assert!(gone.unwrap().is_none());
    for answer in [
        Action::respond(404, json!({"error": "Not found."})),
        Action::page(404, "<html>no such page</html>"),
    ] {
        scene.lab.add_fault(Fault::on("GET", ONE_GROUP, answer));
        let outcome = scene
            .avi()
            .get::<SeGroup>(&scene.limits, "serviceenginegroup-x")
            .await;
        assert!(outcome.is_err());
    }
    scene
        .avi()
        .delete::<SeGroup>(&scene.limits, "serviceenginegroup-x")
        .await
        .unwrap();
    let change = Patch::new().replace(&SeGroup {
        max_se: Some(1),
        ..SeGroup::default()
    });
    let change = scene
        .avi()
        .patch::<SeGroup>(&scene.limits, "serviceenginegroup-x", &change);
    assert!(change.await.unwrap_err().is_gone());
}

#[tokio::test]
async fn a_refused_delete_names_who_refers_to_the_object() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    for status in [400, 403] {
        scene.lab.avi().allow_all();
        scene.lab.avi().refuse_deletes(DeleteRefusal {
            object: "serviceenginegroup".to_owned(),
            name: None,
            status,
            referrers: vec!["VirtualService shop".to_owned(), "Pool p".to_owned()],
        });
        match scene.avi().delete::<SeGroup>(&scene.limits, &uuid).await {
            Err(Error::InUse { referrers, .. }) => {
                assert_eq!(referrers, ["VirtualService shop", "Pool p"]);
            }
            other => panic!("{other:?}"),
        }
    }
    scene.lab.avi().allow_all();
    scene
        .avi()
        .delete::<SeGroup>(&scene.limits, &uuid)
        .await
        .unwrap();
    assert_eq!(scene.held(&uuid), Value::Null);
}

#[tokio::test]
async fn a_masked_secret_is_never_sent_back() {
    let scene = Scene::new().await;
    let principal = AzureServicePrincipal {
        application_id: Some("app".to_owned()),
        tenant_id: Some("tenant".to_owned()),
        authentication_token: Some(Secret::new("hunter2")),
        ..AzureServicePrincipal::default()
    };
    let wanted = CloudConnectorUser {
        name: "cred".to_owned(),
        azure_serviceprincipal: Some(principal),
        ..CloudConnectorUser::default()
    };
    assert!(!format!("{wanted:?}").contains("hunter2"));
    let made = scene.avi().create(&scene.limits, &wanted).await.unwrap();
    let uuid = made.uuid.unwrap();
    let read: CloudConnectorUser = scene
        .avi()
        .get(&scene.limits, &uuid)
        .await
        .unwrap()
        .unwrap();
    let error = scene.avi().put(&scene.limits, &read).await.unwrap_err();
    assert!(matches!(error, Error::MaskedSecret { .. }), "{error}");
    assert_eq!(scene.calls("PUT", "/api"), 0);
    let secret = scene.lab.avi().credential_secret(&uuid);
    assert_eq!(secret.as_deref(), Some("hunter2"));
}

#[tokio::test]
async fn a_clouds_state_comes_with_its_reason() {
    let scene = Scene::new().await;
    let filter = Filter::named("Default-Cloud");
    let cloud: Option<Cloud> = scene.avi().find(&scene.limits, &filter).await.unwrap();
    let uuid = cloud.unwrap().uuid.unwrap();
    let status = scene
        .avi()
        .cloud_status(&scene.limits, &uuid)
        .await
        .unwrap();
    assert_eq!(status.state, CloudState::PlacementReady);
    let unknown = scene
        .avi()
        .cloud_status(&scene.limits, "cloud-x")
        .await
        .unwrap();
    assert_eq!(unknown.state, CloudState::Other(String::new()));
}

fn labels() -> SeGroup {
    let label = KeyValue {
        key: "clustername".to_owned(),
        value: Some("prod".to_owned()),
        ..KeyValue::default()
    };
    SeGroup {
        labels: Some(vec![label]),
        ..SeGroup::default()
    }
}

fn subnet() -> SeGroup {
    SeGroup {
        data_network_id: Some("subnet1".to_owned()),
        ..SeGroup::default()
    }
}
