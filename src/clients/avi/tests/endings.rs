//! Answers that do not come, or come from somebody else.

use super::*;
use crate::clients::avi::{Error, LockKey, Patch, WriteState};
use ako_lab::{Action, Fault};

fn wanted(name: &str) -> SeGroup {
    SeGroup {
        name: name.to_owned(),
        cloud_ref: Some(Reference::Name("Default-Cloud".to_owned()).spelt("cloud")),
        ..SeGroup::default()
    }
}

fn bigger() -> Patch {
    let change = SeGroup {
        max_se: Some(8),
        ..SeGroup::default()
    };
    Patch::new().replace(&change)
}

#[tokio::test]
async fn a_create_without_an_answer_is_sent_once_and_called_unclear() {
    for fault in [
        Fault::on("POST", GROUPS, Action::Reset),
        Fault::on("POST", GROUPS, Action::Reset).after(),
        Fault::on("POST", GROUPS, Action::Truncate { bytes: 10 }),
        Fault::on(
            "POST",
            GROUPS,
            Action::respond(503, json!({"error": "busy"})),
        ),
    ] {
        let scene = Scene::new().await;
        scene.avi().version(&scene.limits).await.unwrap();
        scene.lab.add_fault(fault);
        let error = scene
            .avi()
            .create(&scene.limits, &wanted("seg-1"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Unclear { .. }), "{error}");
        assert_eq!(error.after_write(), WriteState::Unclear);
        assert_eq!(scene.calls("POST", GROUPS), 1);
    }
}

#[tokio::test]
async fn a_change_without_an_answer_is_sent_again() {
    for fault in [
        Fault::on("PATCH", ONE_GROUP, Action::Reset),
        Fault::on("PATCH", ONE_GROUP, Action::Reset).after(),
        Fault::on(
            "PATCH",
            ONE_GROUP,
            Action::respond(502, json!({"error": "bad gateway"})),
        ),
    ] {
        let scene = Scene::new().await;
        let uuid = scene.group("seg-1");
        let change = bigger();
        scene.lab.add_fault(fault);
        let changed = scene.avi().patch::<SeGroup>(&scene.limits, &uuid, &change);
        assert_eq!(changed.await.unwrap().max_se, Some(8));
    }
}

#[tokio::test]
async fn a_read_outlasts_a_controller_that_stumbles() {
    let busy = json!({"error": "try later"});
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    for action in [
        Action::respond(500, busy.clone()),
        Action::respond(502, busy.clone()),
        Action::respond(503, busy),
        Action::Truncate { bytes: 20 },
        Action::Reset,
    ] {
        scene.lab.add_fault(Fault::on("GET", ONE_GROUP, action));
        assert!(scene.get(&uuid).await.is_some());
    }
}

#[tokio::test]
async fn the_page_of_a_proxy_is_no_success() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let change = bigger();
    for method in ["GET", "PATCH", "DELETE"] {
        let page = Action::page(200, "<html><body>Please sign in</body></html>");
        scene.lab.add_fault(Fault::on(method, ONE_GROUP, page));
    }
    let read = scene
        .avi()
        .get::<SeGroup>(&scene.limits, &uuid)
        .await
        .unwrap_err();
    assert!(read.to_string().contains("Please sign in"), "{read}");
    assert_eq!(read.after_write(), WriteState::NotSent);
    let changed = scene.avi().patch::<SeGroup>(&scene.limits, &uuid, &change);
    assert_eq!(
        changed.await.unwrap_err().after_write(),
        WriteState::Unclear
    );
    let deleted = scene.avi().delete::<SeGroup>(&scene.limits, &uuid).await;
    assert_eq!(deleted.unwrap_err().after_write(), WriteState::Unclear);
}

#[tokio::test]
async fn a_guarded_write_that_was_carried_out_unseen_is_not_called_refused() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let mut group = scene.get(&uuid).await.unwrap();
    group.max_se = Some(6);
    scene
        .lab
        .add_fault(Fault::on("PUT", ONE_GROUP, Action::Reset).after());
    let error = scene.avi().put(&scene.limits, &group).await.unwrap_err();
    assert!(error.wants_fresh_read(), "{error}");
    assert_eq!(error.after_write(), WriteState::Unclear);
    assert_eq!(scene.held(&uuid)["max_se"], 6);
}

#[tokio::test]
async fn a_second_change_of_an_object_waits_for_the_first() {
    let scene = Scene::new().await;
    let key = || [LockKey::of::<SeGroup>("seg-1")];
    let held = scene.avi().lock(&scene.limits, key()).await.unwrap();
    let soon = limits(Duration::from_millis(50));
    let error = scene.avi().lock(&soon, key()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("waiting for SE group \"seg-1\""),
        "{error}"
    );
    drop(held);
    drop(scene.avi().lock(&scene.limits, key()).await.unwrap());
}
