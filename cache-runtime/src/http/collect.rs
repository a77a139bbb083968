//! Collecting a body, while those who wait for it may read along.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::body::{BodyPiece, CacheBody};
use super::body_budget::{BodyBudget, Reservation};

/// The time after which [`Waiters::waits_for_body`] is asked.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time for which a body of unknown length is collected after its client has gone.
const REST: Duration = Duration::from_secs(10);

/// A body that was collected, or as much of it as there is.
pub(super) enum CollectedBody<B: Body> {
    /// All of it.
    Whole(Bytes),
    /// It is too long or cannot be stored: the frames that came, and the rest.
    Begun(CacheBody<B>),
    /// The client has it already, and it is not stored.
    Delivered,
}

/// The clients that wait while a body is collected.
pub(super) trait Waiters<B: Body> {
    /// The body is not there at once: takes the frames for a client that reads along, and returns a sender for the rest.
    fn share(&mut self, frames: &mut VecDeque<Frame<Bytes>>) -> Option<mpsc::UnboundedSender<BodyPiece<B>>>;

    /// The body is still not complete: returns whether it is collected further.
    fn waits_for_body(&mut self, is_shared: bool) -> bool;
}

/// No clients: a body is collected if it is complete soon.
#[cfg(any(feature = "axum", test))]
pub(super) struct NoWaiters;

#[cfg(any(feature = "axum", test))]
impl<B: Body> Waiters<B> for NoWaiters {
    fn share(&mut self, _: &mut VecDeque<Frame<Bytes>>) -> Option<mpsc::UnboundedSender<BodyPiece<B>>> {
        None
    }

    fn waits_for_body(&mut self, _: bool) -> bool {
        false
    }
}

/// Collects a body of at most `limit` bytes. `length` is its length by its head.
pub(super) async fn collect<B>(
    mut body: B,
    (limit, length): (usize, Option<u64>),
    budget: &BodyBudget,
    waiters: &mut impl Waiters<B>,
) -> CollectedBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    let mut collector = Collector::new((limit, length), budget.reserve());
    loop {
        match collector.next(&mut body).await {
            Event::Pending => collector.share(waiters),
            Event::ClientGone => {
                (collector.is_client_gone, collector.late) = (true, Some(wait(REST)));
            }
            Event::Late if collector.is_client_gone => return CollectedBody::Delivered,
            Event::Late if waiters.waits_for_body(collector.sender.is_some()) => {}
            Event::Late => return collector.passed_on(body),
            Event::Frame(None) => return collector.end(),
            Event::Frame(Some(Ok(frame))) => {
                if !collector.push(frame) {
                    return collector.passed_on(body);
                }
            }
            Event::Frame(Some(Err(error))) => return collector.failed(error),
        }
    }
}

/// The next event of a body.
enum Event<B: Body> {
    Frame(Option<Result<Frame<Bytes>, B::Error>>),
    /// There is nothing yet, for the first time.
    Pending,
    /// There is still nothing.
    Late,
    /// The client that reads along has gone.
    ClientGone,
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body that is being collected.
struct Collector<'b, B: Body> {
    limit: usize,
    length: Option<u64>,
    reservation: Reservation<'b>,
    /// The frames, until a client takes them.
    frames: VecDeque<Frame<Bytes>>,
    parts: Vec<Bytes>,
    len: usize,
    /// The channel to the client that reads along.
    sender: Option<mpsc::UnboundedSender<BodyPiece<B>>>,
    has_waited: bool,
    late: Option<Wait>,
    client_gone: Option<Wait>,
    is_client_gone: bool,
}

