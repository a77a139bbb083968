//! The steps of a call that touch the store. Each is bounded in time, and none of them fails: trouble is counted, and
//! the call goes on without the store.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::decide::{Keep, Times, Verdict, verdict};
use super::flight::Landing;
use crate::call::Trip;
use crate::codec::{Codec, fingerprint_of};
use crate::envelope::{self, Meta};
use crate::error::Error;
use crate::expire::Expire;
use crate::fingerprint::fingerprint;
use crate::outcome::{Kept, Shape, Value};
use crate::stats::{Tally, count};
use crate::tier::{Found, Life, Stamp, Tier};
use crate::trace;

/// What a look into the store found.
pub(crate) enum Look<V> {
    /// A value that may be served, and its envelope.
    Value(V, Bytes),
    /// A `None` that may be served.
    Nothing,
    /// Nothing to serve. The stamp is the group's at this moment.
    Miss(Option<Stamp>),
    /// The store did not answer.
    Away(Error),
}

/// A result made ready for the store and for those who wait for it.
pub(crate) struct Parcel {
    pub(crate) landing: Landing,
    pub(crate) fill: Option<(Bytes, Option<Duration>)>,
}

impl<'c> Trip<'c> {
    /// Counts what follows as done by another function than the handle.
    pub(crate) fn by(mut self, function: &'c str) -> Self {
        self.counters = Tally::Row(self.inner.stats.row(function));
        self.label = function;
        self
    }

    /// Reads the entry.
    pub(crate) async fn look<V: DeserializeOwned>(&self) -> Look<V> {
        let found = match self.inner.tier.read(&self.key).await {
            Ok(found) => found,
            Err(error) => {
                self.store_error(&error);
                return Look::Away(error);
            }
        };
        let Found { bytes: Some(bytes), stamp } = found else { return Look::Miss(found.stamp) };
        let Some(opened) = envelope::open(&self.key, &bytes, self.inner.max_value) else {
            return self.unusable(stamp);
        };
        let times = Times { soft_ms: opened.meta.soft_ms, hard_ms: opened.meta.hard_ms };
        if verdict(times, now_ms(), opened.meta.stamp, stamp) == Verdict::Miss {
            return Look::Miss(stamp);
        }
        if opened.meta.none && opened.is::<V>() {
            return Look::Nothing;
        }
        match opened.decode() {
            Some(value) => Look::Value(value, bytes),
            None => self.unusable(stamp),
        }
    }

    /// Foreign bytes, damaged ones, or those of another type: a miss, to be replaced.
    fn unusable<V>(&self, stamp: Option<Stamp>) -> Look<V> {
        count(&self.counters.unusable);
        Look::Miss(stamp)
    }

    /// Stores a value, or that there is none, whatever is there now.
    ///
    /// # Errors
    /// It was not stored.
    pub(crate) async fn put<V: Serialize + ?Sized>(
        &self,
        value: Option<&V>,
        expire: Expire,
    ) -> Result<(), Error> {
        self.inner.flights.void(self.key.as_str());
        let stamp = self.stamp(None).await?;
        let life = life(expire);
        // Postcard's fingerprint needs a type that can be decoded; a value put by hand need not be, so it goes as JSON,
        // which every reader understands: the envelope says which codec it is.
        let codec = if self.policy.codec == Codec::Postcard { Codec::Json } else { self.policy.codec };
        let meta = self.meta(codec, fingerprint::<V>(), life, stamp);
        let bytes = envelope::seal(&self.key, meta, value, self.inner.max_value)
            .inspect_err(|error| self.not_encoded(error))?;
        // Refused means that the group was dropped in this moment, which would have dropped the entry as well.
        self.fill(bytes, life, stamp).await.map(drop)
    }

    /// Removes the entry.
    ///
    /// # Errors
    /// The store did not answer.
    pub(crate) async fn delete(&self) -> Result<bool, Error> {
        self.inner.flights.void(self.key.as_str());
        let removed = self.inner.tier.delete(&self.key).await.inspect_err(|error| self.store_error(error))?;
        count(&self.counters.invalidations);
        Ok(removed)
    }

    /// How long the entry has to live; `None` when the store did not answer.
    pub(crate) async fn life(&self) -> Option<Life> {
        self.measure().await.inspect_err(|error| self.store_error(error)).ok()
    }

    async fn measure(&self) -> Result<Life, Error> {
        let tier = &self.inner.tier;
        if self.key.group().is_some() {
            // What a dropped group left behind is there until its memory is reclaimed, and yet cannot be read any more.
            let found = tier.read(&self.key).await?;
            let stored = found.bytes.as_deref().and_then(envelope::peek).and_then(|meta| meta.stamp);
            if stored.is_none() || stored != found.stamp {
                return Ok(Life::Absent);
            }
        }
        tier.life(&self.key).await
    }

