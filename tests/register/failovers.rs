//! The failovers, in which asynchronous replication may lose invalidations that were acknowledged.

use std::time::{Duration, Instant};

use crate::register::{Floor, Register};
use crate::who::Who;

/// The time before a failover in which the replica may not have received what the primary acknowledged.
const LAG: Duration = Duration::from_secs(1);
/// The time after a failover in which a process may still talk to the primary that was replaced.
const NOTICED: Duration = Duration::from_secs(2);

/// All failovers.
#[derive(Default)]
pub(crate) struct Failovers(Vec<(Instant, Option<Instant>)>);

impl Failovers {
    /// Begins a failover.
    pub(crate) fn begin(&mut self) {
        self.0.push((Instant::now(), None));
    }

    /// Ends the last failover: the replaced primary is a replica.
    pub(crate) fn end(&mut self) {
        let (_, until) = self.0.last_mut().expect("it began");
        *until = Some(Instant::now());
    }

    /// Returns true if an invalidation of this moment may be lost.
    pub(crate) fn may_lose(&self, floor: &Floor) -> bool {
        let lost = |(from, until): &(Instant, Option<Instant>)| {
            floor.at + LAG >= *from && until.is_none_or(|until| floor.at <= until + NOTICED)
        };
        self.0.iter().any(lost)
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
