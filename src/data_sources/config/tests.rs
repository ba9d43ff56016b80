//! The data source against the lab's clusters.

use super::*;
use crate::clients::{Clients, Settings, Variables, avi, azure, kubernetes, user_agent};
use crate::configured::Claims;
use crate::framework::value::Value;
use ako_lab::{Lab, Options};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

fn data(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    let entries = entries.iter();
    entries
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

async fn read(lab: &Lab, config: Model) -> Result<Model, Diagnostic> {
    let configured = Configured {
        clients: Clients::new(Settings {
            avi: avi::Settings::default(),
            azure: azure::Settings::default(),
            kubernetes: kubernetes::Settings::default(),
            variables: Variables::from_map(BTreeMap::new()),
            user_agent: user_agent("1.11.4"),
            request_timeout: Duration::from_secs(5),
        }),
        adopt_remnants: true,
        claims: Claims::default(),
        replaced: Claims::default(),
    };
    let config = Model {
        config_path: Some(
            lab.connection().kubernetes[0]
                .kubeconfig
                .display()
                .to_string(),
        ),
        ..config
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let context = Context::new(deadline, CancellationToken::new(), Value::Null);
    let source = Config::new(Arc::new(configured));
    let read = source.read(&context, config).await;
    read.map_err(|errors| errors.iter().next().cloned().unwrap())
}

#[tokio::test]
async fn the_config_map_of_another_namespace_is_read_on_demand() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let cluster = lab.cluster("cluster1").unwrap();
    cluster.set_config_map("ako-2", CONFIG_MAP, &data(&[("clusterName", "prod-eu")]));
    let config = Model {
        namespace: Some("ako-2".to_owned()),
        ..Model::default()
    };
    let model = read(&lab, config.clone()).await.unwrap();
    assert_eq!(model.cluster_name.as_deref(), Some("prod-eu"));
    assert_eq!(model.cloud_name, None);
    let missing = read(
        &lab,
        Model {
            namespace: Some("ako-3".to_owned()),
            ..config
        },
    );
    let detail = missing.await.unwrap_err().detail;
    assert!(
        detail.contains("\"ako-3\"") && detail.contains("argument namespace"),
        "{detail}"
    );
}

#[tokio::test]
async fn an_account_without_the_right_is_told_the_least_role() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let config = Model {
        config_context: Some("cluster1-limited".to_owned()),
        ..Model::default()
    };
    let detail = read(&lab, config).await.unwrap_err().detail;
    for part in [
        "not allowed to get configmaps",
        "resourceNames: [avi-k8s-config]",
        "namespace: avi-system",
    ] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
}

#[test]
fn every_entry_that_matters_has_its_attribute() {
    let (model, warning) = Model::default().with(data(&[
        ("clusterName", "prod-eu"),
        ("cloudName", "azure"),
        ("serviceEngineGroupName", "seg-1"),
        ("cniPlugin", "calico"),
        ("disableStaticRouteSync", "true"),
        ("serviceType", "ClusterIP"),
        ("controllerIP", "10.0.0.4"),
        ("controllerVersion", "22.1.3"),
        ("tenantName", "admin"),
        ("primaryInstance", "true"),
        ("deleteConfig", "false"),
        (
            "vipNetworkList",
            r#"[{"networkName": "vip", "cidr": "10.9.0.0/24", "v6cidr": "fd00::/64"}]"#,
        ),
        ("password", "hunter2"),
    ]));
    assert!(warning.is_none());
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(model.se_group_name, text("seg-1"));
    assert_eq!(model.static_route_sync_enabled, Some(false));
    assert_eq!(
        (model.primary_instance, model.delete_config),
        (Some(true), Some(false))
    );
    let expected = VipNetworkModel {
        network_name: text("vip"),
        network_uuid: None,
        cidr: text("10.9.0.0/24"),
        v6_cidr: text("fd00::/64"),
    };
    assert_eq!(model.vip_networks, Some(vec![expected]));
    let data = model.data.unwrap();
    assert_eq!(data.len(), 12);
    assert!(!data.contains_key("password"));
}

#[test]
fn a_list_of_networks_that_is_no_json_is_a_warning() {
    let (model, warning) = Model::default().with(data(&[("vipNetworkList", "- networkName: vip")]));
    assert_eq!(model.vip_networks, None);
    assert!(warning.unwrap().detail.contains("vipNetworkList"));
    for empty in ["", "[]", "null"] {
        let (model, warning) = Model::default().with(data(&[("vipNetworkList", empty)]));
        assert_eq!(
            (model.vip_networks, warning),
            (Some(Vec::new()), None),
            "{empty}"
        );
    }
}
