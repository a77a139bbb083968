//! The leases that this process holds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::Token;
use crate::types::key::Key;

/// The leases that are held now. One task on larder's own runtime extends them, because a computation may block its
/// thread.
#[derive(Default)]
pub(crate) struct HeldLeases(Mutex<Held>);

#[derive(Default)]
pub(crate) struct Held {
    /// The key of each lease, and whether the lease was there in the last round already.
    pub(crate) keys: HashMap<Token, (Key, bool)>,
    /// True if the task that extends them runs.
    pub(crate) is_running: bool,
}

impl HeldLeases {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
