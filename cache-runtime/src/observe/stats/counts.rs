//! The counts of one function.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use super::value_sizes::ValueSizes;
use crate::rt::stripe::Striped;

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $(#[cfg($needed:meta)])? $name:ident,)*) => {
        /// Counts of one function or of all functions.
        ///
        /// ```
        /// # use larder_runtime as larder;
        /// let counts = larder::Counts::default();
        /// assert_eq!(counts.hits, 0);
        /// ```
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
        #[non_exhaustive]
        pub struct Counts { $($(#[doc = $doc])* $(#[cfg($needed)])? pub $name: u64,)* }

        /// The live counters of one stripe of threads, on neighbouring cache lines. Hits in front of Redis are counted apart from
        /// other hits, so that each is counted once.
        #[derive(Debug, Default)]
        pub(in crate::observe) struct StripeCounters {
            $($(#[cfg($needed)])? pub(in crate::observe) $name: Counter,)*
            pub(in crate::observe) local_none_hits: Counter,
        }

        impl Counters {
            /// Returns the current counts.
            pub(super) fn counts(&self) -> Counts {
                let mut counts = Counts { $($(#[cfg($needed)])? $name: self.sum(|stripe| &stripe.$name),)* };
                let local_none_hits = self.sum(|stripe| &stripe.local_none_hits);
                counts.hits += counts.local_hits;
                counts.none_hits += local_none_hits;
                counts.local_hits += local_none_hits;
                counts
            }
        }

        impl Counts {
            /// The names of the counts, in the order of [`Counts::values`].
            pub(super) const NAMES: &'static [&'static str] = &[$($(#[cfg($needed)])? stringify!($name)),*];

            /// Returns all counts.
            pub(super) fn values(&self) -> [u64; Self::NAMES.len()] {
                [$($(#[cfg($needed)])? self.$name),*]
            }

            /// Adds the counts of another function.
            pub(super) fn add(&mut self, other: &Self) {
                $($(#[cfg($needed)])? { self.$name += other.$name; })*
            }

            /// Calls `report` with the metric's name, the description and the value of each count.
            #[cfg(feature = "metrics")]
            pub(crate) fn for_each_metric(&self, mut report: impl FnMut(&'static str, &'static str, u64)) {
                $($(#[cfg($needed)])? report(concat!("larder_", stringify!($name), "_total"), concat!($($doc),*), self.$name);)*
            }
        }
    };
}

counters! {
    /// Calls that were answered from the cache with a fresh value.
    hits,
    /// Calls that were answered from the cache with a cached `None`.
    none_hits,
    /// Calls among `hits` that were answered from this process in front of Redis.
    local_hits,
    /// Calls that were answered with a value past its expiry, because or while there was no new one.
    stale_hits,
    /// Calls without a usable entry: the function ran.
    misses,
    /// Results that were stored.
    stores,
    /// Results that were not stored: `Err`, `None`, `unless`, too large, invalidated during the computation.
    refusals,
    /// Calls that waited for the computation of another call and got its result.
    waits,
    /// Calls that did not use the cache: `when`, `bypass`, a path that two functions share, a closed cache. Requests that
    /// bypassed a handler or a layer.
    bypasses,
    /// Waits for the computation of another process.
    lease_waits,
    /// Values that were recomputed on request or in the background.
    refreshes,
    /// Entries, groups or patterns that were invalidated.
    invalidations,
    /// Invalidations that the store did not carry out and that are retried in the background.
    pending_invalidations,
    /// Invalidations that the store did not carry out and that found the retry queue full.
    pending_invalidations_lost,
    /// Invalidations of a [`Deferred`](crate::Deferred) that was dropped without `send` or `discard`; they are carried out in the
    /// background.
    deferred_unsent,
    /// Invalidations that were carried out, and that fewer replicas than `confirm` asks for acknowledged in time.
    not_confirmed,
    /// Stored bytes that could not be used: foreign, damaged, of another type or version.
    unusable,
    /// Values that could not be encoded, and arguments that could not be made a key.
    encode_errors,
    /// Store operations that failed or timed out.
    store_errors,
    /// Calls that went on without the store, because too many of its commands were in flight.
    shed,
    /// Hits that a rate limit admitted.
    #[cfg(feature = "rate_limit")]
    limit_allowed,
    /// Hits that were more than a rate limit admits, and were refused unless the limit only reports.
    #[cfg(feature = "rate_limit")]
    limit_refused,
    /// Hits about which a rate limit decided without the store, as its `on_outage` says.
    #[cfg(feature = "rate_limit")]
    limit_outages,
}

/// The live counters behind [`Counts`]. Threads increment them without contention.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    stripes: Striped<StripeCounters>,
    /// The sizes of the function's values.
    pub(crate) sizes: ValueSizes,
}

impl Counters {
    /// Returns the counters of this thread's stripe.
    #[inline]
    pub(in crate::observe) fn here(&self) -> &StripeCounters {
        self.stripes.here()
    }

    /// Returns the counters of a stripe.
    #[inline]
    pub(in crate::observe) fn at(&self, stripe: usize) -> &StripeCounters {
        self.stripes.at(stripe)
    }

    fn sum(&self, counter: impl Fn(&StripeCounters) -> &Counter) -> u64 {
        self.stripes.all().map(|stripe| counter(stripe).0.load(Relaxed)).sum()
    }
}

/// One counter.
#[derive(Debug, Default)]
pub(in crate::observe) struct Counter(AtomicU64);

impl Counter {
    /// Adds one. Counters are statistics and need no order among each other.
    #[inline]
    pub(in crate::observe) fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_in_front_of_redis_are_counted_with_all_hits() {
        let counters = Counters::default();
        let here = counters.here();
        for counter in
            [&here.hits, &here.none_hits, &here.local_hits, &here.local_hits, &here.local_none_hits]
        {
            counter.add_one();
        }
        let expected = Counts { hits: 3, none_hits: 2, local_hits: 3, ..Counts::default() };
        assert_eq!(counters.counts(), expected);
    }
}
