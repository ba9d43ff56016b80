//! The client against the lab's Kubernetes API.

mod sign_in;

use super::{Client, Connection, Error, PluginObject, PluginObjects};
use crate::clients::{Clients, Interrupted, Limits, Settings, Variables, avi, azure, user_agent};
use ako_lab::kubernetes::{self as lab_kubernetes, CustomResource};
use ako_lab::{Action, Conduct, Fault, Lab, Options, Seed};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const NODES: &str = "/api/v1/nodes";
const BLOCKS: &str = "/apis/crd.projectcalico.org/v1/blockaffinities";

async fn lab(nodes: usize) -> Lab {
    let options = Options {
        seed: Seed::two_clusters(nodes),
        ..Options::default()
    };
    Lab::start(options).await.unwrap()
}

fn limits() -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_secs(60),
        stop: CancellationToken::new(),
    }
}

fn clients(variables: &[(&str, String)]) -> Clients {
    clients_with(super::Settings::default(), variables)
}

fn clients_with(kubernetes: super::Settings, variables: &[(&str, String)]) -> Clients {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Clients::new(Settings {
        avi: avi::Settings::default(),
        azure: azure::Settings::default(),
        kubernetes,
        variables: Variables::from_map(variables.collect::<BTreeMap<_, _>>()),
        user_agent: user_agent("1.11.4"),
        request_timeout: Duration::from_secs(2),
    })
}

fn connection(lab: &Lab, cluster: usize) -> Connection {
    let file = &lab.connection().kubernetes[cluster].kubeconfig;
    Connection {
        config_path: Some(file.display().to_string()),
        ..Connection::default()
    }
}

async fn client(lab: &Lab, cluster: usize) -> Client {
    clients(&[])
        .kubernetes(&limits(), &connection(lab, cluster))
        .await
        .unwrap()
}

#[tokio::test]
async fn each_cluster_is_read_by_its_own_kubeconfig() {
    let lab = lab(3).await;
    let one = client(&lab, 0)
        .await
        .list_nodes(&limits(), None)
        .await
        .unwrap();
    let two = client(&lab, 1)
        .await
        .list_nodes(&limits(), None)
        .await
        .unwrap();
    assert_eq!((one.len(), two.len()), (3, 3));
    assert_eq!(one[0].pod_cidrs, two[0].pod_cidrs);
    let internal = |node: &super::Node| {
        let address = node.addresses.iter().find(|(kind, _)| kind == "InternalIP");
        address.unwrap().1.clone()
    };
    assert_ne!(internal(&one[0]), internal(&two[0]));
}

#[tokio::test]
async fn all_pages_of_a_long_list_are_read() {
    let lab = lab(1100).await;
    let nodes = client(&lab, 0)
        .await
        .list_nodes(&limits(), None)
        .await
        .unwrap();
    assert_eq!(nodes.len(), 1100);
    let pages = lab.journal();
    assert_eq!(pages.len(), 3);
    assert!(
        pages[0]
            .client
            .as_deref()
            .unwrap()
            .contains("terraform-provider-ako/")
    );
}

#[tokio::test]
async fn a_list_that_expires_on_the_way_is_begun_again() {
    let lab = lab(600).await;
    let cluster = lab.cluster("cluster1").unwrap();
    let name = |index| format!("node-{index}");
    let blocks =
        (0..600).map(|index| lab_kubernetes::block_affinity(&name(index), "n", "10.9.0.0/26"));
    let blocks: Vec<_> = blocks.collect();
    cluster.set_custom_resources(&CustomResource::block_affinities(), &blocks);
    let client = client(&lab, 0).await;
    let expired = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired",
        "message": "The provided continue parameter is too old",
    });
    for path in [NODES, BLOCKS] {
        let expired = Action::respond(410, expired.clone());
        lab.add_fault(Fault::on("GET", path, expired).nth(2));
        let read = match path {
            NODES => client.list_nodes(&limits(), None).await.unwrap().len(),
            _ => {
                let kind = PluginObjects::BlockAffinities;
                let blocks = client.list_plugin_objects(&limits(), kind).await.unwrap();
                blocks.unwrap().len()
            }
        };
        assert_eq!(read, 600);
        assert_eq!(lab.journal().len(), 4);
        lab.clear_journal();
        lab.clear_faults();
    }
}

