//! What there is once: the cluster, the system's configuration, what is told before a login, and the login itself.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json as object};

use super::Core;
use super::call::Call;
use super::errors::{Refusal, json};
use super::sessions::{Caller, Opened, session_cookies};
use super::store::TENANT;
use crate::http::{Request, Response};

impl Core {
    /// `POST /login`: the body that both SDKs read, and three cookies in the same answer (recorded).
    pub(super) fn login(&mut self, request: &Request) -> Result<Response, Refusal> {
        let opened = self.sessions.open(request)?;
        let mut response = json(StatusCode::OK, &self.welcome(&opened));
        let csrf = format!(
            "csrftoken={}; Max-Age=31449600; Path=/; Secure",
            opened.csrf
        );
        let csrf = HeaderValue::try_from(csrf).ok();
        let cookies = session_cookies(&opened.session).into_iter().chain([csrf]);
        for cookie in cookies.flatten() {
            response.headers.append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// `POST /logout`.
    pub(super) fn logout(&mut self, request: &Request) -> Result<Response, Refusal> {
        let caller = self.sessions.authenticate(request, &self.settings)?;
        if let Caller::User(_, Some(session)) = caller {
            self.sessions.close(&session);
        }
        Ok(json(StatusCode::OK, &object!({})))
    }

    /// `/api/cluster/status`, which needs no session, and `/api/cluster/runtime`.
    pub(super) fn cluster_runtime(&self) -> Value {
        let state = if self.settings.initializing {
            "CLUSTER_INITIALIZING"
        } else {
            "CLUSTER_UP_NO_HA"
        };
        object!({
            "node_states": [{
                "name": "127.0.0.1",
                "state": "CLUSTER_ACTIVE",
                "role": "CLUSTER_LEADER",
                "up_since": "2026-01-01 00:00:00",
            }],
            "cluster_state": {"state": state, "progress": 100},
        })
    }

    /// `/api/initial-data`, which needs no session.
    pub(super) fn initial_data(&self) -> Value {
        object!({"version": self.version(), "user_initialized": true})
    }

    /// The objects of which there is one, by name; writes to them are not served.
    pub(super) fn single(&self, name: &str) -> Option<Value> {
        let url = format!("{}/api/{name}", self.base_url);
        match name {
            "cluster" => Some(object!({
                "uuid": CLUSTER,
                "name": "cluster-0-1",
                "nodes": [{"name": "127.0.0.1", "ip": {"addr": "127.0.0.1", "type": "V4"}}],
                "tenant_ref": format!("{}/api/tenant/admin", self.base_url),
                "url": url,
            })),
            "systemconfiguration" => Some(object!({
                "uuid": "default",
                "default_license_tier": "ENTERPRISE",
                "portal_configuration": self.portal_configuration(),
                "url": url,
            })),
            _ => None,
        }
    }

    /// `POST /api/user-token`; the token takes the place of the password at a login.
    pub(super) fn create_token(&mut self, call: &Call) -> Result<Response, Refusal> {
        let hours = match &call.body["hours"] {
            Value::String(text) => text.parse().unwrap_or(1),
            number => number.as_u64().unwrap_or(1),
        };
        let Caller::User(user, _) = &call.caller else {
            return Err(Refusal::no_session());
        };
        let token = self.sessions.issue(user, hours);
        let body = object!({"token": token, "hours": hours, "username": user});
        Ok(json(StatusCode::CREATED, &body))
    }

    /// `GET /api/user-token`: that there are some, not what they are (assumed).
    pub(super) fn list_tokens(&self) -> Value {
        object!({"count": 0, "results": []})
    }

    fn welcome(&self, opened: &Opened) -> Value {
        let tenants = self.store.of(TENANT).map(|tenant| {
            let url = format!("{}{}", self.base_url, tenant.reference());
            object!({"name": tenant.name(), "uuid": tenant.uuid, "url": url})
        });
        object!({
            "user_initialized": true,
            "version": self.version(),
            "user": {
                "name": opened.user,
                "username": opened.user,
                "uuid": format!("user-{}", opened.user),
                "is_superuser": true,
                "local": true,
                "default_tenant_ref": format!("{}/api/tenant/admin", self.base_url),
            },
            "tenants": tenants.collect::<Value>(),
            "system_config": {"portal_configuration": self.portal_configuration()},
            "controller": {"api_idle_timeout": self.settings.idle_expiry.as_secs() / 60},
            "session_cookie_name": "avi-sessionid",
        })
    }

    fn version(&self) -> Value {
        let version = &self.settings.version;
        object!({
            "Version": version,
            "build": 9000,
            "Tag": format!("{version}-9000"),
            "Date": "2026-01-01T00:00:00+00:00",
            "min_version": 16.4,
            "Product": "controller",
            "ProductName": "Avi Load Balancer",
        })
    }

    fn portal_configuration(&self) -> Value {
        object!({
            "allow_basic_authentication": self.settings.allow_basic_authentication,
            "api_force_timeout": self.settings.session_lifetime.as_secs() / 3_600,
        })
    }
}

const CLUSTER: &str = "cluster-0a0b0000-0000-4000-8000-000000000001";
