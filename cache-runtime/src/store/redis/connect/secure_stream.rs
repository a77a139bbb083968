//! A stream with TLS.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::failure::TLS_FAILED;
use super::metered_stream::MeteredStream;
use super::probe;
use super::progress::Progress;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::tls::{PLAIN, TlsClient};

/// The time without an end of the handshake after which the server is asked whether it speaks TLS at all.
const PATIENCE: Duration = Duration::from_millis(500);

/// A stream with TLS, after its handshake. Records the greeting of the server, and the explanation of an error of TLS: a
/// server of TLS 1.3 refuses the certificate of a client when the handshake is over for the client.
pub(super) struct SecureStream<S> {
    stream: TlsStream<S>,
    tls: Arc<TlsClient>,
    progress: Arc<Progress>,
    /// Nothing was read yet.
    is_new: bool,
}

/// Carries out the handshake with a server.
///
/// # Errors
/// An error of the network, and [`TLS_FAILED`] with an explanation.
pub(super) async fn open(
    tls: &Arc<TlsClient>,
    (host, port): (&str, u16),
    config: &RedisConfig,
    stream: TcpStream,
    progress: &Arc<Progress>,
) -> RedisResult<SecureStream<MeteredStream<TcpStream>>> {
    let stream = MeteredStream::encrypted(stream, Arc::clone(progress));
    let mut handshake = pin!(tls.handshake(host, stream));
    let mut found_plain = pin!(until_plain(host, port, config));
    let failed = |explanation: String| RedisError::from((ErrorKind::Client, TLS_FAILED, explanation));
    let stream = std::future::poll_fn(|context| match handshake.as_mut().poll(context) {
        Poll::Ready(stream) => Poll::Ready(stream.map_err(|error| match tls.explain_handshake(&error) {
            Some(explanation) => {
                tls.reload();
                failed(explanation)
            }
            None => error.into(),
        })),
        Poll::Pending => found_plain.as_mut().poll(context).map(|()| Err(failed(PLAIN.to_owned()))),
    });
    Ok(SecureStream {
        stream: stream.await?,
        tls: Arc::clone(tls),
        progress: Arc::clone(progress),
        is_new: true,
    })
}

/// Waits until it is known that the server has no TLS. Redis without TLS takes the handshake for the beginning of a command and
/// waits for the rest.
async fn until_plain(host: &str, port: u16, config: &RedisConfig) {
    tokio::time::sleep(PATIENCE.min(config.connect_timeout / 2)).await;
    if config.probed.begin() && probe::speaks_plain(host, port).await {
        config.probed.find();
    }
    if !config.probed.is_found() {
        std::future::pending::<()>().await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> SecureStream<S> {
    fn note(&self, error: &io::Error) {
        if let Some(explanation) = self.tls.explain(error) {
            self.tls.reload();
            self.progress.fail(explanation);
        }
    }

    /// After a failed write, reads the reason that the server gave before it hung up.
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Err(_))) {
            let mut bytes = [0; 64];
            // The error, if there is one, is noted.
            let _ = Pin::new(self).poll_read(context, &mut ReadBuf::new(&mut bytes));
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for SecureStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))
            .inspect_err(|error| self.note(error))?;
        if std::mem::take(&mut self.is_new) {
            self.progress.greet(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for SecureStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