#[tokio::test]
async fn five_thousand_nodes_and_their_objects_are_read_in_pages_of_five_hundred() {
    let lab = lab(0).await;
    let cluster = lab.cluster("cluster1").unwrap();
    let names: Vec<String> = (0..5_000).map(|index| format!("node-{index:04}")).collect();
    let nodes = names
        .iter()
        .map(|name| lab_kubernetes::Node::ready(name, "10.1.0.4", "10.244.0.0/24"));
    cluster.set_nodes(&nodes.collect::<Vec<_>>());
    let block = |name: &String| lab_kubernetes::block_affinity(name, name, "10.133.0.0/26");
    let blocks: Vec<_> = names.iter().map(block).collect();
    cluster.set_custom_resources(&CustomResource::block_affinities(), &blocks);

    let (client, limits) = (client(&lab, 0).await, limits());
    let blocks = client.list_plugin_objects(&limits, PluginObjects::BlockAffinities);
    let (nodes, blocks) = tokio::join!(client.list_nodes(&limits, None), blocks);
    assert_eq!(nodes.unwrap().len(), 5_000);
    let read: Vec<_> = blocks
        .unwrap()
        .unwrap()
        .into_iter()
        .map(|block| block.name)
        .collect();
    assert_eq!(read, names, "in the order of the list");
    let journal = lab.journal();
    for path in [NODES, BLOCKS] {
        assert_eq!(
            journal.iter().filter(|entry| entry.path == path).count(),
            10
        );
    }
}

#[tokio::test]
async fn the_objects_of_each_plugin_are_read() {
    let lab = lab(1).await;
    let cluster = lab.cluster("cluster1").unwrap();
    let client = client(&lab, 0).await;
    let items = [
        (
            CustomResource::block_affinities(),
            lab_kubernetes::block_affinity("a", "n", "10.9.0.0/26"),
        ),
        (
            CustomResource::host_subnets(),
            lab_kubernetes::host_subnet("n", "10.9.0.0/26"),
        ),
        (
            CustomResource::cilium_nodes(),
            lab_kubernetes::cilium_node("n", &["10.9.0.0/26"]),
        ),
    ];
    for (kind, (resource, item)) in PluginObjects::ALL.into_iter().zip(items) {
        cluster.set_custom_resources(&resource, &[item]);
        let read = client
            .list_plugin_objects(&limits(), kind)
            .await
            .unwrap()
            .unwrap();
        let [
            PluginObject {
                node, pod_cidrs, ..
            },
        ] = &*read
        else {
            panic!("one object: {read:?}")
        };
        assert_eq!(node.as_deref(), Some("n"));
        assert_eq!(pod_cidrs.as_deref().unwrap(), ["10.9.0.0/26"]);
    }
}

#[tokio::test]
async fn a_resource_that_is_not_served_is_told_apart_from_a_proxy_that_knows_nothing() {
    let lab = lab(1).await;
    let client = client(&lab, 0).await;
    let list = async || {
        client
            .list_plugin_objects(&limits(), PluginObjects::BlockAffinities)
            .await
    };
    assert_eq!(
        list().await.unwrap(),
        None,
        "the group is not known: a line of text"
    );

    let status = |details| {
        Action::respond(
            404,
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Failure", "message": "the server could not find the requested resource",
            "reason": "NotFound", "details": details, "code": 404}),
        )
    };
    lab.add_fault(Fault::on("GET", BLOCKS, status(json!({}))));
    assert_eq!(
        list().await.unwrap(),
        None,
        "the resource is not known: a Status"
    );
    lab.add_fault(Fault::on("GET", NODES, status(json!({}))));
    let error = client.list_nodes(&limits(), None).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotServed {
                resource: "nodes",
                ..
            }
        ),
        "{error:?}"
    );

    for foreign in [
        status(json!({"name": "c-1", "kind": "clusters"})),
        Action::respond(404, json!("<html>404 page not found</html>")),
        Action::respond(404, json!({"error": "no such route"})),
    ] {
        lab.add_fault(Fault::on("GET", BLOCKS, foreign));
        let error = list().await.unwrap_err();
        let told = error.to_string();
        assert!(
            told.starts_with("listing blockaffinities.crd.projectcalico.org: "),
            "{told}"
        );
        lab.clear_faults();
    }
}

