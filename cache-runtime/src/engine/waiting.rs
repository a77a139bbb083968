//! The wait of an access for another call, as a call for several ids sees it.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// `true` while the access waits for the computation of another call. A call for several ids does not hold back its own
/// computation for it.
#[derive(Debug, Default)]
pub(crate) struct WaitingFlag(AtomicBool);

impl WaitingFlag {
    /// Returns whether the access waits.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// A wait that is shown until the guard is dropped.
#[must_use = "the wait is shown until this is dropped"]
pub(crate) struct ShownWait<'f>(Option<&'f WaitingFlag>);

impl<'f> ShownWait<'f> {
    /// Shows a wait, where there is a flag.
    pub(crate) fn begin(flag: Option<&'f WaitingFlag>) -> Self {
        flag.inspect(|flag| flag.0.store(true, SeqCst));
        Self(flag)
    }
}

impl Drop for ShownWait<'_> {
    fn drop(&mut self) {
        self.0.inspect(|flag| flag.0.store(false, SeqCst));
    }
}
