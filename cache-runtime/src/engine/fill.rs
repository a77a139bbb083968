//! Encodes results, stores them, and decodes them for waiting calls.

use std::any::Any;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::context::Context;
use super::decide::{Expiry, Storage};
use super::entry_op::EntryOp;
use super::follower::Completion;
use super::lease::Lease;
use crate::codec::envelope::{self, Header, StampedLabels};
use crate::codec::{Decode, StoredForm};
use crate::observe::event_kind::EventKind;
use crate::rt::caught::caught;
use crate::rt::random::chance;
use crate::rt::stack::BoxFuture;
use crate::site::comparison::Comparison;
use crate::site::outcome::{Shape, Value};
use crate::site::policy::Policy;
use crate::site::value_caps::ValueCaps;
use crate::store::{FillCondition, LARGE, Store};
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::key::{Label, Labels};
use crate::types::stamp::Stamp;
use crate::types::windows::StaleWindows;

/// A result, encoded for the waiting calls and for the store.
pub(crate) struct Encoded {
    pub(crate) completion: Completion,
    /// The envelope to store, if there is one.
    pub(crate) fill: Option<Sealed>,
}

/// An envelope to store.
pub(crate) struct Sealed {
    pub(crate) bytes: Bytes,
    pub(crate) ttl: Option<Duration>,
    /// The time that the computation took; `None` for a value that is put.
    pub(crate) took: Option<Duration>,
}

/// The outcome of a fill with tags that the value names.
pub(super) enum LateFill {
    Stored,
    /// One of the tags may have been invalidated meanwhile.
    Invalidated,
    /// The lease does not hold any more.
    NoLease,
}

