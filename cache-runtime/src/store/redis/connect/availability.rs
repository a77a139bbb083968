//! The availability of a node, reported once per change.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::failure::Failure;
use crate::store::redis::config::{Change, OnChange};
use crate::types::breaker::Breaker;
use crate::types::node_health::NodeRole;

/// The last known state of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NodeStatus {
    /// `true` if the node answered last; `None` until something is known.
    pub(crate) connected: Option<bool>,
    /// The last failure, which stays after it has ended.
    pub(crate) last_error: Option<String>,
    /// The round trip time of the last ping, if the node answered.
    pub(crate) latency: Option<Duration>,
    /// The role of the node, if it said so.
    pub(crate) role: Option<NodeRole>,
}

/// The availability of a node as the links of all runtimes see it. Each change is reported once.
pub(super) struct Availability {
    on_change: OnChange,
    status: Mutex<NodeStatus>,
    /// No link has been connected yet.
    is_new: AtomicBool,
}

impl Availability {
    /// Returns a health of which nothing is known.
    pub(super) fn new(on_change: OnChange) -> Self {
        Self { on_change, status: Mutex::default(), is_new: AtomicBool::new(true) }
    }

    /// Returns a health whose changes are not reported.
    pub(super) fn unreported() -> Self {
        Self { is_new: AtomicBool::new(false), ..Self::new(Arc::new(|_| {})) }
    }

    /// Returns `true` at the first call.
    pub(super) fn take_new(&self) -> bool {
        self.is_new.swap(false, Relaxed)
    }

    /// Records that a link has connections that answer.
    pub(super) fn connected(&self) {
        if self.lock().connected.replace(true) != Some(true) {
            (self.on_change)(Change::Connected);
        }
    }

    /// Records that a link has no connection.
    pub(super) fn lost(&self, failure: &Failure) {
        let before = {
            let mut status = self.lock();
            status.last_error = Some(failure.message.to_string());
            status.connected.replace(false)
        };
        if before != Some(false) {
            (self.on_change)(Change::Lost { cause: failure.cause, message: failure.message.to_string() });
        }
    }

    /// Records the result of a ping.
    pub(super) fn pinged(&self, latency: Option<Duration>) {
        self.lock().latency = latency;
    }

    /// Records the role of the node.
    pub(super) fn has_role(&self, role: Option<NodeRole>) {
        self.lock().role = role;
    }

    /// Returns the last known state.
    pub(super) fn status(&self) -> NodeStatus {
        self.lock().clone()
    }

    /// Returns the state of the breaker.
    pub(super) fn breaker(&self) -> Breaker {
        match self.lock().connected {
            Some(true) => Breaker::Closed,
            Some(false) => Breaker::Open,
            None => Breaker::Connecting,
        }
    }

    fn lock(&self) -> MutexGuard<'_, NodeStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
