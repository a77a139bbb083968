//! Lease: the right to store a value, held across processes.
//!
//! After "Scaling Memcache at Facebook" (NSDI 2013), section 3.2.1; a token in the slot itself, as `rueidisaside` has it.

use std::time::Duration;

use crate::types::stamp::{Stamp, Stamps};

/// How long a lease holds when nobody renews it: a dead owner is noticed after this time.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// Who holds a lease: eight bytes for the cache, eight for the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token(pub(crate) [u8; 16]);

/// Why a lease is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseMode {
    /// What was seen cannot be used.
    Miss,
    /// What was seen is to stay readable until the new value is there.
    Refresh,
    /// Whatever is there and whoever holds it; an entry stays readable until the new value is there.
    Force,
    /// The same for a value that is at hand: what is there ends now.
    Put,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "no other process has it"))]
pub(crate) enum Leased {
    /// It is yours; these are the stamps of the labels now.
    Granted(Stamps),
    /// Another process has it, for this long unless it renews.
    Held(Duration),
    /// A refresh failed; nobody is to try again for this long.
    Paused(Duration),
    /// What is there is not what you saw: look again.
    Changed,
}

/// Under what a value may be stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    /// The lease; `None` to store whatever is there.
    pub(crate) token: Option<&'a Token>,
    /// The stamps of the labels when the computation began.
    pub(crate) stamps: &'a [Stamp],
}

impl Token {
    /// How many bytes name the cache.
    pub(crate) const OWNER: usize = 8;

    /// A name for a cache that no other has.
    pub(crate) fn new_owner() -> [u8; Self::OWNER] {
        let [a, b, c, d, e, f, g, h, ..] = crate::rt::random::random_stamp();
        [a, b, c, d, e, f, g, h]
    }

    /// A token of this owner that was never used before.
    pub(crate) fn new(owner: [u8; Self::OWNER]) -> Self {
        let mut token = crate::rt::random::random_stamp();
        token[..Self::OWNER].copy_from_slice(&owner);
        Self(token)
    }
}
