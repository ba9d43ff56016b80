//! The controller's place in a lab: its listener, and what a client must know of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Avi, Identity, Settings};
use crate::azure::{Azure, Principal};
use crate::certificates::Authority;
use crate::front::{Front, Shared};
use crate::lab::Error;
use crate::listener::Listener;

/// How the controller starts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Who is let in.
    pub identity: Identity,
    /// What else can be set, also later.
    pub settings: Settings,
}

/// What a client must know of the controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AviConnection {
    /// Host and port; it speaks https alone.
    pub controller: String,
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
    /// The tenant.
    pub tenant: String,
    /// The newest version that requests may ask for.
    pub version: String,
    /// The service principal for cloud credentials, which may sign in at the lab's Azure.
    pub principal: Principal,
}

/// A controller with its socket, which does not serve yet.
pub(crate) struct Bound {
    pub(crate) avi: Arc<Avi>,
    pub(crate) connection: AviConnection,
    listener: Listener,
}

impl Bound {
    /// Makes the controller and the address it will have.
    pub(crate) async fn new(
        options: &Options,
        host: Option<&str>,
        azure: &Arc<Azure>,
    ) -> Result<Bound, Error> {
        let listener = Listener::bind(0).await?;
        let controller = listener.shown_as(host);
        let identity = &options.identity;
        azure.add_principal(identity.principal.clone());
        let avi = Avi::new(
            identity,
            options.settings.clone(),
            &format!("https://{controller}"),
            Arc::clone(azure),
        );
        let connection = AviConnection {
            controller,
            username: identity.username.clone(),
            password: identity.password.clone(),
            tenant: "admin".to_owned(),
            version: options.settings.version.clone(),
            principal: identity.principal.clone(),
        };
        Ok(Bound {
            avi: Arc::new(avi),
            connection,
            listener,
        })
    }

    /// Serves until the token is cancelled.
    pub(crate) fn serve(
        self,
        authority: &Authority,
        shared: &Arc<Shared>,
        stop: CancellationToken,
    ) -> Result<AviConnection, Error> {
        let front = Front {
            service: self.avi,
            shared: Arc::clone(shared),
        };
        self.listener.serve_tls(authority, Arc::new(front), stop)?;
        Ok(self.connection)
    }
}
