//! The steps of a call that change the store. Each is bounded in time, and none of them fails a call: trouble is counted,
//! and the call goes on without the store.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::decide::{Expiry, Storage};
use super::flight::Completion;
use super::lease::Lease;
use super::pending::PendingInvalidation;
use crate::codec::envelope::{self, Meta, Under};
use crate::codec::fingerprint::fingerprint;
use crate::codec::{Codec, Decode, Encode};
use crate::engine::core::Core;
use crate::observe::stats::{Tally, count};
use crate::observe::trace;
use crate::rt::random::chance;
use crate::site::expiries::Expiries;
use crate::site::outcome::{Shape, Value, ValueCaps};
use crate::site::policy::Policy;
use crate::store::LeaseMode;
use crate::store::Ttl;
use crate::store::{Claim, Store, StoreRead};
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::key::{Key, Label};
use crate::types::stamp::Stamp;
use crate::types::windows::StaleWindows;

/// How often [`EntryOp::mark_stale`] tries again when the entry changes under its hands.
const ATTEMPTS: usize = 3;

/// A call that uses the cache: everything about it that can be known before the first look.
pub(crate) struct EntryOp<'c> {
    pub(crate) core: &'c Arc<Core>,
    pub(crate) key: Key,
    /// The tags of the entry, as far as they are known.
    pub(crate) tags: Cow<'c, [Label]>,
    /// Whether `tags` are all that the entry may have.
    pub(crate) knows_tags: bool,
    pub(crate) policy: Policy,
    pub(crate) expiries: Expiries,
    pub(crate) counters: Tally<'c>,
    /// The function part of the key, for events.
    pub(crate) label: &'c str,
}

/// A result made ready for the store and for those who wait for it.
pub(crate) struct Encoded {
    pub(crate) completion: Completion,
    pub(crate) fill: Option<(Bytes, Option<Duration>)>,
}

impl<'c> EntryOp<'c> {
    /// Counts what follows as done by another function than the handle.
    pub(crate) fn by(mut self, function: &'c str) -> Self {
        self.counters = Tally::Row(self.core.stats.row(function));
        self.label = function;
        self
    }

    /// Stores a value, or that there is none, whatever is there now.
    ///
    /// # Errors
    /// It was not stored. If that was the store's fault, what was there is removed as soon as it can be.
    pub(crate) async fn put<V: Encode + ?Sized>(
        &self,
        value: Option<&V>,
        expire: Expire,
    ) -> Result<(), Error> {
        self.put_within(value, expire, None, self.core.max_value).await
    }

    /// [`EntryOp::put`] for a value that a function returned, which may have a word in its life.
    ///
    /// # Errors
    /// As [`EntryOp::put`].
    pub(crate) async fn put_result<V: Value>(&self, value: Option<&V>, expire: Expire) -> Result<(), Error> {
        let windows = value.and_then(V::windows);
        self.put_within(value, expire, windows, V::limit(self.core.max_value)).await
    }

    async fn put_within<V: Encode + ?Sized>(
        &self,
        value: Option<&V>,
        expire: Expire,
        windows: Option<StaleWindows>,
        limit: usize,
    ) -> Result<(), Error> {
        self.core.flights.void(self.key.as_str());
        let mark = self.core.pending.mark();
        let labels = self.labels();
        // Whatever is stored or computed ends here. What a store refused or lost later arrives too late: the lease is gone.
        let lease = Lease::ask(self, LeaseMode::Put, &[]).await.map_err(|error| self.owe(error))?;
        let lease =
            lease.map_err(|_| Error::Unavailable { message: "the store gave no lease".to_owned() })?;
        let life = self.span(value.is_some(), windows, expire);
        // Postcard's fingerprint needs a type that can be decoded; a value put by hand need not be, so it goes as JSON,
        // which every reader understands: the envelope says which codec it is.
        let codec = if self.policy.codec == Codec::Postcard { Codec::Json } else { self.policy.codec };
        let meta = self.meta(codec, fingerprint::<V>(), life);
        let under = Under { labels, stamps: lease.stamps() };
        let bytes = envelope::seal(&self.key, meta, under, value, limit)
            .inspect_err(|error| self.not_encoded(error))?;
        let claim = Claim { token: Some(lease.token()), stamps: lease.stamps() };
        let stored = self.store(bytes, life.whole, claim).await;
        self.core.forget(&self.key);
        // Refused means that somebody changed it once more in this moment.
        if stored.map_err(|error| self.owe(error))? {
            lease.settle();
        }
        self.core.pending.settle(&self.due(), mark);
        Ok(())
    }