    /// The stamp that a computation that starts now is valid under; `None` without a group. `Err` when there is a group
    /// and its stamp cannot be had, so that the result must not be stored.
    pub(crate) async fn stamp(&self, seen: Option<Stamp>) -> Result<Option<Stamp>, Error> {
        match self.key.group_key() {
            Some(group) if seen.is_none() => {
                self.inner.tier.stamp(&group).await.map(Some).inspect_err(|error| self.store_error(error))
            }
            _ => Ok(seen),
        }
    }

    /// Encodes what is to be kept. A value that cannot be encoded reaches its caller all the same.
    pub(crate) fn pack<V: Value>(
        &self,
        value: Option<&V>,
        keep: Keep,
        stamp: Option<Stamp>,
        is_awaited: bool,
    ) -> Parcel {
        let (expire, stored) = match keep {
            Keep::Value(expire) | Keep::Nothing(expire) => (expire, true),
            Keep::No(reason) => {
                self.refused(reason);
                (Expire::Never, false)
            }
        };
        let landing = if value.is_none() { Landing::Nothing } else { Landing::Free };
        if !stored && (!is_awaited || value.is_none()) {
            return Parcel { landing, fill: None };
        }
        let life = life(expire);
        let meta = self.meta(self.policy.codec, fingerprint_of::<V>(self.policy.codec), life, stamp);
        match envelope::seal(&self.key, meta, value, self.inner.max_value) {
            Ok(bytes) => Parcel {
                landing: if value.is_none() { landing } else { Landing::Value(bytes.clone()) },
                fill: stored.then_some((bytes, life)),
            },
            Err(error) => {
                self.not_encoded(&error);
                Parcel { landing, fill: None }
            }
        }
    }

    fn meta(&self, codec: Codec, fingerprint: u64, life: Option<Duration>, stamp: Option<Stamp>) -> Meta {
        let created_ms = now_ms();
        let ends_ms = life.map_or(envelope::NEVER, |life| {
            created_ms.saturating_add(u64::try_from(life.as_millis()).unwrap_or(envelope::NEVER))
        });
        Meta {
            codec,
            compress: self.policy.compress,
            none: false,
            created_ms,
            soft_ms: ends_ms,
            hard_ms: ends_ms,
            fingerprint,
            stamp,
        }
    }

    /// Stores an envelope. Answers whether it was stored.
    pub(crate) async fn fill(
        &self,
        bytes: Bytes,
        life: Option<Duration>,
        stamp: Option<Stamp>,
    ) -> Result<bool, Error> {
        if self.inner.is_closed() {
            return Err(Error::Closed);
        }
        let size = bytes.len();
        let stored = self
            .inner
            .tier
            .fill(&self.key, bytes, life, stamp)
            .await
            .inspect_err(|error| self.store_error(error))?;
        if stored {
            count(&self.counters.stores);
            trace::store(self.label, size);
        } else {
            self.refused("dropped while it was computed");
        }
        Ok(stored)
    }

    /// The result that a landed computation has for this call, if it can be handed over.
    pub(crate) fn take<R, S: Shape<R>>(&self, landing: &Landing, kept: Kept<R, S::Value>) -> Option<R>
    where
        S::Value: Value,
    {
        match landing {
            Landing::Value(bytes) => {
                envelope::open(&self.key, bytes, self.inner.max_value)?.decode().map(S::value)
            }
            Landing::Nothing => S::nothing(),
            Landing::Failure(error) => kept.share.and_then(|share| (share.copy)(&**error)),
            Landing::Free => None,
        }
    }

    /// Counts a result that is not stored.
    pub(crate) fn refused(&self, reason: &str) {
        count(&self.counters.refusals);
        trace::refuse(self.label, reason);
    }

    fn store_error(&self, error: &Error) {
        count(&self.counters.store_errors);
        trace::store_error(self.label, error);
    }

    fn not_encoded(&self, error: &Error) {
        if matches!(error, Error::TooLarge { .. }) {
            self.refused("too large");
        } else {
            count(&self.counters.encode_errors);
        }
        self.inner.stats.once(self.label, || {
            trace::warn(&format!("a result of `{}` was not stored: {error}", self.label));
        });
    }
}

/// What waits for a failed computation gets, if its error can be cloned.
pub(crate) fn failure<R, V>(result: &R, kept: Kept<R, V>) -> Option<Arc<dyn Any + Send + Sync>> {
    kept.share.and_then(|share| (share.seat)(result))
}

fn life(expire: Expire) -> Option<Duration> {
    match expire {
        Expire::After(life) => Some(life),
        Expire::Never => None,
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
