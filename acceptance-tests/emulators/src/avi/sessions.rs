//! Who is signed in: users, their sessions and tokens, and the check of each request.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use uuid::Uuid;

use super::Settings;
use super::errors::Refusal;
use crate::http::{Request, decode};

/// Users, sessions and tokens.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    users: BTreeMap<String, String>,
    open: BTreeMap<String, Session>,
    tokens: BTreeMap<String, Token>,
    /// How many times somebody signed in.
    pub(super) logins: u64,
}

#[derive(Debug)]
struct Session {
    user: String,
    csrf: String,
    begun: Instant,
    used: Instant,
    ended: bool,
}

#[derive(Debug)]
struct Token {
    user: String,
    until: Instant,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A writer inside the lab, to whom everything is allowed.
    Inside,
    /// A user, with the session if there is one: Basic authentication has none.
    User(String, Option<String>),
}

/// What a login hands out.
pub(super) struct Opened {
    pub(super) user: String,
    pub(super) session: String,
    pub(super) csrf: String,
}

impl Sessions {
    pub(super) fn add_user(&mut self, name: &str, password: &str) {
        self.users.insert(name.to_owned(), password.to_owned());
    }

    /// Opens a session for what stands in a login's body: a form (Python) or JSON (Go), with a password or a token.
    pub(super) fn open(&mut self, request: &Request) -> Result<Opened, Refusal> {
        let fields = credentials(request);
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let user = field("username");
        let now = Instant::now();
        let known = match fields.get("token") {
            Some(token) => {
                let token = self.tokens.get(token);
                token.is_some_and(|token| token.user == user && token.until > now)
            }
            None => self.has(user, field("password")),
        };
        if !known {
            return Err(Refusal::credentials());
        }
        let opened = Opened {
            user: user.to_owned(),
            session: Uuid::new_v4().simple().to_string(),
            csrf: Uuid::new_v4().simple().to_string(),
        };
        let session = Session {
            user: user.to_owned(),
            csrf: opened.csrf.clone(),
            begun: now,
            used: now,
            ended: false,
        };
        self.open.insert(opened.session.clone(), session);
        self.logins += 1;
        Ok(opened)
    }

    /// The caller behind a request's cookies, whose session lives on by it.
    pub(super) fn authenticate(
        &mut self,
        request: &Request,
        settings: &Settings,
    ) -> Result<Caller, Refusal> {
        if settings.allow_basic_authentication
            && let Some((user, password)) = basic(&request.headers)
        {
            let known = self.has(&user, &password);
            let caller = Caller::User(user, None);
            return known.then_some(caller).ok_or_else(Refusal::credentials);
        }
        let cookies = cookies(&request.headers);
        let id = cookies.get("avi-sessionid").or(cookies.get("sessionid"));
        let Some(id) = id.filter(|id| self.open.contains_key(*id)).cloned() else {
            return Err(Refusal::no_session());
        };
        let session = &self.open[&id];
        let is_over = session.ended
            || session.used.elapsed() >= settings.idle_expiry
            || session.begun.elapsed() >= settings.session_lifetime;
        if is_over {
            self.open.remove(&id);
            return Err(Refusal::expired(settings.expired_status));
        }
        if request.method != Method::GET {
            check_csrf(&session.csrf, &cookies, &request.headers)?;
        }
        let user = session.user.clone();
        if let Some(session) = self.open.get_mut(&id) {
            session.used = Instant::now();
        }
        Ok(Caller::User(user, Some(id)))
    }

    /// Ends one session.
    pub(super) fn close(&mut self, id: &str) {
        self.open.remove(id);
    }

    /// Lets every session have ended just now.
    pub(super) fn expire(&mut self) {
        for session in self.open.values_mut() {
            session.ended = true;
        }
    }

    /// How many sessions are open.
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// A token for a user, good for some hours.
    pub(super) fn issue(&mut self, user: &str, hours: u64) -> String {
        let token = Uuid::new_v4().simple().to_string();
        let until = Instant::now() + Duration::from_secs(hours * 60 * 60);
        let user = user.to_owned();
        self.tokens.insert(token.clone(), Token { user, until });
        token
    }

    fn has(&self, user: &str, password: &str) -> bool {
        self.users.get(user).is_some_and(|known| known == password)
    }
}

/// The cookies of a request. Python sends each twice: the last one counts (recorded).
pub(super) fn cookies(headers: &HeaderMap) -> BTreeMap<String, String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let mut cookies = BTreeMap::new();
    for line in lines.filter_map(|line| line.to_str().ok()) {
        for (name, value) in line.split(';').filter_map(|pair| pair.split_once('=')) {
            cookies.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    cookies
}

/// The cookies that every answer to a session renews.
pub(super) fn session_cookies(session: &str) -> [Option<HeaderValue>; 2] {
    ["avi-sessionid", "sessionid"].map(|name| {
        let cookie = format!("{name}={session}; HttpOnly; Max-Age=86400; Path=/; Secure");
        HeaderValue::try_from(cookie).ok()
    })
}

/// The token must be the session's: header and cookie that merely equal each other are refused (recorded).
fn check_csrf(
    token: &str,
    cookies: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let sent = headers.get("x-csrftoken").and_then(|it| it.to_str().ok());
    let cookie = cookies.get("csrftoken").map(String::as_str);
    if sent != Some(token) || cookie != Some(token) {
        return Err(Refusal::csrf());
    }
    let referer = headers.get(header::REFERER);
    referer.map(|_| ()).ok_or_else(Refusal::referer)
}

fn credentials(request: &Request) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(&request.body);
    if let Ok(Value::Object(fields)) = serde_json::from_str(&text) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        return fields.iter().map(|(k, v)| (k.clone(), text(v))).collect();
    }
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(&value.replace('+', " "))))
        .collect()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    use base64::Engine;
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let coded = value.strip_prefix("Basic ")?;
    let bytes = base64::prelude::BASE64_STANDARD.decode(coded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
