//! Ctrl-C at each call in turn: nothing is forgotten, and the next run goes on.

use super::*;

/// Does the work and is interrupted at the nth call; none if it has ended before that.
async fn interrupted_at(
    scene: &Scene,
    nth: u64,
    work: impl Future<Output = ApplyOutcome>,
) -> Option<ApplyOutcome> {
    let hold = Fault::on("*", "*/Microsoft.Network/*", Action::Hold).nth(nth);
    let hold = scene.lab.add_fault(hold);
    tokio::pin!(work);
    let outcome = tokio::select! {
        _ = &mut work => return None,
        held = scene.lab.held(hold, Duration::from_secs(60)) => {
            assert!(held);
            scene.server.stop();
            scene.lab.release(hold);
            work.await
        }
    };
    assert_ne!(errors(&outcome.diagnostics), "", "call {nth}");
    scene.lab.azure().finish_operations();
    Some(outcome)
}

#[tokio::test]
async fn a_create_that_is_interrupted_anywhere_leaves_nothing_that_is_not_in_the_state() {
    for nth in 1.. {
        let mut scene = Scene::new().await;
        let config = scene.config(json!({}));
        let planned = scene.plan(&Value::Null, &config).await.planned;
        let create = scene.apply_planned(Value::Null, planned, &config);
        let Some(outcome) = interrupted_at(&scene, nth, create).await else {
            assert!(nth > 6, "a create makes six calls, polls apart");
            break;
        };
        // The next run is another process.
        scene.server = server(&scene.lab, true);
        // What the state holds is tainted: deleted first, and only if it is there at all.
        if outcome.state != Value::Null {
            let left = scene.read(&outcome.state).await;
            if left != Value::Null {
                assert_eq!(scene.delete(&left).await.state, Value::Null, "call {nth}");
            }
        }
        for id in [scene.table("rt-se"), scene.subnet("snet-se")] {
            assert_eq!(scene.azure(&id), Json::Null, "call {nth}");
        }
    }
}

#[tokio::test]
async fn a_move_that_is_interrupted_anywhere_is_finished_by_the_next_apply() {
    for nth in 1.. {
        let mut scene = Scene::new().await;
        let state = scene.created(&scene.config(json!({}))).await;
        let moved = scene.config(json!({"route_table_name": "rt-new"}));
        let planned = scene.plan(&state, &moved).await.planned;
        let update = scene.apply_planned(state.clone(), planned, &moved);
        let Some(outcome) = interrupted_at(&scene, nth, update).await else {
            assert!(nth > 9, "a move makes nine calls, polls apart");
            break;
        };
        assert_eq!(outcome.state, state, "call {nth}");
        scene.server = server(&scene.lab, true);
        let state = scene.applied(&outcome.state, &moved).await;
        scene.assert_settled(&state, &moved).await;
        assert_eq!(scene.azure(&scene.table("rt-se")), Json::Null, "call {nth}");
    }
}

#[tokio::test]
async fn a_delete_that_is_interrupted_anywhere_is_finished_by_the_next_one() {
    for nth in 1.. {
        let mut scene = Scene::new().await;
        let state = scene.created(&scene.config(json!({}))).await;
        let delete = scene.delete(&state);
        let Some(outcome) = interrupted_at(&scene, nth, delete).await else {
            assert!(nth > 3, "a delete makes three calls, polls apart");
            break;
        };
        scene.server = server(&scene.lab, true);
        let left = scene.read(&outcome.state).await;
        if left != Value::Null {
            assert_eq!(scene.delete(&left).await.state, Value::Null, "call {nth}");
        }
        for id in [scene.table("rt-se"), scene.subnet("snet-se")] {
            assert_eq!(scene.azure(&id), Json::Null, "call {nth}");
        }
    }
}
