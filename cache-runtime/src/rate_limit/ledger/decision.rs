//! Operations and decisions.

/// A change of a ledger, or a question about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rate_limit) enum LedgerOp {
    /// Takes so many hits if all windows have room for them.
    Hit(u64),
    /// Takes nothing, and decides as a hit of this cost would.
    Peek(u64),
    /// Gives the newest hits back, so many at most.
    Refund(u64),
    /// Gives all hits back.
    Reset,
}

/// The decision about a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rate_limit) struct Decision {
    /// All windows have room for the hit.
    pub(in crate::rate_limit) allowed: bool,
    /// The time of the decision, in microseconds.
    pub(in crate::rate_limit) at: u64,
    /// One for each window, in their order.
    pub(in crate::rate_limit) windows: Vec<WindowCount>,
}

/// The state of a window after a decision. Times are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rate_limit) struct WindowCount {
    /// The number of hits that would be admitted now.
    pub(in crate::rate_limit) remaining: u64,
    /// The time until more hits would be; zero if nothing is taken.
    pub(in crate::rate_limit) reset: u64,
    /// The time until the refused hit would be admitted; zero if this window does not refuse it.
    pub(in crate::rate_limit) wait: u64,
}

impl LedgerOp {
    /// Returns the cost of the hit that is decided about.
    pub(in crate::rate_limit) fn cost(self) -> u64 {
        match self {
            Self::Hit(cost) | Self::Peek(cost) => cost,
            Self::Refund(_) | Self::Reset => 1,
        }
    }
}
