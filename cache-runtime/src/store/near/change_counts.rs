//! Counts of changes, which show that an entry has changed since it was read.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use crate::types::key::{Key, Label, Labels};

/// The number of counts. Keys that share a count prevent each other's copies at the moment of a change.
const SHARDS: usize = 256;

/// Counts of changes. A change of a key and the insertion of its copy exclude each other.
pub(super) struct ChangeCounts {
    shards: [CountShard; SHARDS],
    /// The number of changes of all keys at once.
    all: AtomicU64,
    hasher: foldhash::fast::RandomState,
}

#[derive(Default)]
struct CountShard {
    lock: Mutex<()>,
    changes: AtomicU64,
}

/// The number of changes of a key and its labels at one moment. Counts only grow, so that equal sums mean that each count
/// is equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangeCount(u64);

/// The changes of two keys at one moment, and where they are counted.
#[cfg(feature = "revoke")]
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeMark {
    shards: [u8; 2],
    count: ChangeCount,
}

impl Default for ChangeCounts {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| CountShard::default()),
            all: AtomicU64::new(0),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl ChangeCounts {
    /// Returns the current count of a key and its labels.
    pub(super) fn count(&self, key: &Key, labels: Labels<'_>) -> ChangeCount {
        let changes = |key: &str| self.shard(key).changes.load(SeqCst);
        let sum = labels.iter().map(changes).fold(changes(key.as_str()), u64::wrapping_add);
        ChangeCount(sum.wrapping_add(self.all.load(SeqCst)))
    }

    /// Returns the current count of a label.
    pub(super) fn count_label(&self, label: &Label) -> ChangeCount {
        ChangeCount(self.shard(label.as_str()).changes.load(SeqCst).wrapping_add(self.all.load(SeqCst)))
    }

    /// Returns the mark of two keys.
    #[cfg(feature = "revoke")]
    pub(super) fn mark(&self, keys: [&str; 2]) -> ChangeMark {
        // There are 256.
        let shards = keys.map(|key| self.shard_of(key) as u8);
        ChangeMark { shards, count: self.marked(shards) }
    }

    /// Returns `true` if there was no change since the mark was made.
    #[cfg(feature = "revoke")]
    #[inline]
    pub(super) fn is_current(&self, mark: &ChangeMark) -> bool {
        self.marked(mark.shards) == mark.count
    }

    #[cfg(feature = "revoke")]
    #[inline]
    fn marked(&self, shards: [u8; 2]) -> ChangeCount {
        let changes = shards.map(|shard| self.shards[usize::from(shard)].changes.load(SeqCst));
        ChangeCount(changes[0].wrapping_add(changes[1]).wrapping_add(self.all.load(SeqCst)))
    }

    /// Calls `insert` unless the count has changed, and `remove` if it changes meanwhile: changes of labels and of all
    /// keys do not wait for the lock of this key.
    pub(super) fn unless_changed(
        &self,
        count: ChangeCount,
        key: &Key,
        labels: Labels<'_>,
        insert: impl FnOnce(),
        remove: impl FnOnce(),
    ) {
        let _lock = self.shard(key.as_str()).lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.count(key, labels) == count {
            insert();
            if self.count(key, labels) != count {
                remove();
            }
        }
    }

    /// Counts a change of `key`, and calls `remove`.
    pub(super) fn changed(&self, key: &str, remove: impl FnOnce()) {
        let shard = self.shard(key);
        let _lock = shard.lock.lock().unwrap_or_else(PoisonError::into_inner);
        shard.changes.fetch_add(1, SeqCst);
        remove();
    }

    /// Counts a change of all keys.
    pub(super) fn all_changed(&self) {
        self.all.fetch_add(1, SeqCst);
    }

    fn shard(&self, key: &str) -> &CountShard {
        &self.shards[self.shard_of(key)]
    }

    fn shard_of(&self, key: &str) -> usize {
        // The remainder is below SHARDS, so that the cast is lossless.
        (self.hasher.hash_one(key) % SHARDS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_since_the_count_was_taken_prevents_the_copy() {
        let counts = ChangeCounts::default();
        let key = Key::new("k".to_owned(), 0, 0);
        let tags = [Label::tag("", "t")];
        let labels = Labels { group: None, tags: &tags };
        let is_inserted = |count| {
            let mut inserted = false;
            let insert = || inserted = true;
            counts.unless_changed(count, &key, labels, insert, || panic!("nothing changed meanwhile"));
            inserted
        };
        let count = || counts.count(&key, labels);
        assert!(is_inserted(count()));
        let changes: [&dyn Fn(); 3] =
            [&|| counts.changed("k", || ()), &|| counts.changed("{#t}", || ()), &|| counts.all_changed()];
        for change in changes {
            let before = count();
            change();
            assert!(!is_inserted(before));
            assert!(is_inserted(count()));
        }
    }

    #[test]
    fn a_change_during_the_insertion_removes_the_copy() {
        let counts = ChangeCounts::default();
        let key = Key::new("k".to_owned(), 0, 0);
        let mut removed = false;
        let count = counts.count(&key, Labels::default());
        counts.unless_changed(count, &key, Labels::default(), || counts.all_changed(), || removed = true);
        assert!(removed);
    }
}
