//! The stamps of groups and tags inside this process.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter, sync::Cache as Table};

use crate::rt::random::random_stamp;
use crate::types::key::{Label, Labels};
use crate::types::stamp::{CurrentStamps, Stamp, Stamps};

/// The limit of the number of labels. Evicting a label only invalidates its entries.
const LABELS: usize = 100_000;

/// One stamp of a label, shared with the entries that were stored under it. When the label gets another stamp, or is
/// evicted, the stamp is revoked and all its entries are invalid.
pub(crate) struct LabelStamp {
    stamp: Stamp,
    is_revoked: AtomicBool,
    /// No invalidation so far has a higher number; [`UNKNOWN`] where that is not known.
    number: AtomicU64,
}

/// The number of a label whose invalidations were not counted yet.
const UNKNOWN: u64 = u64::MAX;

/// The stamps that one entry was stored under.
pub(crate) type SharedStamps = Box<[Arc<LabelStamp>]>;

/// The current stamps of all labels in use.
pub(crate) struct LabelStamps {
    table: Table<String, Arc<LabelStamp>, UnitWeighter, DefaultHashBuilder, LabelLifecycle>,
    /// The number of invalidations. The lock makes the number and the new stamp one step.
    count: Mutex<u64>,
}

impl LabelStamp {
    /// Returns a random stamp.
    pub(crate) fn new() -> Self {
        Self::with_number(UNKNOWN)
    }

    fn with_number(number: u64) -> Self {
        Self { stamp: random_stamp(), is_revoked: AtomicBool::new(false), number: AtomicU64::new(number) }
    }

    /// Returns `true` while the label has this stamp.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        !self.is_revoked.load(Acquire)
    }

    /// Invalidates all entries under this stamp.
    pub(crate) fn revoke(&self) {
        self.is_revoked.store(true, Release);
    }
}

impl LabelStamps {
    pub(crate) fn new() -> Self {
        let hasher = DefaultHashBuilder::default();
        let table = Table::with(LABELS, LABELS as u64, UnitWeighter, hasher, LabelLifecycle);
        Self { table, count: Mutex::new(0) }
    }

    /// Returns the current stamps.
    pub(crate) fn current(&self, labels: Labels<'_>) -> CurrentStamps {
        labels.iter().map(|label| self.table.get(label).map(|current| current.stamp)).collect()
    }

    /// Returns the current stamps, creating missing ones.
    pub(crate) fn current_or_new(&self, labels: Labels<'_>) -> Stamps {
        labels.iter().map(|label| self.get_or_insert(label).stamp).collect()
    }

    /// Returns the current stamps for an entry, or `None` if they are not `stamps` any more.
    pub(crate) fn matching(&self, labels: Labels<'_>, stamps: &[Stamp]) -> Option<SharedStamps> {
        let pairs = labels.iter().zip(stamps);
        pairs.map(|(label, stamp)| self.table.get(label).filter(|current| current.stamp == *stamp)).collect()
    }

    /// Returns the current stamps for a copy, creating missing ones. Copies are compared with the stamps in Redis before.
    pub(crate) fn for_copy(&self, labels: Labels<'_>) -> impl Iterator<Item = Arc<LabelStamp>> {
        labels.iter().map(|label| self.get_or_insert(label))
    }

    /// Gives the label a new stamp; returns `false` if it had none, so that there is nothing under it.
    pub(crate) fn restamp(&self, label: &Label) -> bool {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        // A stamp that another call creates at this moment belongs to computations that begin now.
        let has_stamp = self.table.peek(label.as_str()).is_some();
        if has_stamp {
            self.table.insert(label.as_str().to_owned(), Arc::new(LabelStamp::with_number(*count)));
        }
        has_stamp
    }

    /// Returns the number of invalidations so far.
    pub(crate) fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the stamps of tags, creating missing ones, or `None` if one of them may have been invalidated after the first
    /// `noted` invalidations.
    pub(crate) fn late(&self, tags: &[Label], noted: u64) -> Option<Stamps> {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps: Vec<Arc<LabelStamp>> = tags.iter().map(|tag| self.get_or_insert(tag.as_str())).collect();
        for stamp in &stamps {
            let _ = stamp.number.compare_exchange(UNKNOWN, *count, Relaxed, Relaxed);
        }
        let is_new_enough = stamps.iter().all(|stamp| stamp.number.load(Relaxed) <= noted);
        is_new_enough.then(|| stamps.iter().map(|stamp| stamp.stamp).collect())
    }

    /// Removes a label and invalidates all entries under it.
    pub(crate) fn remove(&self, label: &str) {
        if let Some((_, stamp)) = self.table.remove(label) {
            stamp.revoke();
        }
    }

    fn get_or_insert(&self, label: &str) -> Arc<LabelStamp> {
        match self.table.get_or_insert_with(label, || Ok::<_, Infallible>(Arc::new(LabelStamp::new()))) {
            Ok(stamp) => stamp,
            Err(never) => match never {},
        }
    }
}

/// Revokes the stamps that leave the table, replaced or evicted.
#[derive(Clone)]
struct LabelLifecycle;

impl Lifecycle<String, Arc<LabelStamp>> for LabelLifecycle {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: String, stamp: Arc<LabelStamp>) {
        stamp.revoke();
    }
}
