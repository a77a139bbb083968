//! Bodies: what goes out of the cache, and what is collected on its way to a client.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

pin_project_lite::pin_project! {
    /// The body of a response that came through the cache: what was kept, or what the service gives, as it comes.
    pub struct CacheBody<B: Body> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project_lite::pin_project! {
    #[project = KindProjected]
    enum Kind<B: Body> {
        Whole { bytes: Option<Bytes> },
        Given { #[pin] body: B },
        // What was collected before it turned out that the body is not to be kept, and what follows.
        Begun { frames: VecDeque<Frame<Bytes>>, #[pin] rest: Option<B> },
        // What somebody else collects, who passes it on.
        Shared { frames: VecDeque<Frame<Bytes>>, pieces: mpsc::UnboundedReceiver<Piece<B>>, #[pin] rest: Option<B>, size: SizeHint },
    }
}

/// What is passed on while a body is collected.
pub(super) enum Piece<B: Body> {
    Frame(Frame<Bytes>),
    /// It is collected no longer: the client reads on by itself.
    Rest(B),
    Failed(B::Error),
    /// That was all.
    End,
}

impl<B: Body> CacheBody<B> {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { kind: Kind::Whole { bytes: Some(bytes) } }
    }

    pub(super) fn given(body: B) -> Self {
        Self { kind: Kind::Given { body } }
    }

    pub(super) fn begun(frames: VecDeque<Frame<Bytes>>, rest: Option<B>) -> Self {
        Self { kind: Kind::Begun { frames, rest } }
    }

    pub(super) fn shared(
        frames: VecDeque<Frame<Bytes>>,
        pieces: mpsc::UnboundedReceiver<Piece<B>>,
        size: SizeHint,
    ) -> Self {
        Self { kind: Kind::Shared { frames, pieces, rest: None, size } }
    }

    /// The bytes, if they are all there.
    #[cfg(feature = "axum")]
    pub(crate) fn into_whole(self) -> Result<Bytes, Self> {
        match self.kind {
            Kind::Whole { bytes } => Ok(bytes.unwrap_or_default()),
            kind => Err(Self { kind }),
        }
    }

    /// What the service gave, if it goes out as it came.
    #[cfg(feature = "axum")]
    pub(crate) fn into_given(self) -> Result<B, Self> {
        match self.kind {
            Kind::Given { body } => Ok(body),
            kind => Err(Self { kind }),
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
        match self.project().kind.project() {
            KindProjected::Whole { bytes } => Poll::Ready(
                bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))),
            ),
            KindProjected::Given { body } => body.poll_frame(context),
            KindProjected::Begun { frames, rest } => match frames.pop_front() {
                Some(frame) => Poll::Ready(Some(Ok(frame))),
                None => rest.as_pin_mut().map_or(Poll::Ready(None), |rest| rest.poll_frame(context)),
            },
            KindProjected::Shared { frames, pieces, mut rest, .. } => {
                if let Some(frame) = frames.pop_front() {
                    return Poll::Ready(Some(Ok(frame)));
                }
                if let Some(rest) = rest.as_mut().as_pin_mut() {
                    return rest.poll_frame(context);
                }
                match ready!(pieces.poll_recv(context)) {
                    Some(Piece::Frame(frame)) => Poll::Ready(Some(Ok(frame))),
                    Some(Piece::Failed(error)) => Poll::Ready(Some(Err(error))),
                    Some(Piece::Rest(body)) => {
                        rest.set(Some(body));
                        rest.as_pin_mut().map_or(Poll::Ready(None), |rest| rest.poll_frame(context))
                    }
                    Some(Piece::End) | None => Poll::Ready(None),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole { bytes } => bytes.as_ref().is_none_or(Bytes::is_empty),
            Kind::Given { body } => body.is_end_stream(),
            Kind::Begun { frames, rest } => {
                frames.is_empty() && rest.as_ref().is_none_or(Body::is_end_stream)
            }
            Kind::Shared { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Given { body } => body.size_hint(),
            Kind::Begun { frames, rest } => {
                let begun: u64 =
                    frames.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
                let mut size = rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
                if let Some(upper) = size.upper() {
                    size.set_upper(upper.saturating_add(begun));
                }
                size.set_lower(size.lower().saturating_add(begun));
                size
            }
            Kind::Shared { size, .. } => *size,
        }
    }
}

impl<B: Body> fmt::Debug for CacheBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheBody")
    }
}

/// How a body was collected.
pub(super) enum Collected<B: Body> {
    /// All of it is there.
    Whole(Bytes),
    /// It has more than may be kept, or what cannot be kept: here is all that came, and what follows.
    Begun(CacheBody<B>),
    /// The client has what there is, and it is not to be kept.
    Gone,
}

/// Collects a body of at most `limit` bytes, which is to have `length` of them if that was said. As soon as it has to be
/// waited for, `share` may take what there is and pass on what comes.
pub(super) async fn collect<B>(
    body: B,
    limit: usize,
    length: Option<u64>,
    share: impl FnOnce(&mut VecDeque<Frame<Bytes>>) -> Option<mpsc::UnboundedSender<Piece<B>>>,
) -> Collected<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut body = body;
    let (mut frames, mut kept) = (VecDeque::new(), Kept::default());
    let mut share = Some(share);
    let mut sender: Option<mpsc::UnboundedSender<Piece<B>>> = None;
    loop {
        let next = std::future::poll_fn(|context| match Pin::new(&mut body).poll_frame(context) {
            Poll::Pending if share.is_some() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
            Poll::Ready(next) => Poll::Ready(Some(next)),
        })
        .await;
        match next {
            None => sender = share.take().and_then(|share| share(&mut frames)),
            Some(None) => {
                // Half a body is for nobody but the client that it was sent to (RFC 9111, 3.3).
                let is_whole = length.is_none_or(|length| length == kept.len as u64);
                let is_shared = sender.inspect(|sender| drop(sender.send(Piece::End))).is_some();
                return match (is_whole, is_shared) {
                    (true, _) => Collected::Whole(kept.joined()),
                    (false, true) => Collected::Gone,
                    (false, false) => begun(frames, None),
                };
            }
            Some(Some(Ok(frame))) => {
                let fits = frame.data_ref().is_some_and(|data| kept.len + data.len() <= limit);
                if let (true, Some(data)) = (fits, frame.data_ref()) {
                    kept.push(data.clone());
                }
                match &sender {
                    Some(sender) => drop(sender.send(Piece::Frame(frame))),
                    None => frames.push_back(frame),
                }
                if !fits {
                    return match sender {
                        Some(sender) => {
                            drop(sender.send(Piece::Rest(body)));
                            Collected::Gone
                        }
                        None => begun(frames, Some(body)),
                    };
                }
            }
            Some(Some(Err(error))) => {
                // Whoever reads it is to hear of it, and nobody else is given half a body.
                return match sender {
                    Some(sender) => {
                        drop(sender.send(Piece::Failed(error)));
                        Collected::Gone
                    }
                    None => {
                        let (sender, pieces) = mpsc::unbounded_channel();
                        drop(sender.send(Piece::Failed(error)));
                        Collected::Begun(CacheBody::shared(frames, pieces, SizeHint::new()))
                    }
                };
            }
        }
    }
}

fn begun<B: Body>(frames: VecDeque<Frame<Bytes>>, rest: Option<B>) -> Collected<B> {
    Collected::Begun(CacheBody::begun(frames, rest))
}

/// What was collected.
#[derive(Default)]
struct Kept {
    parts: Vec<Bytes>,
    len: usize,
}

impl Kept {
    fn push(&mut self, part: Bytes) {
        self.len += part.len();
        self.parts.push(part);
    }

    fn joined(mut self) -> Bytes {
        if self.parts.len() <= 1 {
            return self.parts.pop().unwrap_or_default();
        }
        let mut whole = BytesMut::with_capacity(self.len);
        self.parts.iter().for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}
