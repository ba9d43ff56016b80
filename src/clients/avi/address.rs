//! Where the controller is.

use crate::clients::NotReady;
use std::net::IpAddr;
use url::{Host, Url};

/// The address of a controller: a scheme, a host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(Url);

impl Address {
    /// Reads `host`, `host:port` or `https://host:port/`. Without encryption only this very machine can be meant:
    /// the password would go over the network for everybody to read.
    pub(super) fn parse(text: &str) -> Result<Address, NotReady> {
        let text = text.trim();
        let with_scheme = match text.contains("://") {
            true => text.to_owned(),
            false => format!("https://{text}"),
        };
        let url = Url::parse(&with_scheme)
            .map_err(|error| invalid(format!("{text:?} is no address ({error}): {FORMS}")))?;
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            // A password may be in it: it is not repeated.
            return Err(invalid(format!(
                "there is more in it than host and port: {FORMS}"
            )));
        }
        match url.scheme() {
            "https" => Ok(Address(url)),
            "http" if is_loopback(&url) => Ok(Address(url)),
            "http" => Err(invalid(
                "with http:// the password would go over the network unencrypted, which is done to this very machine alone: use https://".to_owned(),
            )),
            other => Err(invalid(format!("{other}:// is not https://: {FORMS}"))),
        }
    }

    /// The URL of a path.
    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// Host and port, for messages.
    pub(super) fn authority(&self) -> &str {
        self.0.authority()
    }

    /// What goes into the header `Referer`.
    pub(super) fn referer(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a URL leads to the same controller.
    pub(super) fn has(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }
}

const FORMS: &str = "it is a host, host:port or https://host:port";

fn invalid(reason: String) -> NotReady {
    NotReady::Invalid {
        argument: "avi.controller".to_owned(),
        reason,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_is_named_by_its_host_with_or_without_port_and_scheme() {
        for (text, url) in [
            ("avi.example.com", "https://avi.example.com/"),
            ("avi.example.com:8443", "https://avi.example.com:8443/"),
            ("https://10.0.0.4/", "https://10.0.0.4/"),
            (" https://10.0.0.4:443 ", "https://10.0.0.4/"),
            ("[fd00::1]:8443", "https://[fd00::1]:8443/"),
            ("http://127.0.0.1:9443", "http://127.0.0.1:9443/"),
            ("http://localhost", "http://localhost/"),
        ] {
            assert_eq!(Address::parse(text).unwrap().referer(), url, "{text}");
        }
    }

    #[test]
    fn what_is_no_bare_address_is_refused_with_the_argument() {
        for text in [
            "",
            "https://avi/api",
            "avi/api",
            "https://admin:hunter2@avi",
            "https://avi?x=1",
            "ftp://avi",
            "http://avi.example.com",
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("avi.controller"), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn another_port_is_another_controller() {
        let address = Address::parse("avi.example.com").unwrap();
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(address.has(&url("https://AVI.example.com:443/api/pool?page=2")));
        assert!(!address.has(&url("https://avi.example.com:8443/api/pool?page=2")));
        assert!(!address.has(&url("http://avi.example.com/api/pool?page=2")));
    }
}