#[tokio::test]
async fn who_may_list_nodes_alone_is_told_what_else_is_needed() {
    let lab = lab(1).await;
    let cluster = lab.cluster("cluster1").unwrap();
    cluster.set_custom_resources(&CustomResource::cilium_nodes(), &[]);
    let limited = Connection {
        config_context: Some("cluster1-limited".to_owned()),
        ..connection(&lab, 0)
    };
    let clients = clients(&[]);
    let client = clients.kubernetes(&limits(), &limited).await.unwrap();
    assert_eq!(client.list_nodes(&limits(), None).await.unwrap().len(), 1);
    let error = client
        .list_plugin_objects(&limits(), PluginObjects::CiliumNodes)
        .await;
    let told = error.unwrap_err().to_string();
    assert!(
        told.starts_with(
            "listing ciliumnodes.cilium.io: not allowed to list ciliumnodes.cilium.io: "
        ),
        "{told}"
    );
}

#[tokio::test]
async fn a_server_that_fails_for_a_moment_is_asked_again() {
    let lab = lab(1).await;
    let client = client(&lab, 0).await;
    let overloaded =
        json!({"kind": "Status", "status": "Failure", "code": 503, "message": "later"});
    for action in [
        Action::respond(503, overloaded),
        Action::Reset,
        Action::Stall,
    ] {
        lab.add_fault(Fault::on("GET", NODES, action));
        assert_eq!(client.list_nodes(&limits(), None).await.unwrap().len(), 1);
        lab.clear_faults();
    }
}

#[tokio::test]
async fn a_wrong_token_is_told_apart_from_missing_rights() {
    let lab = lab(1).await;
    let own = connection(&lab, 0);
    let server = client(&lab, 0).await.server().to_owned();
    let ca = lab.connection().ca_certificate.display().to_string();
    let wrong = [
        ("KUBE_HOST", server),
        ("KUBE_TOKEN", "wrong".to_owned()),
        ("SSL_CERT_FILE", ca),
    ];
    let client = clients(&wrong)
        .kubernetes(&limits(), &Connection::default())
        .await
        .unwrap();
    let error = client.list_nodes(&limits(), None).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");

    let forbidden = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
        "message": "nodes is forbidden",
    });
    lab.add_fault(Fault::on("GET", NODES, Action::respond(403, forbidden)));
    let client = clients(&[]).kubernetes(&limits(), &own).await.unwrap();
    let error = client.list_nodes(&limits(), None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "listing nodes: not allowed to list nodes: nodes is forbidden"
    );
}

#[tokio::test]
async fn what_is_not_kubernetes_is_said_to_be_something_else() {
    let lab = lab(1).await;
    let client = client(&lab, 0).await;
    for answer in [
        Action::respond(200, json!("hello")),
        Action::respond(404, json!("hello")),
    ] {
        lab.add_fault(Fault::on("GET", NODES, answer));
        let error = client.list_nodes(&limits(), None).await.unwrap_err();
        assert!(matches!(error, Error::BadAnswer { .. }), "{error:?}");
        lab.clear_faults();
    }
}

/// A server without TLS that gives the same answer to every request, and the requests that it got.
async fn answering(answer: &'static str) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let noted = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            noted.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (host, requests)
}

type Requests = Arc<Mutex<Vec<String>>>;

const NO_NODES: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"items\": []}";

