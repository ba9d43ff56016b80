//! The client against the lab's Azure: what it asks, what it makes of the answers, how it fails.

mod endings;
mod repetitions;
mod sign_in;

use super::ids::{ResourceGroupId, RouteTableId, VirtualNetworkId};
use super::route_tables::{Route, RouteTable};
use super::subnets::{Subnet, SubnetProperties};
use super::{Client, Error, Reference, WriteState};
use crate::clients::{Clients, Limits, Settings, Variables, avi, kubernetes, user_agent};
use ako_lab::{Action, Fault, Lab, Options};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;

const TABLES: &str = "*/routeTables/*";

struct Scene {
    lab: Lab,
    clients: Clients,
    limits: Limits,
}

impl Scene {
    async fn new() -> Scene {
        let lab = Lab::start(Options::default()).await.unwrap();
        let clients = clients(&lab, &[], Duration::from_secs(30));
        Scene {
            lab,
            clients,
            limits: limits(Duration::from_secs(60)),
        }
    }

    fn azure(&self) -> &Client {
        self.clients.azure().unwrap()
    }

    fn network(&self) -> VirtualNetworkId {
        let id = &self.lab.connection().azure.virtual_network_id;
        id.parse().unwrap()
    }

    fn group(&self) -> ResourceGroupId {
        self.network().parent()
    }

    fn table_id(&self) -> RouteTableId {
        self.group().route_table("rt-1").unwrap()
    }

    async fn put(&self, table: &RouteTable) -> Result<RouteTable, Error> {
        let id = self.table_id();
        self.azure().put_route_table(&self.limits, &id, table).await
    }

    async fn get(&self) -> Option<RouteTable> {
        let id = self.table_id();
        self.azure()
            .get_route_table(&self.limits, &id)
            .await
            .unwrap()
    }

    /// Calls of ARM as `METHOD status`, polls left out.
    fn calls(&self) -> Vec<String> {
        let journal = self.lab.journal();
        let calls = journal
            .iter()
            .filter(|entry| entry.service == "arm" && !entry.poll);
        calls
            .map(|entry| match entry.status {
                Some(status) => format!("{} {status}", entry.method),
                None => entry.method.clone(),
            })
            .collect()
    }
}

fn clients(lab: &Lab, more: &[(&str, &str)], request_timeout: Duration) -> Clients {
    let azure = &lab.connection().azure;
    let ca = lab.connection().ca_certificate.display().to_string();
    let mut variables = BTreeMap::new();
    let lab = [
        ("ARM_METADATA_HOSTNAME", azure.metadata_host.as_str()),
        ("ARM_TENANT_ID", &azure.tenant_id),
        ("ARM_CLIENT_ID", &azure.client_id),
        ("ARM_CLIENT_SECRET", &azure.client_secret),
        ("SSL_CERT_FILE", &ca),
    ];
    for (name, value) in lab.iter().chain(more) {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    Clients::new(Settings {
        avi: avi::Settings::default(),
        azure: super::Settings::default(),
        kubernetes: kubernetes::Settings::default(),
        variables: Variables::from_map(variables),
        user_agent: user_agent("1.11.4"),
        request_timeout,
    })
}

fn limits(time: Duration) -> Limits {
    Limits {
        deadline: Instant::now() + time,
        stop: CancellationToken::new(),
    }
}

fn table(routes: Vec<Route>) -> RouteTable {
    let mut table = RouteTable {
        location: "westeurope".to_owned(),
        tags: Some(BTreeMap::from([("owner".to_owned(), "us".to_owned())])),
        ..RouteTable::default()
    };
    table.properties.routes = routes;
    table
}

fn route(name: &str, prefix: &str) -> Route {
    Route::to_address(name.to_owned(), prefix.to_owned(), "10.1.0.4".to_owned())
}

fn busy(status: u16, code: &str) -> Action {
    let body = json!({"error": {"code": code, "message": "try later", "details": []}});
    Action::respond(status, body)
}

#[tokio::test]
async fn a_table_is_made_with_one_write_and_one_read_and_can_be_written_again() {
    let scene = Scene::new().await;
    let made = scene
        .put(&table(vec![route("a", "10.244.0.0/24")]))
        .await
        .unwrap();
    assert_eq!(scene.calls(), ["PUT 201", "GET 200"]);
    assert_eq!(made.id, Some(scene.table_id()));
    assert_eq!(
        made.properties.provisioning_state.as_deref(),
        Some("Succeeded")
    );

    let mut more = made;
    more.properties.routes.push(route("b", "10.244.1.0/24"));
    let written = scene.put(&more).await.unwrap();
    assert_eq!(written.properties.routes.len(), 2);
}

#[tokio::test]
async fn calls_say_who_sends_them() {
    let scene = Scene::new().await;
    let ours = clients(
        &scene.lab,
        &[
            (
                "ARM_CORRELATION_REQUEST_ID",
                "11111111-2222-3333-4444-555555555555",
            ),
            ("AZURE_HTTP_USER_AGENT", "pipeline/7"),
        ],
        Duration::from_secs(30),
    );
    let azure = ours.azure().unwrap();
    azure
        .get_virtual_network(&scene.limits, &scene.network())
        .await
        .unwrap();
    let journal = scene.lab.journal();
    let call = journal.iter().find(|entry| entry.service == "arm").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        call.client.as_deref(),
        Some(format!("HashiCorp Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-ako/{version} pipeline/7").as_str())
    );
    assert_eq!(
        call.correlation_id.as_deref(),
        Some("11111111-2222-3333-4444-555555555555")
    );
}

