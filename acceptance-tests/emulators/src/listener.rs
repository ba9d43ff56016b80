//! Servers on loopback: TLS or plain, HTTP/1.1 or HTTP/2, and connections that can be broken on purpose.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::server::danger::ClientCertVerifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::certificates::{Authority, Error as CertificateError, trusted};
use crate::http::{Request, Response};

/// What a server does with one request.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Answers, or says how the connection is to be broken.
    fn serve(&self, request: Request) -> impl Future<Output = Answer> + Send;
}

/// The end of one exchange.
pub(crate) enum Answer {
    /// An ordinary answer.
    Whole(Response),
    /// An answer whose body ends early, after this many bytes, and the connection with it.
    Cut(Response, usize),
    /// No answer: the connection is reset.
    Reset,
}

/// A bound socket on loopback that does not serve yet, so that its address can be told first.
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds a free port, or the given one.
    pub(crate) async fn bind(port: u16) -> io::Result<Listener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Listener { listener, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Host and port for its URL, by another host where there is one.
    pub(crate) fn shown_as(&self, host: Option<&str>) -> String {
        match host {
            Some(host) => format!("{host}:{}", self.address.port()),
            None => self.address.to_string(),
        }
    }

    /// Serves over TLS in the background until the token is cancelled.
    pub(crate) fn serve_tls<S: Serve>(
        self,
        authority: &Authority,
        service: Arc<S>,
        stop: CancellationToken,
    ) -> Result<(), CertificateError> {
        let acceptor = TlsAcceptor::from(Arc::new(authority.server_config()?));
        let verifier = authority.client_verifier();
        tokio::spawn(self.accept(stop, move |wire, link| {
            let (acceptor, verifier) = (acceptor.clone(), Arc::clone(&verifier));
            let service = Arc::clone(&service);
            async move {
                if let Ok(stream) = acceptor.accept(wire).await {
                    let certificate = client_certificate(&stream, verifier.as_ref());
                    exchange(stream, service, link, certificate).await;
                }
            }
        }));
        Ok(())
    }

    /// Serves without TLS in the background until the token is cancelled.
    pub(crate) fn serve_plain<S: Serve>(self, service: Arc<S>, stop: CancellationToken) {
        tokio::spawn(self.accept(stop, move |wire, link| {
            exchange(wire, Arc::clone(&service), link, None)
        }));
    }

    async fn accept<F>(self, stop: CancellationToken, converse: impl Fn(Wire, Link) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = self.listener.accept() => accepted,
            };
            // Out of descriptors or a client that left already: the next one may fare better.
            let Ok((stream, _)) = accepted else { continue };
            let _ = stream.set_nodelay(true);
            let stream = Arc::new(stream);
            let link = Link {
                stream: Arc::clone(&stream),
                broken: CancellationToken::new(),
                stop: stop.clone(),
            };
            let conversation = converse(Wire(stream), link.clone());
            let stop = stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = link.broken.cancelled() => {}
                    () = conversation => {}
                }
            });
        }
    }
}

/// The handle by which a request can break the connection that carries it.
#[derive(Clone)]
struct Link {
    stream: Arc<TcpStream>,
    broken: CancellationToken,
    stop: CancellationToken,
}

impl Link {
    /// Makes the close that follows an RST instead of a FIN.
    fn reset(&self) {
        let _ = self.stream.set_zero_linger();
        self.broken.cancel();
    }
}

async fn exchange<S: Serve>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    service: Arc<S>,
    link: Link,
    client_certificate: Option<Bytes>,
) {
    let service = service_fn(move |incoming| {
        let (service, link) = (Arc::clone(&service), link.clone());
        let certificate = client_certificate.clone();
        async move {
            let answer = match read(incoming, certificate).await {
                Ok(request) => act(service, request, link.stop.clone()).await,
                Err(_) => Answer::Reset,
            };
            Ok::<_, Infallible>(send(answer, &link).await)
        }
    });
    // A client that hangs up in the middle is its own business.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Serves a request that has arrived whole to its end, whether or not the client waits for it: a client that
/// leaves cannot take back what it sent.
async fn act<S: Serve>(service: Arc<S>, request: Request, stop: CancellationToken) -> Answer {
    let task = tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => Answer::Reset,
            answer = service.serve(request) => answer,
        }
    });
    // A service that panicked leaves its client with a broken connection.
    task.await.unwrap_or(Answer::Reset)
}

async fn read(
    incoming: hyper::Request<Incoming>,
    client_certificate: Option<Bytes>,
) -> Result<Request, hyper::Error> {
    let (head, body) = incoming.into_parts();
    let mut headers = head.headers;
    // HTTP/2 carries the host in the request line; services look for it in one place.
    if let Some(authority) = head.uri.authority()
        && let Ok(host) = authority.as_str().parse()
    {
        headers.entry(http::header::HOST).or_insert(host);
    }
    Ok(Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.collect().await?.to_bytes(),
        client_certificate,
    })
}

async fn send(answer: Answer, link: &Link) -> hyper::Response<Sent> {
    let (response, keep) = match answer {
        Answer::Whole(response) => (response, None),
        Answer::Cut(response, keep) => (response, Some(keep)),
        Answer::Reset => {
            link.reset();
            // The connection's task ends at its next turn and drops this future with it.
            return std::future::pending().await;
        }
    };
    let mut sent = hyper::Response::new(Sent::new(response.body, keep));
    *sent.status_mut() = response.status;
    *sent.headers_mut() = response.headers;
    sent
}

fn client_certificate(
    stream: &tokio_rustls::server::TlsStream<Wire>,
    verifier: &dyn ClientCertVerifier,
) -> Option<Bytes> {
    let chain = stream.get_ref().1.peer_certificates()?;
    let first = chain.first()?;
    trusted(verifier, chain).then(|| Bytes::copy_from_slice(first))
}

/// A body that is announced whole and may end early.
struct Sent {
    rest: Bytes,
    announced: u64,
    cut: bool,
}

impl Sent {
    fn new(body: Bytes, keep: Option<usize>) -> Sent {
        let announced = body.len() as u64;
        let keep = keep.unwrap_or(body.len()).min(body.len());
        Sent {
            cut: (keep as u64) < announced,
            rest: body.slice(..keep),
            announced,
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        if std::mem::take(&mut self.cut) {
            let why = io::Error::other("the body is cut on purpose");
            return Poll::Ready(Some(Err(why)));
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

/// A TCP stream shared with its [`Link`]: TLS owns the reading and writing, the link only the way it ends.
struct Wire(Arc<TcpStream>);

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // No half-close through a shared stream without a descriptor of its own: dropping it sends the FIN.
        Poll::Ready(Ok(()))
    }
}
