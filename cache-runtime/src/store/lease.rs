//! The lease: the right to store a value, held across processes.
//!
//! After "Scaling Memcache at Facebook" (NSDI 2013), section 3.2.1; the token is stored in the entry itself, as
//! `rueidisaside` does.

use std::time::Duration;

use crate::rt::random::random_stamp;
use crate::types::stamp::{Stamp, Stamps};

/// The duration of a lease that is not extended. The lease of a process that died ends after this time.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// The holder of a lease: eight bytes for the cache, eight for the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token(pub(crate) [u8; 16]);

/// The reason for which a lease is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseMode {
    /// The value that was read cannot be used.
    Miss,
    /// The same after a result that was not cached: for this long, no process waits for another one.
    MissUncached(Duration),
    /// The value that was read stays readable until the new one is stored.
    Refresh,
    /// The lease is taken from any other holder, and an entry stays readable until the new one is stored.
    Force,
    /// The lease is taken from any other holder, and an entry ends now: the new value is at hand.
    Put,
    /// The lease of a write that begins: an entry stays readable, the lease of a reader stays, and no reader waits. The next
    /// lease of a reader or of a write replaces it.
    Write,
}

/// The result of a request for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "no other process holds leases in memory"))]
pub(crate) enum Leased {
    /// The lease is granted; these are the current stamps of the labels.
    Granted(Stamps),
    /// Another process holds the lease, for this long unless it extends it.
    Held(Duration),
    /// A refresh failed; no process tries again for this long.
    Paused(Duration),
    /// The entry is not the one that the caller read; read it again.
    Changed,
    /// Another process holds the lease, but the result before was not cached: no process waits for another, for this long.
    Uncached(Duration),
}

/// The conditions under which a fill is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FillCondition<'a> {
    /// The lease; `None` to store unconditionally.
    pub(crate) token: Option<&'a Token>,
    /// The stamps of the labels when the computation began.
    pub(crate) stamps: &'a [Stamp],
    /// The lease is that of a write, which holds it until its end; a later value may still replace this one.
    pub(crate) keeps_write: bool,
}

impl Token {
    /// The number of bytes that identify the cache.
    pub(crate) const OWNER: usize = 8;

    /// Returns a random identifier for a cache.
    pub(crate) fn new_owner() -> [u8; Self::OWNER] {
        let [a, b, c, d, e, f, g, h, ..] = random_stamp();
        [a, b, c, d, e, f, g, h]
    }

    /// Returns an unused token of this owner.
    pub(crate) fn new(owner: [u8; Self::OWNER]) -> Self {
        let mut token = random_stamp();
        token[..Self::OWNER].copy_from_slice(&owner);
        Self(token)
    }
}
