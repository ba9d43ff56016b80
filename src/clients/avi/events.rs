//! Events of the controller: what its cloud connector says of routes that it could not write.

use super::Client;
use super::error::Error;
use crate::clients::Limits;
use serde::Deserialize;
use serde_json::Value;

/// The cloud connector could not write routes.
const CREATION_FAILURE: &str = "CLOUD_ROUTE_CREATION_FAILURE";

/// One failure to write routes in Azure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteFailure {
    /// When it was reported, in microseconds since 1970; none where the controller says it in another form.
    pub reported_at: Option<u64>,
    /// Why.
    pub reason: String,
    /// The name of the route table.
    pub route_table: String,
    /// The names of the routes.
    pub routes: Vec<String>,
}

impl Client {
    /// The last failures to write routes, as far as the controller keeps them on its first page.
    pub async fn list_route_failures(&self, limits: &Limits) -> Result<Vec<RouteFailure>, Error> {
        let mut url = self.address.join("/api/analytics/logs");
        url.query_pairs_mut()
            .append_pair("type", "2")
            .append_pair("filter", &format!("eq(event_id,[{CREATION_FAILURE}])"))
            .append_pair("page_size", "50");
        let action = "reading the controller's events of routes";
        let events: Vec<Event> = self.read_first_page(limits, action, url).await?;
        Ok(events.into_iter().map(Event::into_failure).collect())
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    report_timestamp: Value,
    #[serde(default)]
    event_details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cloud_route_notif_details: Notification,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Notification {
    reason: String,
    route_table: String,
    routes: Vec<String>,
}

impl Event {
    fn into_failure(self) -> RouteFailure {
        let details = self.event_details.cloud_route_notif_details;
        // Assumed: a number of microseconds, as `_last_modified` is, or the same as text.
        let reported_at = match &self.report_timestamp {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        };
        RouteFailure {
            reported_at,
            reason: details.reason,
            route_table: details.route_table,
            routes: details.routes,
        }
    }
}
