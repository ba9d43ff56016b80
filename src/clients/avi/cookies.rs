//! The cookies of a session.

use super::super::http::Answer;
use reqwest::header::{HeaderValue, SET_COOKIE};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// The cookie with the token against cross-site requests, which goes into a header too.
pub(super) const CSRF: &str = "csrftoken";

/// Cookies by name. The controller sets them for all paths, and nobody else is sent any.
#[derive(Clone, Debug, Default)]
pub(super) struct Cookies(BTreeMap<String, SecretString>);

impl Cookies {
    /// Takes over what an answer sets. Each answer sets the session's cookies anew, so that it lives on while it is
    /// used (recorded: a controller of 20.1.1).
    pub(super) fn take(&mut self, answer: &Answer) {
        for header in answer.headers.get_all(SET_COOKIE) {
            let Some((name, value)) = header.to_str().ok().and_then(pair) else {
                continue;
            };
            match value.is_empty() {
                // A cookie is taken back by an empty value.
                true => drop(self.0.remove(name)),
                false => drop(self.0.insert(name.to_owned(), value.to_owned().into())),
            }
        }
    }

    /// The value of a cookie.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret)
    }

    /// All of them, as they are sent back.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let pairs = self.0.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", value.expose_secret()));
        let pairs: Vec<String> = pairs.collect();
        let mut value = HeaderValue::try_from(pairs.join("; ")).ok()?;
        value.set_sensitive(true);
        (!pairs.is_empty()).then_some(value)
    }
}

fn pair(header: &str) -> Option<(&str, &str)> {
    let (name, value) = header.split(';').next()?.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    fn answer(cookies: &[&str]) -> Answer {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        Answer {
            status: StatusCode::OK,
            headers,
            body: Bytes::new(),
            after_lost_answer: false,
        }
    }

    #[test]
    fn the_last_value_of_each_cookie_is_sent_back() {
        let mut cookies = Cookies::default();
        cookies.take(&answer(&[
            "csrftoken=abc; Max-Age=31449600; Path=/; Secure",
            "avi-sessionid=one; HttpOnly; Path=/; Secure",
            "odd",
        ]));
        cookies.take(&answer(&["avi-sessionid=two; HttpOnly; Path=/"]));
        assert_eq!(cookies.get(CSRF), Some("abc"));
        let header = cookies.header().unwrap();
        assert_eq!(header.to_str().unwrap(), "avi-sessionid=two; csrftoken=abc");
        assert!(header.is_sensitive());
        assert!(!format!("{cookies:?}{header:?}").contains("two"));
    }
}
