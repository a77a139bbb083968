//! A counter that a background refresh may share.

use std::sync::Arc;

use support::tiers::Calls;

/// The future can go to another thread.
pub(super) fn sent<F: Future + Send>(future: F) -> F {
    future
}

pub(super) type Counted = Arc<Calls>;
