//! Collecting a body, while those who wait for it may read along.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::sync::mpsc;

use super::begun_frames::BegunFrames;
use super::body::{BodyPiece, BodyRest, CacheBody};
use super::body_budget::{BodyBudget, FRAME, Reservation, UNCOUNTED};
use super::body_error::{BodyError, IncompleteBody};

/// The time after which [`Waiters::waits_for_body`] is asked.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time for which a body of unknown length is collected after its client has gone.
const REST: Duration = Duration::from_secs(10);

/// A body that was collected, or as much of it as there is.
pub(super) enum CollectedBody<B: Body> {
    /// All of it.
    Whole(Bytes, BodyMemory),
    /// It is too long or cannot be stored: the frames that came, and the rest.
    Begun(CacheBody<B>),
    /// The client has it already, and it is not stored.
    Delivered,
}

/// The memory of a body that is collected, which it takes until it is stored and sent.
pub(super) struct BodyMemory {
    /// The bytes for the client.
    pub(super) sending: Arc<Reservation>,
    /// The copy for the store.
    collecting: Reservation,
    /// The bytes of data and frames so far.
    len: usize,
}

impl BodyMemory {
    fn new(budget: &Arc<BodyBudget>) -> Self {
        Self { sending: Arc::new(budget.sending()), collecting: budget.collecting(), len: 0 }
    }

    /// Takes memory for more data, and returns whether there is enough.
    fn grow(&mut self, data: usize) -> bool {
        let counted = self.len.saturating_sub(UNCOUNTED);
        self.len = self.len.saturating_add(data).saturating_add(FRAME);
        let more = self.len.saturating_sub(UNCOUNTED) - counted;
        self.sending.grow(more) && self.collecting.grow(more)
    }
}

/// The clients that wait while a body is collected.
pub(super) trait Waiters<B: Body> {
    /// The body is not there at once: takes the frames for a client that reads along, and returns a sender for the rest.
    fn share(
        &mut self,
        frames: &mut VecDeque<Frame<Bytes>>,
        memory: &Arc<Reservation>,
    ) -> Option<mpsc::UnboundedSender<BodyPiece<B>>>;

    /// The body is still not complete: returns whether it is collected further.
    fn waits_for_body(&mut self, is_shared: bool) -> bool;
}

/// No clients: a body is collected if it is complete soon.
#[cfg(any(feature = "axum", test))]
pub(super) struct NoWaiters;

