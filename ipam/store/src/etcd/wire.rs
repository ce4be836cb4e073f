//! The stream to one member: TCP, TLS on it where wanted, and a note of what ended it.
//!
//! The gRPC library would connect by itself, and again by itself whenever a connection ends. Then nobody
//! could say whether a request was sent on the old connection or never on the new one, certificates would
//! never be read again, and the word by which a member refuses our certificate would be lost, since TLS
//! 1.3 sends it after the client believes to be connected. So a stream is made here, handed over once,
//! and any try to connect again is an error that says that nothing was sent.

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

/// What ended a stream, if anything did.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending(Arc<Mutex<Option<io::Error>>>);

impl Ending {
    fn note(&self, error: &io::Error) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The first one is the cause. An error cannot be cloned: its inner one's words are kept.
        slot.get_or_insert_with(|| match error.get_ref().and_then(|e| e.downcast_ref()) {
            Some(inner) => io::Error::new(error.kind(), rustls::Error::clone(inner)),
            None => io::Error::new(error.kind(), error.to_string()),
        });
    }

    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

struct Wire {
    stream: Box<dyn Stream>,
    ending: Ending,
    /// Why nothing can be written any more, while the last words are read.
    broken: Option<io::Error>,
}

/// Connects to `scheme://host:port` and makes a channel of it that ends with the connection.
///
/// # Errors
/// Where no connection comes about: nothing was sent.
pub(super) async fn connect(
    url: &str,
    tls: Option<Arc<ClientConfig>>,
    build: impl FnOnce(Endpoint) -> Endpoint,
) -> Result<(Channel, Ending), io::Error> {
    let origin: http::Uri = url.parse().map_err(io::Error::other)?;
    let host = origin.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = origin.port_u16().unwrap_or_default();
    let tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(tcp),
        Some(config) => {
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            Box::new(TlsConnector::from(config).connect(name, tcp).await?)
        }
    };
    let ending = Ending::default();
    let wire = Wire {
        stream,
        ending: ending.clone(),
        broken: None,
    };
    let mut once = Some(TokioIo::new(wire));
    let connector = tower::service_fn(move |_: http::Uri| {
        let wire = once.take();
        let ended = || io::Error::new(io::ErrorKind::NotConnected, "the connection has ended");
        std::future::ready(wire.ok_or_else(ended))
    });
    // TLS is below already, which is none of the library's business.
    let plain = url.replacen("https://", "http://", 1);
    let endpoint = Endpoint::from_shared(plain).map_err(io::Error::other)?;
    let endpoint = build(endpoint.origin(origin));
    match endpoint.connect_with_connector(connector).await {
        Ok(channel) => Ok((channel, ending)),
        // What ended the stream says more than what became of the first bytes on it.
        Err(error) => Err(ending.take().unwrap_or_else(|| io::Error::other(error))),
    }
}

impl Wire {
    fn noted<T>(&self, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &done {
            self.ending.note(error);
        }
        done
    }

    /// Writes; where that fails, what the other side said before it went is read first.
    ///
    /// A member that refuses our certificate says so and closes, which breaks what we are just writing.
    /// Its word lies in the socket then, and whoever gave up at the broken write would never see it. The
    /// reading ends: on a broken connection nothing more can come than what came before it broke.
    fn write_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut dyn Stream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let error = match self.broken.take() {
            Some(error) => error,
            None => match write(Pin::new(&mut *self.stream), cx) {
                Poll::Ready(Err(error)) => error,
                done => return done,
            },
        };
        let mut bytes = [0; 4096];
        loop {
            let mut words = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut words) {
                Poll::Ready(Ok(())) if !words.filled().is_empty() => {}
                Poll::Ready(Ok(())) => break,
                Poll::Ready(Err(last)) => {
                    self.ending.note(&last);
                    break;
                }
                Poll::Pending => {
                    self.broken = Some(error);
                    return Poll::Pending;
                }
            }
        }
        self.ending.note(&error);
        Poll::Ready(Err(error))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.noted(done)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_with(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_with(cx, |stream, cx| stream.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_with(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