impl<'b, B> Collector<'b, B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    fn new((limit, length): (usize, Option<u64>), reservation: Reservation<'b>) -> Self {
        Self {
            limit,
            length,
            reservation,
            frames: VecDeque::new(),
            parts: Vec::new(),
            len: 0,
            sender: None,
            has_waited: false,
            late: None,
            client_gone: None,
            is_client_gone: false,
        }
    }

    async fn next(&mut self, body: &mut B) -> Event<B> {
        std::future::poll_fn(|context| match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(Event::Frame(frame)),
            Poll::Pending if !self.has_waited => Poll::Ready(Event::Pending),
            Poll::Pending if is_over(&mut self.client_gone, context) => Poll::Ready(Event::ClientGone),
            Poll::Pending if is_over(&mut self.late, context) => Poll::Ready(Event::Late),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Offers the body to the clients that wait.
    fn share(&mut self, waiters: &mut impl Waiters<B>) {
        self.sender = waiters.share(&mut self.frames);
        // A body of known length is collected to its end, even after its client has gone.
        let unknown = self.sender.clone().filter(|_| self.length.is_none());
        self.client_gone = unknown.map(|sender| Box::pin(async move { sender.closed().await }) as Wait);
        (self.has_waited, self.late) = (true, Some(wait(PATIENCE)));
    }

    /// Takes a frame, and returns whether the body can still be stored.
    fn push(&mut self, frame: Frame<Bytes>) -> bool {
        let data = frame.data_ref().filter(|data| self.len + data.len() <= self.limit).cloned();
        let data = data.filter(|data| self.reservation.grow(data.len()));
        match &self.sender {
            Some(sender) => drop(sender.send(BodyPiece::Frame(frame))),
            None => self.frames.push_back(frame),
        }
        let Some(data) = data else { return false };
        self.len += data.len();
        self.parts.push(data);
        true
    }

    /// The end of the body. An incomplete one is for its own client only (RFC 9111 section 3.3).
    fn end(self) -> CollectedBody<B> {
        let is_whole = self.length.is_none_or(|length| length == self.len as u64);
        self.sender.as_ref().inspect(|sender| drop(sender.send(BodyPiece::End)));
        match (is_whole, self.sender) {
            (true, _) => CollectedBody::Whole(joined(self.parts, self.len)),
            (false, Some(_)) => CollectedBody::Delivered,
            (false, None) => CollectedBody::Begun(CacheBody::begun(self.frames, None)),
        }
    }

    /// Stops collecting: the client reads on from the body itself.
    fn passed_on(self, rest: B) -> CollectedBody<B> {
        match self.sender {
            Some(sender) => {
                drop(sender.send(BodyPiece::Rest(rest)));
                CollectedBody::Delivered
            }
            None => CollectedBody::Begun(CacheBody::begun(self.frames, Some(rest))),
        }
    }

    /// The body failed: its client gets the error behind the frames that came.
    fn failed(self, error: B::Error) -> CollectedBody<B> {
        match self.sender {
            Some(sender) => {
                drop(sender.send(BodyPiece::Failed(error)));
                CollectedBody::Delivered
            }
            None => {
                let (sender, pieces) = mpsc::unbounded_channel();
                drop(sender.send(BodyPiece::Failed(error)));
                CollectedBody::Begun(CacheBody::shared(self.frames, pieces, SizeHint::new()))
            }
        }
    }
}

fn wait(time: Duration) -> Wait {
    Box::pin(crate::rt::io::sleep(time))
}

/// Returns whether a wait has ended, once.
fn is_over(wait: &mut Option<Wait>, context: &mut Context<'_>) -> bool {
    let is_over = wait.as_mut().is_some_and(|wait| wait.as_mut().poll(context).is_ready());
    if is_over {
        *wait = None;
    }
    is_over
}

fn joined(mut parts: Vec<Bytes>, len: usize) -> Bytes {
    if parts.len() <= 1 {
        return parts.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(len);
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::rt::park::block_on;

    /// A body whose frames are all there.
    struct Frames(VecDeque<Bytes>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
        }
    }

    fn frames() -> Frames {
        Frames(["one ", "two ", "three"].map(|frame| Bytes::from_static(frame.as_bytes())).into())
    }

    #[test]
    fn a_body_beyond_the_budget_is_passed_on_whole_and_gives_its_reservation_back() {
        let budget = BodyBudget::with_left(6);
        let collected = block_on(collect(frames(), (100, None), &budget, &mut NoWaiters));
        let CollectedBody::Begun(mut body) = collected else { panic!("within the budget") };
        assert_eq!(budget.left(), 6);
        let mut out = Vec::new();
        block_on(async {
            while let Some(Ok(frame)) =
                std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            {
                out.extend_from_slice(frame.data_ref().expect("data"));
            }
        });
        assert_eq!(out, b"one two three");

        let budget = BodyBudget::with_left(100);
        let collected = block_on(collect(frames(), (100, None), &budget, &mut NoWaiters));
        assert!(matches!(collected, CollectedBody::Whole(body) if body == "one two three"));
        assert_eq!(budget.left(), 100);
    }
}
