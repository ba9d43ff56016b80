//! Mutual TLS pinned to Terraform's certificate.
//!
//! go-plugin hands the client's certificate to the plugin in the environment and takes the server's from the
//! handshake line: each side knows the one certificate it will accept, and no authority is involved. Whoever else
//! reaches the socket could otherwise drive the provider with the user's credentials.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// This process's end of the mutual TLS.
pub(super) struct Tls {
    /// Turns accepted connections into authenticated ones.
    pub(super) acceptor: TlsAcceptor,
    /// The certificate that Terraform will accept, as DER.
    pub(super) certificate: CertificateDer<'static>,
}

/// Why there is no mutual TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// What Terraform handed over as its certificate is none.
    #[error("reading Terraform's certificate in PLUGIN_CLIENT_CERT")]
    ClientCertificate(#[source] rustls::pki_types::pem::Error),
    /// No certificate of our own could be made.
    #[error("making a certificate for this process")]
    OwnCertificate(#[from] rcgen::Error),
    /// The pieces do not make a TLS configuration.
    #[error("setting up TLS")]
    Configuration(#[from] Error),
}

impl Tls {
    /// TLS that only the owner of the certificate in `client_pem` can speak to, under a fresh certificate of our own.
    pub(super) fn pinned_to(client_pem: &str) -> Result<Tls, TlsError> {
        let client = CertificateDer::from_pem_slice(client_pem.as_bytes())
            .map_err(TlsError::ClientCertificate)?;
        let (certificate, key) = own_certificate()?;
        let provider = Arc::new(aws_lc_rs::default_provider());

        // Terraform's Go speaks TLS 1.3; nothing older is offered.
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(Arc::new(PinnedClient { client, provider }))
            .with_single_cert(vec![certificate.clone()], key.into())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Terraform connects once: a ticket would only be another way in.
        config.send_tls13_tickets = 0;

        Ok(Tls {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        })
    }
}

/// A P-256 certificate that lives as long as the process. Terraform adds it to its roots and asks for `localhost`.
fn own_certificate() -> Result<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>), rcgen::Error>
{
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()])?;
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.key_usages = vec![
        rcgen::KeyUsagePurpose::DigitalSignature,
        rcgen::KeyUsagePurpose::KeyCertSign,
    ];
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, "localhost");
    let certificate = parameters.self_signed(&key)?;
    Ok((
        certificate.der().clone(),
        PrivatePkcs8KeyDer::from(key.serialize_der()),
    ))
}

/// Accepts one certificate, byte by byte, from whoever proves to hold its key.
///
/// An ordinary verifier cannot serve here: Terraform's certificate is a self-signed authority used as end entity,
/// which webpki refuses. Its key is on P-521, which AWS-LC verifies and ring does not.
#[derive(Debug)]
struct PinnedClient {
    client: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // The validity period does not matter: the certificate was made for this very process.
        if end_entity.as_ref() == self.client.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::Tls;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
    use std::io;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    type Identity = rcgen::CertifiedKey<rcgen::KeyPair>;

    /// An identity as Terraform makes its own: a self-signed authority on P-521.
    pub(in crate::plugin) fn client() -> Identity {
        client_on(&rcgen::PKCS_ECDSA_P521_SHA512)
    }

    #[tokio::test]
    async fn terraform_is_known_by_its_certificate_on_p521_and_p256() {
        for curve in [
            &rcgen::PKCS_ECDSA_P521_SHA512,
            &rcgen::PKCS_ECDSA_P256_SHA256,
        ] {
            let terraform = client_on(curve);
            let tls = Tls::pinned_to(&terraform.cert.pem()).unwrap();
            assert_eq!(echo(&tls, Some(&terraform)).await.unwrap(), b"x");
        }
    }

    #[tokio::test]
    async fn a_client_without_certificate_is_refused() {
        let tls = Tls::pinned_to(&client().cert.pem()).unwrap();
        assert!(echo(&tls, None).await.is_err());
    }

    #[tokio::test]
    async fn a_client_with_another_certificate_is_refused() {
        let tls = Tls::pinned_to(&client().cert.pem()).unwrap();
        assert!(echo(&tls, Some(&client())).await.is_err());
    }

    #[tokio::test]
    async fn terraforms_certificate_without_its_key_is_refused() {
        let terraform = client();
        let thief = Identity {
            cert: terraform.cert.clone(),
            signing_key: client().signing_key,
        };
        let tls = Tls::pinned_to(&terraform.cert.pem()).unwrap();
        assert!(echo(&tls, Some(&thief)).await.is_err());
    }

    #[test]
    fn what_is_no_certificate_is_an_error() {
        for pem in ["", "x", "-----BEGIN CERTIFICATE-----\n"] {
            assert!(Tls::pinned_to(pem).is_err(), "{pem:?}");
        }
    }

    fn client_on(algorithm: &'static rcgen::SignatureAlgorithm) -> Identity {
        let signing_key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let cert = parameters.self_signed(&signing_key).unwrap();
        Identity { cert, signing_key }
    }

    /// What comes back when this client says `x` to a server that repeats it.
    async fn echo(tls: &Tls, client: Option<&Identity>) -> io::Result<Vec<u8>> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let acceptor = tls.acceptor.clone();
        let server = tokio::spawn(async move {
            let mut stream = acceptor.accept(far).await?;
            let byte = stream.read_u8().await?;
            stream.write_u8(byte).await?;
            stream.shutdown().await
        });
        let connector = TlsConnector::from(Arc::new(client_config(tls, client)));
        let name = ServerName::try_from("localhost").unwrap();
        let answer = async {
            let mut stream = connector.connect(name, near).await?;
            stream.write_all(b"x").await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok(answer)
        };
        let answer: io::Result<Vec<u8>> = answer.await;
        server.await.unwrap()?;
        answer
    }

    fn client_config(tls: &Tls, client: Option<&Identity>) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(PinnedServer(tls.certificate.clone())));
        match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let key = PrivatePkcs8KeyDer::from(client.signing_key.serialize_der());
                // Not `with_client_auth_cert`, which would look whether the key belongs to the certificate.
                let key = aws_lc_rs::sign::any_supported_type(&key.into()).unwrap();
                let chain = vec![client.cert.der().clone()];
                let resolver = rustls::sign::SingleCertAndKey::from(
                    rustls::sign::CertifiedKey::new(chain, key),
                );
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
        }
    }

    /// The other side of the pin, as Terraform has it.
    #[derive(Debug)]
    struct PinnedServer(CertificateDer<'static>);

    impl ServerCertVerifier for PinnedServer {
        fn verify_server_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _name: &ServerName<'_>,
            _ocsp: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            assert_eq!(end_entity, &self.0);
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signature, &algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, &algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            aws_lc_rs::default_provider()
                .signature_verification_algorithms
                .supported_schemes()
        }
    }
}
