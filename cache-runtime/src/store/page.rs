//! One page of a scan.

/// One page of a scan over keys.
#[derive(Debug, Default)]
pub(crate) struct KeyPage {
    /// Whole keys, prefix included, as in Redis. A key may appear on several pages.
    pub(crate) keys: Vec<String>,
    /// The position of the next page; `None` when the scan is complete.
    pub(crate) next: Option<Cursor>,
}

/// The keys of one page that a function may have.
#[derive(Debug, Default)]
pub(crate) struct FunctionKeys {
    /// Those of its entries.
    pub(crate) entries: Vec<String>,
    /// Those of leases without an entry, of any function.
    pub(crate) leases: Vec<String>,
}

/// The position of a scan. Only the store that returned a cursor can read it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "a scan of memory has one page"))]
pub(crate) struct Cursor {
    /// The position within a server.
    pub(super) position: u64,
    /// The number of servers that were scanned before in this round.
    pub(super) server: usize,
    /// The number of rounds before, which were in vain because keys moved between servers.
    pub(super) round: u32,
    /// The version of the topology that the round before has shown to be an old one.
    pub(super) outdated: Option<u64>,
    /// The round, if it has begun on the servers of a cluster.
    pub(super) begun: Option<BegunRound>,
}

/// One round over all servers of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BegunRound {
    /// The version of the topology.
    pub(super) topology: u64,
    /// The hash of the slots that are being moved.
    pub(super) moving: u64,
    /// The number of servers to scan; a server may be scanned twice.
    pub(super) servers: usize,
}

impl Cursor {
    /// The position before the first page.
    pub(crate) const START: Self = Self { position: 0, server: 0, round: 0, outdated: None, begun: None };
}
