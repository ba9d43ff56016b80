//! From exec to the handshake line, as Terraform waits for it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P521_SHA512};
use serde::Serialize;

use super::Error;
use super::watch;

const RUNS: usize = 15;

/// How the plugin starts.
#[derive(Debug, Serialize)]
pub struct Startup {
    /// From exec to the handshake line, with mutual TLS: median of the runs.
    pub handshake_milliseconds: f64,
    /// The slowest of them.
    pub slowest_milliseconds: f64,
    /// Resident memory then, in MB (where the system tells).
    pub resident_megabytes: Option<f64>,
}

pub(super) fn measure(provider: &Path) -> Result<Startup, Error> {
    let certificate = client_certificate()?;
    let mut times = Vec::new();
    let mut resident = None;
    for _ in 0..RUNS {
        let (time, memory) = start(provider, &certificate)?;
        times.push(time.as_secs_f64() * 1_000.0);
        resident = memory;
    }
    times.sort_by(f64::total_cmp);
    Ok(Startup {
        handshake_milliseconds: times[RUNS / 2],
        slowest_milliseconds: times[RUNS - 1],
        resident_megabytes: resident,
    })
}

/// Terraform's own kind of certificate: self-signed, ECDSA with P-521 (go-plugin, mtls.go).
fn client_certificate() -> Result<String, Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
    Ok(certificate.pem())
}

fn start(provider: &Path, certificate: &str) -> Result<(Duration, Option<f64>), Error> {
    let begun = Instant::now();
    let mut plugin = Plugin(spawn(provider, certificate)?);
    let mut line = String::new();
    if let Some(stdout) = plugin.0.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(Error::Plugin)?;
    }
    let took = begun.elapsed();
    if !line.starts_with("1|6|") {
        return Err(Error::NoHandshake(line));
    }
    Ok((took, watch::resident_megabytes(plugin.0.id())))
}

fn spawn(provider: &Path, certificate: &str) -> Result<Child, Error> {
    // What Terraform hands to every plugin: the cookie of its handshake and the protocols it speaks.
    Command::new(provider)
        .env(
            "TF_PLUGIN_MAGIC_COOKIE",
            "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
        )
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .env("PLUGIN_CLIENT_CERT", certificate)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::Plugin)
}

struct Plugin(Child);

impl Drop for Plugin {
    fn drop(&mut self) {
        // It has nothing to lose, and a plugin that ended by itself is fine too.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
