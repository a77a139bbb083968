//! Explicit changes of one entry: storing, removing, marking as stale.

use std::pin::pin;

use super::context::Context;
use super::entry_op::EntryOp;
use super::fill::Sealed;
use super::invalidation_guard::InvalidationGuard;
use super::pending_invalidation::PendingInvalidation;
use crate::codec::envelope::{self, StampedLabels};
use crate::codec::fingerprint::fingerprint;
use crate::codec::{Encode, StoredForm};
use crate::observe::event_kind::{EventKind, InvalidatedBy};
use crate::rt::stack::BoxFuture;
use crate::site::outcome::Value;
use crate::store::{FillCondition, LeaseMode, Store};
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::windows::StaleWindows;

/// The number of times that [`EntryOp::mark_stale`] tries again when another call changes the entry at the same time.
const ATTEMPTS: usize = 3;

/// A value to put, or a `None`.
pub(super) struct PutValue<'v, V: ?Sized> {
    pub(super) value: Option<&'v V>,
    pub(super) expire: Expire,
    /// The stale windows of its own, for a value that has some.
    pub(super) windows: Option<StaleWindows>,
    /// The largest size.
    pub(super) limit: usize,
}

impl<'v, V: Value> PutValue<'v, V> {
    /// A result of a function.
    pub(super) fn of_result(value: Option<&'v V>, expire: Expire, max_value: usize) -> Self {
        Self { value, expire, windows: value.and_then(V::windows), limit: V::limit(max_value) }
    }
}

