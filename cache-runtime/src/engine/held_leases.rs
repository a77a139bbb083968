//! The leases that this process holds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{LEASE, Token};
use crate::types::key::Key;

/// The age at which a lease is extended: two extensions may fail before the lease lapses.
const EXTENSION: Duration = Duration::from_millis(LEASE.as_millis() as u64 / 3);

/// The shortest pause between two rounds: leases that were taken one after the other are extended together.
const PAUSE: Duration = Duration::from_millis(EXTENSION.as_millis() as u64 / 20);

/// The leases that are held now. One task on larder's own runtime extends them, because a computation may block its
/// thread.
#[derive(Default)]
pub(crate) struct HeldLeases(Mutex<Held>);

#[derive(Default)]
pub(crate) struct Held {
    /// The key of each lease, and the moment from which its age counts.
    pub(crate) keys: HashMap<Token, (Key, Instant)>,
    /// True if the task that extends them runs.
    pub(crate) is_running: bool,
}

impl HeldLeases {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the leases that are to be extended now. `None` where no lease is held: the task that extends them ends then, and is
    /// started with the next one.
    ///
    /// # Errors
    /// None is to be extended for this time.
    pub(crate) fn due(&self, now: Instant) -> Option<Result<Vec<(Token, Key)>, Duration>> {
        let mut held = self.lock();
        let due = held.due(now);
        held.is_running = due.is_some();
        due
    }
}

impl Held {
    /// [`HeldLeases::due`], the oldest first. A deep recursion holds thousands, whose extension takes a while: in any other order some
    /// would lapse before their turn.
    fn due(&mut self, now: Instant) -> Option<Result<Vec<(Token, Key)>, Duration>> {
        let age = |since: Instant| now.saturating_duration_since(since);
        let oldest = self.keys.values().map(|(_, since)| age(*since)).max()?;
        if oldest < EXTENSION {
            return Some(Err(PAUSE.max(EXTENSION - oldest)));
        }
        let mut due: Vec<_> =
            self.keys.iter_mut().filter(|(_, (_, since))| age(*since) >= EXTENSION).collect();
        due.sort_unstable_by_key(|(_, (_, since))| *since);
        let take = |(token, held): (&Token, &mut (Key, Instant))| {
            held.1 = now;
            (*token, held.0.clone())
        };
        Some(Ok(due.into_iter().map(take).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leases_are_extended_first_and_each_once_in_a_second() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut held = Held::default();
        assert!(held.due(at(0)).is_none());
        let mut tokens = Vec::new();
        for ms in [300, 0, 200, 100] {
            let token = Token([tokens.len() as u8; 16]);
            held.keys.insert(token, (Key::new(format!("k{ms}"), 0, 0), at(ms)));
            tokens.push(token);
        }
        assert_eq!(held.due(at(999)).map(Result::err), Some(Some(PAUSE)));
        let due = |held: &mut Held, ms| {
            let due = held.due(at(ms)).expect("some").unwrap_or_default();
            due.into_iter().map(|(token, _)| token).collect::<Vec<_>>()
        };
        assert_eq!(due(&mut held, 1_200), [tokens[1], tokens[3], tokens[2]]);
        assert_eq!(due(&mut held, 1_300), [tokens[0]]);
        assert_eq!(held.due(at(1_400)).map(Result::err), Some(Some(Duration::from_millis(800))));
        assert_eq!(due(&mut held, 2_300).len(), 4);
    }
}