#[tokio::test]
async fn a_stale_table_is_refused_and_nothing_is_changed() {
    let scene = Scene::new().await;
    let old = scene.put(&table(Vec::new())).await.unwrap();
    let mut newer = old.clone();
    newer
        .properties
        .routes
        .push(route("foreign", "10.0.0.0/24"));
    scene.put(&newer).await.unwrap();

    let error = scene.put(&old).await.unwrap_err();
    assert!(matches!(error, Error::PreconditionFailed(_)), "{error:?}");
    assert!(error.wants_fresh_read());
    assert_eq!(error.after_write(), WriteState::Refused);
    assert!(
        error
            .to_string()
            .starts_with("writing route table \"rt-1\": "),
        "{error}"
    );
    assert!(error.refusal().unwrap().request_id.is_some());
    assert_eq!(scene.get().await.unwrap().properties.routes.len(), 1);
}

#[tokio::test]
async fn a_write_whose_etag_cannot_be_sent_is_not_sent_without_it() {
    let scene = Scene::new().await;
    let mut held = scene.put(&table(Vec::new())).await.unwrap();
    scene.lab.clear_journal();
    held.etag = Some("W/\"\n\"".to_owned());
    let error = scene.put(&held).await.unwrap_err();
    assert_eq!(error.after_write(), WriteState::NotSent, "{error:?}");
    assert!(scene.calls().is_empty(), "{:?}", scene.calls());
}

#[tokio::test]
async fn a_write_that_is_done_at_once_is_not_polled() {
    let scene = Scene::new().await;
    let held = scene.put(&table(Vec::new())).await.unwrap();
    scene.lab.clear_journal();
    let done = Action::Respond {
        status: 200,
        headers: BTreeMap::from([(
            "Azure-AsyncOperation".to_owned(),
            format!("{}operations/1", scene.azure().endpoint().unwrap()),
        )]),
        body: json!({"properties": {"provisioningState": "Succeeded"}}),
    };
    scene.lab.add_fault(Fault::on("PUT", TABLES, done));
    scene.put(&held).await.unwrap();
    assert_eq!(scene.lab.journal().len(), 2);
}

#[tokio::test]
async fn the_log_names_calls_and_holds_no_secret() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let scene = Scene::new().await;
    // Tests run in parallel: another thread may just have noted that nobody listens to these events.
    scene.get().await;
    tracing::callsite::rebuild_interest_cache();
    scene.put(&table(Vec::new())).await.unwrap();

    let lines = lines.0.lock().unwrap().join("\n");
    let path = scene.table_id().to_string();
    assert!(
        lines.contains(&format!("path={path:?} status=\"201\"")),
        "{lines}"
    );
    assert!(
        lines.contains("path=\"(operation)\" status=\"200\""),
        "{lines}"
    );
    let secret = &scene.lab.connection().azure.client_secret;
    for hidden in [
        secret.as_str(),
        "Bearer",
        "eyJ",
        "api-version",
        "/operations/",
    ] {
        assert!(!lines.contains(hidden), "{hidden} in {lines}");
    }
}

