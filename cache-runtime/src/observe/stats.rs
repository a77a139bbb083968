//! Statistics: what happened, counted per function.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::Serialize;

use crate::rt::stripe::Striped;

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// Counts of one function or of everything.
        ///
        /// ```
        /// let stats = larder_runtime::Counts::default();
        /// assert_eq!(stats.hits, 0);
        /// ```
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
        #[non_exhaustive]
        pub struct Counts { $($(#[doc = $doc])* pub $name: u64,)* }

        /// The live counters behind [`Counts`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter,)* }

        impl Counters {
            pub(crate) fn counts(&self) -> Counts {
                Counts { $($name: self.$name.sum(),)* }
            }
        }

        impl Counts {
            fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }

            /// Each count with the name of its metric and what it means.
            #[cfg(feature = "metrics")]
            pub(crate) fn each(&self, mut tell: impl FnMut(&'static str, &'static str, u64)) {
                $(tell(concat!("larder_", stringify!($name), "_total"), concat!($($doc),*), self.$name);)*
            }
        }
    };
}

counters! {
    /// Answered from the cache.
    hits,
    /// Answered from the cache with a `None` that was kept.
    none_hits,
    /// Of `hits`, those that were answered from this process, beside Redis.
    local_hits,
    /// Answered with a value past its expiry, while or because there was no new one.
    stale_hits,
    /// Not in the cache, or not usable: the function ran.
    misses,
    /// Results that were stored.
    stores,
    /// Results that were not stored: `Err`, `None`, `unless`, too large, dropped while they were computed.
    refusals,
    /// Calls that waited for the computation of another call and were answered by it.
    waits,
    /// Calls that did not use the cache: `when`, `bypass`, a path that two functions have, a closed cache.
    bypasses,
    /// Waits for the computation of another process.
    lease_waits,
    /// Recomputed on request, or in the background.
    refreshes,
    /// Entries, groups or patterns that were invalidated.
    invalidations,
    /// Invalidations that the store did not carry out, and that are retried in the background until it does.
    pending_invalidations,
    /// Of those that the store did not carry out, those for which there was no room in the queue.
    pending_invalidations_lost,
    /// Stored bytes that could not be used: foreign, damaged, of another type or version.
    unusable,
    /// Values that could not be encoded, and arguments that could not be made a key.
    encode_errors,
    /// Calls of the store that failed or took too long.
    store_errors,
}

/// Adds one; the counters are statistics and need no order among each other.
#[inline]
pub(crate) fn count(counter: &Counter) {
    counter.0.here().fetch_add(1, Relaxed);
}

/// A counter that several threads can add to without waiting for one another.
#[derive(Debug, Default)]
pub(crate) struct Counter(Striped<AtomicU64>);

impl Counter {
    fn sum(&self) -> u64 {
        self.0.all().map(|stripe| stripe.load(Relaxed)).sum()
    }
}

/// What happened since the cache was made, for all functions and for each.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let cache = larder_runtime::Cache::builder().build().await.unwrap();
/// let stats = cache.stats();
/// println!("{}", serde_json::to_string(&stats).unwrap());
/// # });
/// ```
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Everything together.
    pub total: Counts,
    /// One row a function, by name. Calls of the handle itself are the row `handle`.
    pub functions: Vec<FunctionStats>,
}

/// What happened at one function.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FunctionStats {
    /// The function part of its keys, such as `shop.users.profile`.
    pub function: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Stats {
    /// The counts of one function, by the function part of its keys or the end of it; the first by name where several
    /// end so.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Counts> {
        let ends =
            |full: &str| full == name || full.strip_suffix(name).is_some_and(|head| head.ends_with('.'));
        self.functions.iter().find(|row| ends(&row.function)).map(|row| &row.counts)
    }
}

/// The counters of one function in one cache: those the function's site holds, or, where several caches are used with
/// one function, those of the registry.
#[derive(Debug)]
pub(crate) enum Tally<'a> {
    CallSite(&'a Counters),
    Row(Arc<Counters>),
}

impl Deref for Tally<'_> {
    type Target = Counters;
    fn deref(&self) -> &Counters {
        match self {
            Self::CallSite(counters) => counters,
            Self::Row(counters) => counters,
        }
    }
}

/// The counters of one cache.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    rows: RwLock<HashMap<String, Arc<Counters>>>,
    /// Functions that a person was told about already.
    told: Mutex<HashSet<String>>,
}

impl Registry {
    /// The counters of a function, made at the first call.
    pub(crate) fn row(&self, function: &str) -> Arc<Counters> {
        if let Some(row) = self.rows.read().unwrap_or_else(PoisonError::into_inner).get(function) {
            return Arc::clone(row);
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rows.entry(function.to_owned()).or_default())
    }

    /// Runs `tell` the first time this function has something to tell.
    pub(crate) fn once(&self, function: &str, tell: impl FnOnce()) {
        let first = self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(function.to_owned());
        if first {
            tell();
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mut functions: Vec<FunctionStats> = rows
            .iter()
            .map(|(function, row)| FunctionStats { function: function.clone(), counts: row.counts() })
            .collect();
        functions.sort_by(|a, b| a.function.cmp(&b.function));
        let mut total = Counts::default();
        for row in &functions {
            total.add(&row.counts);
        }
        Stats { total, functions }
    }
}