    /// Removes the entry.
    ///
    /// # Errors
    /// The store did not answer: it is removed as soon as it can be.
    pub(crate) async fn delete(&self) -> Result<bool, Error> {
        self.core.flights.void(self.key.as_str());
        let mark = self.core.pending.mark();
        let removed = self.core.store.delete(&self.key).await;
        // Also when it failed: this process knows that the value is old.
        self.core.forget(&self.key);
        let removed =
            removed.inspect_err(|error| self.store_error(error)).map_err(|error| self.owe(error))?;
        self.core.pending.settle(&self.due(), mark);
        count(&self.counters.invalidations);
        Ok(removed)
    }

    /// Lets the entry become stale now; one that has no old age is removed. What was being computed is not stored.
    ///
    /// # Errors
    /// The store did not answer: it is removed as soon as it can be.
    pub(crate) async fn mark_stale(&self) -> Result<(), Error> {
        self.core.flights.void(self.key.as_str());
        let softened = self.age().await;
        self.core.forget(&self.key);
        if softened.inspect_err(|error| self.store_error(error)).map_err(|error| self.owe(error))? {
            count(&self.counters.invalidations);
            return Ok(());
        }
        self.delete().await.map(drop)
    }

    /// Ends the fresh part of the entry's life. ValueRules whether there is another part.
    async fn age(&self) -> Result<bool, Error> {
        let tier = &self.core.store;
        for _ in 0..ATTEMPTS {
            let found = tier.read(&self.key, self.labels()).await?;
            let Some(bytes) = found.bytes else { break };
            let Some(opened) = envelope::open(&self.key, &bytes, self.core.max_value) else { break };
            let now = self.core.clock.now_ms();
            if opened.meta.soft_ms == opened.meta.hard_ms {
                break;
            }
            let soft_ms = opened.meta.soft_ms.min(now);
            let Some(softened) = envelope::resealed(&bytes, soft_ms) else { break };
            if tier.replace(&self.key, envelope::head(&bytes), softened).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What an invalidation of this entry is about.
    fn due(&self) -> PendingInvalidation {
        PendingInvalidation::Key(self.key.as_str().into())
    }

    /// The invalidation of this entry failed.
    fn owe(&self, error: Error) -> Error {
        self.core.forget(&self.key);
        self.core.owe([self.due()], &self.counters, error)
    }

    /// How long the entry has to live; `None` when the store did not answer.
    pub(crate) async fn life(&self) -> Option<Ttl> {
        if self.core.pending.holds(&self.key, self.labels()) {
            return Some(Ttl::Absent);
        }
        self.measure().await.inspect_err(|error| self.store_error(error)).ok()
    }

    async fn measure(&self) -> Result<Ttl, Error> {
        let tier = &self.core.store;
        let (life, is_tagged) = tier.ttl(&self.key).await?;
        let moved = self.core.clock.is_moved();
        if life != Ttl::Absent && (is_tagged || self.key.group().is_some() || moved) {
            // What a dropped label left behind is there until its memory is reclaimed, and yet cannot be read any more.
            let StoreRead { bytes, stamps: marks } = tier.read(&self.key, self.labels()).await?;
            let opened =
                bytes.as_deref().and_then(|bytes| envelope::open(&self.key, bytes, self.core.max_value));
            return Ok(match opened {
                Some(opened) if self.is_current(&opened, &marks).await? => {
                    self.left(life, opened.meta.hard_ms)
                }
                Some(_) | None => Ttl::Absent,
            });
        }
        Ok(life)
    }

    /// What is left of a life that ends at this time: as the store says, unless a test has moved the clock.
    pub(crate) fn left(&self, life: Ttl, end_ms: u64) -> Ttl {
        let clock = &self.core.clock;
        match life {
            Ttl::For(_) if clock.has_passed(end_ms) => Ttl::Absent,
            Ttl::For(_) if clock.is_moved() => {
                Ttl::For(Duration::from_millis(end_ms.saturating_sub(clock.now_ms())))
            }
            life => life,
        }
    }

    /// Encodes what is to be kept. A value that cannot be encoded reaches its caller all the same.
    pub(crate) fn pack<V: Value>(
        &self,
        value: Option<&V>,
        keep: Storage,
        stamps: Option<&[Stamp]>,
        is_awaited: bool,
    ) -> Encoded {
        let (expire, stored) = match keep {
            Storage::Value(expire) | Storage::Nothing(expire) => (expire, stamps.is_some()),
            Storage::No(reason) => {
                self.refused(reason);
                (Expire::Never, false)
            }
        };
        let completion = if value.is_none() { Completion::Nothing } else { Completion::Free };
        if !stored && (!is_awaited || value.is_none()) {
            return Encoded { completion, fill: None };
        }
        let life = self.span(value.is_some(), value.and_then(V::windows), expire);
        let meta = self.meta(self.policy.codec, V::fingerprint(self.policy.codec), life);
        // What is only handed over is never read under labels.
        let under = stamps.map_or_else(Under::default, |stamps| Under { labels: self.labels(), stamps });
        match envelope::seal(&self.key, meta, under, value, V::limit(self.core.max_value)) {
            Ok(bytes) => Encoded {
                completion: if value.is_none() { completion } else { Completion::Value(bytes.clone()) },
                fill: stored.then_some((bytes, life.whole)),
            },
            Err(error) => {
                self.not_encoded(&error);
                Encoded { completion, fill: None }
            }
        }
    }

    /// How long a result is fresh, and how long it is there. A `None` has no old age: it is kept to be brief.
    fn span(&self, has_value: bool, windows: Option<StaleWindows>, expire: Expire) -> Expiry {
        if !has_value {
            return Expiry::plain(expire);
        }
        let chance = if self.policy.jitter == 0 { 0 } else { chance() };
        let windows = windows.unwrap_or_else(|| self.policy.windows());
        Expiry::of(expire, windows, self.policy.jitter, chance)
    }

    fn meta(&self, codec: Codec, fingerprint: u64, life: Expiry) -> Meta {
        let times = life.times(self.core.clock.now_ms());
        Meta {
            codec,
            compress: self.policy.compress,
            none: false,
            created_ms: times.created_ms,
            soft_ms: times.soft_ms,
            hard_ms: times.hard_ms,
            fingerprint,
            stamp: None,
        }
    }

    /// Stores an envelope under a lease, which is gone afterwards.
    pub(crate) async fn fill(&self, bytes: Bytes, life: Option<Duration>, lease: Lease) {
        let claim = Claim { token: Some(lease.token()), stamps: lease.stamps() };
        if lease.is_spare() {
            return self.core.outage.fill(self, bytes, life, claim).await;
        }
        // Trouble was counted; the caller gets the value either way.
        if self.store(bytes, life, claim).await.unwrap_or(false) {
            lease.settle();
        }
    }

    async fn store(&self, bytes: Bytes, life: Option<Duration>, claim: Claim<'_>) -> Result<bool, Error> {
        if self.core.is_closed() {
            return Err(Error::Closed);
        }
        let size = bytes.len();
        let stored = self
            .core
            .store
            .fill(&self.key, self.labels(), bytes, life, claim)
            .await
            .inspect_err(|error| self.store_error(error))?;
        if stored {
            count(&self.counters.stores);
            trace::store(self.label, size);
        } else {
            self.refused("invalidated while it was computed");
        }
        Ok(stored)
    }

    /// The result that a landed computation has for this call, if it can be handed over.
    pub(crate) fn take<R, S: Shape<R>>(
        &self,
        completion: &Completion,
        caps: ValueCaps<R, S::Value>,
    ) -> Option<R>
    where
        S::Value: Value,
    {
        match completion {
            Completion::Value(bytes) => {
                let limit = S::Value::limit(self.core.max_value);
                envelope::open(&self.key, bytes, limit)?.decode(bytes).map(S::value)
            }
            Completion::Nothing => S::nothing(),
            Completion::Failure(error) => caps.share.and_then(|share| (share.copy)(&**error)),
            Completion::Free => None,
        }
    }

    /// Counts a result that is not stored.
    pub(crate) fn refused(&self, reason: &str) {
        count(&self.counters.refusals);
        trace::refuse(self.label, reason);
    }

    pub(crate) fn store_error(&self, error: &Error) {
        count(&self.counters.store_errors);
        trace::store_error(self.label, error);
    }

    fn not_encoded(&self, error: &Error) {
        if matches!(error, Error::TooLarge { .. }) {
            self.refused("too large");
        } else {
            count(&self.counters.encode_errors);
        }
        self.core.stats.once(self.label, || {
            trace::warn(&format!("a result of `{}` was not stored: {error}", self.label));
        });
    }
}

/// What waits for a failed computation gets, if its error can be cloned.
pub(crate) fn failure<R, V>(result: &R, caps: ValueCaps<R, V>) -> Option<Arc<dyn Any + Send + Sync>> {
    caps.share.and_then(|share| (share.erase)(result))
}
