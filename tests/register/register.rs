//! One register: the version of a key in the database, and what calls must reach.

use std::time::{Duration, Instant};

use crate::overlap::Computation;
use crate::who::Who;

/// The state of one key.
pub(crate) struct Register {
    /// The version in the database.
    pub(crate) version: u64,
    /// The invalidations with their versions.
    pub(crate) floors: Vec<Floor>,
    /// The time until which nothing else is written, because a dropped write may still arrive.
    pub(crate) held: Option<Instant>,
    /// The running acts that void entries and computations.
    pub(crate) writing: usize,
    /// The time when the last of them ended.
    pub(crate) written: Option<Instant>,
    /// The time when the last of them failed, and may still be carried out.
    pub(crate) failed: Option<Instant>,
    /// The running computations.
    pub(crate) computing: Vec<Computation>,
    /// The time until which calls may compute concurrently, because a computation failed.
    pub(crate) concurrent: Option<Instant>,
}

/// An invalidation that has ended, so that its version must be reached.
pub(crate) struct Floor {
    pub(crate) at: Instant,
    pub(crate) version: u64,
    pub(crate) who: Who,
    /// It succeeded, for all processes. Otherwise it was refused or dropped: its own process bypasses the entry until it is
    /// carried out, which happens once Redis can be reached.
    pub(crate) is_done: bool,
}

impl Register {
    pub(crate) fn new() -> Self {
        Self {
            version: 1,
            floors: Vec::new(),
            held: None,
            writing: 0,
            written: None,
            failed: None,
            computing: Vec::new(),
            concurrent: None,
        }
    }

    /// The version that an act beginning at this moment must reach, given a permitted delay.
    pub(crate) fn floor(&self, now: Instant, behind: Duration) -> u64 {
        let due = |floor: &&Floor| floor.is_done && now.duration_since(floor.at) >= behind;
        self.floors.iter().rev().find(due).map_or(0, |floor| floor.version)
    }

    /// The version that a call in the process of the invalidations must reach, whether they succeeded or not.
    pub(crate) fn own_floor(&self, who: Who) -> u64 {
        self.floors.iter().rev().find(|floor| floor.who == who).map_or(0, |floor| floor.version)
    }

    /// Returns true if no other act may write now.
    pub(crate) fn is_written(&self, now: Instant) -> bool {
        self.writing > 0 || self.held.is_some_and(|until| until > now)
    }
}
