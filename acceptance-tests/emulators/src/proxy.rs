//! A forward proxy on loopback, as companies put one between their machines and the rest of the world.
//!
//! It serves `CONNECT` alone (RFC 9110, 9.3.6) and leads every host to this machine, so that a client that reaches
//! a host by a name that no resolver knows has come through it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::sync::lock;

/// The longest head of a request that is read.
const LONGEST_HEAD: usize = 16 * 1024;

/// What a proxy does with those who ask.
#[derive(Clone, Debug, Default)]
pub enum Conduct {
    /// Leads everybody on.
    #[default]
    Open,
    /// Leads on who shows these credentials, and answers all others with 407.
    Credentials {
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
    /// Answers everybody with this status and a page in HTML.
    Refuse(u16),
}

/// One request that reached a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Host and port, as asked for.
    pub target: String,
    /// The proxy's answer.
    pub status: u16,
}

/// A running proxy. Dropping it stops it.
pub struct Proxy {
    address: SocketAddr,
    passages: Passages,
    _stop: DropGuard,
}

type Passages = Arc<Mutex<Vec<Passage>>>;

impl Proxy {
    /// Starts a proxy on the current runtime.
    pub(crate) async fn start(conduct: Conduct) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let passages = Passages::default();
        tokio::spawn(accept(
            listener,
            Arc::new(conduct),
            Arc::clone(&passages),
            stop.clone(),
        ));
        Ok(Proxy {
            address,
            passages,
            _stop: stop.drop_guard(),
        })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without credentials.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in order of arrival.
    pub fn passages(&self) -> Vec<Passage> {
        lock(&self.passages).clone()
    }
}

async fn accept(
    listener: TcpListener,
    conduct: Arc<Conduct>,
    passages: Passages,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, _)) = accepted else { continue };
        let (conduct, passages) = (Arc::clone(&conduct), Arc::clone(&passages));
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // A client or a server that hangs up ends the tunnel: nothing to tell anybody.
                _ = lead(client, &conduct, &passages) => {}
            }
        });
    }
}

async fn lead(mut client: TcpStream, conduct: &Conduct, passages: &Passages) -> io::Result<()> {
    let head = read_head(&mut client).await?;
    let mut words = head.split_ascii_whitespace();
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let status = match method {
        Some("CONNECT") => conduct.status(&head),
        // Assumed: what is not a tunnel is not allowed here.
        _ => 405,
    };
    lock(passages).push(Passage {
        target: target.to_owned(),
        status,
    });
    if status != 200 {
        return client.write_all(page(status).as_bytes()).await;
    }
    let port = target.rsplit(':').next().and_then(|port| port.parse().ok());
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port.unwrap_or(443))).await?;
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

impl Conduct {
    fn status(&self, head: &str) -> u16 {
        match self {
            Conduct::Open => 200,
            Conduct::Refuse(status) => *status,
            Conduct::Credentials { user, password } => {
                let wanted = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
                let mut lines = head.lines().filter_map(|line| line.split_once(':'));
                let shown = lines.find(|(name, value)| {
                    name.eq_ignore_ascii_case("proxy-authorization") && value.trim() == wanted
                });
                if shown.is_some() { 200 } else { 407 }
            }
        }
    }
}

/// The request line and the headers. Nothing follows them before our answer: TLS begins with the tunnel.
async fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn page(status: u16) -> String {
    let body =
        format!("<html><body><h1>{status}</h1>The proxy does not let you pass.</body></html>");
    let challenge = match status {
        407 => "Proxy-Authenticate: Basic realm=\"lab\"\r\n",
        _ => "",
    };
    format!(
        "HTTP/1.1 {status} No\r\n{challenge}Content-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
