//! Overlap: S2, a key is computed once at a time, by each process always, and by all together while nothing goes wrong.
//!
//! An invalidation voids what is being computed, so that two computations may overlap round it. A wait that reaches its
//! limit ends in a computation as well. Both are told apart here; what remains is a violation.

use std::time::{Duration, Instant};

use crate::limits;
use crate::wire::{Act, Key};
use crate::world::{Computation, Known};

/// How long trouble may have consequences: a lease that was lost lapses.
const AFTERMATH: Duration = Duration::from_secs(5);
/// A write that failed may be carried out so much later, when a stopped worker or a full line comes to life again.
const LATE: Duration = Duration::from_secs(15);
/// Limits are reached a little early, by another clock.
const EARLY: Duration = Duration::from_millis(100);

impl Known {
    /// The computation that `new` must not overlap with, and does.
    pub(crate) fn overlap(&self, key: Key, new: &Computation) -> Option<Computation> {
        let register = &self.registers[&key];
        let since = |at: Option<Instant>, moment: Instant| at.is_some_and(|at| at >= moment);
        let recently = |at: Option<Instant>, time: Duration| at.is_some_and(|at| at.elapsed() < time);
        if register.writing > 0 || recently(register.failed, LATE) || is_alone(new.act) {
            return None;
        }
        register.computing.iter().copied().find(|old| {
            let first = old.act_began.min(new.act_began);
            let void = since(register.written, first) || since(self.lost, first);
            let lapsed = old.began.elapsed() + Duration::from_millis(500) > limits::LEASE;
            if void || lapsed || is_alone(old.act) {
                return false;
            }
            let waited = new.act_began.elapsed() + EARLY;
            if old.who == new.who {
                return waited < limits::WAIT;
            }
            let trouble =
                [old.who, new.who].iter().any(|who| recently(self.crew[who.index].trouble, AFTERMATH));
            let calm = self.calm.is_some_and(|calm| calm.elapsed() > AFTERMATH);
            calm && !trouble && waited < limits::WAIT / 2
        })
    }
}

/// Whether a computation is allowed to be one of several: it does not ask who else is at it, or its call was dropped and
/// nobody knows when it ended.
fn is_alone(act: Act) -> bool {
    matches!(act, Act::Refresh(_) | Act::Abandon(..))
}
