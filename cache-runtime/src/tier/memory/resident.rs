//! Resident: one entry in memory.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use quick_cache::{Lifecycle, Weighter};

use super::super::{Life, Stamp};
use crate::envelope;

/// What an entry costs beside its key and its bytes.
const OVERHEAD: usize = 256;

/// One entry: its envelope, when it ends, and the decoded value once somebody asked for it.
pub(crate) struct Resident {
    bytes: Bytes,
    until: Option<Instant>,
    typed: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// Set when the entry is removed, replaced or evicted: whoever still holds it must not serve it.
    dead: AtomicBool,
}

impl Resident {
    pub(crate) fn new(bytes: Bytes, until: Option<Instant>) -> Self {
        Self { bytes, until, typed: OnceLock::new(), dead: AtomicBool::new(false) }
    }

    pub(crate) fn is_live(&self) -> bool {
        !self.dead.load(Acquire) && self.until.is_none_or(|until| Instant::now() < until)
    }

    pub(crate) fn kill(&self) {
        self.dead.store(true, Release);
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

    pub(crate) fn seat(&self, value: impl FnOnce() -> Arc<dyn Any + Send + Sync>) {
        self.typed.get_or_init(value);
    }

    pub(crate) fn stamp(&self) -> Option<Stamp> {
        envelope::peek(&self.bytes).and_then(|meta| meta.stamp)
    }

    pub(crate) fn life(&self) -> Life {
        self.until.map_or(Life::Forever, |until| Life::For(until.saturating_duration_since(Instant::now())))
    }
}

/// Bytes an entry takes. The decoded copy is taken to be as large as the bytes.
#[derive(Clone)]
pub(crate) struct Weigh;

impl Weighter<String, Arc<Resident>> for Weigh {
    fn weight(&self, key: &String, resident: &Arc<Resident>) -> u64 {
        (key.len() + 2 * resident.bytes.len() + OVERHEAD) as u64
    }
}

/// Marks what is evicted or replaced, so that a front never serves it.
#[derive(Clone)]
pub(crate) struct Kill;

impl Lifecycle<String, Arc<Resident>> for Kill {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: String, resident: Arc<Resident>) {
        resident.kill();
    }
}
