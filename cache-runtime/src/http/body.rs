//! Bodies: what goes out of the cache, and what is collected on its way to a client.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

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

/// What is collected at once of all bodies that a cache has to wait for, or keeps for a moment, at most: 64 MiB. What there
/// is no room for goes out as it comes.
#[derive(Debug, Default)]
pub(crate) struct Room(AtomicUsize);

const ROOM: usize = 64 << 20;

/// A part of the room, given back when it is dropped.
struct Taken<'r> {
    room: &'r Room,
    bytes: usize,
}

impl Taken<'_> {
    /// MoveToBackground more. Two that come at once may both be refused where one would fit.
    fn more(&mut self, bytes: usize) -> bool {
        let fits = self.room.0.fetch_add(bytes, Relaxed).saturating_add(bytes) <= ROOM;
        self.bytes += bytes;
        fits
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.bytes, Relaxed);
    }
}

/// Who waits while a body is collected.
pub(super) trait Audience<B: Body> {
    /// The body has to be waited for: a client may take what there is, and is passed what comes.
    fn share(&mut self, frames: &mut VecDeque<Frame<Bytes>>) -> Option<mpsc::UnboundedSender<Piece<B>>>;

    /// It is still not complete after a while. ValueRules whether it is to be collected on.
    fn is_patient(&mut self, is_shared: bool) -> bool;
}

/// How long a body may take until [`Audience::is_patient`] is asked.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a body whose end nobody knows is collected on when its client has gone.
const REST: Duration = Duration::from_secs(10);

/// What comes next of a body.
enum Next<B: Body> {
    Frame(Option<Result<Frame<Bytes>, B::Error>>),
    /// Nothing yet, for the first time.
    Nothing,
    /// Still nothing.
    Late,
    /// Whom it was passed to has gone.
    Left,
}

/// Collects a body of at most `limit` bytes, which is to have `length` of them if that was said.
pub(super) async fn collect<B>(
    mut body: B,
    (limit, length): (usize, Option<u64>),
    room: &Room,
    audience: &mut impl Audience<B>,
) -> Collected<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    let mut taken = Taken { room, bytes: 0 };
    let (mut frames, mut kept) = (VecDeque::new(), Kept::default());
    let mut sender: Option<mpsc::UnboundedSender<Piece<B>>> = None;
    let (mut has_waited, mut late) = (false, None);
    let (mut is_left, mut left) = (false, None);
    loop {
        let next = std::future::poll_fn(|context| match Pin::new(&mut body).poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(Next::<B>::Frame(frame)),
            Poll::Pending if !has_waited => Poll::Ready(Next::Nothing),
            Poll::Pending if is_over(&mut left, context) => Poll::Ready(Next::Left),
            Poll::Pending if is_over(&mut late, context) => Poll::Ready(Next::Late),
            Poll::Pending => Poll::Pending,
        })
        .await;
        match next {
            Next::Nothing => {
                sender = audience.share(&mut frames);
                // What is as long as was said is collected to its end; what nobody knows the end of is not.
                left = sender.clone().filter(|_| length.is_none()).map(gone);
                (has_waited, late) = (true, Some(Box::pin(crate::rt::io::sleep(PATIENCE)) as Wait));
            }
            Next::Left => (is_left, late) = (true, Some(Box::pin(crate::rt::io::sleep(REST)) as Wait)),
            Next::Late if is_left => return Collected::Gone,
            Next::Late if audience.is_patient(sender.is_some()) => {}
            Next::Late => return passed_on(sender, frames, Some(body)),
            Next::Frame(None) => {
                // Half a body is for nobody but the client that it was sent to (RFC 9111, 3.3).
                let is_whole = length.is_none_or(|length| length == kept.len as u64);
                sender.as_ref().inspect(|sender| drop(sender.send(Piece::End)));
                return match (is_whole, sender) {
                    (true, _) => Collected::Whole(kept.joined()),
                    (false, Some(_)) => Collected::Gone,
                    (false, None) => begun(frames, None),
                };
            }
            Next::Frame(Some(Ok(frame))) => {
                let data = frame.data_ref().filter(|data| kept.len + data.len() <= limit).cloned();
                let data = data.filter(|data| taken.more(data.len()));
                match &sender {
                    Some(sender) => drop(sender.send(Piece::Frame(frame))),
                    None => frames.push_back(frame),
                }
                match data {
                    Some(data) => kept.push(data),
                    None => return passed_on(sender, frames, Some(body)),
                }
            }
            Next::Frame(Some(Err(error))) => return broken(sender, frames, error),
        }
    }
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whether a wait has come to its end, which it does once.
fn is_over(wait: &mut Option<Wait>, context: &mut Context<'_>) -> bool {
    let is_over = wait.as_mut().is_some_and(|wait| wait.as_mut().poll(context).is_ready());
    if is_over {
        *wait = None;
    }
    is_over
}

/// Until nobody reads any more.
fn gone<B>(sender: mpsc::UnboundedSender<Piece<B>>) -> Wait
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    Box::pin(async move { sender.closed().await })
}

/// The body is collected no longer: whoever reads it has it from here on.
fn passed_on<B: Body>(
    sender: Option<mpsc::UnboundedSender<Piece<B>>>,
    frames: VecDeque<Frame<Bytes>>,
    rest: Option<B>,
) -> Collected<B> {
    match (sender, rest) {
        (Some(sender), Some(rest)) => {
            drop(sender.send(Piece::Rest(rest)));
            Collected::Gone
        }
        (_, rest) => begun(frames, rest),
    }
}

/// The body broke off. Whoever reads it is to hear of it, and nobody else is given half a body.
fn broken<B: Body>(
    sender: Option<mpsc::UnboundedSender<Piece<B>>>,
    frames: VecDeque<Frame<Bytes>>,
    error: B::Error,
) -> Collected<B> {
    match sender {
        Some(sender) => {
            drop(sender.send(Piece::Failed(error)));
            Collected::Gone
        }
        None => {
            let (sender, pieces) = mpsc::unbounded_channel();
            drop(sender.send(Piece::Failed(error)));
            Collected::Begun(CacheBody::shared(frames, pieces, SizeHint::new()))
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A body that is all there.
    struct Pieces(VecDeque<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
        }
    }

    struct Nobody;

    impl<B: Body> Audience<B> for Nobody {
        fn share(&mut self, _: &mut VecDeque<Frame<Bytes>>) -> Option<mpsc::UnboundedSender<Piece<B>>> {
            None
        }

        fn is_patient(&mut self, _: bool) -> bool {
            false
        }
    }

    fn pieces() -> Pieces {
        Pieces(["one ", "two ", "three"].map(|piece| Bytes::from_static(piece.as_bytes())).into())
    }

    #[test]
    fn what_there_is_no_room_for_goes_out_whole_and_gives_its_room_back() {
        let room = Room(AtomicUsize::new(ROOM - 6));
        let collected = crate::rt::park::block_on(collect(pieces(), (100, None), &room, &mut Nobody));
        let Collected::Begun(mut body) = collected else { panic!("there was room") };
        assert_eq!(room.0.load(Relaxed), ROOM - 6);
        let mut out = Vec::new();
        crate::rt::park::block_on(async {
            while let Some(Ok(frame)) =
                std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            {
                out.extend_from_slice(frame.data_ref().expect("data"));
            }
        });
        assert_eq!(out, b"one two three");

        let room = Room::default();
        let collected = crate::rt::park::block_on(collect(pieces(), (100, None), &room, &mut Nobody));
        assert!(matches!(collected, Collected::Whole(body) if body == "one two three"));
        assert_eq!(room.0.load(Relaxed), 0);
    }
}
