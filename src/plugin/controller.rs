//! go-plugin's controller: how Terraform says that it needs the provider no longer.

use super::proto::go_plugin::Empty;
use super::proto::go_plugin::grpc_controller_server::GrpcController;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Cancels its token when Terraform says goodbye.
pub(super) struct Controller(pub(super) CancellationToken);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("Terraform asks to shut down");
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}
