//! Azure as an emulated service of the lab uses it that holds the secret of a service principal: without HTTP, and
//! with that principal's rights alone.

use serde_json::Value;

use super::Azure;
use super::access::Caller;
use crate::sync::lock;

impl Azure {
    /// Checks what a service principal would sign in with: its object id, or why the login service refuses.
    pub fn sign_in(
        &self,
        tenant_id: &str,
        client_id: &str,
        client_secret: &str,
    ) -> Result<String, String> {
        let core = lock(&self.core);
        if !tenant_id.eq_ignore_ascii_case(&core.identity.tenant_id) {
            return Err(format!("AADSTS90002: Tenant '{tenant_id}' not found."));
        }
        let mut principals = core.access.principals.iter();
        let found = principals.find(|it| it.client_id.eq_ignore_ascii_case(client_id));
        match found {
            None => Err(format!(
                "AADSTS700016: Application with identifier '{client_id}' was not found in the directory '{tenant_id}'."
            )),
            Some(principal) if principal.client_secret != client_secret => {
                Err("AADSTS7000215: Invalid client secret provided.".to_owned())
            }
            Some(principal) => Ok(principal.object_id.clone()),
        }
    }

    /// A request with the rights of one principal: no token, no journal, no delay, and its operation is finished when
    /// this returns.
    pub fn request_as(
        &self,
        object_id: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        self.request_by(Caller::Principal(object_id.to_owned()), method, path, &body)
    }

    /// Whether a principal is allowed an action at a scope.
    pub fn allows(&self, object_id: &str, action: &str, scope: &str) -> bool {
        let caller = Caller::Principal(object_id.to_owned());
        let core = lock(&self.core);
        core.access.authorize(&caller, action, scope).is_ok()
    }
}
