//! The places of commands in flight: their number is bounded, so that the last of them is answered in time.
//!
//! Without a bound, a burst of commands takes longer than a time limit to be answered, and a server that answers as fast as
//! it can seems to be silent. Whoever finds no place waits for one. Commands that finish what a read has begun come first:
//! otherwise a burst of reads would be followed by results that cannot be stored.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::rt::stripe::Striped;

/// The number of reads that wait, for each place: a server that answers a hundred thousand commands in a second takes a part
/// of the usual time limit for them.
const QUEUE: usize = 64;

/// The places of one pool, for each stripe of threads.
pub(super) struct Places {
    stripes: Striped<PlaceStripe>,
    most: usize,
}

#[derive(Default)]
struct PlaceStripe {
    taken: AtomicUsize,
    /// The length of both queues.
    waiting: AtomicUsize,
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    first: VecDeque<Arc<Waiter>>,
    reads: VecDeque<Arc<Waiter>>,
}

/// A place of a command in flight, which is free again when this is dropped.
pub(super) struct CommandPlace<'p> {
    stripe: &'p PlaceStripe,
    most: usize,
}

/// A command that waits for a place.
pub(super) struct PlaceWait<'p> {
    stripe: &'p PlaceStripe,
    most: usize,
    waiter: Arc<Waiter>,
}

#[derive(Default)]
struct Waiter(Mutex<WaiterState>);

#[derive(Default)]
enum WaiterState {
    #[default]
    New,
    Waits(Waker),
    /// The place was taken for the waiter.
    Granted,
    Gone,
}

impl Places {
    /// Returns places for so many commands of each stripe.
    pub(super) fn new(most: usize) -> Self {
        Self { stripes: Striped::default(), most }
    }

    /// Takes a place, if one is free and nobody waits.
    pub(super) fn take(&self) -> Option<CommandPlace<'_>> {
        let stripe = self.stripes.here();
        if stripe.waiting.load(SeqCst) > 0 {
            return None;
        }
        let others = stripe.taken.fetch_add(1, SeqCst);
        let place = CommandPlace { stripe, most: self.most };
        (others < self.most).then_some(place)
    }

    /// Waits for a place. `None` if so many reads wait that another one would wait in vain.
    pub(super) fn wait(&self, is_read: bool) -> Option<PlaceWait<'_>> {
        let (stripe, waiter) = (self.stripes.here(), Arc::<Waiter>::default());
        {
            let mut queues = stripe.queues();
            stripe.drop_gone(&mut queues);
            if is_read && queues.reads.len() >= self.most * QUEUE {
                return None;
            }
            let queue = if is_read { &mut queues.reads } else { &mut queues.first };
            queue.push_back(Arc::clone(&waiter));
            stripe.waiting.fetch_add(1, SeqCst);
        }
        // A place may have become free before the waiter was counted.
        stripe.grant(self.most);
        Some(PlaceWait { stripe, most: self.most, waiter })
    }
}

impl PlaceStripe {
    /// Gives free places to those who wait.
    fn grant(&self, most: usize) {
        loop {
            let waker = {
                let mut queues = self.queues();
                if self.taken.load(SeqCst) >= most {
                    return;
                }
                let Some(waiter) = queues.first.pop_front().or_else(|| queues.reads.pop_front()) else {
                    return;
                };
                self.waiting.fetch_sub(1, SeqCst);
                let mut state = waiter.state();
                match std::mem::replace(&mut *state, WaiterState::Granted) {
                    WaiterState::Gone => {
                        *state = WaiterState::Gone;
                        continue;
                    }
                    WaiterState::Waits(waker) => {
                        self.taken.fetch_add(1, SeqCst);
                        Some(waker)
                    }
                    WaiterState::New | WaiterState::Granted => {
                        self.taken.fetch_add(1, SeqCst);
                        None
                    }
                }
            };
            // Outside the locks: a waker runs foreign code.
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Drops those who have gone from the fronts of the queues. All wait for about as long, so the first have gone first.
    fn drop_gone(&self, queues: &mut Queues) {
        for queue in [&mut queues.first, &mut queues.reads] {
            while queue.front().is_some_and(|waiter| matches!(*waiter.state(), WaiterState::Gone)) {
                queue.pop_front();
                self.waiting.fetch_sub(1, SeqCst);
            }
        }
    }

    /// Gives a place back.
    fn give_back(&self, most: usize) {
        self.taken.fetch_sub(1, SeqCst);
        if self.waiting.load(SeqCst) > 0 {
            self.grant(most);
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    fn state(&self) -> MutexGuard<'_, WaiterState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'p> Future for PlaceWait<'p> {
    type Output = CommandPlace<'p>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CommandPlace<'p>> {
        let mut state = self.waiter.state();
        if matches!(*state, WaiterState::Granted) {
            // The place is that of the result now.
            *state = WaiterState::Gone;
            return Poll::Ready(CommandPlace { stripe: self.stripe, most: self.most });
        }
        *state = WaiterState::Waits(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for PlaceWait<'_> {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.waiter.state(), WaiterState::Gone);
        if matches!(state, WaiterState::Granted) {
            self.stripe.give_back(self.most);
        }
    }
}

impl Drop for CommandPlace<'_> {
    fn drop(&mut self) {
        self.stripe.give_back(self.most);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn places_are_bounded_and_handed_on() {
        let places = Places::new(2);
        let first = places.take().expect("a free place");
        let second = places.take().expect("a free place");
        assert!(places.take().is_none());
        let mut waits = pin!(places.wait(true).expect("room"));
        assert!(poll(waits.as_mut()).is_none());
        drop(first);
        assert!(places.take().is_none(), "those who wait come first");
        let third = poll(waits.as_mut()).expect("the place of the first");
        assert!(places.take().is_none());
        drop((second, third));
        assert!(places.take().is_some(), "all were given back");
    }

    #[test]
    fn what_finishes_a_read_comes_before_other_reads() {
        let places = Places::new(1);
        let place = places.take();
        let (read, fill) = (places.wait(true).expect("room"), places.wait(false).expect("room"));
        let (mut read, mut fill) = (pin!(read), pin!(fill));
        assert!(poll(read.as_mut()).is_none() && poll(fill.as_mut()).is_none());
        drop(place);
        assert!(poll(read.as_mut()).is_none());
        let fill = poll(fill.as_mut()).expect("the place");
        drop(fill);
        assert!(poll(read.as_mut()).is_some());
    }

    #[test]
    fn so_many_reads_wait_and_no_more() {
        let places = Places::new(1);
        let place = places.take();
        let waiting: Vec<_> = (0..QUEUE).map(|_| places.wait(true).expect("room")).collect();
        assert!(places.wait(true).is_none() && places.wait(false).is_some());
        drop(waiting);
        assert!(places.wait(true).is_some(), "those who have gone need no room");
        drop(place);
        assert!(places.wait(true).is_some());
    }

    #[test]
    fn a_place_is_not_lost_with_its_waiter() {
        let places = Places::new(1);
        let place = places.take();
        let (gone, granted) = (places.wait(true), places.wait(false));
        assert!(gone.is_some() && granted.is_some());
        drop(gone);
        drop(place);
        assert!(places.take().is_none(), "the place is granted, and not taken yet");
        drop(granted);
        assert!(places.take().is_some());
    }
}
