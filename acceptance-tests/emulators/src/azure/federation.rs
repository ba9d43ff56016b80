//! Assertions in place of a secret: which certificates and which tokens of other identity providers an application
//! accepts, and the other identity provider.
//!
//! The error codes are those of Microsoft's list of AADSTS codes; the wording beyond their first sentence is assumed.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use rustls::SignatureScheme;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::login::Refusal;
use crate::client_certificates::REGISTERED;

/// Whom federated tokens must be for.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The subject that the lab's application trusts.
const SUBJECT: &str = "ako-lab:pipeline";

/// What a token of the other identity provider says.
#[derive(Clone, Debug)]
pub struct FederatedToken {
    /// Who signed in there.
    pub subject: String,
    /// Whom the token is for.
    pub audience: String,
    /// Seconds until it expires; negative where it has.
    pub lifetime: i64,
}

impl Default for FederatedToken {
    /// One that the lab's application accepts for five minutes.
    fn default() -> FederatedToken {
        FederatedToken {
            subject: SUBJECT.to_owned(),
            audience: AUDIENCE.to_owned(),
            lifetime: 300,
        }
    }
}

/// What is accepted in place of a secret.
#[derive(Debug)]
pub(super) struct Federation {
    /// The other identity provider, which is the lab too.
    issuer: String,
    /// The application that trusts it, and that the certificates are registered with.
    client_id: String,
    certificates: Vec<Vec<u8>>,
    /// The tokens of the issuer: knowing them stands in for its signature.
    issued: HashSet<String>,
}

impl Federation {
    pub(super) fn new(client_id: &str, base_url: &str) -> Federation {
        Federation {
            issuer: format!("{base_url}/issuer"),
            client_id: client_id.to_owned(),
            certificates: vec![REGISTERED.to_vec()],
            issued: HashSet::new(),
        }
    }

