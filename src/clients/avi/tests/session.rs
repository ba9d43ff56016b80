//! Signing in, staying signed in, and signing out.

use super::*;
use crate::clients::NotReady;
use crate::clients::avi::{Error, Patch, SignInError, Version, WriteState};
use ako_lab::{Action, Fault};
use futures::future::join_all;

fn refused(status: u16, text: &str) -> Action {
    Action::Respond {
        status,
        headers: [("content-type".to_owned(), "text/plain".to_owned())].into(),
        body: text.into(),
    }
}

async fn sign_in_error(scene: &Scene) -> SignInError {
    let error = scene.avi().version(&scene.limits).await.unwrap_err();
    assert_eq!(error.after_write(), WriteState::NotSent);
    match error {
        Error::NotSignedIn { source, .. } => source,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn fifty_calls_at_once_sign_in_once() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let found = join_all((0..50).map(|_| scene.get(&uuid))).await;
    assert!(found.iter().all(Option::is_some));
    assert_eq!(scene.logins(), 1);
}

#[tokio::test]
async fn a_session_that_ends_between_two_calls_is_begun_again_once() {
    for status in [401, 419] {
        let scene = Scene::new().await;
        let uuid = scene.group("seg-1");
        scene
            .lab
            .avi()
            .change_settings(|settings| settings.expired_status = status);
        scene.get(&uuid).await;
        scene.lab.avi().expire_sessions();
        let found = join_all((0..50).map(|_| scene.get(&uuid))).await;
        assert!(found.iter().all(Option::is_some));
        assert_eq!(scene.logins(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_write_whose_token_is_refused_is_sent_again_with_another() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    let csrf = refused(401, "CSRF token missing or incorrect.");
    scene.lab.add_fault(Fault::on("PATCH", ONE_GROUP, csrf));
    let change = SeGroup {
        max_se: Some(7),
        ..SeGroup::default()
    };
    let patch = Patch::new().replace(&change);
    let changed = scene.avi().patch::<SeGroup>(&scene.limits, &uuid, &patch);
    assert_eq!(changed.await.unwrap().max_se, Some(7));
    assert_eq!(scene.logins(), 2);
}

#[tokio::test]
async fn a_request_that_every_session_refuses_fails_after_three() {
    let scene = Scene::new().await;
    let csrf = refused(401, "CSRF token missing or incorrect.");
    scene
        .lab
        .add_fault(Fault::on("GET", ONE_GROUP, csrf).always());
    let error = scene
        .avi()
        .get::<SeGroup>(&scene.limits, "x")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::SessionRefused { status: 401, .. }));
    assert!(error.to_string().contains("CSRF token missing"), "{error}");
    assert_eq!(scene.logins(), 3);
}

#[tokio::test]
async fn two_clients_that_throw_each_other_out_come_to_an_end() {
    let scene = Scene::new().await;
    scene
        .lab
        .add_fault(Fault::on("GET", ONE_GROUP, refused(419, "error")).always());
    let mut last = None;
    for _ in 0..5 {
        last = scene.avi().get::<SeGroup>(&scene.limits, "x").await.err();
    }
    let thrown_out = matches!(
        last,
        Some(Error::NotSignedIn {
            source: SignInError::ThrownOut { .. },
            ..
        })
    );
    assert!(thrown_out, "{last:?}");
    assert_eq!(scene.logins(), 8);
}

#[tokio::test]
async fn a_wrong_password_is_told_once_and_never_tried_again() {
    let scene = Scene::with(|avi| avi.password = Setting::Known("wrong".to_owned().into())).await;
    let calls = (0..10).map(|_| scene.avi().get::<SeGroup>(&scene.limits, "x"));
    for outcome in join_all(calls).await {
        let text = crate::wording::with_causes(&outcome.unwrap_err());
        assert!(
            text.contains("\"admin\" with this password: Invalid credentials"),
            "{text}"
        );
    }
    let again = sign_in_error(&scene).await;
    assert!(matches!(again, SignInError::WrongCredentials { .. }));
    assert_eq!(scene.logins(), 1);
}

#[tokio::test]
async fn a_controller_that_starts_is_waited_for() {
    let scene = Scene::new().await;
    let uuid = scene.group("seg-1");
    scene
        .lab
        .avi()
        .change_settings(|settings| settings.initializing = true);
    let soon = limits(Duration::from_millis(700));
    let error = scene.avi().get::<SeGroup>(&soon, &uuid).await.unwrap_err();
    assert!(
        error.is_interruption() && error.to_string().contains("INITIALIZING"),
        "{error}"
    );
    let started = async {
        scene
            .lab
            .avi()
            .change_settings(|settings| settings.initializing = false);
    };
    let (found, ()) = tokio::join!(scene.get(&uuid), started);
    assert!(found.is_some());
}

#[tokio::test]
async fn the_controllers_version_is_spoken_unless_another_is_set() {
    let scene = Scene::new().await;
    let spoken = scene.avi().version(&scene.limits).await.unwrap();
    assert_eq!(spoken, Version(30, 2, 1));

    let older = Scene::new().await;
    older
        .lab
        .avi()
        .change_settings(|settings| settings.version = "18.2.9".to_owned());
    let text = sign_in_error(&older).await.to_string();
    assert!(
        text.contains("version 18.2.9, and at least 20.1.1"),
        "{text}"
    );

    let newer = Scene::with(|avi| avi.version = Setting::Known("31.1.1".to_owned())).await;
    let SignInError::Version(text) = sign_in_error(&newer).await else {
        panic!("another error")
    };
    assert!(
        text.starts_with("avi.version is 31.1.1, and the controller has version 30.2.1"),
        "{text}"
    );
}

#[tokio::test]
async fn a_member_that_the_version_lacks_is_named() {
    let scene = Scene::with(|avi| avi.version = Setting::Known("20.1.1".to_owned())).await;
    let uuid = scene.group("seg-1");
    let marker = super::super::Marker {
        key: "k".to_owned(),
        ..Default::default()
    };
    let change = SeGroup {
        markers: Some(vec![marker]),
        ..SeGroup::default()
    };
    let patch = Patch::new().replace(&change);
    let error = scene
        .avi()
        .patch::<SeGroup>(&scene.limits, &uuid, &patch)
        .await
        .unwrap_err();
    let Error::NewerMember {
        member, introduced, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (member.as_str(), introduced.as_str()),
        ("markers", "20.1.7")
    );
}

#[tokio::test]
async fn an_unknown_tenant_is_told_with_its_name() {
    let scene = Scene::with(|avi| avi.tenant = Setting::Known("team-x".to_owned())).await;
    let text = match scene
        .avi()
        .get::<SeGroup>(&scene.limits, "x")
        .await
        .unwrap_err()
    {
        Error::UnknownTenant { tenant, .. } => tenant,
        other => panic!("{other}"),
    };
    assert_eq!(text, "team-x");
}

#[tokio::test]
async fn the_session_ends_with_the_process_where_there_is_one() {
    let scene = Scene::new().await;
    scene.clients.close().await;
    scene.avi().version(&scene.limits).await.unwrap();
    assert_eq!(scene.lab.avi().state()["sessions"], 1);
    scene.clients.close().await;
    assert_eq!(scene.lab.avi().state()["sessions"], 0);
    assert_eq!(scene.calls("POST", "/logout"), 1);
}

#[tokio::test]
async fn a_logout_that_hangs_holds_nobody_up_for_long() {
    let scene = Scene::new().await;
    scene.avi().version(&scene.limits).await.unwrap();
    scene
        .lab
        .add_fault(Fault::on("POST", "/logout", Action::Stall));
    let begun = Instant::now();
    scene.clients.close().await;
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_certificate_of_nobody_we_know_is_refused_with_what_to_set() {
    let scene = Scene::new().await;
    let limits = limits(Duration::from_secs(20));
    let stranger = Lab::start(Options::default()).await.unwrap();
    let distrustful = clients(&stranger, section(&scene.lab));
    let error = distrustful
        .avi()
        .unwrap()
        .version(&limits)
        .await
        .unwrap_err();
    let text = crate::wording::with_causes(&error);
    assert!(text.contains("avi.ca_certificate names"), "{text}");
    assert_eq!(scene.logins(), 0);

    let pem = std::fs::read_to_string(&scene.lab.connection().ca_certificate).unwrap();
    let named = Settings {
        ca_certificate: Setting::Known(pem),
        ..section(&scene.lab)
    };
    let unchecked = Settings {
        insecure: Setting::Known(true),
        ..section(&scene.lab)
    };
    for section in [named, unchecked] {
        let clients = clients(&stranger, section);
        clients.avi().unwrap().version(&limits).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_named_before_anything_is_called() {
    let known = |text: &str| Setting::Known(text.to_owned());
    let lab = Lab::start(Options::default()).await.unwrap();
    let full = section(&lab);
    let refused = |section: Settings, argument: &str| {
        let error = clients(&lab, section).avi().err().unwrap().to_string();
        assert!(error.starts_with(argument), "{argument}: {error}");
    };
    refused(
        Settings {
            controller: Setting::Unset,
            ..full.clone()
        },
        "avi.controller is not set",
    );
    refused(
        Settings {
            controller: Setting::Unknown,
            ..full.clone()
        },
        "avi.controller is not known yet",
    );
    refused(
        Settings {
            password: Setting::Unset,
            ..full.clone()
        },
        "avi.password is not set",
    );
    refused(
        Settings {
            version: known("18.2.6"),
            ..full.clone()
        },
        "avi.version",
    );
    refused(
        Settings {
            ca_certificate: known("x"),
            ..full.clone()
        },
        "avi.ca_certificate",
    );
    refused(
        Settings {
            tenant: known("a\nb"),
            ..full.clone()
        },
        "avi.tenant",
    );
    refused(
        Settings {
            api_timeout: Setting::Known(0),
            ..full.clone()
        },
        "avi.api_timeout",
    );
    let token = Setting::Known("t".to_owned().into());
    refused(
        Settings {
            authtoken: token,
            ..full.clone()
        },
        "avi.authtoken",
    );
    let missing = clients(&lab, Settings::default()).avi().err().unwrap();
    assert!(matches!(missing, NotReady::Missing { .. }));
    assert!(lab.journal().is_empty());
}
