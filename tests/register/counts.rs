//! The counts that are printed at the end.

/// The counts that are printed at the end.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub calls: u64,
    pub hits: u64,
    pub computations: u64,
    pub failures: u64,
    pub writes: u64,
    pub refused: u64,
    /// The writes whose callers left.
    pub dropped: u64,
    pub faults: u64,
    /// The calls that could not reach the store and joined a computation from before an invalidation.
    pub blind: u64,
    /// The calls that missed only what a failover may have lost.
    pub lost: u64,
    /// The failovers that nobody asked for: the machine starved the servers.
    pub unplanned: u64,
}
