//! The waker of a leader. A leader that was woken and is not polled is *stalled*: its task holds the future and does
//! something else. One that was not woken waits for I/O.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// The waker of a leader, which notes the moment of a wake and passes the wake on.
#[derive(Debug, Default)]
pub(crate) struct LeaderWaker {
    /// The moment of the first wake since the last poll, in microseconds; 0 if there was none.
    woken: AtomicU64,
    is_polling: AtomicBool,
    target: Mutex<WakeTarget>,
}

/// The next waker of a chain.
#[derive(Debug, Default)]
enum WakeTarget {
    #[default]
    None,
    /// The computation around this one, which polls this one directly. Kept apart from other wakers, so that a wake and a drop
    /// pass a deep chain in a loop.
    Parent(Arc<LeaderWaker>),
    /// Any other waker.
    Other(Waker),
}

impl LeaderWaker {
    /// Drives a leader to its end. `parent` is the computation around it.
    pub(crate) fn drive<F>(self: &Arc<Self>, parent: Option<Arc<Self>>, leader: F) -> Driven<F> {
        let parent = parent.map(|parent| (Waker::from(Arc::clone(&parent)), parent));
        Driven {
            leader,
            driver: Some(LeaderDriver {
                own: Waker::from(Arc::clone(self)),
                waker: Arc::clone(self),
                parent,
            }),
        }
    }

    /// Returns whether the leader could go on for at least this long, and was not polled.
    pub(crate) fn is_stalled(&self, limit: Duration) -> bool {
        let woken = self.woken.load(SeqCst);
        let waits = || Duration::from_micros(now().saturating_sub(woken));
        woken != 0 && !self.is_polling.load(SeqCst) && waits() >= limit
    }

    /// Notes that the leader could go on.
    pub(super) fn note(&self) {
        // The first wake counts.
        let _ = self.woken.compare_exchange(0, now(), SeqCst, SeqCst);
    }

    fn target(&self) -> MutexGuard<'_, WakeTarget> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future of a leader, with the waker that drives it.
pub(crate) struct Driven<F> {
    leader: F,
    /// `None` for a computation that nobody waits for.
    driver: Option<LeaderDriver>,
}

struct LeaderDriver {
    waker: Arc<LeaderWaker>,
    own: Waker,
    /// The computation around this one.
    parent: Option<(Waker, Arc<LeaderWaker>)>,
}

impl<F> Driven<F> {
    /// A computation that nobody waits for.
    pub(crate) fn alone(leader: F) -> Self {
        Self { leader, driver: None }
    }
}

impl<F: Future + Unpin> Future for Driven<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { leader, driver } = self.get_mut();
        let Some(LeaderDriver { waker, own, parent }) = driver else { return Pin::new(leader).poll(context) };
        let _polling = Polling::begin(waker, context.waker(), parent.as_ref());
        Pin::new(leader).poll(&mut Context::from_waker(own))
    }
}

impl Wake for LeaderWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut current = Arc::clone(self);
        loop {
            current.note();
            let next = match &*current.target() {
                WakeTarget::None => return,
                WakeTarget::Parent(parent) => Ok(Arc::clone(parent)),
                WakeTarget::Other(waker) => Err(waker.clone()),
            };
            match next {
                Ok(parent) => current = parent,
                Err(waker) => return waker.wake(),
            }
        }
    }
}

impl Drop for LeaderWaker {
    fn drop(&mut self) {
        let mut target = std::mem::take(&mut *self.target());
        // The parents in a loop: each would drop the next one otherwise.
        while let WakeTarget::Parent(parent) = target {
            let Some(last) = Arc::into_inner(parent) else { return };
            target = std::mem::take(&mut *last.target());
        }
    }
}

/// A poll of a leader, which may end by a panic.
struct Polling<'w>(&'w LeaderWaker);

impl<'w> Polling<'w> {
    fn begin(leader: &'w LeaderWaker, waker: &Waker, parent: Option<&(Waker, Arc<LeaderWaker>)>) -> Self {
        leader.is_polling.store(true, SeqCst);
        leader.woken.store(0, SeqCst);
        let mut target = leader.target();
        let is_same = match &*target {
            WakeTarget::None => false,
            WakeTarget::Parent(_) => parent.is_some_and(|(known, _)| known.will_wake(waker)),
            WakeTarget::Other(known) => known.will_wake(waker),
        };
        if !is_same {
            let parent = parent.filter(|(known, _)| known.will_wake(waker));
            let new = match parent {
                Some((_, parent)) => WakeTarget::Parent(Arc::clone(parent)),
                None => WakeTarget::Other(waker.clone()),
            };
            let old = std::mem::replace(&mut *target, new);
            drop(target);
            drop(old);
        }
        Self(leader)
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        // A wake during the poll counts from its end: until then nobody could poll again.
        if self.0.woken.load(SeqCst) != 0 {
            self.0.woken.store(now(), SeqCst);
        }
        self.0.is_polling.store(false, SeqCst);
    }
}

/// The time since the first use, in microseconds; never 0.
fn now() -> u64 {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(FIRST.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    /// A future that is never ready, and stores its waker.
    fn pending(store: &Mutex<Option<Waker>>) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            *store.lock().expect("no panic") = Some(context.waker().clone());
            Poll::Pending
        })
    }

    fn poll(future: Pin<&mut impl Future<Output = ()>>, task: &Arc<Task>) {
        assert!(future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(task)))).is_pending());
    }

    #[test]
    fn a_leader_that_is_woken_and_not_polled_is_stalled() {
        let (leader, task, store) =
            (Arc::new(LeaderWaker::default()), Arc::new(Task::default()), Mutex::default());
        let mut future = pin!(leader.drive(None, pending(&store)));
        let is_stalled = || leader.is_stalled(Duration::ZERO);
        assert!(!is_stalled(), "not polled yet");
        poll(future.as_mut(), &task);
        assert!(!is_stalled(), "waits for I/O");
        store.lock().expect("no panic").take().expect("a waker").wake();
        assert_eq!(task.0.load(SeqCst), 1);
        assert!(is_stalled() && !leader.is_stalled(Duration::from_secs(3600)));
        poll(future.as_mut(), &task);
        assert!(!is_stalled());
    }

    #[test]
    fn a_wake_reaches_every_computation_around_it_and_the_task_once() {
        let chain: Vec<_> = (0..3).map(|_| Arc::new(LeaderWaker::default())).collect();
        let (task, store) = (Arc::new(Task::default()), Mutex::default());
        let inner = chain[0].drive(Some(Arc::clone(&chain[1])), pending(&store));
        let inner = chain[1].drive(Some(Arc::clone(&chain[2])), inner);
        let mut future = pin!(chain[2].drive(None, inner));
        poll(future.as_mut(), &task);
        store.lock().expect("no panic").take().expect("a waker").wake_by_ref();
        assert_eq!(task.0.load(SeqCst), 1);
        assert!(chain.iter().all(|leader| leader.is_stalled(Duration::ZERO)));
    }

    #[test]
    fn a_deep_chain_is_woken_and_dropped_without_recursion() {
        let task = Arc::new(Task::default());
        let mut outer = Arc::new(LeaderWaker::default());
        *outer.target() = WakeTarget::Other(Waker::from(Arc::clone(&task)));
        for _ in 0..200_000 {
            let inner = Arc::new(LeaderWaker::default());
            *inner.target() = WakeTarget::Parent(outer);
            outer = inner;
        }
        outer.wake_by_ref();
        assert_eq!(task.0.load(SeqCst), 1);
        drop(outer);
    }
}
