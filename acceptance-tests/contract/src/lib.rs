//! azure_mgmt_network, a client written by others, drives the Azure emulator: what it reads is what it wrote.
//!
//! The crate stands outside the workspace because it takes a minute and 4 GB to compile; only CI runs it. The
//! transport and the token are ours, because its own would bring a second TLS stack.
#![cfg(test)]

mod transport;

use ako_lab::{Lab, Options};
use azure_mgmt_network::Client;
use azure_mgmt_network::models::{
    Route, RouteNextHopType, RoutePropertiesFormat, RouteTable, RouteTablePropertiesFormat, Subnet,
    SubnetPropertiesFormat, TagsObject,
};
use serde_json::json;

const ROUTE_TABLE: &str = "rt-contract";
const SE_SUBNET: &str = "snet-contract";

#[tokio::test]
async fn a_route_table_is_created_filled_tagged_and_removed() {
    let azure = Azure::start().await;

    let created = azure.put_route_table(vec![]).await;
    assert_eq!(
        created.properties.unwrap().disable_bgp_route_propagation,
        Some(false)
    );

    let route = azure
        .client
        .routes_client()
        .create_or_update(
            &azure.group,
            ROUTE_TABLE,
            "node-1",
            route("10.244.0.0/24"),
            &azure.subscription,
        )
        .await
        .unwrap();
    assert_eq!(
        route.properties.unwrap().next_hop_ip_address.as_deref(),
        Some("10.0.4.4")
    );

    let tags = TagsObject {
        tags: Some(json!({"env": "dev"})),
    };
    let tagged = azure.client.route_tables_client().update_tags(
        &azure.group,
        ROUTE_TABLE,
        tags,
        &azure.subscription,
    );
    assert_eq!(
        tagged.await.unwrap().properties.unwrap().routes.len(),
        1,
        "a change of tags keeps the routes"
    );

    let emptied = azure.put_route_table(vec![]).await;
    assert!(
        emptied.properties.unwrap().routes.is_empty(),
        "a PUT without routes empties the table"
    );

    let deleted =
        azure
            .client
            .route_tables_client()
            .delete(&azure.group, ROUTE_TABLE, &azure.subscription);
    assert_eq!(
        u16::from(deleted.send().await.unwrap().as_raw_response().status()),
        202
    );
    assert_eq!(
        azure.error_of_get_route_table().await,
        (404, Some("ResourceNotFound".to_owned()))
    );
}

#[tokio::test]
async fn a_subnet_keeps_its_route_table_until_a_put_leaves_it_out() {
    let azure = Azure::start().await;
    let table = azure.put_route_table(vec![route("10.244.0.0/24")]).await;

    let associated = azure.put_subnet(Some(table)).await;
    assert!(associated.properties.unwrap().route_table.is_some());
    let in_use =
        azure
            .client
            .route_tables_client()
            .delete(&azure.group, ROUTE_TABLE, &azure.subscription);
    assert_eq!(
        error(in_use.send().await.err().unwrap()),
        (400, Some("InUseRouteTableCannotBeDeleted".to_owned()))
    );

    let detached = azure.put_subnet(None).await;
    assert!(detached.properties.unwrap().route_table.is_none());
}

/// The emulator and the client that talks to it.
struct Azure {
    client: Client,
    subscription: String,
    group: String,
    virtual_network: String,
    _lab: Lab,
}

impl Azure {
    async fn start() -> Azure {
        let lab = Lab::start(Options::default()).await.unwrap();
        let connection = &lab.connection().azure;
        let vnet = connection
            .virtual_network_id
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        Azure {
            client: transport::client(lab.connection()),
            subscription: connection.subscription_id.clone(),
            group: connection.resource_group.clone(),
            virtual_network: vnet,
            _lab: lab,
        }
    }

    async fn put_route_table(&self, routes: Vec<Route>) -> RouteTable {
        let mut table = RouteTable::new();
        table.resource.location = Some("westeurope".to_owned());
        table.properties = Some(RouteTablePropertiesFormat {
            routes,
            disable_bgp_route_propagation: Some(false),
            ..RouteTablePropertiesFormat::default()
        });
        let tables = self.client.route_tables_client();
        tables
            .create_or_update(&self.group, ROUTE_TABLE, table, &self.subscription)
            .await
            .unwrap()
    }

    async fn put_subnet(&self, route_table: Option<RouteTable>) -> Subnet {
        let mut subnet = Subnet::new();
        subnet.properties = Some(SubnetPropertiesFormat {
            address_prefix: Some("10.9.0.0/24".to_owned()),
            route_table,
            ..SubnetPropertiesFormat::default()
        });
        let subnets = self.client.subnets_client();
        subnets
            .create_or_update(
                &self.group,
                &self.virtual_network,
                SE_SUBNET,
                subnet,
                &self.subscription,
            )
            .await
            .unwrap()
    }

    async fn error_of_get_route_table(&self) -> (u16, Option<String>) {
        let get =
            self.client
                .route_tables_client()
                .get(&self.group, ROUTE_TABLE, &self.subscription);
        error(get.await.unwrap_err())
    }
}

fn route(prefix: &str) -> Route {
    let mut properties = RoutePropertiesFormat::new(RouteNextHopType::VirtualAppliance);
    properties.address_prefix = Some(prefix.to_owned());
    properties.next_hop_ip_address = Some("10.0.4.4".to_owned());
    Route {
        name: Some("node-1".to_owned()),
        properties: Some(properties),
        ..Route::default()
    }
}

fn error(error: azure_core::Error) -> (u16, Option<String>) {
    let http = error.as_http_error().expect("the service refused");
    (http.status().into(), http.error_code().map(str::to_owned))
}
