//! The name of a worker.

use std::fmt;

/// A worker between two of its starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub index: usize,
    pub life: u64,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}.{}", self.index, self.life)
    }
}
