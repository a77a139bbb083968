//! A stream that records the progress of its bytes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::progress::Progress;

/// The number of bytes that are progress. Fewer may be the replies of a server that is late with each of them.
const PROGRESS: usize = 4 << 10;

/// A stream that records the progress of its bytes. Bytes that are read are progress, and so are bytes that can be written
/// after others could not: the peer has taken some. A write by itself only fills a buffer of this machine.
pub(super) struct MeteredStream<S> {
    stream: S,
    progress: Arc<Progress>,
    /// The number of bytes since the last progress.
    passed: usize,
    /// Nothing was read yet, and what is read first is the server's greeting.
    is_new: bool,
    /// The last write found no room.
    is_blocked: bool,
}

impl<S: AsyncRead + Unpin> MeteredStream<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self { stream, progress, passed: 0, is_new: true, is_blocked: false }
    }

    /// Returns a stream whose bytes are encrypted, so that the first ones are no greeting.
    #[cfg(feature = "tls")]
    pub(super) fn encrypted(stream: S, progress: Arc<Progress>) -> Self {
        Self { is_new: false, ..Self::new(stream, progress) }
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.is_blocked = true,
            Poll::Ready(Ok(count)) if std::mem::take(&mut self.is_blocked) => self.pass(*count),
            Poll::Ready(_) => {}
        }
        written
    }

    /// Reads what a server said that hung up before it was asked.
    fn read_farewell(&mut self, context: &mut Context<'_>) {
        let mut bytes = [0; 64];
        let mut buffer = ReadBuf::new(&mut bytes);
        if self.is_new && Pin::new(&mut self.stream).poll_read(context, &mut buffer).is_ready() {
            self.progress.greet(buffer.filled());
        }
    }

    fn pass(&mut self, count: usize) {
        self.passed += count;
        if self.passed >= PROGRESS {
            self.passed = 0;
            self.progress.note();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = &buffer.filled()[before..];
        if std::mem::take(&mut self.is_new) {
            self.progress.greet(read);
        }
        self.pass(read.len());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Err(_))) {
            self.read_farewell(context);
        }
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wrote(written)
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
