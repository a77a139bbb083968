//! The waker of a computation for several ids: a wake counts for the leaders of all of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use crate::engine::leader_waker::LeaderWaker;

/// The waker of a computation for several ids, which notes for the leader of each that it could go on, and wakes the call once.
#[derive(Debug)]
pub(super) struct WakeAll {
    leaders: Vec<Arc<LeaderWaker>>,
    call: Mutex<Waker>,
}

impl WakeAll {
    /// Returns the waker for these leaders.
    pub(super) fn new(leaders: Vec<Arc<LeaderWaker>>) -> Arc<Self> {
        Arc::new(Self { leaders, call: Mutex::new(Waker::noop().clone()) })
    }

    /// Sets the waker of the call.
    pub(super) fn set_call(&self, waker: &Waker) {
        self.call.lock().unwrap_or_else(PoisonError::into_inner).clone_from(waker);
    }
}

impl Wake for WakeAll {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.leaders.iter().for_each(|leader| leader.note());
        let call = self.call.lock().unwrap_or_else(PoisonError::into_inner).clone();
        call.wake();
    }
}
