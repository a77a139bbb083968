//! ReadMarks: whether anything has changed since a moment.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use crate::types::key::{Key, Labels};

/// How many keys share a count: a change of one keeps the others' readers from keeping what they read at that moment.
const SHARDS: usize = 256;

/// Counts of changes. Those of a key and the keeping of its copy happen one after the other.
pub(crate) struct ReadMarks {
    shards: [Shard; SHARDS],
    /// Counts what changed everything.
    epoch: AtomicU64,
    hasher: foldhash::fast::RandomState,
}

#[derive(Default)]
struct Shard {
    turn: Mutex<()>,
    changes: AtomicU64,
}

/// How often a key, its labels and everything had changed at a moment. Counts only grow, so that an equal sum is an equal
/// count of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadMark(u64);

impl Default for ReadMarks {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            epoch: AtomicU64::new(0),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl ReadMarks {
    /// The counts now.
    pub(crate) fn mark(&self, key: &Key, labels: Labels<'_>) -> ReadMark {
        let of = |key: &str| self.shard(key).changes.load(SeqCst);
        let sum = labels.iter().map(of).fold(of(key.as_str()), u64::wrapping_add);
        ReadMark(sum.wrapping_add(self.epoch.load(SeqCst)))
    }

    /// Runs `keep`, unless something has changed since the mark; and `forget`, if something does meanwhile: what changes
    /// everything, or a label, does not wait for its turn.
    pub(crate) fn unless_changed(
        &self,
        mark: ReadMark,
        key: &Key,
        labels: Labels<'_>,
        keep: impl FnOnce(),
        forget: impl FnOnce(),
    ) {
        let _turn = self.shard(key.as_str()).turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.mark(key, labels) == mark {
            keep();
            if self.mark(key, labels) != mark {
                forget();
            }
        }
    }

    /// Counts a change of `key`, and runs `forget`.
    pub(crate) fn changed(&self, key: &str, forget: impl FnOnce()) {
        let shard = self.shard(key);
        let _turn = shard.turn.lock().unwrap_or_else(PoisonError::into_inner);
        shard.changes.fetch_add(1, SeqCst);
        forget();
    }

    /// Counts a change of everything.
    pub(crate) fn all_changed(&self) {
        self.epoch.fetch_add(1, SeqCst);
    }

    fn shard(&self, key: &str) -> &Shard {
        // The remainder is below SHARDS, so the cast loses nothing.
        &self.shards[(self.hasher.hash_one(key) % SHARDS as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::key::Label;

    #[test]
    fn a_change_since_the_mark_is_noticed() {
        let marks = ReadMarks::default();
        let key = Key::new("k".to_owned(), 0);
        let tags = [Label::tag("", "t")];
        let labels = Labels { group: None, tags: &tags };
        let kept = |mark| {
            let mut kept = false;
            marks.unless_changed(mark, &key, labels, || kept = true, || panic!("nothing changed meanwhile"));
            kept
        };
        let mark = || marks.mark(&key, labels);
        assert!(kept(mark()));
        let changes: [&dyn Fn(); 3] =
            [&|| marks.changed("k", || ()), &|| marks.changed("{#t}", || ()), &|| marks.all_changed()];
        for change in changes {
            let before = mark();
            change();
            assert!(!kept(before));
            assert!(kept(mark()));
        }
    }

    #[test]
    fn a_change_of_everything_meanwhile_takes_the_copy_with_it() {
        let marks = ReadMarks::default();
        let key = Key::new("k".to_owned(), 0);
        let mut forgotten = false;
        let mark = marks.mark(&key, Labels::default());
        marks.unless_changed(mark, &key, Labels::default(), || marks.all_changed(), || forgotten = true);
        assert!(forgotten);
    }
}