/// What the provider's own code logs, one line for each event.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if !event
            .metadata()
            .target()
            .starts_with("terraform_provider_ako")
        {
            return;
        }
        let mut line = String::new();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                line.push_str(&format!("{field}={value:?} "));
            },
        );
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn a_failed_operation_tells_azures_own_reason() {
    let scene = Scene::new().await;
    let fail = |code: &str| Action::FailOperation {
        code: code.to_owned(),
        message: "it broke".to_owned(),
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, fail("InternalServerError")));
    let error = scene.put(&table(Vec::new())).await.unwrap_err();
    assert!(matches!(error, Error::OperationFailed(_)), "{error:?}");
    assert_eq!(error.code(), Some("InternalServerError"));
    assert_eq!(error.after_write(), WriteState::Accepted);

    let wanted = scene.get().await.unwrap_or_else(|| table(Vec::new()));
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, fail("AnotherOperationInProgress")));
    let error = scene.put(&wanted).await.unwrap_err();
    assert!(matches!(error, Error::TryAgain(_)), "{error:?}");
    assert!(error.wants_fresh_read());
}

#[tokio::test]
async fn only_azures_own_words_mean_that_an_object_is_gone() {
    let scene = Scene::new().await;
    assert_eq!(scene.get().await, None);

    let elsewhere = scene.table_id().to_string().replace(
        scene.table_id().subscription(),
        "99999999-9999-9999-9999-999999999999",
    );
    let elsewhere: RouteTableId = elsewhere.parse().unwrap();
    let read = scene
        .azure()
        .get_route_table(&scene.limits, &elsewhere)
        .await;
    assert_eq!(read.unwrap_err().code(), Some("SubscriptionNotFound"));

    let proxy = Action::respond(404, json!("not ARM"));
    scene.lab.add_fault(Fault::on("GET", TABLES, proxy));
    let read = scene
        .azure()
        .get_route_table(&scene.limits, &scene.table_id())
        .await;
    assert!(
        matches!(
            read,
            Err(Error::BadAnswer {
                status: Some(404),
                ..
            })
        ),
        "{read:?}"
    );
}

#[tokio::test]
async fn a_page_in_answer_to_a_write_is_no_success() {
    let scene = Scene::new().await;
    let held = scene.put(&table(Vec::new())).await.unwrap();
    let page = || Action::page(200, "<html><title>Sign in</title></html>");
    let not_known = |error: Error| {
        assert!(matches!(error, Error::BadAnswer { .. }), "{error:?}");
        assert!(
            error.to_string().contains("beginning with \"Sign in\""),
            "{error}"
        );
        assert_eq!(error.after_write(), WriteState::Unclear);
    };
    scene.lab.add_fault(Fault::on("PUT", TABLES, page()));
    not_known(scene.put(&held).await.unwrap_err());
    scene.lab.add_fault(Fault::on("PATCH", TABLES, page()));
    let (azure, id) = (scene.azure(), scene.table_id());
    let tags = BTreeMap::new();
    let tagged = azure.patch_route_table_tags(&scene.limits, &id, &tags, None);
    not_known(tagged.await.unwrap_err());
    scene.lab.add_fault(Fault::on("DELETE", TABLES, page()));
    not_known(
        azure
            .delete_route_table(&scene.limits, &id)
            .await
            .unwrap_err(),
    );
    assert_eq!(scene.get().await, Some(held));
}

