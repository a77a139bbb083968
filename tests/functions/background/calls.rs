//! A counter that a background refresh may share.

use std::sync::Arc;

use support::stores::Calls;

/// Asserts that a future is `Send`.
pub(super) fn sent<F: Future + Send>(future: F) -> F {
    future
}

pub(super) type Counted = Arc<Calls>;
