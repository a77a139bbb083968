//! The local tier: copies of entries of Redis in this process, coherent by a stream of invalidations.
//!
//! A copy is served only while the stream is healthy. When it is lost, everything is dropped at once, because what was
//! changed meanwhile is never told. A value is kept only if no invalidation of its key or labels has come since before it
//! was read: an invalidation may overtake the answer of a read.

mod builder;
mod marks;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use std::time::Duration;

use bytes::Bytes;

use self::marks::ReadMarks;
use super::memory::{CallKey, Memory};
use super::redis::{Changes, Redis, Tracking};
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::key::{Key, Labels};

pub use self::builder::LocalTier;
pub(crate) use self::marks::ReadMark;

/// Copies in this process.
pub(crate) struct Local {
    copies: Arc<Copies>,
    _stream: Tracking,
}

struct Copies {
    memory: Memory,
    marks: ReadMarks,
    is_healthy: AtomicBool,
}

impl Local {
    /// Copies of what is in this tier.
    ///
    /// # Errors
    /// A bound that is too small, or no thread for the stream.
    pub(crate) fn open(
        redis: &Redis,
        prefix: &str,
        max_value: usize,
        settings: &LocalTier,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let memory =
            Memory::new(settings.max_bytes, max_value.min(settings.max_bytes / 8).max(1), clock.clone())?;
        let copies =
            Arc::new(Copies { memory, marks: ReadMarks::default(), is_healthy: AtomicBool::new(false) });
        let stream = Tracking::start(Arc::clone(redis.config()), prefix, Arc::clone(&copies))?;
        Ok(Self { copies, _stream: stream })
    }

    /// Whether changes are told now.
    #[inline]
    pub(crate) fn is_healthy(&self) -> bool {
        self.copies.is_healthy.load(Acquire)
    }

    /// What is to be noted before an entry is read, for [`Local::fill`].
    pub(crate) fn mark(&self, key: &Key, labels: Labels<'_>) -> ReadMark {
        self.copies.marks.mark(key, labels)
    }

    /// Keeps a copy of what was read since the mark, unless it was changed in the meantime.
    pub(crate) fn fill(&self, mark: ReadMark, key: &Key, labels: Labels<'_>, bytes: &Bytes, life: Duration) {
        if !self.is_healthy() {
            return;
        }
        let copies = &*self.copies;
        // Before the marks are compared: what dies after that takes the copy with it.
        let cells = copies.memory.cells(labels);
        let keep = || copies.memory.keep(key, bytes.clone(), life, cells);
        copies.marks.unless_changed(mark, key, labels, keep, || copies.memory.drop_copy(key.as_str()));
    }

    /// The value that these arguments led to: no key text, no decoding.
    #[inline]
    pub(crate) fn typed<V>(
        &self,
        call_key: &CallKey<'_>,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        if !self.is_healthy() {
            return None;
        }
        self.copies.memory.typed(call_key, copy)
    }

    /// Remembers the value decoded from `bytes`, for [`Local::typed`].
    pub(crate) fn insert_typed(
        &self,
        call_key: &CallKey<'_>,
        key: &Key,
        bytes: &Bytes,
        value: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
    ) {
        self.copies.memory.insert_typed(call_key, key, bytes, value);
    }

    /// The copy of an entry.
    pub(crate) fn bytes(&self, key: &Key) -> Option<Bytes> {
        if !self.is_healthy() {
            return None;
        }
        self.copies.memory.bytes(key)
    }

    /// Drops the copy of an entry, and all copies under it if it is a label.
    pub(crate) fn forget(&self, key: &str) {
        self.copies.changed(key.as_bytes());
    }

    /// Drops every copy.
    pub(crate) fn clear(&self) {
        self.copies.drop_all();
    }
}

impl Copies {
    fn drop_all(&self) {
        self.marks.all_changed();
        self.memory.drop_all();
    }
}

impl Changes for Copies {
    fn healthy(&self) {
        self.drop_all();
        self.is_healthy.store(true, Release);
    }

    fn lost(&self) {
        // Told again for each attempt that fails, when there is nothing to drop any more.
        if self.is_healthy.swap(false, AcqRel) {
            self.drop_all();
        }
    }

    fn changed(&self, key: &[u8]) {
        // What is not text is not ours.
        let Ok(key) = std::str::from_utf8(key) else { return };
        self.marks.changed(key, || self.memory.drop_copy(key));
    }

    fn all(&self) {
        self.drop_all();
    }
}
