//! MemoryEntry: one entry in memory.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use quick_cache::{Lifecycle, Weighter};

use super::super::Ttl;
use super::arg_index::ArgIndex;
use super::labels::Cell;
use crate::codec::envelope;
use crate::types::clock::Clock;

/// What an entry costs beside its key and its bytes.
const OVERHEAD: usize = 256;

/// One entry: its envelope, when it ends, and the decoded value once somebody asked for it.
pub(crate) struct MemoryEntry {
    bytes: Bytes,
    raw_len: usize,
    until: Option<Until>,
    labels: Box<[Arc<Cell>]>,
    typed: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// Set when the entry is removed, replaced or evicted: whoever still holds it must not serve it.
    dead: AtomicBool,
    /// Which call_key leads here, plus one; zero is none.
    insert: AtomicUsize,
}

impl MemoryEntry {
    /// An entry under labels; it ends when one of their cells does.
    pub(crate) fn new(bytes: Bytes, life: Option<Duration>, labels: Box<[Arc<Cell>]>, clock: &Clock) -> Self {
        Self::until(bytes, life.and_then(|life| Until::after(life, clock)), labels)
    }

    /// Another envelope for the rest of this entry's life.
    pub(crate) fn renewed(&self, bytes: Bytes) -> Self {
        Self::until(bytes, self.until.clone(), self.labels.clone())
    }

    fn until(bytes: Bytes, until: Option<Until>, labels: Box<[Arc<Cell>]>) -> Self {
        let raw_len = envelope::raw_len(&bytes).max(bytes.len());
        Self {
            bytes,
            raw_len,
            until,
            labels,
            typed: OnceLock::new(),
            dead: AtomicBool::new(false),
            insert: AtomicUsize::new(0),
        }
    }

    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        !self.dead.load(Acquire)
            && self.until.as_ref().is_none_or(Until::is_ahead)
            && self.labels.iter().all(|label| label.is_live())
    }

    pub(crate) fn kill(&self) {
        self.dead.store(true, Release);
    }

    /// Remembers which call_key leads here, so that it goes when the entry does.
    pub(crate) fn seated_at(&self, index: usize) {
        self.insert.store(index + 1, Release);
    }

    /// Which call_key leads here.
    pub(crate) fn seat_index(&self) -> Option<usize> {
        self.insert.load(Acquire).checked_sub(1)
    }

    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Whether these are the very bytes of this entry, not merely equal ones.
    pub(crate) fn holds(&self, bytes: &Bytes) -> bool {
        self.bytes.as_ptr() == bytes.as_ptr()
    }

    pub(crate) fn typed(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.typed.get()
    }

    pub(crate) fn insert(&self, value: impl FnOnce() -> Arc<dyn Any + Send + Sync>) {
        self.typed.get_or_init(value);
    }

    pub(crate) fn life(&self) -> Ttl {
        self.until.as_ref().map_or(Ttl::Forever, |until| Ttl::For(until.left()))
    }
}

/// The end of a life. Far from it, the system's coarse clock is asked, which is a few milliseconds behind and takes a
/// quarter of the time; near it, the exact one.
#[derive(Clone)]
struct Until {
    near: coarsetime::Instant,
    exact: Instant,
    clock: Clock,
}

impl Until {
    /// More than the coarse clock is ever behind.
    const MARGIN: Duration = Duration::from_millis(50);

    /// `None` when it is too far off to be counted.
    fn after(life: Duration, clock: &Clock) -> Option<Self> {
        let exact = clock.instant().checked_add(life)?;
        let near = clock.coarse() + coarsetime::Duration::from(life.saturating_sub(Self::MARGIN));
        Some(Self { near, exact, clock: clock.clone() })
    }

    fn left(&self) -> Duration {
        self.exact.saturating_duration_since(self.clock.instant())
    }

    #[inline]
    fn is_ahead(&self) -> bool {
        self.clock.coarse() < self.near || self.clock.instant() < self.exact
    }
}

/// Bytes an entry takes. The decoded copy is taken to be as large as the value was before compression.
#[derive(Clone)]
pub(crate) struct Weigh;

impl Weighter<String, Arc<MemoryEntry>> for Weigh {
    fn weight(&self, key: &String, entry: &Arc<MemoryEntry>) -> u64 {
        (key.len() + entry.bytes.len() + entry.raw_len + OVERHEAD) as u64
    }
}

/// Marks what is evicted or replaced, so that a call key never serves it.
#[derive(Clone)]
pub(crate) struct EntryLifecycle(pub(crate) Arc<ArgIndex>);

impl Lifecycle<String, Arc<MemoryEntry>> for EntryLifecycle {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: String, entry: Arc<MemoryEntry>) {
        self.0.kill(&entry);
    }
}
