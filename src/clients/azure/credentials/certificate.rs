//! The application's certificate: read from PKCS#12, and the assertions that its key signs.

use super::pkcs12::{self, Contents};
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long an assertion is good for: Microsoft advises 5 to 10 minutes at most.
const LIFETIME_IN_SECONDS: u64 = 300;

/// The certificate of an application and its key.
#[derive(Clone)]
pub(in super::super) struct ClientCertificate {
    key: Arc<dyn SigningKey>,
    /// SHA-256 of the certificate, as assertions name it.
    thumbprint: String,
}

/// Why there is no certificate with its key in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it is PEM, not PKCS#12: convert it with `openssl pkcs12 -export`")]
    Pem,
    #[error("it is not PKCS#12, the format of .pfx and .p12 files")]
    NotPkcs12,
    #[error("the password does not open it")]
    WrongPassword,
    #[error(
        "it is written in a way that is not supported ({0}): write it anew with `openssl pkcs12 -export`"
    )]
    Unsupported(String),
    #[error("it holds no private key with its certificate")]
    NoKey,
    #[error("its key is not RSA, which Azure asks for")]
    NotRsa,
    #[error("its key is not that of its certificate")]
    OtherKey,
}

impl ClientCertificate {
    /// The certificate and key in a PKCS#12 file.
    pub(super) fn from_pkcs12(file: &[u8], password: &str) -> Result<Self, Unreadable> {
        if file.trim_ascii_start().starts_with(b"-----BEGIN") {
            return Err(Unreadable::Pem);
        }
        let Contents { keys, certificates } = pkcs12::read(file, password)?;
        if keys.is_empty() || certificates.is_empty() {
            return Err(Unreadable::NoKey);
        }
        let keys: Vec<_> = keys.into_iter().filter_map(rsa_key).collect();
        if keys.is_empty() {
            return Err(Unreadable::NotRsa);
        }
        let pairs = keys.iter().flat_map(|key| {
            let own = certificates.iter().find(|it| is_certificate_of(it, key));
            own.map(|certificate| (key, certificate))
        });
        let (key, certificate) = pairs.into_iter().next().ok_or(Unreadable::OtherKey)?;
        Ok(ClientCertificate {
            key: Arc::clone(key),
            thumbprint: BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(certificate)),
        })
    }

    /// A statement of the application `client` to the token endpoint `audience` that it is who it is, in the form
    /// that Microsoft's page on certificate credentials describes: PS256, and the SHA-256 thumbprint.
    fn assertion(&self, client: &str, audience: &str) -> Result<String, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_err(|error| error.to_string())?.as_secs();
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience,
            "iss": client,
            "sub": client,
            "jti": uuid::Uuid::new_v4().to_string(),
            "nbf": now,
            "iat": now,
            "exp": now + LIFETIME_IN_SECONDS,
        });
        let [header, claims] =
            [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signer = self.key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]);
        let signer = signer.ok_or_else(|| Unreadable::NotRsa.to_string())?;
        let signature = signer.sign(signed.as_bytes());
        let signature = signature.map_err(|error| error.to_string())?;
        Ok(format!(
            "{signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

impl From<pkcs12::Error> for Unreadable {
    fn from(error: pkcs12::Error) -> Unreadable {
        match error {
            pkcs12::Error::Malformed => Unreadable::NotPkcs12,
            pkcs12::Error::WrongPassword => Unreadable::WrongPassword,
            pkcs12::Error::Unsupported(what) => Unreadable::Unsupported(what),
        }
    }
}

/// The key that signs assertions, if it can.
fn rsa_key(pkcs8: Vec<u8>) -> Option<Arc<dyn SigningKey>> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8));
    let key = any_supported_type(&key).ok()?;
    key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256])?;
    Some(key)
}

/// Whether the certificate carries the public half of `key`. It is looked for as it is written, not parsed out:
/// parsers refuse certificates for what does not matter here, such as their version.
fn is_certificate_of(certificate: &[u8], key: &Arc<dyn SigningKey>) -> bool {
    key.public_key().is_some_and(|public| {
        let public: &[u8] = public.as_ref();
        certificate.windows(public.len()).any(|part| part == public)
    })
}

