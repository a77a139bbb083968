//! The source of values that the functions of the tests read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use larder::{Cache, IgnoreInKey, cache, cache_many};
use support::stores::Gate;

/// A database of numbers, which counts what it is asked for.
#[derive(Debug, Default)]
pub(crate) struct Source {
    asked: Mutex<Vec<Vec<u64>>>,
    /// Holds the calls of [`gated`].
    pub(crate) gate: Gate,
    /// Added to each value.
    pub(crate) version: AtomicU64,
}

impl IgnoreInKey for Source {}

impl Source {
    /// Returns the values of ids. An id above 999 has none.
    pub(crate) fn load(&self, ids: &[u64]) -> HashMap<u64, u64> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(ids.to_vec());
        let version = self.version.load(SeqCst);
        ids.iter().filter(|id| **id < 1_000).map(|id| (*id, id * 10 + version)).collect()
    }

    /// The ids of each call since the last time this was asked, sorted.
    pub(crate) fn asked(&self) -> Vec<Vec<u64>> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        asked.iter_mut().for_each(|ids| ids.sort_unstable());
        asked
    }
}

/// The values that [`Source::load`] returns for ids in its first version.
pub(crate) fn values(ids: impl IntoIterator<Item = u64>) -> HashMap<u64, u64> {
    ids.into_iter().map(|id| (id, id * 10)).collect()
}

#[cache(expire = "5m", cache = cache, entry = number_entry)]
pub(crate) async fn number(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.load(&[id])[&id]
}

#[cache_many(of = |id| number_entry(cache, source, id))]
pub(crate) async fn numbers(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
    source.load(ids)
}

#[cache_many(expire = "5m", cache = cache)]
pub(crate) async fn own(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
    source.load(ids)
}

#[cache_many(expire = "5m", cache = cache)]
pub(crate) async fn gated(cache: &Cache, source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
    let values = source.load(ids);
    source.gate.pass().await;
    values
}
