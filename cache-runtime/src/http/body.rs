//! The body of a response that came through the cache.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

pin_project_lite::pin_project! {
    /// The body of a response that came through the cache: the cached bytes, or the service's body as it comes.
    pub struct CacheBody<B: Body> {
        #[pin]
        source: BodySource<B>,
    }
}

pin_project_lite::pin_project! {
    #[project = BodySourceProjected]
    enum BodySource<B: Body> {
        Whole { bytes: Option<Bytes> },
        // Of a status without a body. Its length is unknown, so that no server announces one.
        Absent,
        Service { #[pin] body: B },
        // The frames that were collected before the body turned out not to be storable, and the rest of it.
        Begun { frames: VecDeque<Frame<Bytes>>, #[pin] rest: Option<B> },
        // A body that is still being collected, and is passed on piece by piece.
        Shared { frames: VecDeque<Frame<Bytes>>, pieces: mpsc::UnboundedReceiver<BodyPiece<B>>, #[pin] rest: Option<B>, size: SizeHint },
    }
}

/// A piece of a body that is passed on while it is collected.
pub(super) enum BodyPiece<B: Body> {
    Frame(Frame<Bytes>),
    /// Collecting has stopped: the client reads on from the body itself.
    Rest(B),
    Failed(B::Error),
    End,
}

impl<B: Body> CacheBody<B> {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { source: BodySource::Whole { bytes: Some(bytes) } }
    }

    /// The body of a response with this status: 204 and 304 have none.
    pub(super) fn of_status(status: StatusCode, bytes: Bytes) -> Self {
        match status {
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Self { source: BodySource::Absent },
            _ => Self::whole(bytes),
        }
    }

    pub(super) fn service(body: B) -> Self {
        Self { source: BodySource::Service { body } }
    }

    pub(super) fn begun(frames: VecDeque<Frame<Bytes>>, rest: Option<B>) -> Self {
        Self { source: BodySource::Begun { frames, rest } }
    }

    pub(super) fn shared(
        frames: VecDeque<Frame<Bytes>>,
        pieces: mpsc::UnboundedReceiver<BodyPiece<B>>,
        size: SizeHint,
    ) -> Self {
        Self { source: BodySource::Shared { frames, pieces, rest: None, size } }
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

impl<B: Body<Data = Bytes>> Body for CacheBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().source.project() {
            BodySourceProjected::Whole { bytes } => Poll::Ready(
                bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))),
            ),
            BodySourceProjected::Absent => Poll::Ready(None),
            BodySourceProjected::Service { body } => body.poll_frame(context),
            BodySourceProjected::Begun { frames, rest } => match frames.pop_front() {
                Some(frame) => Poll::Ready(Some(Ok(frame))),
                None => rest.as_pin_mut().map_or(Poll::Ready(None), |rest| rest.poll_frame(context)),
            },
            BodySourceProjected::Shared { frames, pieces, mut rest, .. } => {
                if let Some(frame) = frames.pop_front() {
                    return Poll::Ready(Some(Ok(frame)));
                }
                if let Some(rest) = rest.as_mut().as_pin_mut() {
                    return rest.poll_frame(context);
                }
                match ready!(pieces.poll_recv(context)) {
                    Some(BodyPiece::Frame(frame)) => Poll::Ready(Some(Ok(frame))),
                    Some(BodyPiece::Failed(error)) => Poll::Ready(Some(Err(error))),
                    Some(BodyPiece::Rest(body)) => {
                        rest.set(Some(body));
                        rest.as_pin_mut().map_or(Poll::Ready(None), |rest| rest.poll_frame(context))
                    }
                    Some(BodyPiece::End) | None => Poll::Ready(None),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            BodySource::Whole { bytes } => bytes.as_ref().is_none_or(Bytes::is_empty),
            BodySource::Absent => true,
            BodySource::Service { body } => body.is_end_stream(),
            BodySource::Begun { frames, rest } => {
                frames.is_empty() && rest.as_ref().is_none_or(Body::is_end_stream)
            }
            BodySource::Shared { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Whole { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            BodySource::Absent => SizeHint::new(),
            BodySource::Service { body } => body.size_hint(),
            BodySource::Begun { frames, rest } => {
                let begun: u64 =
                    frames.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
                let mut size = rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
                if let Some(upper) = size.upper() {
                    size.set_upper(upper.saturating_add(begun));
                }
                size.set_lower(size.lower().saturating_add(begun));
                size
            }
            BodySource::Shared { size, .. } => *size,
        }
    }
}

impl<B: Body> fmt::Debug for CacheBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheBody")
    }
}
