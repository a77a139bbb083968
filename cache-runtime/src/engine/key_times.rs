//! Keys that have a property until a moment.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The shortest and the longest time for which a key is marked.
const MARK: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));

/// The time for which a key is marked after a computation that took this long.
pub(crate) fn mark_time(took: Duration) -> Duration {
    took.clamp(MARK.0, MARK.1)
}

/// A bounded set of keys, each of which leaves the set at a moment of its own.
#[derive(Debug)]
pub(crate) struct KeyTimes {
    keys: HashMap<Box<str>, Instant>,
    /// The largest number of keys; one beyond it is not added.
    max: usize,
}

impl KeyTimes {
    /// Creates an empty set for at most `max` keys.
    pub(crate) fn new(max: usize) -> Self {
        Self { keys: HashMap::new(), max }
    }

    /// Adds a key for `time`, or lets it stay for longer.
    pub(crate) fn extend(&mut self, key: &str, now: Instant, time: Duration) {
        let Some(until) = now.checked_add(time) else { return };
        let until = self.keys.get(key).map_or(until, |known| until.max(*known));
        self.insert(key, now, until);
    }

    /// Adds a key for `time`, whether it is in the set or not.
    pub(crate) fn set(&mut self, key: &str, now: Instant, time: Duration) {
        if let Some(until) = now.checked_add(time) {
            self.insert(key, now, until);
        }
    }

    /// Returns whether a key is in the set.
    pub(crate) fn contains(&self, key: &str, now: Instant) -> bool {
        self.left(key, now).is_some()
    }

    /// Returns the time for which a key is still in the set.
    pub(crate) fn left(&self, key: &str, now: Instant) -> Option<Duration> {
        self.keys.get(key)?.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, key: &str) {
        self.keys.remove(key);
    }

    /// Removes every key that matches.
    pub(crate) fn remove_all(&mut self, matches: impl Fn(&str) -> bool) {
        self.keys.retain(|key, _| !matches(key));
    }

    fn insert(&mut self, key: &str, now: Instant, until: Instant) {
        if self.keys.len() >= self.max {
            self.keys.retain(|_, until| *until > now);
        }
        if let Some(known) = self.keys.get_mut(key) {
            *known = until;
        } else if self.keys.len() < self.max {
            self.keys.insert(key.into(), until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 100;
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_key_leaves_at_its_moment() {
        let (mut keys, now) = (KeyTimes::new(MAX), Instant::now());
        keys.set("k", now, SECOND);
        assert!(keys.contains("k", now) && !keys.contains("other", now));
        assert!(!keys.contains("k", now + SECOND));
        keys.extend("k", now, SECOND / 2);
        assert!(keys.contains("k", now + SECOND / 2), "a shorter time takes nothing away");
        keys.extend("k", now, SECOND * 2);
        assert!(keys.contains("k", now + SECOND));
        keys.set("k", now, SECOND);
        assert!(!keys.contains("k", now + SECOND));
        keys.remove_all(|key| key == "k");
        assert!(!keys.contains("k", now));
    }

    #[test]
    fn they_are_bounded_and_those_that_have_left_make_room() {
        let (mut keys, now) = (KeyTimes::new(MAX), Instant::now());
        (0..MAX).for_each(|n| keys.set(&n.to_string(), now, SECOND));
        keys.set("more", now, SECOND);
        assert!(!keys.contains("more", now));
        keys.extend("7", now, SECOND * 2);
        assert!(keys.contains("7", now + SECOND), "one that is in the set stays for longer");
        keys.set("more", now + SECOND, SECOND);
        assert!(keys.contains("more", now + SECOND));
    }
}
