//! The failovers, in which asynchronous replication may lose invalidations that were acknowledged.

use std::time::{Duration, Instant};

use crate::register::{Floor, Register};
use crate::who::Who;

/// The time before a failover in which the replica may not have received what the primary acknowledged.
const LAG: Duration = Duration::from_secs(1);
/// The time after a failover in which a process may still talk to the primary that was replaced.
const NOTICED: Duration = Duration::from_secs(2);

/// All failovers.
pub(crate) struct Failovers {
    /// Their times; the end is `None` while one is under way.
    all: Vec<(Instant, Option<Instant>)>,
    /// The epoch of the servers after the last one.
    epoch: u64,
}

impl Failovers {
    /// Returns none so far, on servers of this epoch.
    pub(crate) fn new(epoch: u64) -> Self {
        Self { all: Vec::new(), epoch }
    }

    /// Begins a failover.
    pub(crate) fn begin(&mut self) {
        self.all.push((Instant::now(), None));
    }

    /// Ends the last failover: the replaced primary is a replica, and the servers have this epoch.
    pub(crate) fn end(&mut self, epoch: u64) {
        let (_, until) = self.all.last_mut().expect("it began");
        *until = Some(Instant::now());
        self.epoch = epoch;
    }

    /// Returns true if the servers have failed over by themselves since the last failover, because the machine starved them.
    /// Their epoch says so. Records a failover from the end of the last one on.
    pub(crate) fn has_unplanned(&mut self, epoch: u64) -> bool {
        let last = self.all.last().map_or_else(|| Some(Instant::now() - 2 * LAG), |(_, until)| *until);
        let Some(since) = last.filter(|_| epoch > self.epoch) else { return false };
        self.all.push((since, Some(Instant::now())));
        self.epoch = epoch;
        true
    }

    /// Returns true if an invalidation of this moment may be lost.
    pub(crate) fn may_lose(&self, floor: &Floor) -> bool {
        let lost = |(from, until): &(Instant, Option<Instant>)| {
            floor.at + LAG >= *from && until.is_none_or(|until| floor.at <= until + NOTICED)
        };
        self.all.iter().any(lost)
    }

    /// Returns true if all invalidations that a call of `who` missed may be lost: those above the version that it got, up to
    /// the one that it must reach.
    pub(crate) fn may_lose_all(&self, register: &Register, who: Who, (got, due): (u64, u64)) -> bool {
        let missed = |floor: &&Floor| {
            floor.version > got && floor.version <= due && (floor.is_done || floor.who == who)
        };
        register.floors.iter().filter(missed).all(|floor| self.may_lose(floor))
    }
}
