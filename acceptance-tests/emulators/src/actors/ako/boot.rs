//! What AKO asks the controller when it starts, in its order, and why it ends.
//!
//! Recorded from AKO 2.2.1. A failed validation ends the process with exit code 0, a refused login or a cluster that
//! is not up with 1.

use super::super::door::encoded;
use super::session::Session;
use super::{AkoOptions, Ended, se_groups};

/// What AKO knows when it has started.
#[derive(Clone, Debug, Default)]
pub(super) struct Booted {
    /// The VRF `global` of the cloud; none where there is none, and AKO then never writes routes.
    pub(super) vrf: Option<String>,
    /// Whether the VRF held routes that AKO takes for its own then.
    pub(super) has_routes: bool,
}

/// Everything before the first route.
pub(super) async fn boot(session: &mut Session, options: &AkoOptions) -> Result<Booted, Ended> {
    if !session.open().await {
        return Err(Ended::new(1, "Avi client not initialized"));
    }
    session.get("/api/cluster/runtime").await;
    session.get("/api/systemconfiguration").await;
    validate(session, options).await?;
    if options.vip_networks.is_empty() {
        let reason = "vipNetworkList not specified, syncing will be disabled";
        return Err(Ended::new(0, reason));
    }

    let mut booted = Booted::default();
    session.get(&tenant(options)).await;
    session.get(&cloud(options)).await;
    if options.writes_routes() {
        session.get(&se_groups::query(options)).await;
        if options.primary_instance {
            booted = find_vrf(session, options).await;
        }
    }
    fill_caches(session, options).await;
    look_at_the_cloud(session, options).await;
    session.get("/api/cluster").await;
    session.get("/api/tenant").await;
    Ok(booted)
}

/// What AKO asks again when its configuration is to be used again (`deleteConfig` from true to false).
pub(super) async fn resume(session: &mut Session, options: &AkoOptions) -> Result<(), Ended> {
    validate(session, options).await?;
    session.get("/api/cluster/runtime").await;
    look_at_the_cloud(session, options).await;
    Ok(())
}

/// The checks of tenant, cloud and SE groups.
pub(super) async fn validate(session: &mut Session, options: &AkoOptions) -> Result<(), Ended> {
    let found = session.get(&tenant(options)).await;
    if found.is_none_or(|found| found.body["count"] != 1) {
        return Err(Ended::new(0, "tenant not found"));
    }
    let found = session.get(&cloud(options)).await;
    if found.is_none_or(|found| found.body["count"] != 1) {
        return Err(without_cloud(session, options).await);
    }
    if options.writes_routes() {
        se_groups::label(session, options).await?;
    }
    Ok(())
}

/// Without its cloud AKO looks for the VIP network as on any other (recorded).
async fn without_cloud(session: &mut Session, options: &AkoOptions) -> Ended {
    let cloud = encoded(&options.cloud);
    let group = encoded(&options.se_group);
    let network = options.vip_networks.first().map_or("", String::as_str);
    session
        .get(&format!(
            "/api/serviceenginegroup/?cloud_ref.name={cloud}&include_name=&name={group}"
        ))
        .await;
    session
        .get(&format!(
            "/api/network/?cloud_ref.name={cloud}&include_name=true&name={}",
            encoded(network)
        ))
        .await;
    session.get(&se_groups::query(options)).await;
    Ended::new(0, &format!("network {network} not found under vrf "))
}

async fn find_vrf(session: &mut Session, options: &AkoOptions) -> Booted {
    let query = format!(
        "/api/vrfcontext?cloud_ref.name={}&include_name=true&name=global",
        encoded(&options.cloud)
    );
    let found = session.get(&query).await;
    let vrf = found.map(|found| found.body["results"][0].clone());
    let vrf = vrf.unwrap_or_default();
    let mut routes = vrf["static_routes"].as_array().into_iter().flatten();
    Booted {
        vrf: vrf["uuid"].as_str().map(str::to_owned),
        // The beginning alone counts here: a cluster whose name goes on after it is taken in, too.
        has_routes: routes.any(|route| {
            let id = route["route_id"].as_str().unwrap_or_default();
            id.starts_with(&options.cluster_name)
        }),
    }
}

async fn fill_caches(session: &mut Session, options: &AkoOptions) {
    let cloud = encoded(&options.cloud);
    let name = encoded(&options.cluster_name);
    let by = format!("created_by=ako-{name}");
    let all = "include_name=true&page_size=100";
    let caches = [
        format!("sslkeyandcertificate/?{by}&{all}"),
        format!("pkiprofile/?{by}&{all}"),
        format!(
            "vsvip/?cloud_ref.name={cloud}&include_name=true&name.contains={name}--&page_size=100"
        ),
        format!(
            "applicationpersistenceprofile/?include_name=true&name.contains={name}--&page_size=100"
        ),
        format!("pool/?cloud_ref.name={cloud}&{by}&{all}"),
        format!("poolgroup/?cloud_ref.name={cloud}&{by}&{all}"),
        format!(
            "stringgroup?include_name=true&label_key=created_by&label_value=ako-{name}&page_size=100"
        ),
        format!("vsdatascriptset/?{by}&include_name=true"),
        format!("l4policyset/?{by}&{all}"),
        format!("httppolicyset/?{by}&{all}"),
        format!("virtualservice/?cloud_ref.name={cloud}&{by}&{all}"),
    ];
    for cache in caches {
        session.get_everywhere(&format!("/api/{cache}")).await;
    }
}

async fn look_at_the_cloud(session: &mut Session, options: &AkoOptions) {
    let found = session.get(&cloud(options)).await;
    let found = found.map(|found| found.body["results"][0]["uuid"].clone());
    let uuid = found.unwrap_or_default();
    let uuid = uuid.as_str().unwrap_or_default();
    let domains = format!("/api/ipamdnsproviderprofiledomainlist?cloud_uuid={uuid}");
    session.get(&domains).await;
}

fn tenant(options: &AkoOptions) -> String {
    format!(
        "/api/tenant/?include_name=&name={}",
        encoded(&options.tenant)
    )
}

fn cloud(options: &AkoOptions) -> String {
    format!("/api/cloud/?include_name=&name={}", encoded(&options.cloud))
}