#[tokio::test]
async fn deleting_waits_until_the_table_is_gone_and_accepts_that_it_is() {
    let scene = Scene::new().await;
    scene.put(&table(Vec::new())).await.unwrap();
    let id = scene.table_id();
    scene
        .azure()
        .delete_route_table(&scene.limits, &id)
        .await
        .unwrap();
    assert_eq!(scene.get().await, None);
    scene
        .azure()
        .delete_route_table(&scene.limits, &id)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deletion_that_names_no_operation_is_over_only_when_the_table_is_gone() {
    let scene = Scene::new().await;
    scene.put(&table(Vec::new())).await.unwrap();
    let id = scene.table_id();
    let accepted = Action::respond(202, serde_json::Value::Null);
    scene.lab.add_fault(Fault::on("DELETE", TABLES, accepted));
    // Accepted and not begun: the first look still finds a table that says Succeeded.
    let begun = Action::Write {
        method: "DELETE".to_owned(),
        path: id.to_string(),
        body: serde_json::Value::Null,
    };
    scene.lab.add_fault(Fault::on("GET", TABLES, begun).nth(2));
    let azure = scene.azure();
    azure.delete_route_table(&scene.limits, &id).await.unwrap();
    let (status, _) = scene
        .lab
        .azure()
        .request("GET", &id.to_string(), json!(null));
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_table_in_use_is_not_deleted_and_one_that_only_seems_so_is() {
    let scene = Scene::new().await;
    scene.put(&table(Vec::new())).await.unwrap();
    let id = scene.table_id();
    scene.lab.add_fault(Fault::on(
        "DELETE",
        TABLES,
        busy(400, "InUseRouteTableCannotBeDeleted"),
    ));
    scene
        .azure()
        .delete_route_table(&scene.limits, &id)
        .await
        .unwrap();
    assert_eq!(scene.get().await, None);

    scene.put(&table(Vec::new())).await.unwrap();
    let subnet_id = scene.network().child("snet-se").unwrap();
    let subnet = Subnet {
        properties: SubnetProperties {
            address_prefixes: Some(vec!["10.3.0.0/24".to_owned()]),
            route_table: Some(Reference::to(id.clone())),
            ..SubnetProperties::default()
        },
        ..Subnet::default()
    };
    let azure = scene.azure();
    let subnet = azure
        .put_subnet(&scene.limits, &subnet_id, &subnet)
        .await
        .unwrap();
    assert_eq!(subnet.properties.route_table.unwrap().id, id);
    let error = azure
        .delete_route_table(&scene.limits, &id)
        .await
        .unwrap_err();
    assert!(error.is_in_use(), "{error:?}");
    azure
        .delete_subnet(&scene.limits, &subnet_id)
        .await
        .unwrap();
    azure.delete_route_table(&scene.limits, &id).await.unwrap();
}

#[tokio::test]
async fn tags_are_replaced_and_routes_stay() {
    let scene = Scene::new().await;
    let held = scene
        .put(&table(vec![route("a", "10.244.0.0/24")]))
        .await
        .unwrap();
    let tags = BTreeMap::from([("new".to_owned(), "tag".to_owned())]);
    let id = scene.table_id();
    let azure = scene.azure();
    let patched = azure
        .patch_route_table_tags(&scene.limits, &id, &tags, held.etag.as_deref())
        .await
        .unwrap();
    assert_eq!(patched.tags, Some(tags.clone()));
    assert_eq!(patched.properties.routes.len(), 1);
    // What comes back can be the ground of the next write.
    scene.put(&patched).await.unwrap();
    let stale = azure
        .patch_route_table_tags(&scene.limits, &id, &tags, held.etag.as_deref())
        .await;
    assert!(
        matches!(stale, Err(Error::PreconditionFailed(_))),
        "{stale:?}"
    );
}

#[tokio::test]
async fn a_poll_never_goes_to_another_host() {
    let scene = Scene::new().await;
    let held = scene.put(&table(Vec::new())).await.unwrap();
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/operations/1", elsewhere.local_addr().unwrap());
    let answer = Action::Respond {
        status: 200,
        headers: BTreeMap::from([("Azure-AsyncOperation".to_owned(), url)]),
        body: json!({"properties": {"provisioningState": "Updating"}}),
    };
    scene.lab.add_fault(Fault::on("PUT", TABLES, answer));
    tokio::select! {
        outcome = scene.put(&held) => assert!(outcome.is_ok(), "{outcome:?}"),
        _ = elsewhere.accept() => panic!("the token was sent elsewhere"),
    }
}
