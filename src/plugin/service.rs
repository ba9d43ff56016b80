//! Terraform's calls, one short method each.

use super::lifetime::Calls;
use super::proto::provider_server::Provider;
use super::proto::{ServerCapabilities, get_provider_schema};
use super::to_proto;
use crate::framework::server::Server;
use std::sync::Arc;
use tonic::{Request, Response, Status};

pub(super) struct Service {
    server: Arc<Server>,
    calls: Calls,
}

impl Service {
    pub(super) fn new(server: Arc<Server>, calls: Calls) -> Service {
        Service { server, calls }
    }
}

#[tonic::async_trait]
impl Provider for Service {
    async fn get_provider_schema(
        &self,
        _request: Request<get_provider_schema::Request>,
    ) -> Result<Response<get_provider_schema::Response>, Status> {
        let _call = self.calls.begin();
        Ok(Response::new(get_provider_schema::Response {
            provider: Some(to_proto::schema(self.server.provider_schema())),
            server_capabilities: Some(ServerCapabilities {
                get_provider_schema_optional: true,
                ..Default::default()
            }),
            ..Default::default()
        }))
    }
}
