//! Who may do what: principals, the tokens they hold, and the actions they are denied.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use super::errors::ArmError;
use crate::faults::glob_matches;

/// A service principal that may sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Principal {
    /// The application (client) id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The object id, by which roles and refusals name it.
    pub object_id: String,
}

/// An action that is denied. Everything else is allowed: the lab's principals own the subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// The action, such as `Microsoft.Network/routeTables/write`; `*` stands for any text.
    pub action: String,
    /// The scope below which it is denied; everywhere where there is none.
    #[serde(default)]
    pub scope: Option<String>,
    /// The object id of the principal that is denied; everybody where there is none.
    #[serde(default)]
    pub object_id: Option<String>,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A writer inside the lab, to whom everything is allowed.
    Inside,
    /// The principal with this object id.
    Principal(String),
}

#[derive(Debug)]
pub(super) struct Access {
    pub(super) principals: Vec<Principal>,
    pub(super) denials: Vec<Denial>,
    tokens: HashMap<String, Token>,
    authority: String,
}

#[derive(Debug)]
struct Token {
    object_id: String,
    for_arm: bool,
    expires: Instant,
}

impl Access {
    pub(super) fn new(principal: Principal, authority: String) -> Access {
        Access {
            principals: vec![principal],
            denials: Vec::new(),
            tokens: HashMap::new(),
            authority,
        }
    }

    /// Remembers a token that was handed out.
    pub(super) fn issue(&mut self, token: String, object_id: &str, for_arm: bool, life: Duration) {
        let token_of = Token {
            object_id: object_id.to_owned(),
            for_arm,
            expires: Instant::now() + life,
        };
        self.tokens.insert(token, token_of);
    }

    /// Makes every token that was handed out invalid.
    pub(super) fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    /// The principal behind the Authorization header.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, ArmError> {
        let refuse = |code: &str, message: &str| {
            Err(ArmError::unauthenticated(code, message, &self.authority))
        };
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            let message = "Authentication failed. The 'Authorization' header is missing.";
            return refuse("AuthenticationFailed", message);
        };
        let value = value.to_str().unwrap_or_default();
        let Some(token) = value
            .strip_prefix("Bearer ")
            .and_then(|token| self.tokens.get(token.trim()))
        else {
            return refuse("InvalidAuthenticationToken", "The access token is invalid.");
        };
        if token.expires <= Instant::now() {
            let message = "The access token expiry UTC time is earlier than current UTC time.";
            return refuse("ExpiredAuthenticationToken", message);
        }
        if !token.for_arm {
            let message = "The access token has been obtained for wrong audience or resource.";
            return refuse("InvalidAuthenticationTokenAudience", message);
        }
        Ok(Caller::Principal(token.object_id.clone()))
    }

    /// Refuses an action that the caller is denied.
    pub(super) fn authorize(
        &self,
        caller: &Caller,
        action: &str,
        scope: &str,
    ) -> Result<(), ArmError> {
        match caller {
            Caller::Principal(object_id) if self.denies(object_id, action, scope) => {
                Err(ArmError::authorization_failed(object_id, action, scope))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a write that names another resource which the caller may not join.
    pub(super) fn authorize_link(
        &self,
        caller: &Caller,
        write: (&str, &str),
        link: (&str, &str),
    ) -> Result<(), ArmError> {
        match caller {
            Caller::Principal(object_id) if self.denies(object_id, link.0, link.1) => Err(
                ArmError::linked_authorization_failed(object_id, write, link),
            ),
            _ => Ok(()),
        }
    }

    /// The action patterns that the caller is denied at a scope.
    pub(super) fn denied(&self, caller: &Caller, scope: &str) -> Vec<&str> {
        let Caller::Principal(object_id) = caller else {
            return Vec::new();
        };
        self.denials
            .iter()
            .filter(|denial| denial.holds(object_id, scope))
            .map(|denial| denial.action.as_str())
            .collect()
    }

    fn denies(&self, object_id: &str, action: &str, scope: &str) -> bool {
        self.denials
            .iter()
            .any(|denial| denial.holds(object_id, scope) && glob_matches(&denial.action, action))
    }
}

impl Denial {
    /// A denial of an action to everybody, everywhere.
    pub fn of(action: &str) -> Denial {
        Denial {
            action: action.to_owned(),
            scope: None,
            object_id: None,
        }
    }

    fn holds(&self, object_id: &str, scope: &str) -> bool {
        let scope = scope.to_lowercase();
        let below = |prefix: &String| {
            let prefix = prefix.trim_end_matches('/').to_lowercase();
            scope == prefix || scope.starts_with(&format!("{prefix}/"))
        };
        self.scope.as_ref().is_none_or(below)
            && self.object_id.as_ref().is_none_or(|id| id == object_id)
    }
}
