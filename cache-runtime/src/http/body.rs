//! The body of a response that came through the cache.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::begun_frames::BegunFrames;
use super::body_error::{BodyError, IncompleteBody};

pin_project_lite::pin_project! {
    /// The body of a response that came through the cache: the cached bytes, or the service's body as it comes.
    ///
    /// Its error is the service's, or [`IncompleteBody`](super::IncompleteBody).
    pub struct CacheBody<B: Body> {
        #[pin]
        source: BodySource<B>,
    }
}

pin_project_lite::pin_project! {
    #[project = BodySourceProjected]
    enum BodySource<B: Body> {
        Whole { bytes: Option<Bytes> },
        Service { #[pin] body: B },
        // None, of a response to `HEAD`: the length is the one that `GET` has.
        Head { len: u64 },
        // The frames that were collected, and what follows them.
        Begun { frames: BegunFrames, #[pin] rest: BodyRest<B> },
    }
}

pin_project_lite::pin_project! {
    /// The rest of a body, of which frames were collected.
    #[project = BodyRestProjected]
    pub(super) enum BodyRest<B: Body> {
        // It is still being collected, and is passed on piece by piece.
        Pieces { pieces: mpsc::UnboundedReceiver<BodyPiece<B>>, size: SizeHint },
        // The body turned out not to be storable.
        Service { #[pin] body: B },
        // There is none, or it failed.
        Ended { error: Option<BodyError> },
    }
}

/// A piece of a body that is passed on while it is collected. A sender that is dropped before the rest has panicked or was
/// stopped.
pub(super) enum BodyPiece<B: Body> {
    Frame(Frame<Bytes>),
    /// Collecting has stopped.
    Rest(BodyRest<B>),
}

impl<B: Body> BodyRest<B> {
    /// The end of a body.
    pub(super) fn end() -> Self {
        Self::Ended { error: None }
    }

    /// The failure of a body.
    pub(super) fn failed(error: BodyError) -> Self {
        Self::Ended { error: Some(error) }
    }
}

impl<B: Body> CacheBody<B> {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { source: BodySource::Whole { bytes: Some(bytes) } }
    }

    /// No bytes, in place of so many: layers above see the size that the response to `GET` has, as with a service that leaves
    /// it to the server to send no body.
    pub(super) fn head(len: u64) -> Self {
        Self { source: BodySource::Head { len } }
    }

    pub(super) fn service(body: B) -> Self {
        Self { source: BodySource::Service { body } }
    }

    /// Frames that were collected, and what follows them.
    pub(super) fn begun(frames: BegunFrames, rest: BodyRest<B>) -> Self {
        Self { source: BodySource::Begun { frames, rest } }
    }

    /// A body that is still being collected. `size` is the size of all of it.
    pub(super) fn shared(
        frames: BegunFrames,
        pieces: mpsc::UnboundedReceiver<BodyPiece<B>>,
        size: SizeHint,
    ) -> Self {
        let size = without(size, frames.len());
        Self::begun(frames, BodyRest::Pieces { pieces, size })
    }

    /// The bytes, if they are all there.
    #[cfg(feature = "axum")]
    pub(crate) fn into_whole(self) -> Result<Bytes, Self> {
        match self.source {
            BodySource::Whole { bytes } => Ok(bytes.unwrap_or_default()),
            source => Err(Self { source }),
        }
    }

    /// The service's body, if it is untouched.
    #[cfg(feature = "axum")]
    pub(crate) fn into_service(self) -> Result<B, Self> {
        match self.source {
            BodySource::Service { body } => Ok(body),
            source => Err(Self { source }),
        }
    }
}

impl<B: Body> Default for CacheBody<B> {
    fn default() -> Self {
        Self::whole(Bytes::new())
    }
}

impl<B> Body for CacheBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.project().source.project() {
            BodySourceProjected::Whole { bytes } => Poll::Ready(
                bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))),
            ),
            BodySourceProjected::Service { body } => body.poll_frame(context).map_err(Into::into),
            BodySourceProjected::Head { .. } => Poll::Ready(None),
            BodySourceProjected::Begun { frames, rest } => match frames.pop() {
                Some(frame) => Poll::Ready(Some(Ok(frame))),
                None => poll_rest(frames, rest, context),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            BodySource::Whole { bytes } => bytes.as_ref().is_none_or(Bytes::is_empty),
            BodySource::Service { body } => body.is_end_stream(),
            BodySource::Head { .. } => true,
            BodySource::Begun { frames, rest } => {
                frames.is_empty()
                    && match rest {
                        BodyRest::Pieces { .. } => false,
                        BodyRest::Service { body } => body.is_end_stream(),
                        BodyRest::Ended { error } => error.is_none(),
                    }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Whole { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            BodySource::Service { body } => body.size_hint(),
            BodySource::Head { len } => SizeHint::with_exact(*len),
            BodySource::Begun { frames, rest } => match rest {
                BodyRest::Pieces { size, .. } => behind(frames, *size),
                BodyRest::Service { body } => behind(frames, body.size_hint()),
                // An exact size would be sent as `Content-Length`, or contradict the one of the service.
                BodyRest::Ended { .. } => behind(frames, SizeHint::new()),
            },
        }
    }
}

/// Polls what follows the frames that were collected.
fn poll_rest<B>(
    frames: &mut BegunFrames,
    mut rest: Pin<&mut BodyRest<B>>,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BodyError>>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    loop {
        let next = match rest.as_mut().project() {
            BodyRestProjected::Pieces { pieces, size } => match ready!(pieces.poll_recv(context)) {
                Some(BodyPiece::Frame(frame)) => {
                    *size = without(*size, frame.data_ref().map_or(0, |data| data.len() as u64));
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(BodyPiece::Rest(rest)) => rest,
                None => BodyRest::failed(IncompleteBody.into()),
            },
            BodyRestProjected::Service { body } => {
                frames.release();
                return body.poll_frame(context).map_err(Into::into);
            }
            BodyRestProjected::Ended { error } => {
                frames.release();
                return Poll::Ready(error.take().map(Err));
            }
        };
        rest.set(next);
    }
}

/// The size of frames and what follows them.
fn behind(frames: &BegunFrames, rest: SizeHint) -> SizeHint {
    let (begun, mut size) = (frames.len(), rest);
    if let Some(upper) = size.upper() {
        size.set_upper(upper.saturating_add(begun));
    }
    size.set_lower(size.lower().saturating_add(begun));
    size
}

/// The size of a body from which bytes were taken.
fn without(size: SizeHint, taken: u64) -> SizeHint {
    let mut left = SizeHint::new();
    left.set_lower(size.lower().saturating_sub(taken));
    if let Some(upper) = size.upper() {
        left.set_upper(upper.saturating_sub(taken));
    }
    left
}

impl<B: Body> fmt::Debug for CacheBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheBody")
    }
}
