//! What is said before gRPC: the environment that Terraform sets, and the one line on stdout that answers it.

use super::tls::Tls;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use std::fmt;

/// The major version of the provider protocol that we speak.
pub(super) const PROTOCOL_VERSION: u32 = 6;

/// The version of go-plugin's own handshake.
const CORE_PROTOCOL_VERSION: u32 = 1;

const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// What Terraform offers to a plugin that it starts.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer {
    /// Terraform's certificate in PEM; none where the user has turned TLS off (`TF_DISABLE_PLUGIN_TLS`).
    pub(super) client_certificate: Option<String>,
    /// The TCP ports to choose from, for systems without Unix sockets.
    pub(super) ports: (u16, u16),
}

const BY_HAND: &str = "This program is a Terraform plugin: Terraform starts it, it does nothing by hand.

To use it, name the provider under required_providers and run `terraform init`. To use this very file, name its \
directory under dev_overrides in Terraform's CLI configuration. With -debug it runs alone and says how Terraform \
finds it.";

/// Why Terraform and this process cannot talk.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Somebody else than Terraform has started this process.
    #[error("{BY_HAND}")]
    RunByHand,
    /// Terraform does not speak our protocol.
    #[error(
        "this provider speaks version {PROTOCOL_VERSION} of Terraform's plugin protocol, Terraform offers {}; \
         use Terraform 1.11 or newer",
        if offered.is_empty() { "none" } else { offered }
    )]
    Protocol {
        /// The versions that Terraform speaks, as it lists them.
        offered: String,
    },
}

impl Offer {
    /// The offer in the environment that `variable` reads.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Offer, HandshakeError> {
        if variable(COOKIE_NAME).as_deref() != Some(COOKIE) {
            return Err(HandshakeError::RunByHand);
        }
        let offered = variable("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        let speaks_ours = offered
            .split(',')
            .any(|version| version.trim().parse() == Ok(PROTOCOL_VERSION));
        if !speaks_ours {
            return Err(HandshakeError::Protocol { offered });
        }
        let port = |name, default| {
            variable(name)
                .and_then(|port| port.parse().ok())
                .unwrap_or(default)
        };
        Ok(Offer {
            client_certificate: variable("PLUGIN_CLIENT_CERT").filter(|pem| !pem.is_empty()),
            ports: (port("PLUGIN_MIN_PORT", 0), port("PLUGIN_MAX_PORT", 0)),
        })
    }
}

/// Where the server listens, in go-plugin's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `unix` or `tcp`.
    pub(super) network: &'static str,
    /// The path of the socket, or host and port.
    pub(super) location: String,
}

/// The one line on stdout by which Terraform finds the server and knows it again.
pub(super) fn answer(address: &Address, tls: Option<&Tls>) -> String {
    let Address { network, location } = address;
    let certificate = tls.map_or_else(String::new, |tls| {
        BASE64_STANDARD_NO_PAD.encode(&tls.certificate)
    });
    format!("{CORE_PROTOCOL_VERSION}|{PROTOCOL_VERSION}|{network}|{location}|grpc|{certificate}\n")
}

/// What a developer exports so that Terraform uses a provider that runs already (`-debug`).
pub(super) struct Reattach<'a> {
    /// The provider's full source address.
    pub(super) provider: &'a str,
    /// Where it listens.
    pub(super) address: &'a Address,
    /// Its process.
    pub(super) pid: u32,
}

impl fmt::Display for Reattach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reattach = serde_json::json!({
            self.provider: {
                "Protocol": "grpc",
                "ProtocolVersion": PROTOCOL_VERSION,
                "Pid": self.pid,
                // Terraform leaves a process under test running when it is done.
                "Test": true,
                "Addr": { "Network": self.address.network, "String": self.address.location },
            }
        });
        write!(f, "TF_REATTACH_PROVIDERS='{reattach}'")
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, COOKIE, HandshakeError, Offer, Reattach, answer};
    use crate::plugin::tls::Tls;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD_NO_PAD;

    fn offer(variables: &[(&str, &str)]) -> Result<Offer, HandshakeError> {
        Offer::from_environment(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_the_cookie_the_program_was_run_by_hand() {
        assert_eq!(offer(&[]), Err(HandshakeError::RunByHand));
        let wrong = [
            ("TF_PLUGIN_MAGIC_COOKIE", "x"),
            ("PLUGIN_PROTOCOL_VERSIONS", "6"),
        ];
        assert_eq!(offer(&wrong), Err(HandshakeError::RunByHand));
    }

    #[test]
    fn version_6_is_found_in_any_place_of_the_list() {
        for versions in ["6", "5,6", "6,5", "5, 6,7"] {
            let variables = [
                ("TF_PLUGIN_MAGIC_COOKIE", COOKIE),
                ("PLUGIN_PROTOCOL_VERSIONS", versions),
            ];
            assert!(offer(&variables).is_ok(), "{versions}");
        }
    }

    #[test]
    fn a_list_without_version_6_is_refused_with_what_was_offered() {
        for versions in ["", "5", "5,7", "16", "6.0"] {
            let variables = [
                ("TF_PLUGIN_MAGIC_COOKIE", COOKIE),
                ("PLUGIN_PROTOCOL_VERSIONS", versions),
            ];
            let refusal = HandshakeError::Protocol {
                offered: versions.to_owned(),
            };
            assert_eq!(offer(&variables), Err(refusal));
        }
        let error = HandshakeError::Protocol {
            offered: "5".to_owned(),
        };
        assert!(error.to_string().contains("Terraform offers 5;"));
    }

    #[test]
    fn the_answer_has_six_fields_and_ends_with_the_certificate() {
        let address = Address {
            network: "unix",
            location: "/tmp/x/plugin.sock".to_owned(),
        };
        assert_eq!(
            answer(&address, None),
            "1|6|unix|/tmp/x/plugin.sock|grpc|\n"
        );

        let tls = Tls::pinned_to(&crate::plugin::tls::tests::client().cert.pem()).unwrap();
        let line = answer(&address, Some(&tls));
        let fields: Vec<&str> = line.trim_end().split('|').collect();
        assert_eq!(fields.len(), 6);
        let certificate = BASE64_STANDARD_NO_PAD.decode(fields[5]).unwrap();
        assert_eq!(certificate, tls.certificate.as_ref());
    }

    #[test]
    fn the_reattach_line_is_json_in_single_quotes() {
        let reattach = Reattach {
            provider: "registry.terraform.io/ako-azure/ako",
            address: &Address {
                network: "unix",
                location: "/tmp/p.sock".to_owned(),
            },
            pid: 7,
        };
        let line = reattach.to_string();
        let json = line
            .strip_prefix("TF_REATTACH_PROVIDERS='")
            .and_then(|rest| rest.strip_suffix('\''))
            .unwrap();
        let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
        let provider = &parsed["registry.terraform.io/ako-azure/ako"];
        assert_eq!(provider["ProtocolVersion"], 6);
        assert_eq!(provider["Addr"]["Network"], "unix");
        assert_eq!(provider["Pid"], 7);
    }
}