impl EntryOp<'_> {
    /// Encodes a result. A value that cannot be encoded reaches its caller all the same.
    pub(crate) fn encode<V: Value>(
        &self,
        value: Option<&V>,
        storage: Storage,
        stamps: Option<&[Stamp]>,
        (is_awaited, comparison): (bool, Comparison<V>),
    ) -> Encoded {
        let (expire, stored) = match storage {
            Storage::Value(expire) | Storage::Nothing(expire) => (expire, stamps.is_some()),
            Storage::No(reason) => {
                self.refused(reason);
                (Expire::Never, false)
            }
        };
        let completion = if value.is_none() { Completion::Nothing } else { Completion::Unshared };
        if !stored && (!is_awaited || value.is_none()) {
            return Encoded { completion, fill: None };
        }
        let expiry = self.expiry(value.is_some(), value.and_then(V::windows), expire);
        let form = V::form(self.policy.codec);
        if value.is_some() && self.is_unreadable::<V>(form) {
            self.refused("unreadable");
            return Encoded { completion, fill: None };
        }
        let header = self.header(form, V::fingerprint(form), expiry);
        // Without a lease the value only goes to waiting calls, which do not check labels.
        let labels = stamps.map_or_else(StampedLabels::default, |stamps| StampedLabels {
            labels: self.own_labels(),
            stamps,
        });
        match envelope::seal(&self.key, header, labels, self.name, value, V::limit(self.core.max_value)) {
            Ok(bytes) if value.is_some_and(|value| !self.reads_back(value, (form, &bytes), comparison)) => {
                Encoded { completion, fill: None }
            }
            Ok(bytes) => Encoded {
                completion: if value.is_none() { completion } else { Completion::Value(bytes.clone()) },
                fill: stored.then_some(Sealed { bytes, ttl: expiry.total, took: None }),
            },
            Err(error) => {
                self.not_encoded(&error);
                Encoded { completion, fill: None }
            }
        }
    }

    /// The expiry of a result. A stored `None` is never served stale.
    pub(crate) fn expiry(&self, has_value: bool, windows: Option<StaleWindows>, expire: Expire) -> Expiry {
        match windows {
            _ if !has_value => Expiry::plain(expire),
            // The value knows its own times, from which jitter was taken off already.
            Some(windows) => Expiry::exact(expire, windows),
            None => {
                let own = self.policy.jitter;
                let jitter = Context::warmed().map_or(own, |warming| warming.jitter(own));
                Expiry::of(&Policy { jitter, ..*self.policy }, expire, chance)
            }
        }
    }

    /// The header of the envelope of a result.
    pub(crate) fn header(&self, form: StoredForm, fingerprint: u64, expiry: Expiry) -> Header {
        let times = expiry.times(self.core.clock.now_ms());
        Header {
            form,
            compress: self.policy.compress,
            none: false,
            created_ms: times.created_ms,
            soft_ms: times.soft_ms,
            hard_ms: times.hard_ms,
            fingerprint,
            stamp: None,
            identity: 0,
        }
    }

    /// Stores an envelope under a lease, which ends with that. Returns `false` if one of the tags that the value names may have been
    /// invalidated meanwhile.
    pub(crate) fn fill(&self, sealed: Sealed, lease: Lease) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            if !lease.late_tags().is_empty() {
                return self.fill_late(sealed, lease).await;
            }
            self.fill_under(sealed, lease).await;
            true
        })
    }

    async fn fill_under(&self, sealed: Sealed, lease: Lease) {
        let condition =
            FillCondition { token: Some(lease.token()), stamps: lease.stamps(), keeps_write: false };
        if lease.is_fallback() {
            let Sealed { bytes, ttl, .. } = sealed;
            return self.core.outage.fill(&self.key, self.own_labels(), bytes, ttl, condition).await;
        }
        // A failure was counted; the caller gets the value either way.
        if self.fill_store(sealed, condition).await.unwrap_or(false) {
            lease.settle();
        }
    }

    /// [`EntryOp::fill`] of a value that names tags.
    async fn fill_late(&self, sealed: Sealed, lease: Lease) -> bool {
        match self.send_late(sealed, &lease).await {
            Ok(LateFill::Stored) => lease.settle(),
            Ok(LateFill::Invalidated) => return false,
            // A failure was counted.
            Ok(LateFill::NoLease) | Err(_) => {}
        }
        true
    }

    /// Stores an envelope with the tags of the lease. Their stamps are those of this moment, unless a tag may have been
    /// invalidated since the count of the lease.
    ///
    /// # Errors
    /// The store failed, now or when it was asked for the count.
    pub(super) async fn send_late(&self, sealed: Sealed, lease: &Lease) -> Result<LateFill, Error> {
        let (tags, store) = (lease.late_tags(), &self.core.store);
        let noted = lease.noted().ok_or_else(|| Error::unavailable("the store gave no count of tags"))?;
        let Some(stamps) = self.ask(pin!(store.late_stamps(&self.core.prefix, tags, noted))).await? else {
            self.refused("invalidated while it was computed");
            return Ok(LateFill::Invalidated);
        };
        let late = StampedLabels { labels: Labels { group: None, tags }, stamps: &stamps };
        let bytes = envelope::with_late_tags(&sealed.bytes, late, noted)
            .ok_or_else(|| Error::unavailable("an envelope has no room for tags"))?;
        let tags: Vec<Label> = self.own_tags().iter().chain(tags).cloned().collect();
        let stamps: Vec<Stamp> = lease.stamps().iter().chain(&stamps).copied().collect();
        let labels = Labels { group: self.key.group(), tags: &tags };
        let condition = FillCondition { token: Some(lease.token()), stamps: &stamps, keeps_write: false };
        if !self.send(Sealed { bytes, ..sealed }, (labels, condition)).await? {
            return Ok(LateFill::NoLease);
        }
        self.core.late_tags.insert(self.key.as_str(), lease.late_tags());
        Ok(LateFill::Stored)
    }

    /// Sends the envelope to the store and returns whether the lease still held.
    pub(crate) fn fill_store<'a>(
        &'a self,
        sealed: Sealed,
        condition: FillCondition<'a>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(self.send(sealed, (self.own_labels(), condition)))
    }

    async fn send(
        &self,
        Sealed { bytes, ttl, took }: Sealed,
        (labels, condition): (Labels<'_>, FillCondition<'_>),
    ) -> Result<bool, Error> {
        if self.core.is_closed() {
            return Err(Error::Closed);
        }
        let size = bytes.len();
        self.note_size(size);
        let stored = self.ask(pin!(self.core.store.fill(&self.key, labels, bytes, ttl, condition))).await;
        if let Err(error) = &stored
            && size > LARGE
        {
            self.large_value_failed("stored", Some(size), error);
        }
        let stored = stored?;
        if stored {
            if let Some(warming) = Context::warmed() {
                warming.stored();
            }
            #[cfg(feature = "http")]
            self.core.flights.stored(self.key.as_str());
            self.record(EventKind::Stored { bytes: size, took });
        } else {
            self.refused("invalidated while it was computed");
        }
        Ok(stored)
    }

    /// Clones the error of a failed computation for the waiting calls, if the error is `Clone`.
    pub(crate) fn share_failure<R, V>(
        &self,
        caps: ValueCaps<R, V>,
        result: &R,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        let erase = caps.share?.erase;
        self.cloned(|| erase(result))
    }

    /// The clone of an error. One that panics is none: every call has its own error then.
    fn cloned<T>(&self, clone: impl FnOnce() -> Option<T>) -> Option<T> {
        let cloned = caught(clone);
        if cloned.is_none() {
            self.panicked("`Clone` of an error", "calls that waited for it compute for themselves");
        }
        cloned.flatten()
    }

    /// The result of a completed computation for this call, if it can be shared.
    pub(crate) fn receive<R, S: Shape<R>>(
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
                envelope::open(&self.key, bytes, limit)?.decode(bytes).ok().map(S::value)
            }
            Completion::Nothing => S::none(),
            Completion::Failure(error) => {
                let copy = caps.share?.copy;
                self.cloned(|| copy(&**error))
            }
            Completion::Unshared => None,
        }
    }
}