impl EntryOp<'_> {
    /// Stores a value, or a `None`, in place of whatever is stored now.
    ///
    /// # Errors
    /// The value was not stored. If the store failed, the old value is removed as soon as the store answers.
    pub(crate) async fn put<V: Encode + ?Sized>(
        &self,
        value: Option<&V>,
        expire: Expire,
    ) -> Result<(), Error> {
        self.put_within(PutValue { value, expire, windows: None, limit: self.core.max_value }).await
    }

    /// [`EntryOp::put`] for a value that a function returned, which may have stale windows of its own.
    ///
    /// # Errors
    /// As [`EntryOp::put`].
    #[cfg(feature = "http")]
    pub(crate) async fn put_result<V: Value>(&self, value: Option<&V>, expire: Expire) -> Result<(), Error> {
        if let Some(error) = value.and_then(|value| self.check_put(value)) {
            // The stored value is older.
            return Err(Error::unless_carried_out(self.delete().await).err().unwrap_or(error));
        }
        self.put_within(PutValue::of_result(value, expire, self.core.max_value)).await
    }

    async fn put_within<V: Encode + ?Sized>(&self, value: PutValue<'_, V>) -> Result<(), Error> {
        if self.defer_removal() {
            return Ok(());
        }
        if self.policy.late_tags || !self.core.is_enabled {
            // The tags that the value of a function names are not known here, and without them it could not be invalidated.
            return Error::unless_carried_out(self.delete().await).map(drop);
        }
        // Boxed, because a put is rare and the futures around it are not.
        match Context::write_of(self.core.id, self.key.as_str()) {
            Some(write) => Box::pin(self.guarded(self.put_within_write(&write, value))).await,
            None => Box::pin(self.guarded(self.replace(value))).await,
        }
    }

    async fn replace<V: Encode + ?Sized>(&self, value: PutValue<'_, V>) -> Result<(), Error> {
        self.core.flights.void(self.key.as_str());
        let began = self.core.pending.begin();
        // Taking the lease ends whatever is stored or being computed: a fill that arrives later finds its own lease gone.
        let lease = self.lease(LeaseMode::Put, &[]).await.map_err(|error| self.retry_later(error))?;
        let lease = lease.map_err(|_| Error::unavailable("the store gave no lease"))?;
        let condition =
            FillCondition { token: Some(lease.token()), stamps: lease.stamps(), keeps_write: false };
        // A refusal means that another call changed the entry at the same moment.
        match self.fill_value(value, condition).await {
            Ok(true) => lease.settle(),
            Ok(false) => {}
            Err(error @ (Error::Encode { .. } | Error::TooLarge { .. })) => return Err(error),
            Err(error) => return Err(self.retry_later(error)),
        }
        self.core.pending.commit(&self.invalidation(), began);
        Ok(())
    }

    /// Stores a value under a lease; returns `false` if the lease is gone.
    ///
    /// # Errors
    /// The value cannot be encoded, or the store failed.
    pub(super) async fn fill_value<V: Encode + ?Sized>(
        &self,
        PutValue { value, expire, windows, limit }: PutValue<'_, V>,
        condition: FillCondition<'_>,
    ) -> Result<bool, Error> {
        let expiry = self.expiry(value.is_some(), windows, expire);
        let form = self.put_form::<V>();
        let header = self.header(form, fingerprint::<V>(), expiry);
        let labels = StampedLabels { labels: self.labels(), stamps: condition.stamps };
        let bytes = envelope::seal(&self.key, header, labels, self.name, value, limit)
            .inspect_err(|error| self.not_encoded(error))?;
        let sealed = Sealed { bytes, ttl: expiry.total, took: None };
        let stored = self.fill_store(sealed, condition).await;
        self.core.forget(self.key.as_str());
        stored
    }

    /// The form of a value that is put explicitly: its type need not be decodable.
    pub(crate) fn put_form<V: Encode + ?Sized>(&self) -> StoredForm {
        V::form(self.policy.codec.for_encode_only())
    }

    /// Removes the entry and returns whether there was one. In a transaction, the entry is removed when that ends.
    ///
    /// # Errors
    /// The store did not answer; the entry is removed as soon as it does.
    pub(crate) fn delete(&self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async {
            if self.defer_removal() {
                return Ok(false);
            }
            self.guarded(self.remove_now()).await
        })
    }

    pub(super) fn remove(&self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(self.remove_now())
    }

    async fn remove_now(&self) -> Result<bool, Error> {
        self.core.flights.void(self.key.as_str());
        let began = self.core.pending.begin();
        let removed = self.ask(pin!(self.core.store.delete(&self.key))).await;
        // Also after a failure: this process knows that the value is old.
        self.core.forget(self.key.as_str());
        if removed.as_ref().map_or_else(Error::is_carried_out, |_| true) {
            self.core.pending.commit(&self.invalidation(), began);
            self.record(EventKind::Invalidated { by: InvalidatedBy::Key });
        }
        removed.map_err(|error| self.retry_later(error))
    }

    /// Marks the entry as stale; an entry without stale windows is removed. Running computations are not stored.
    ///
    /// # Errors
    /// The store did not answer; the entry is removed as soon as it does.
    pub(crate) async fn mark_stale(&self) -> Result<(), Error> {
        if self.defer_removal() {
            return Ok(());
        }
        self.guarded(self.mark_or_remove()).await
    }

    async fn mark_or_remove(&self) -> Result<(), Error> {
        self.core.flights.void(self.key.as_str());
        let began = self.core.pending.begin();
        let is_stale = self.expire_now().await;
        self.core.forget(self.key.as_str());
        match is_stale {
            Ok(false) => return self.remove().await.map(drop),
            Err(error) if !error.is_carried_out() => return Err(self.retry_later(error)),
            _ => {}
        }
        self.core.pending.remember(&self.invalidation(), began);
        self.record(EventKind::Invalidated { by: InvalidatedBy::Key });
        is_stale.map(drop)
    }

    /// Ends the fresh part of the entry's TTL. Returns whether there is a stale part.
    async fn expire_now(&self) -> Result<bool, Error> {
        let store = &self.core.store;
        for _ in 0..ATTEMPTS {
            let found = self.ask(pin!(store.read(&self.key, self.labels()))).await?;
            let Some(bytes) = found.bytes else { break };
            let Some(opened) = envelope::open(&self.key, &bytes, self.core.max_value) else { break };
            let now = self.core.clock.now_ms();
            if opened.header.soft_ms == opened.header.hard_ms {
                break;
            }
            let soft_ms = opened.header.soft_ms.min(now);
            let Some(stale) = envelope::with_soft_expiry(&bytes, soft_ms) else { break };
            if self.ask(pin!(store.replace(&self.key, envelope::head(&bytes), stale))).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes a change of this entry. If the caller goes away meanwhile, the entry is removed in the background.
    pub(super) async fn guarded<T>(&self, change: impl Future<Output = T>) -> T {
        let guard = InvalidationGuard::new(self.core, self.row(), || vec![self.invalidation()]);
        let result = change.await;
        guard.finish();
        result
    }

    /// Leaves the removal of this entry to the transaction that the call is part of; returns `false` outside of one.
    pub(super) fn defer_removal(&self) -> bool {
        self.core.defer([self.invalidation()], self.function)
    }

    /// The invalidation of this entry.
    pub(crate) fn invalidation(&self) -> PendingInvalidation {
        PendingInvalidation::Key(self.key.as_str().into())
    }

    /// Queues the invalidation of this entry, which failed with this error.
    pub(super) fn retry_later(&self, error: Error) -> Error {
        self.core.forget(self.key.as_str());
        self.core.retry_later([self.invalidation()], self.row(), error)
    }
}