    /// A token of the other identity provider.
    pub(super) fn issue(&mut self, token: &FederatedToken) -> String {
        let now = Timestamp::now().as_second();
        let claims = json!({
            "iss": self.issuer,
            "sub": token.subject,
            "aud": token.audience,
            "iat": now,
            "nbf": now - 60,
            "exp": now + token.lifetime,
            "jti": Uuid::new_v4().to_string(),
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(&json!({"typ": "JWT", "alg": "RS256", "kid": "issuer"}));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes().repeat(16));
        let token = format!("{header}.{}.{signature}", part(&claims));
        self.issued.insert(token.clone());
        token
    }

    /// Checks an assertion of the application `client_id` to one of the endpoints `audiences`.
    pub(super) fn check(
        &self,
        assertion: &str,
        client_id: &str,
        audiences: &[String],
    ) -> Result<(), Refusal> {
        let parts = Parts::read(assertion).ok_or_else(malformed)?;
        // An application that vouches for itself signs with its certificate; all else is somebody else's token.
        let issuer = parts.claim("iss");
        match issuer.eq_ignore_ascii_case(client_id) {
            true => self.check_own(&parts, client_id, audiences),
            false => self.check_federated(&parts, assertion, client_id),
        }?;
        let expiry = parts.claims.get("exp").and_then(Value::as_i64);
        match expiry.is_some_and(|expiry| expiry >= Timestamp::now().as_second()) {
            true => Ok(()),
            false => Err(invalid_client(
                700_024,
                "Client assertion is not within its valid time range.".to_owned(),
            )),
        }
    }

    fn check_own(
        &self,
        parts: &Parts,
        client_id: &str,
        audiences: &[String],
    ) -> Result<(), Refusal> {
        let thumbprint = parts.header.get("x5t#S256").and_then(Value::as_str);
        let registered = |certificate: &&Vec<u8>| match thumbprint {
            Some(thumbprint) => {
                thumbprint.trim_end_matches('=')
                    == BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate))
            }
            // Older clients name it by SHA-1, which the lab leaves to the signature.
            None => true,
        };
        let certificates = self.certificates.iter().filter(registered);
        let mut certificates = certificates
            .filter(|_| client_id == self.client_id)
            .peekable();
        let shown = thumbprint.unwrap_or("none");
        let refuse = |reason: &str| {
            invalid_client(
                700_027,
                format!(
                    "The certificate with identifier used to sign the client assertion is not registered on \
                     application. [Reason - {reason}, Thumbprint of key used by client: '{shown}']"
                ),
            )
        };
        if certificates.peek().is_none() {
            return Err(refuse("The key was not found."));
        }
        if !certificates.any(|certificate| parts.is_signed_by(certificate)) {
            return Err(refuse("The key used is expired or the signature is wrong."));
        }
        let audience = parts.claim("aud").trim_end_matches('/');
        if !audiences.iter().any(|known| known == audience) {
            let message =
                format!("Assertion audience claim '{audience}' does not match the realm.");
            return Err(invalid_client(700_023, message));
        }
        match parts.claim("sub") == parts.claim("iss") && !parts.claim("jti").is_empty() {
            true => Ok(()),
            false => Err(malformed()),
        }
    }

    fn check_federated(
        &self,
        parts: &Parts,
        assertion: &str,
        client_id: &str,
    ) -> Result<(), Refusal> {
        let none = |code: u64, what: &str, value: &str| {
            let message = format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your \
                 federated identity credential Subject, Audience and Issuer against the presented assertion."
            );
            Err(invalid_client(code, message))
        };
        let (issuer, subject) = (parts.claim("iss"), parts.claim("sub"));
        if issuer != self.issuer || client_id != self.client_id {
            return none(700_211, "issuer", issuer);
        }
        if subject != SUBJECT {
            return none(700_213, "subject", subject);
        }
        if parts.claim("aud") != AUDIENCE {
            return none(700_212, "audience", parts.claim("aud"));
        }
        match self.issued.contains(assertion) {
            true => Ok(()),
            false => Err(invalid_client(
                50_013,
                "Assertion failed signature validation.".to_owned(),
            )),
        }
    }
}

/// A JWT, taken apart.
struct Parts {
    header: Value,
    claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Parts {
    fn read(assertion: &str) -> Option<Parts> {
        let decode = |part: &str| {
            BASE64_URL_SAFE_NO_PAD
                .decode(part.trim_end_matches('='))
                .ok()
        };
        let json = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).ok();
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let parts = Parts {
            header: json(header)?,
            claims: json(claims)?,
            signed: signed.to_owned(),
            signature: decode(signature)?,
        };
        (parts.header.is_object() && parts.claims.is_object()).then_some(parts)
    }

    fn claim(&self, name: &str) -> &str {
        self.claims
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether the signature is that of the certificate's key: PS256, or RS256 as older clients sign.
    fn is_signed_by(&self, certificate: &[u8]) -> bool {
        let scheme = match self.header.get("alg").and_then(Value::as_str) {
            Some("PS256") => SignatureScheme::RSA_PSS_SHA256,
            Some("RS256") => SignatureScheme::RSA_PKCS1_SHA256,
            _ => return false,
        };
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return false;
        };
        let key = &certificate.public_key().subject_public_key.data;
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let known = algorithms
            .mapping
            .iter()
            .find(|(known, _)| *known == scheme);
        known.is_some_and(|(_, algorithms)| {
            algorithms.iter().any(|algorithm| {
                algorithm
                    .verify_signature(key, self.signed.as_bytes(), &self.signature)
                    .is_ok()
            })
        })
    }
}

fn malformed() -> Refusal {
    Refusal {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_request",
        code: 50027,
        message: "JWT token is invalid or malformed.".to_owned(),
    }
}

fn invalid_client(code: u64, message: String) -> Refusal {
    Refusal {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_client",
        code,
        message,
    }
}
