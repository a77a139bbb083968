//! The stamps of tags, as they were read last. A cluster has them in other slots than the entries under them, so that a read
//! which need not fetch them asks one node in place of two.

use std::time::{Duration, Instant};

use quick_cache::sync::{Cache as Table, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Weighter};

use super::change_counts::{ChangeCount, ChangeCounts};
use crate::types::clock::Clock;
use crate::types::key::Label;
use crate::types::stamp::Stamp;

/// The bookkeeping of one stamp, in bytes, with an estimate of that of the table.
const OVERHEAD: u64 = 128;

/// The stamps of tags, each valid until a change of its tag is notified.
pub(super) struct HeldStamps {
    stamps: Table<Box<str>, HeldStamp, StampWeighter>,
    clock: Clock,
}

/// The current stamps of several tags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeldTags {
    pub(crate) stamps: Vec<Stamp>,
    /// The time since the first of them was read.
    pub(crate) age: Duration,
}

#[derive(Clone)]
struct HeldStamp {
    stamp: Stamp,
    read: Instant,
    /// The changes of the tag before the stamp was read.
    changes: ChangeCount,
}

#[derive(Clone)]
struct StampWeighter;

impl Weighter<Box<str>, HeldStamp> for StampWeighter {
    fn weight(&self, tag: &Box<str>, _: &HeldStamp) -> u64 {
        tag.len() as u64 + OVERHEAD
    }
}

impl HeldStamps {
    /// Returns no stamps, which may take at most `max_bytes`.
    pub(super) fn new(max_bytes: usize, clock: &Clock) -> Self {
        let (estimate, hasher) = ((max_bytes / 256).clamp(16, 1 << 14), DefaultHashBuilder::default());
        let lifecycle = DefaultLifecycle::default();
        let stamps = Table::with(estimate, max_bytes as u64, StampWeighter, hasher, lifecycle);
        Self { stamps, clock: clock.clone() }
    }

    /// Returns the stamps of tags, unless one is missing, was read longer ago than `ttl`, or may have changed since.
    pub(super) fn get(&self, tags: &[Label], ttl: Duration, counts: &ChangeCounts) -> Option<HeldTags> {
        let now = self.clock.instant();
        let mut age = Duration::ZERO;
        let stamps = tags.iter().map(|tag| {
            let held = self.stamps.get(tag.as_str())?;
            age = age.max(now.saturating_duration_since(held.read));
            (held.changes == counts.count_label(tag)).then_some(held.stamp)
        });
        let stamps = stamps.collect::<Option<_>>()?;
        (age < ttl).then_some(HeldTags { stamps, age })
    }

    /// Holds stamps that were read after `changes` was taken.
    pub(super) fn insert(&self, tags: &[Label], stamps: &[Option<Stamp>], changes: &[ChangeCount]) {
        let read = self.clock.instant();
        for ((tag, stamp), changes) in tags.iter().zip(stamps).zip(changes) {
            if let Some(stamp) = *stamp {
                self.stamps.insert(tag.as_str().into(), HeldStamp { stamp, read, changes: *changes });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn stamps_are_held_for_a_time_and_until_they_change() {
        let (held, counts) = (HeldStamps::new(1 << 16, &Clock::default()), ChangeCounts::default());
        let tags = ["a", "b"].map(|name| Label::tag("", name));
        let changes = || tags.each_ref().map(|tag| counts.count_label(tag));
        let get = |tags: &[Label]| held.get(tags, LONG, &counts).map(|held| held.stamps);
        held.insert(&tags, &[Some([1; 16]), None], &changes());
        assert_eq!((get(&tags), get(&tags[..1])), (None, Some(vec![[1; 16]])));
        held.insert(&tags, &[Some([1; 16]), Some([2; 16])], &changes());
        assert_eq!(get(&tags), Some(vec![[1; 16], [2; 16]]));
        assert!(held.get(&tags, Duration::ZERO, &counts).is_none(), "too old");
        // A change while the stamps are read, and one after that.
        let before = changes();
        counts.changed(tags[0].as_str(), || ());
        assert_eq!(get(&tags), None);
        held.insert(&tags, &[Some([1; 16]), Some([2; 16])], &before);
        assert_eq!(get(&tags), None);
        held.insert(&tags, &[Some([3; 16]), Some([2; 16])], &changes());
        assert_eq!(get(&tags[..1]), Some(vec![[3; 16]]));
        counts.all_changed();
        assert_eq!((get(&tags[..1]), get(&tags[1..])), (None, None));
    }

    #[test]
    fn their_memory_is_bounded() {
        let (held, counts) = (HeldStamps::new(1 << 16, &Clock::default()), ChangeCounts::default());
        for number in 0..10_000 {
            let tag = [Label::tag("", &number.to_string())];
            held.insert(&tag, &[Some([0; 16])], &[counts.count_label(&tag[0])]);
        }
        assert!(held.stamps.weight() <= 1 << 16 && held.stamps.len() > 100);
    }
}
