//! What a client sees of a cluster. The facts are recorded from kube-apiserver 1.36.

use super::*;
use ::http::HeaderMap;

const ADMIN: &str = "admin-token";
const LIMITED: &str = "limited-token";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

fn cluster() -> Cluster {
    let cluster = Cluster::new(Options {
        token: ADMIN.to_owned(),
        limited_token: LIMITED.to_owned(),
        ..Options::new("prod")
    });
    let nodes: Vec<Node> = (0..5)
        .map(|n| {
            Node::ready(
                &format!("np1-{n}"),
                &format!("10.2.0.{}", n + 4),
                &format!("10.244.{n}.0/24"),
            )
        })
        .collect();
    cluster.set_nodes(&nodes);
    let data = [("clusterName", "prod"), ("cniPlugin", "calico")];
    let data = data
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    cluster.set_config_map("avi-system", "avi-k8s-config", &data);
    cluster
}

fn request(method: Method, target: &str, token: Option<&str>) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let value = format!("Bearer {token}");
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_str(&value).unwrap(),
        );
    }
    Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Bytes::new(),
        client_certificate: None,
    }
}

fn get(cluster: &Cluster, target: &str) -> Value {
    body(&cluster.handle(&request(Method::GET, target, Some(ADMIN))))
}

fn send(
    cluster: &Cluster,
    method: Method,
    target: &str,
    media_type: &'static str,
    sent: &Value,
) -> Value {
    let mut request = request(method, target, Some(ADMIN));
    request
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    request.body = Bytes::from(sent.to_string());
    body(&cluster.handle(&request))
}

fn body(response: &Response) -> Value {
    assert!(
        response.body.ends_with(b"\n"),
        "every JSON body ends with a newline"
    );
    serde_json::from_slice(&response.body).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn an_unknown_token_is_unauthorized_and_no_token_is_anonymous() {
    let cluster = cluster();
    let stranger = cluster.handle(&request(Method::GET, "/api/v1/nodes", Some("wrong")));
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert_eq!(body(&stranger)["reason"], "Unauthorized");
    assert!(body(&stranger).get("details").is_none());

    let mut basic = request(Method::GET, "/api/v1/nodes", None);
    basic.headers.insert(
        header::AUTHORIZATION,
        HeaderValue::from_static("Basic YTpi"),
    );
    assert_eq!(
        cluster.handle(&basic).status,
        StatusCode::FORBIDDEN,
        "no bearer token is no token"
    );

    let nobody = cluster.handle(&request(Method::GET, "/api/v1/nodes", None));
    assert_eq!(nobody.status, StatusCode::FORBIDDEN);
    let message = "nodes is forbidden: User \"system:anonymous\" cannot list resource \"nodes\" in API group \"\" \
                   at the cluster scope";
    assert_eq!(body(&nobody)["message"], message);
    for open in ["/version", "/readyz"] {
        assert_eq!(
            cluster.handle(&request(Method::GET, open, None)).status,
            StatusCode::OK
        );
    }
    let api = cluster.handle(&request(Method::GET, "/api", None));
    assert_eq!(api.status, StatusCode::FORBIDDEN);
}

#[test]
fn the_limited_user_reads_nodes_and_is_refused_before_anything_is_looked_up() {
    let cluster = cluster();
    let ask = |target: &str| cluster.handle(&request(Method::GET, target, Some(LIMITED)));
    assert_eq!(ask("/api/v1/nodes").status, StatusCode::OK);
    assert_eq!(ask("/api/v1/nodes/np1-0").status, StatusCode::OK);

    let map = ask("/api/v1/namespaces/avi-system/configmaps/avi-k8s-config");
    assert_eq!(map.status, StatusCode::FORBIDDEN);
    let message = "configmaps \"avi-k8s-config\" is forbidden: User \"ako-provider\" cannot get resource \
                   \"configmaps\" in API group \"\" in the namespace \"avi-system\"";
    assert_eq!(body(&map)["message"], message);
    assert_eq!(
        body(&map)["details"],
        json!({ "name": "avi-k8s-config", "kind": "configmaps" })
    );

    let missing_group = ask("/apis/cilium.io/v2/ciliumnodes");
    assert_eq!(missing_group.status, StatusCode::FORBIDDEN);
    let details = json!({ "group": "cilium.io", "kind": "ciliumnodes" });
    assert_eq!(body(&missing_group)["details"], details);
}

#[test]
fn a_client_certificate_names_user_and_groups() {
    let certificate = |organization: &str| {
        let mut parameters = rcgen::CertificateParams::default();
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, "alice");
        parameters
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, organization);
        let key = rcgen::KeyPair::generate().unwrap();
        Bytes::copy_from_slice(parameters.self_signed(&key).unwrap().der())
    };
    let cluster = cluster();
    let mut asked = request(
        Method::GET,
        "/api/v1/nodes",
        Some("a token that nobody knows"),
    );
    asked.client_certificate = Some(certificate("system:masters"));
    assert_eq!(cluster.handle(&asked).status, StatusCode::OK);

    asked.client_certificate = Some(certificate("guests"));
    let refused = body(&cluster.handle(&asked));
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("User \"alice\" cannot list"),
        "{refused}"
    );
}