#[tokio::test]
async fn pages_and_answers_cut_off_are_told_for_what_they_are() {
    let page = "it is an HTML page";
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<!DOCTYPE html><html>Sign in</html>",
            page,
        ),
        (
            "HTTP/1.1 403 No\r\nconnection: close\r\n\r\n<html>No</html>",
            page,
        ),
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"items\": [{",
            "it is cut off",
        ),
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 99\r\n\r\n{\"items\": [{",
            "was cut off",
        ),
        (
            "HTTP/1.1 302 Found\r\nconnection: close\r\n\r\n{\"items\": []}",
            "status 302 without a reason",
        ),
        (
            "HTTP/1.1 401 No\r\nconnection: close\r\n\r\n<html>No</html>",
            page,
        ),
    ] {
        let (host, _) = answering(answer).await;
        let clients = clients(&[("KUBE_HOST", host.clone())]);
        let client = clients.kubernetes(&limits(), &Connection::default()).await;
        let error = client
            .unwrap()
            .list_nodes(&limits(), None)
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains(&host), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_once_is_asked_for_again() {
    let lab = lab(3).await;
    let client = client(&lab, 0).await;
    lab.add_fault(Fault::on("GET", NODES, Action::Truncate { bytes: 20 }));
    let nodes = client.list_nodes(&limits(), None).await.unwrap();
    assert_eq!((nodes.len(), lab.journal().len()), (3, 2));
}

#[tokio::test]
async fn what_balances_the_load_is_asked_again_when_it_has_no_server() {
    let page = "HTTP/1.1 503 No\r\nconnection: close\r\n\r\n<html>No server is available</html>";
    let (host, requests) = answering(page).await;
    let clients = clients(&[("KUBE_HOST", host)]);
    let client = clients.kubernetes(&limits(), &Connection::default()).await;
    let error = client.unwrap().list_nodes(&limits(), None).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, Error::Refused { status: 503, .. }),
        "{error:?}"
    );
    assert_eq!(requests.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_at_once_with_what_decides() {
    let lab = lab(1).await;
    let server = client(&lab, 0).await.server().to_owned();
    let clients = clients(&[("KUBE_HOST", server), ("KUBE_TOKEN", "t".to_owned())]);
    let client = clients.kubernetes(&limits(), &Connection::default()).await;
    let error = client
        .unwrap()
        .list_nodes(&limits(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");
    let text = error.to_string();
    for name in [
        "cluster_ca_certificate",
        "tls_server_name",
        "insecure",
        "SSL_CERT_FILE",
    ] {
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_credentials() {
    let lab = lab(1).await;
    let server = client(&lab, 0).await.server().to_owned();
    let wants = Conduct::Credentials {
        user: "me".to_owned(),
        password: "right".to_owned(),
    };
    for conduct in [wants, Conduct::Refuse(502)] {
        let proxy = lab.start_proxy(conduct).await.unwrap();
        let url = format!("http://me:hunter2@{}", proxy.address());
        let clients = clients(&[("KUBE_HOST", server.clone()), ("KUBE_PROXY_URL", url)]);
        let client = clients.kubernetes(&limits(), &Connection::default()).await;
        let error = client
            .unwrap()
            .list_nodes(&limits(), None)
            .await
            .unwrap_err();
        let text = error.to_string();
        let named = format!(
            "through the proxy {}, which kubernetes.proxy_url names",
            proxy.url()
        );
        assert!(text.contains(&named) && !text.contains("hunter2"), "{text}");
        assert!(!proxy.passages().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_within_seconds() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let own = Connection {
        host: Some(format!("https://{address}")),
        ..Connection::default()
    };
    let client = clients(&[("KUBE_TOKEN", "t".to_owned())])
        .kubernetes(&limits(), &own)
        .await
        .unwrap();
    let error = client.list_nodes(&limits(), None).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn an_interrupt_ends_a_call_at_once() {
    let lab = lab(1).await;
    let client = client(&lab, 0).await;
    let fault = lab.add_fault(Fault::on("GET", NODES, Action::Hold));
    let limits = limits();
    let (outcome, ()) = tokio::join!(client.list_nodes(&limits, None), async {
        assert!(lab.held(fault, Duration::from_secs(2)).await);
        limits.stop.cancel();
    });
    let stopped = matches!(
        outcome,
        Err(Error::Interrupted {
            cause: Interrupted::Stopped,
            ..
        })
    );
    assert!(stopped, "{outcome:?}");
}
