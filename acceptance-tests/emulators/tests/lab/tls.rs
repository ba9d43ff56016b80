//! Certificates: the servers' and those of their clients.

use ako_lab::{Lab, Options};
use http::StatusCode;
use reqwest::{Certificate, Client, Identity};

#[tokio::test]
async fn a_client_that_does_not_trust_the_lab_does_not_reach_it() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let other = Lab::start(Options::default()).await.unwrap();
    let stranger = crate::arm::http(&other);
    let host = &lab.connection().azure.metadata_host;
    assert!(
        stranger
            .get(format!("https://{host}/metadata/endpoints"))
            .send()
            .await
            .is_err()
    );
    for host in [host.clone(), host.replace("127.0.0.1", "localhost")] {
        let sent = crate::arm::http(&lab)
            .get(format!("https://{host}/metadata/endpoints"))
            .send();
        assert_eq!(sent.await.unwrap().status(), StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn a_client_certificate_of_the_lab_counts_and_one_of_a_stranger_is_as_good_as_none() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let other = Lab::start(Options::default()).await.unwrap();
    for (signer, status) in [(&lab, StatusCode::OK), (&other, StatusCode::FORBIDDEN)] {
        let certificate = signer
            .client_certificate("me", Some("system:masters"))
            .unwrap();
        let pem = format!("{}{}", certificate.certificate_pem, certificate.key_pem);
        let client = Client::builder()
            .tls_certs_only([authority(&lab)])
            .identity(Identity::from_pem(pem.as_bytes()).unwrap())
            .no_proxy()
            .build()
            .unwrap();
        let sent = client
            .get(format!("{}/api/v1/nodes", server(&lab)))
            .send()
            .await;
        assert_eq!(sent.unwrap().status(), status);
    }
}

fn authority(lab: &Lab) -> Certificate {
    let pem = std::fs::read(&lab.connection().ca_certificate).unwrap();
    Certificate::from_pem(&pem).unwrap()
}

/// The first cluster's URL, as its kubeconfig has it.
fn server(lab: &Lab) -> String {
    let text = std::fs::read_to_string(&lab.connection().kubernetes[0].kubeconfig).unwrap();
    let at = text.find("https://").unwrap();
    let rest = text[at..].split(['"', '\n']).next();
    rest.unwrap().trim().to_owned()
}
