//! Where the server listens, and how a connection becomes one that may speak gRPC.

use super::handshake::Address;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// How long a peer may take to show its certificate.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait when the system has no more files to open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The socket on which Terraform finds the server. Dropping it removes its directory.
pub(super) struct Socket {
    listener: Arc<Listener>,
    address: Address,
    #[cfg(unix)]
    _directory: tempfile::TempDir,
}

#[cfg(unix)]
type Listener = tokio::net::UnixListener;
#[cfg(not(unix))]
type Listener = tokio::net::TcpListener;

#[cfg(unix)]
impl Socket {
    /// A socket of mode 0600 in a fresh directory of mode 0700.
    pub(super) fn bind(_ports: (u16, u16)) -> io::Result<Socket> {
        use std::fs::{Permissions, set_permissions};
        use std::os::unix::fs::PermissionsExt;

        let directory = socket_directory()?;
        let path = directory.path().join("plugin.sock");
        let listener = Listener::bind(&path)?;
        set_permissions(&path, Permissions::from_mode(0o600))?;
        let location = path
            .to_str()
            .ok_or_else(|| {
                let message = format!("the path {} is not UTF-8", path.display());
                io::Error::new(io::ErrorKind::InvalidInput, message)
            })?
            .to_owned();
        Ok(Socket {
            listener: Arc::new(listener),
            address: Address {
                network: "unix",
                location,
            },
            _directory: directory,
        })
    }
}

/// A directory whose sockets have short enough names: the system takes about 100 bytes, and TMPDIR may be longer.
#[cfg(unix)]
fn socket_directory() -> io::Result<tempfile::TempDir> {
    use std::fs::Permissions;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    let mut parent = std::env::temp_dir();
    if parent.as_os_str().as_bytes().len() > 64 {
        parent = Path::new("/tmp").to_owned();
    }
    tempfile::Builder::new()
        .prefix("provider-ako-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

#[cfg(not(unix))]
impl Socket {
    /// A loopback port in the range that Terraform asks for, both ends included; any port for 0.
    pub(super) fn bind((first, last): (u16, u16)) -> io::Result<Socket> {
        let bound = (first..=last.max(first))
            .find_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok())
            .ok_or(io::ErrorKind::AddrInUse)?;
        bound.set_nonblocking(true)?;
        let location = bound.local_addr()?.to_string();
        Ok(Socket {
            listener: Arc::new(Listener::from_std(bound)?),
            address: Address {
                network: "tcp",
                location,
            },
        })
    }
}

impl Socket {
    /// Where it listens.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The connections whose peer is Terraform. A peer that is not, or says nothing, holds up nobody else.
    /// The first one cancels `reached`.
    pub(super) fn incoming(
        &self,
        tls: Option<TlsAcceptor>,
        reached: CancellationToken,
    ) -> Incoming {
        let (sender, receiver) = mpsc::channel(16);
        let ready = Ready { sender, reached };
        tokio::spawn(accept(Arc::clone(&self.listener), tls, ready));
        ReceiverStream::new(receiver)
    }
}

/// Connections ready for gRPC; a refused one never gets here.
pub(super) type Incoming = ReceiverStream<io::Result<Connection>>;

/// Where connections go that are ready.
#[derive(Clone)]
struct Ready {
    sender: mpsc::Sender<io::Result<Connection>>,
    reached: CancellationToken,
}

async fn accept(listener: Arc<Listener>, tls: Option<TlsAcceptor>, ready: Ready) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.sender.closed() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(hand_over(stream, tls.clone(), ready.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn hand_over(stream: impl Stream, tls: Option<TlsAcceptor>, ready: Ready) {
    let connection = match tls {
        None => Connection(Box::new(stream)),
        Some(tls) => match tokio::time::timeout(TLS_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => Connection(Box::new(stream)),
            Ok(Err(error)) => return tracing::warn!(%error, "a connection was refused"),
            Err(_) => return tracing::warn!("a connection was refused: no TLS handshake in time"),
        },
    };
    ready.reached.cancel();
    // Nobody takes it once the server is leaving.
    let _ = ready.sender.send(Ok(connection)).await;
}

/// An accepted connection, with or without TLS.
pub(super) struct Connection(Box<dyn Stream>);

/// A byte stream in both directions.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::Socket;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn only_the_user_reaches_the_socket_and_nothing_stays_behind() {
        let socket = Socket::bind((0, 0)).unwrap();
        let path = Path::new(&socket.address().location).to_owned();
        let directory = path.parent().unwrap().to_owned();
        assert_eq!((mode(&path), mode(&directory)), (0o600, 0o700));

        drop(socket);
        assert!(!directory.exists());
    }
}
