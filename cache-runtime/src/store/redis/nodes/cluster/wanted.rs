//! The wish for a new map of the slots.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::redis::nodes::topology::NodeId;

/// The wish for a new map of the slots, which the task that refreshes the map waits for. Many wishes are one.
#[derive(Debug, Default)]
pub(super) struct RefreshWanted {
    preference: Mutex<Preference>,
    notify: Notify,
}

/// The nodes to ask first and last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Preference {
    /// A node that knows of a change.
    pub(super) first: Option<NodeId>,
    /// A node that does not serve.
    pub(super) last: Option<NodeId>,
}

impl RefreshWanted {
    /// Wishes for a new map.
    pub(super) fn want(&self) {
        self.notify.notify_one();
    }

    /// Wishes for a new map, from a node that knows of a change.
    pub(super) fn want_from(&self, first: &NodeId) {
        self.preference().first = Some(first.clone());
        self.want();
    }

    /// Wishes for a new map, from another node than one that does not serve.
    pub(super) fn want_without(&self, last: &NodeId) {
        self.preference().last = Some(last.clone());
        self.want();
    }

    /// Waits for a wish since the last wait.
    pub(super) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// Takes the nodes to ask first and last.
    pub(super) fn take_preference(&self) -> Preference {
        std::mem::take(&mut *self.preference())
    }

    fn preference(&self) -> MutexGuard<'_, Preference> {
        self.preference.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