#[cfg(any(feature = "axum", test))]
impl<B: Body> Waiters<B> for NoWaiters {
    fn share(
        &mut self,
        _: &mut VecDeque<Frame<Bytes>>,
        _: &Arc<Reservation>,
    ) -> Option<mpsc::UnboundedSender<BodyPiece<B>>> {
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
    budget: &Arc<BodyBudget>,
    waiters: &mut impl Waiters<B>,
) -> CollectedBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
{
    // A body may know its length although the head does not say so.
    let length = length.or_else(|| body.size_hint().exact());
    let mut collector = Collector::new((limit, length), BodyMemory::new(budget));
    loop {
        match collector.next(&mut body).await {
            BodyEvent::Pending => collector.share(waiters),
            BodyEvent::ClientGone => {
                (collector.is_client_gone, collector.late) = (true, Some(wait(REST)));
            }
            BodyEvent::Late if collector.is_client_gone => return CollectedBody::Delivered,
            BodyEvent::Late if waiters.waits_for_body(collector.sender.is_some()) => {}
            BodyEvent::Late => return collector.passed_on(BodyRest::Service { body }),
            BodyEvent::Frame(None) => return collector.end(),
            BodyEvent::Frame(Some(Ok(frame))) => {
                if !collector.push(frame) {
                    return collector.passed_on(BodyRest::Service { body });
                }
            }
            BodyEvent::Frame(Some(Err(error))) => return collector.passed_on(BodyRest::failed(error.into())),
        }
    }
}

/// The next event of a body.
enum BodyEvent<B: Body> {
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
struct Collector<B: Body> {
    limit: usize,
    length: Option<u64>,
    memory: BodyMemory,
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

impl<B> Collector<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
{
    fn new((limit, length): (usize, Option<u64>), memory: BodyMemory) -> Self {
        Self {
            limit,
            length,
            memory,
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

    async fn next(&mut self, body: &mut B) -> BodyEvent<B> {
        std::future::poll_fn(|context| match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(BodyEvent::Frame(frame)),
            Poll::Pending if !self.has_waited => Poll::Ready(BodyEvent::Pending),
            Poll::Pending if is_over(&mut self.client_gone, context) => Poll::Ready(BodyEvent::ClientGone),
            Poll::Pending if is_over(&mut self.late, context) => Poll::Ready(BodyEvent::Late),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Offers the body to the clients that wait.
    fn share(&mut self, waiters: &mut impl Waiters<B>) {
        self.sender = waiters.share(&mut self.frames, &self.memory.sending);
        // A body of known length is collected to its end, even after its client has gone.
        let unknown = self.sender.clone().filter(|_| self.length.is_none());
        self.client_gone = unknown.map(|sender| Box::pin(async move { sender.closed().await }) as Wait);
        (self.has_waited, self.late) = (true, Some(wait(PATIENCE)));
    }

    /// Takes a frame, and returns whether the body can still be stored.
    fn push(&mut self, frame: Frame<Bytes>) -> bool {
        let data = frame.data_ref().filter(|data| self.len + data.len() <= self.limit).cloned();
        let data = data.filter(|data| self.memory.grow(data.len()));
        match &self.sender {
            Some(sender) => drop(sender.send(BodyPiece::Frame(frame))),
            None => self.frames.push_back(frame),
        }
        let Some(data) = data else { return false };
        self.len += data.len();
        self.parts.push(data);
        true
    }

    /// The end of the body. One of another length than announced is for its own client only (RFC 9111 section 3.3); one that
    /// is too short is an error there.
    fn end(self) -> CollectedBody<B> {
        let len = self.len as u64;
        match self.length.filter(|length| *length != len) {
            None => {
                self.sender.inspect(|sender| drop(sender.send(BodyPiece::Rest(BodyRest::end()))));
                // Not in memory beside the whole.
                drop(self.frames);
                CollectedBody::Whole(joined(self.parts, self.len), self.memory)
            }
            Some(length) if len < length => self.passed_on(BodyRest::failed(IncompleteBody.into())),
            Some(_) => self.passed_on(BodyRest::end()),
        }
    }

    /// Stops collecting: the client has the rest behind the frames that came.
    fn passed_on(self, rest: BodyRest<B>) -> CollectedBody<B> {
        match self.sender {
            Some(sender) => {
                drop(sender.send(BodyPiece::Rest(rest)));
                CollectedBody::Delivered
            }
            None => {
                let frames = BegunFrames::new(self.frames, self.memory.sending);
                CollectedBody::Begun(CacheBody::begun(frames, rest))
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

    fn of(len: usize) -> Frames {
        Frames([1, 2, 3].map(|n| Bytes::from(vec![n; len])).into())
    }

    fn read(mut body: CacheBody<Frames>) -> Vec<u8> {
        let mut out = Vec::new();
        block_on(async {
            while let Some(Ok(frame)) =
                std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            {
                out.extend_from_slice(frame.data_ref().expect("data"));
            }
        });
        out
    }

    #[test]
    fn a_body_beyond_the_budget_is_passed_on_whole_and_gives_its_memory_back() {
        let whole = || of(UNCOUNTED).0.iter().flatten().copied().collect::<Vec<u8>>();
        let budget = Arc::new(BodyBudget::new(3 * UNCOUNTED));
        let limits = (4 * UNCOUNTED, None);
        let CollectedBody::Begun(body) = block_on(collect(of(UNCOUNTED), limits, &budget, &mut NoWaiters))
        else {
            panic!("within the budget")
        };
        assert!(budget.used() > UNCOUNTED && budget.used() <= 3 * UNCOUNTED, "{}", budget.used());
        assert_eq!(read(body), whole());
        assert_eq!(budget.used(), 0);

        let budget = Arc::new(BodyBudget::new(8 * UNCOUNTED));
        let collected = block_on(collect(of(UNCOUNTED), limits, &budget, &mut NoWaiters));
        let CollectedBody::Whole(body, memory) = collected else { panic!("beyond the budget") };
        assert_eq!(body, whole());
        // The bytes for the client, and the copy for the store.
        assert!(budget.used() >= 4 * UNCOUNTED, "{}", budget.used());
        drop(memory);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn short_bodies_need_no_memory_of_the_budget_and_tiny_frames_count_as_more_than_their_data() {
        let full = Arc::new(BodyBudget::new(0));
        let collected = block_on(collect(of(1000), (1 << 20, None), &full, &mut NoWaiters));
        assert!(matches!(collected, CollectedBody::Whole(..)));
        let tiny = Frames(std::iter::repeat_n(Bytes::from_static(b"."), UNCOUNTED / FRAME + 1).collect());
        let collected = block_on(collect(tiny, (1 << 20, None), &full, &mut NoWaiters));
        assert!(matches!(collected, CollectedBody::Begun(..)));
    }
}
