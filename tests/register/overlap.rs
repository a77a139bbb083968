//! S2: each process computes a key once at a time, and all processes together do without faults.
//!
//! An invalidation voids a running computation, so that two computations may overlap around it. A wait that reaches its
//! limit ends in a computation as well, and after a failure calls compute concurrently for a while. All three are recognised
//! here; any other overlap is a violation.

use std::time::{Duration, Instant};

use crate::limits;
use crate::who::Who;
use crate::wire::{Act, Key};
use crate::world::Known;

/// The time for which a fault may have consequences: a lost lease lapses.
const AFTERMATH: Duration = Duration::from_secs(5);
/// The time after which a failed write may still be carried out, when a stopped worker or a full connection continues.
const LATE: Duration = Duration::from_secs(15);
/// The tolerance for limits that are measured by another clock.
const EARLY: Duration = Duration::from_millis(100);

/// A running computation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Computation {
    pub(crate) origin: u64,
    pub(crate) who: Who,
    pub(crate) act: Act,
    /// The act may be dropped.
    pub(crate) is_brief: bool,
    pub(crate) act_began: Instant,
    pub(crate) began: Instant,
    /// The computation began while calls were allowed to compute concurrently.
    pub(crate) is_concurrent: bool,
}

impl Known {
    /// Returns the computation that `new` overlaps with and must not.
    pub(crate) fn overlap(&self, key: Key, new: &Computation) -> Option<Computation> {
        let register = &self.registers[&key];
        let since = |at: Option<Instant>, moment: Instant| at.is_some_and(|at| at >= moment);
        let recently = |at: Option<Instant>, time: Duration| at.is_some_and(|at| at.elapsed() < time);
        if register.writing > 0 || recently(register.failed, LATE) || is_alone(new) || new.is_concurrent {
            return None;
        }
        register
            .computing
            .iter()
            .find(|old| {
                let first = old.act_began.min(new.act_began);
                let void = since(register.written, first) || since(self.lost, first);
                let lapsed = old.began.elapsed() + Duration::from_millis(500) > limits::LEASE;
                if void || lapsed || is_alone(old) || old.is_concurrent {
                    return false;
                }
                let waited = new.act_began.elapsed() + EARLY;
                if old.who == new.who {
                    return waited < limits::WAIT;
                }
                let store_failure = [old.who, new.who]
                    .iter()
                    .any(|who| recently(self.crew[who.index].store_failure, AFTERMATH));
                let calm = self.calm.is_some_and(|calm| calm.elapsed() > AFTERMATH);
                calm && !store_failure && waited < limits::WAIT / 2
            })
            .copied()
    }
}

/// Returns true if a computation may overlap: it does not join a flight, or its call was dropped and
/// its end is unknown.
fn is_alone(computation: &Computation) -> bool {
    computation.is_brief || matches!(computation.act, Act::Refresh(_))
}
