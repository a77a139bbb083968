//! Keys under which somebody else stores entries that this process cannot use, in turn with it: two releases, or two
//! functions with one key.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::types::clock::Clock;

/// The number of turns after which a function leaves the entries of the other one alone.
const TURNS: u32 = 3;
/// The first pause and the longest one.
const PAUSE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// The largest number of keys that are remembered.
const MAX_KEYS: usize = 4096;

/// The decision about an entry that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takeover {
    /// Store a value in its place.
    Replace,
    /// Leave it alone.
    Leave,
    /// Leave it alone from now on, for this long.
    Begins(Duration),
}

/// The turns of the functions of one cache.
#[derive(Debug)]
pub(crate) struct Turns {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    functions: HashMap<u64, FunctionTurns, foldhash::fast::RandomState>,
    /// Functions and keys where a value was stored in place of one that could not be used.
    replaced: HashSet<u64, foldhash::fast::RandomState>,
}

#[derive(Debug, Default)]
struct FunctionTurns {
    turns: u32,
    pauses: u32,
    paused_until: Option<Instant>,
}

impl Turns {
    /// Creates the turns of a new cache. `clock` measures the pauses.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Decides about an entry that a function found and cannot use.
    pub(crate) fn found(&self, function: &str, key: &str) -> Takeover {
        let now = self.clock.instant();
        let mut state = self.lock();
        let was_replaced = state.replaced.remove(&hash(&(function, key)));
        let known = state.functions.entry(hash(&function)).or_default();
        if known.paused_until.is_some_and(|until| now < until) {
            return Takeover::Leave;
        }
        known.turns += u32::from(was_replaced);
        if known.turns < TURNS {
            return Takeover::Replace;
        }
        let pause = PAUSE.0.saturating_mul(1 << known.pauses.min(10)).min(PAUSE.1);
        *known = FunctionTurns { turns: 0, pauses: known.pauses + 1, paused_until: now.checked_add(pause) };
        Takeover::Begins(pause)
    }

    /// Notes that a function stored a value in place of one that it could not use.
    pub(crate) fn replaced(&self, function: &str, key: &str) {
        let mut state = self.lock();
        if state.replaced.len() >= MAX_KEYS {
            state.replaced.clear();
        }
        state.replaced.insert(hash(&(function, key)));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(of: &impl std::hash::Hash) -> u64 {
    foldhash::fast::FixedState::default().hash_one(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(turns: &Turns, key: &str) -> Takeover {
        let takeover = turns.found("f", key);
        turns.replaced("f", key);
        takeover
    }

    #[test]
    fn a_function_stops_after_a_few_turns() {
        let turns = Turns::new(Clock::default());
        for _ in 0..=2 {
            assert_eq!(play(&turns, "k"), Takeover::Replace);
        }
        assert_eq!(turns.found("f", "k"), Takeover::Begins(PAUSE.0));
        assert_eq!(turns.found("f", "other"), Takeover::Leave);
        assert_eq!(turns.found("g", "k"), Takeover::Replace);
    }

    #[test]
    fn one_replacement_of_many_keys_is_no_turn() {
        let turns = Turns::new(Clock::default());
        for key in 0..2 * MAX_KEYS {
            assert_eq!(play(&turns, &key.to_string()), Takeover::Replace);
        }
        assert!(turns.lock().replaced.len() <= MAX_KEYS);
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn pauses_end_and_the_next_one_is_longer() {
        let clock = crate::types::clock::TestClock::new();
        let turns = Turns::new(Clock::of(clock.clone()));
        for pause in [PAUSE.0, PAUSE.0 * 2, PAUSE.0 * 4] {
            (0..3).for_each(|_| assert_eq!(play(&turns, "k"), Takeover::Replace));
            assert_eq!(turns.found("f", "k"), Takeover::Begins(pause));
            clock.advance(pause);
        }
    }
}
