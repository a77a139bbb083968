//! The answer of a server that was asked whether it speaks another protocol than the URL says.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

const UNKNOWN: u8 = 0;
const ASKED: u8 = 1;
const FOUND: u8 = 2;

/// The answer of a server that was asked whether it speaks another protocol than the URL says: TLS, or none. It is asked once,
/// since each question is one more connection.
#[derive(Debug, Default)]
pub(crate) struct Probed(AtomicU8);

impl Probed {
    /// Returns `true` if the server is to be asked, which is so once.
    pub(crate) fn begin(&self) -> bool {
        self.0.compare_exchange(UNKNOWN, ASKED, Relaxed, Relaxed).is_ok()
    }

    /// Records that the server speaks the other protocol.
    pub(crate) fn find(&self) {
        self.0.store(FOUND, Relaxed);
    }

    /// Returns `true` if the server speaks the other protocol.
    pub(crate) fn is_found(&self) -> bool {
        self.0.load(Relaxed) == FOUND
    }
}