#[test]
fn what_is_missing_is_told_apart() {
    let cluster = cluster();
    let node = get(&cluster, "/api/v1/nodes/nope");
    assert_eq!(node["message"], "nodes \"nope\" not found");
    assert_eq!(node["details"], json!({ "name": "nope", "kind": "nodes" }));

    let resource = get(&cluster, "/api/v1/nothings");
    assert_eq!(
        resource["message"],
        "the server could not find the requested resource"
    );
    assert_eq!(resource["details"], json!({}));

    let group = cluster.handle(&request(Method::GET, "/apis/nope/v1/things", Some(ADMIN)));
    assert_eq!(group.status, StatusCode::NOT_FOUND);
    assert_eq!(
        group.headers[header::CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    assert_eq!(group.body, "404 page not found\n");
}

#[test]
fn pages_follow_each_other_and_show_the_moment_of_the_first() {
    let cluster = cluster();
    let first = get(&cluster, "/api/v1/nodes?limit=2");
    assert_eq!(names(&first), ["np1-0", "np1-1"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    assert!(
        first["items"][0].get("kind").is_none(),
        "items of built-in kinds do not repeat it"
    );

    cluster.remove_node("np1-3");
    cluster.add_node(&Node::ready("np1-2a", "10.2.0.99", "10.244.99.0/24"));
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = get(&cluster, &format!("/api/v1/nodes?limit=2&continue={token}"));
    assert_eq!(names(&second), ["np1-2", "np1-3"]);
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );

    let token = second["metadata"]["continue"].as_str().unwrap();
    let last = get(&cluster, &format!("/api/v1/nodes?limit=2&continue={token}"));
    assert_eq!(names(&last), ["np1-4"]);
    assert!(last["metadata"].get("continue").is_none());
    assert_eq!(
        names(&get(&cluster, "/api/v1/nodes")),
        ["np1-0", "np1-1", "np1-2", "np1-2a", "np1-4"]
    );
}

#[test]
fn an_expired_token_is_gone_and_carries_one_that_goes_on_inconsistently() {
    let cluster = cluster();
    let first = get(&cluster, "/api/v1/nodes?limit=2");
    cluster.expire_continue_tokens();
    cluster.remove_node("np1-2");

    let token = first["metadata"]["continue"].as_str().unwrap();
    let gone = get(&cluster, &format!("/api/v1/nodes?limit=2&continue={token}"));
    assert_eq!(
        (&gone["code"], &gone["reason"]),
        (&json!(410), &json!("Expired"))
    );

    let token = gone["metadata"]["continue"].as_str().unwrap();
    let rest = get(&cluster, &format!("/api/v1/nodes?limit=5&continue={token}"));
    assert_eq!(names(&rest), ["np1-3", "np1-4"]);

    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let exact = format!("/api/v1/nodes?resourceVersion={version}&resourceVersionMatch=Exact");
    let gone = get(&cluster, &exact);
    assert_eq!(
        gone["message"],
        "The resourceVersion for the provided list is too old."
    );
}

#[test]
fn tokens_given_out_after_an_expiry_are_good() {
    let cluster = cluster();
    cluster.expire_continue_tokens();
    let first = get(&cluster, "/api/v1/nodes?limit=4");
    let token = first["metadata"]["continue"].as_str().unwrap();
    let last = get(&cluster, &format!("/api/v1/nodes?limit=4&continue={token}"));
    assert_eq!(names(&last), ["np1-4"]);
}

#[test]
fn version_zero_ignores_the_limit_and_a_future_version_times_out() {
    let cluster = cluster();
    assert_eq!(
        names(&get(&cluster, "/api/v1/nodes?limit=2&resourceVersion=0")).len(),
        5
    );

    let future = "/api/v1/nodes?resourceVersion=99999999&resourceVersionMatch=NotOlderThan";
    let response = cluster.handle(&request(Method::GET, future, Some(ADMIN)));
    assert_eq!(response.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(response.headers[header::RETRY_AFTER], "1");
    assert_eq!(
        body(&response)["details"]["causes"][0]["reason"],
        "ResourceVersionTooLarge"
    );
}

#[test]
fn a_match_rule_without_a_version_or_beside_a_token_is_invalid() {
    let cluster = cluster();
    let token = get(&cluster, "/api/v1/nodes?limit=2")["metadata"]["continue"].clone();
    let token = token.as_str().unwrap();
    for query in [
        "resourceVersionMatch=Exact".to_owned(),
        "resourceVersionMatch=Exact&resourceVersion=0".to_owned(),
        "resourceVersionMatch=Sometimes&resourceVersion=1".to_owned(),
        format!("resourceVersionMatch=NotOlderThan&resourceVersion=1&continue={token}"),
    ] {
        let refused = get(&cluster, &format!("/api/v1/nodes?{query}"));
        assert_eq!(
            (&refused["code"], &refused["reason"]),
            (&json!(422), &json!("Invalid")),
            "{query}"
        );
    }
}

#[test]
fn parameters_that_cannot_be_read_are_refused_in_the_servers_words() {
    let cluster = cluster();
    for (query, message) in [
        (
            "limit=abc",
            "strconv.ParseInt: parsing \"abc\": invalid syntax",
        ),
        (
            "limit=2&continue=garbage",
            "invalid continue token: continue key is not valid: invalid character '\\x81' looking for beginning \
             of value",
        ),
        (
            "labelSelector=a%3D%3D%3Db",
            "unable to parse requirement: found '=', expected: identifier",
        ),
        (
            "fieldSelector=status.phase%3Dx",
            "field label not supported: status.phase",
        ),
    ] {
        let refused = get(&cluster, &format!("/api/v1/nodes?{query}"));
        assert_eq!(
            (&refused["code"], &refused["message"]),
            (&json!(400), &json!(message))
        );
        assert!(refused.get("details").is_none());
    }
}

#[test]
fn selectors_choose_nodes_and_hide_how_many_remain() {
    let cluster = cluster();
    cluster.update_node("np1-3", |node| {
        node.labels.insert("pool".to_owned(), "gpu".to_owned());
    });
    assert_eq!(
        names(&get(&cluster, "/api/v1/nodes?labelSelector=pool")),
        ["np1-3"]
    );
    assert_eq!(
        names(&get(
            &cluster,
            "/api/v1/nodes?fieldSelector=metadata.name%3Dnp1-1"
        )),
        ["np1-1"]
    );

    let page = get(&cluster, "/api/v1/nodes?limit=2&labelSelector=pool!%3Dgpu");
    assert_eq!(names(&page), ["np1-0", "np1-1"]);
    assert!(page["metadata"].get("continue").is_some());
    assert!(page["metadata"].get("remainingItemCount").is_none());
}

#[test]
fn custom_resources_are_known_once_they_are_set() {
    let cluster = cluster();
    let path = "/apis/crd.projectcalico.org/v1/blockaffinities";
    let missing = cluster.handle(&request(Method::GET, path, Some(ADMIN)));
    assert_eq!(missing.body, "404 page not found\n");

    let block = |name: &str| json!({ "metadata": { "name": name }, "spec": { "node": "np1-0" } });
    cluster.set_custom_resources(
        &CustomResource::block_affinities(),
        &[block("a"), block("b")],
    );
    let list = get(&cluster, path);
    assert_eq!(names(&list), ["a", "b"]);
    assert_eq!(list["items"][0]["kind"], "BlockAffinity");
    assert_eq!(list["metadata"]["continue"], "");
    let group = get(&cluster, "/apis/crd.projectcalico.org/v1");
    assert_eq!(group["resources"][0]["name"], "blockaffinities");

    cluster.set_custom_resources(&CustomResource::block_affinities(), &[block("b")]);
    assert_eq!(names(&get(&cluster, path)), ["b"]);
}

#[test]
fn kubectl_gets_tables_and_metadata() {
    let cluster = cluster();
    cluster.update_node("np1-1", |node| node.ready = false);
    let ask = |target: &str, accept: &'static str| {
        let mut request = request(Method::GET, target, Some(ADMIN));
        request
            .headers
            .insert(header::ACCEPT, HeaderValue::from_static(accept));
        body(&cluster.handle(&request))
    };
    let nodes = ask("/api/v1/nodes?limit=500", TABLE);
    assert_eq!(nodes["kind"], "Table");
    assert_eq!(nodes["columnDefinitions"][1]["name"], "Status");
    assert_eq!(nodes["rows"][1]["cells"][1], "NotReady");
    assert_eq!(nodes["rows"][0]["cells"][5], "10.2.0.4");
    let maps = ask("/api/v1/namespaces/avi-system/configmaps", TABLE);
    assert_eq!(maps["rows"][0]["cells"][1], 2);

    let metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let nodes = ask("/api/v1/nodes?limit=2", metadata);
    assert_eq!(nodes["items"][0]["kind"], "PartialObjectMetadata");
    assert!(nodes["items"][0].get("spec").is_none());
}

#[test]
fn aggregated_discovery_is_not_sent_twice() {
    let cluster = cluster();
    let mut asked = request(Method::GET, "/apis", Some(LIMITED));
    let accept =
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    asked
        .headers
        .insert(header::ACCEPT, HeaderValue::from_static(accept));
    let first = cluster.handle(&asked);
    assert_eq!(body(&first)["kind"], "APIGroupDiscoveryList");
    let etag = first.headers[header::ETAG].clone();

    asked.headers.insert(header::IF_NONE_MATCH, etag);
    let second = cluster.handle(&asked);
    assert_eq!(
        (second.status, second.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );

    cluster.set_custom_resources(&CustomResource::cilium_nodes(), &[]);
    assert_eq!(
        cluster.handle(&asked).status,
        StatusCode::OK,
        "another group changes the tag"
    );
}

#[test]
fn access_reviews_answer_what_a_request_would_meet() {
    let cluster = cluster();
    let review = |resource: &str| {
        let attributes = json!({ "verb": "list", "resource": resource });
        let spec = json!({ "spec": { "resourceAttributes": attributes } });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let mut request = request(Method::POST, path, Some(LIMITED));
        request.body = Bytes::from(spec.to_string());
        let response = cluster.handle(&request);
        assert_eq!(response.status, StatusCode::CREATED);
        body(&response)["status"].clone()
    };
    assert_eq!(review("nodes")["allowed"], true);
    assert_eq!(review("configmaps"), json!({ "allowed": false }));
}

#[test]
fn a_second_client_can_change_a_cluster() {
    let cluster = cluster();
    let (json_type, merge) = ("application/json", "application/merge-patch+json");
    let taken = json!({ "metadata": { "name": "np1-0" } });
    let conflict = send(&cluster, Method::POST, "/api/v1/nodes", json_type, &taken);
    assert_eq!(conflict["message"], "nodes \"np1-0\" already exists");

    let new = json!({ "metadata": { "name": "np1-9" }, "spec": { "podCIDRs": ["10.244.9.0/24"] } });
    let created = send(&cluster, Method::POST, "/api/v1/nodes", json_type, &new);
    assert_eq!(created["kind"], "Node");

    let moved = json!({ "spec": { "podCIDRs": ["10.9.0.0/24"] } });
    let refused = send(
        &cluster,
        Method::PATCH,
        "/api/v1/nodes/np1-9",
        merge,
        &moved,
    );
    assert_eq!(refused["code"], 422);
    assert_eq!(refused["details"]["causes"][0]["field"], "spec.podCIDRs");

    let annotated =
        json!({ "metadata": { "annotations": { "ako.vmware.com/pod-cidrs": "10.9.0.0/24" } } });
    send(
        &cluster,
        Method::PATCH,
        "/api/v1/nodes/np1-9",
        merge,
        &annotated,
    );
    let node = cluster.nodes().pop().unwrap();
    assert_eq!(node.annotations["ako.vmware.com/pod-cidrs"], "10.9.0.0/24");

    let gone = send(
        &cluster,
        Method::DELETE,
        "/api/v1/nodes/np1-9",
        json_type,
        &json!({}),
    );
    assert_eq!(gone["status"], "Success");
    assert_eq!(cluster.nodes().len(), 5);
    let refused = send(&cluster, Method::PATCH, "/api/v1/nodes", merge, &json!({}));
    assert_eq!(refused["code"], 405);
}

#[test]
fn a_stale_version_is_a_conflict() {
    let cluster = cluster();
    let old = get(&cluster, "/api/v1/nodes/np1-0");
    cluster.update_node("np1-0", |node| node.ready = false);
    let refused = send(
        &cluster,
        Method::PUT,
        "/api/v1/nodes/np1-0",
        "application/json",
        &old,
    );
    assert_eq!(
        (&refused["code"], &refused["reason"]),
        (&json!(409), &json!("Conflict"))
    );
}

#[test]
fn nodes_read_back_as_they_were_set_and_keep_their_identity() {
    let cluster = cluster();
    let identity = get(&cluster, "/api/v1/nodes/np1-0")["metadata"]["uid"].clone();
    let mut nodes = cluster.nodes();
    nodes.truncate(2);
    nodes[0].ready = false;
    nodes[0].internal_ip = None;
    nodes[1].pod_cidrs = vec!["10.1.0.0/24".to_owned(), "fd00::/64".to_owned()];
    cluster.set_nodes(&nodes);
    assert_eq!(cluster.nodes(), nodes);
    assert_eq!(
        get(&cluster, "/api/v1/nodes/np1-0")["metadata"]["uid"],
        identity
    );
}

#[test]
fn people_with_curl_get_indented_json() {
    let cluster = cluster();
    let mut asked = request(Method::GET, "/version", None);
    assert!(!cluster.handle(&asked).body.starts_with(b"{\n"));
    asked
        .headers
        .insert(header::USER_AGENT, HeaderValue::from_static("curl/8.0"));
    let response = cluster.handle(&asked);
    assert!(response.body.starts_with(b"{\n"));
    assert_eq!(body(&response)["gitVersion"], "v1.36.2");
}

#[test]
fn the_kubeconfig_offers_an_administrator_and_a_limited_user() {
    let yaml = cluster().kubeconfig("https://127.0.0.1:6443", "PEM");
    for line in [
        "current-context: \"prod\"",
        "    server: \"https://127.0.0.1:6443\"",
        "    certificate-authority-data: \"UEVN\"",
        "- name: \"prod-limited\"",
        "    token: \"limited-token\"",
    ] {
        assert!(
            yaml.lines().any(|found| found == line),
            "{line} is missing in\n{yaml}"
        );
    }
    assert!(!yaml.contains("client-certificate-data"));
}