/// What signs in with the certificate: a new assertion for each access token.
#[derive(Debug)]
pub(super) struct CertificateAssertion {
    pub(super) certificate: ClientCertificate,
    pub(super) client: String,
    /// The token endpoint.
    pub(super) audience: String,
}

#[async_trait::async_trait]
impl ClientAssertion for CertificateAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let assertion = self.certificate.assertion(&self.client, &self.audience);
        assertion.map_err(|reason| {
            let text = format!("signing with the certificate's key: {reason}");
            azure_core::Error::with_message(ErrorKind::Credential, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ako_lab::client_certificates as files;
    use serde_json::Value;

    fn read(file: &[u8]) -> Result<ClientCertificate, Unreadable> {
        ClientCertificate::from_pkcs12(file, files::PASSWORD)
    }

    #[test]
    fn files_with_old_and_with_new_encryption_are_read() {
        let modern = read(files::MODERN).unwrap();
        let legacy = read(files::LEGACY).unwrap();
        assert_eq!(modern.thumbprint, legacy.thumbprint);
        let open = ClientCertificate::from_pkcs12(files::WITHOUT_PASSWORD, "").unwrap();
        assert_eq!(open.thumbprint, modern.thumbprint);
    }

    #[test]
    fn the_key_and_its_certificate_are_found_whatever_else_is_there_and_however_it_is_named() {
        // Two authorities of the chain sign each other: who follows the chain never arrives.
        let cyclic = read(files::CYCLIC).unwrap();
        let without_mac = read(files::WITHOUT_MAC).unwrap();
        let bare = ClientCertificate::from_pkcs12(files::BARE, "").unwrap();
        assert_eq!(cyclic.thumbprint, without_mac.thumbprint);
        assert_eq!(bare.thumbprint, without_mac.thumbprint);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let wrong = ClientCertificate::from_pkcs12(files::MODERN, "wrong");
        assert_eq!(wrong.unwrap_err(), Unreadable::WrongPassword);
        let wrong = ClientCertificate::from_pkcs12(files::LEGACY, "");
        assert_eq!(wrong.unwrap_err(), Unreadable::WrongPassword);
        let wrong = ClientCertificate::from_pkcs12(files::WITHOUT_MAC, "wrong");
        assert_eq!(wrong.unwrap_err(), Unreadable::WrongPassword);
        let open_lengths = read(&[0x30, 0x80, 0x02, 0x01, 0x03]).unwrap_err();
        assert!(open_lengths.to_string().contains("openssl pkcs12 -export"));
        assert_eq!(read(files::NO_KEY).unwrap_err(), Unreadable::NoKey);
        assert_eq!(read(files::ELLIPTIC).unwrap_err(), Unreadable::NotRsa);
        assert_eq!(read(b"nothing").unwrap_err(), Unreadable::NotPkcs12);
        let cut = &files::MODERN[..files::MODERN.len() / 2];
        assert_eq!(read(cut).unwrap_err(), Unreadable::NotPkcs12);
        let pem = b"-----BEGIN PRIVATE KEY-----\n";
        assert_eq!(read(pem).unwrap_err(), Unreadable::Pem);
    }

    #[test]
    fn an_assertion_names_the_application_the_endpoint_and_the_certificate_and_is_used_once() {
        let certificate = read(files::MODERN).unwrap();
        let assertion = certificate
            .assertion("client", "https://login/token")
            .unwrap();
        let part = |index: usize| -> Value {
            let part = assertion.split('.').nth(index).unwrap();
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        let (header, claims) = (part(0), part(1));
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(files::REGISTERED));
        assert_eq!(
            header,
            json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint})
        );
        assert_eq!(claims["iss"], "client");
        assert_eq!(claims["sub"], "client");
        assert_eq!(claims["aud"], "https://login/token");
        let life = claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap();
        assert_eq!(life, LIFETIME_IN_SECONDS);
        let again = certificate
            .assertion("client", "https://login/token")
            .unwrap();
        assert_ne!(again, assertion);
    }

    #[test]
    fn neither_key_nor_thumbprint_shows_in_debug_output() {
        assert_eq!(
            format!("{:?}", read(files::MODERN).unwrap()),
            "ClientCertificate"
        );
    }
}
