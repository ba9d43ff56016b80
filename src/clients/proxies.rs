//! Which proxy a request goes through. Variables and rules are those of Go's programs, Terraform and its other
//! providers among them (Go's `httpproxy`): hosts of this machine are never asked for at a proxy.

use super::{NotReady, Variables};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use url::{Host, Url};

/// The proxies that the environment names.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// One proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    /// It may hold a password.
    url: Url,
    source: String,
    from_environment: bool,
}

/// One entry of `NO_PROXY`, with the port where it names one.
#[derive(Clone, Debug)]
struct Exception {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Hosts {
    All,
    Network(IpNet),
    Address(IpAddr),
    /// `.example.com` with everything below it; also itself where the entry had no dot.
    Domain {
        suffix: String,
        itself: bool,
    },
}

impl Proxies {
    /// Those of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or not.
    pub(super) fn new(variables: &Variables) -> Result<Proxies, NotReady> {
        let proxy = |names: [&str; 2]| {
            let mut found = names
                .iter()
                .filter_map(|name| Some((name, variables.get(name)?)));
            let proxy = found.next().map(|(name, text)| Proxy::parse(name, &text));
            let proxy = proxy.transpose()?;
            Ok(proxy.map(|proxy| Proxy {
                from_environment: true,
                ..proxy
            }))
        };
        let exceptions = variables
            .get("NO_PROXY")
            .or_else(|| variables.get("no_proxy"))
            .unwrap_or_default();
        Ok(Proxies {
            https: proxy(["HTTPS_PROXY", "https_proxy"])?,
            http: proxy(["HTTP_PROXY", "http_proxy"])?,
            exceptions: exceptions.split(',').filter_map(Exception::parse).collect(),
        })
    }

    /// The proxy through which `url` is reached.
    pub(super) fn of(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref(),
            _ => self.http.as_ref(),
        }?;
        let host = url.host()?;
        let mut exceptions = self.exceptions.iter();
        let excepted = is_this_machine(&host)
            || exceptions.any(|entry| entry.holds(&host, url.port_or_known_default()));
        (!excepted).then_some(proxy)
    }
}

impl Proxy {
    /// The proxy that `text` names, which comes from the argument or variable `source`.
    pub(super) fn parse(source: &str, text: &str) -> Result<Proxy, NotReady> {
        // The text itself is not shown: it may hold a password.
        let invalid = |reason: String| NotReady::Invalid {
            argument: source.to_owned(),
            reason,
        };
        let text = match text.contains("://") {
            true => text.to_owned(),
            false => format!("http://{text}"),
        };
        let url = Url::parse(&text)
            .ok()
            .filter(|url| url.host().is_some_and(|host| host != Host::Domain("")))
            .ok_or_else(|| {
                invalid("it is not the URL of a proxy, like http://proxy:3128".to_owned())
            })?;
        match url.scheme() {
            "http" | "https" => Ok(Proxy {
                url,
                source: source.to_owned(),
                from_environment: false,
            }),
            scheme => Err(invalid(format!(
                "a proxy can be http or https, and this one is {scheme}"
            ))),
        }
    }

    /// Its URL, with its password.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the environment names it, for whoever has no proxy of its own.
    pub(super) fn is_general(&self) -> bool {
        self.from_environment
    }

    /// What an error of a request through it says of it.
    pub(super) fn hint(&self) -> String {
        let exceptions = match self.from_environment {
            true => "; NO_PROXY names the hosts that are reached without it",
            false => "",
        };
        format!(
            "through the proxy {}, which {} names{exceptions}",
            self.address(),
            self.source
        )
    }

    fn address(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}"));
        format!("{}://{host}{}", self.url.scheme(), port.unwrap_or_default())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Exception> {
        let entry = entry.trim().to_ascii_lowercase();
        if let Ok(network) = entry.parse() {
            return Some(Exception::without_port(Hosts::Network(network)));
        }
        if let Ok(address) = entry.parse() {
            return Some(Exception::without_port(Hosts::Address(address)));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry.as_str(), None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let hosts = match (host, host.parse()) {
            ("", _) => return None,
            ("*", _) => Hosts::All,
            (_, Ok(address)) => Hosts::Address(address),
            (domain, Err(_)) => {
                let is_pattern = domain.starts_with("*.");
                let below = if is_pattern { &domain[1..] } else { domain };
                Hosts::Domain {
                    itself: !below.starts_with('.'),
                    suffix: format!(".{}", below.trim_start_matches('.')),
                }
            }
        };
        Some(Exception { hosts, port })
    }

    fn without_port(hosts: Hosts) -> Exception {
        Exception { hosts, port: None }
    }

    fn holds(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        let here = match (&self.hosts, host) {
            (Hosts::All, _) => true,
            (Hosts::Domain { suffix, itself }, Host::Domain(domain)) => {
                let domain = domain.to_ascii_lowercase();
                domain.ends_with(suffix) || (*itself && domain == suffix[1..])
            }
            (Hosts::Network(network), host) => {
                address(host).is_some_and(|address| network.contains(&address))
            }
            (Hosts::Address(excepted), host) => address(host) == Some(*excepted),
            (Hosts::Domain { .. }, _) => false,
        };
        here && (self.port.is_none() || self.port == port)
    }
}

/// A cluster behind a tunnel of the user's, say: no proxy leads to it.
fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(domain) => domain.eq_ignore_ascii_case("localhost"),
        host => address(host).is_some_and(|address| address.is_loopback()),
    }
}

fn address(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(pairs: &[(&str, &str)]) -> Result<Proxies, NotReady> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Proxies::new(&Variables::from_map(pairs.collect()))
    }

    fn proxy_of(pairs: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = proxies(pairs).unwrap();
        proxies
            .of(&url.parse().unwrap())
            .map(|proxy| proxy.url().to_string())
    }

    #[test]
    fn each_scheme_has_its_proxy_in_capitals_or_not() {
        let both = [("HTTPS_PROXY", "http://s:3128"), ("HTTP_PROXY", "p:3128")];
        let at = |url| proxy_of(&both, url);
        assert_eq!(at("https://example.com").unwrap(), "http://s:3128/");
        assert_eq!(at("http://example.com").unwrap(), "http://p:3128/");
        let small = [("https_proxy", "http://s:3128")];
        assert!(proxy_of(&small, "https://example.com").is_some());
        assert_eq!(proxy_of(&small, "http://example.com"), None);
        assert_eq!(proxy_of(&[], "https://example.com"), None);
    }

    #[test]
    fn what_no_proxy_names_is_reached_without_one() {
        let table = [
            ("example.com", "https://example.com", true),
            ("example.com", "https://api.example.com", true),
            ("example.com", "https://notexample.com", false),
            (".example.com", "https://api.example.com", true),
            (".example.com", "https://example.com", false),
            ("*.example.com", "https://api.Example.com", true),
            ("*.example.com", "https://example.com", false),
            ("*example.com", "https://example.com", false),
            ("example.com:6443", "https://example.com:6443", true),
            ("example.com:6443", "https://example.com", false),
            ("example.com:443", "https://example.com", true),
            ("10.0.0.0/8", "https://10.1.2.3:6443", true),
            ("10.0.0.0/8", "https://11.1.2.3", false),
            ("10.1.2.3", "https://10.1.2.3", true),
            ("10.1.2.3:6443", "https://10.1.2.3", false),
            ("[2001:db8::1]:6443", "https://[2001:db8::1]:6443", true),
            ("2001:db8::1", "https://[2001:db8::1]", true),
            ("10.0.0.1, other.com ,", "https://other.com", true),
            ("*", "https://anything", true),
            ("", "https://anything", false),
        ];
        for (entries, url, excepted) in table {
            let pairs = [("HTTPS_PROXY", "http://p:3128"), ("no_proxy", entries)];
            let proxy = proxy_of(&pairs, url);
            assert_eq!(proxy.is_none(), excepted, "{entries:?} and {url}");
        }
    }

    #[test]
    fn this_machine_is_never_asked_for_at_a_proxy() {
        let pairs = [("HTTPS_PROXY", "http://p:3128")];
        for url in [
            "https://localhost:6443",
            "https://127.0.0.1",
            "https://[::1]",
        ] {
            assert_eq!(proxy_of(&pairs, url), None, "{url}");
        }
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let proxies = proxies(&[("HTTPS_PROXY", "http://me:hunter2@proxy:3128")]).unwrap();
        let proxy = proxies.of(&"https://example.com".parse().unwrap()).unwrap();
        assert_eq!(
            proxy.hint(),
            "through the proxy http://proxy:3128, which HTTPS_PROXY names; NO_PROXY names the hosts that are reached without it"
        );
        assert!(!format!("{proxies:?}").contains("hunter2"));
        assert!(proxy.url().as_str().contains("hunter2"));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_by_its_variable() {
        for (text, reason) in [
            ("socks5://me:hunter2@p", "this one is socks5"),
            ("http://me:hunter2@:x", "not the URL of a proxy"),
        ] {
            let error = proxies(&[("https_proxy", text)]).unwrap_err().to_string();
            assert!(error.starts_with("https_proxy: "), "{error}");
            assert!(
                error.contains(reason) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
