//! Explicit changes of an entry whose value names tags, where the caller knows which.

use super::entry_op::EntryOp;
use super::fill::{LateFill, Sealed};
use crate::codec::envelope::{self, StampedLabels};
use crate::site::outcome::Value;
use crate::site::rules::ValueRules;
use crate::store::{FillCondition, LeaseMode};
use crate::types::error::Error;
use crate::types::expire::Expire;

impl EntryOp<'_> {
    /// Stores a value in place of whatever is stored now, with the tags that the rules give.
    ///
    /// # Errors
    /// As [`EntryOp::put`], or a tag is refused; the old value is removed then.
    pub(crate) async fn put_tagged<V: Value>(
        &self,
        value: &V,
        expire: Expire,
        rules: &impl ValueRules<V>,
    ) -> Result<(), Error> {
        if !self.policy.late_tags || !self.core.is_enabled {
            return self.put(Some(value), expire).await;
        }
        if self.defer_removal() {
            return Ok(());
        }
        Box::pin(self.guarded(self.replace_tagged(value, expire, rules))).await
    }

    async fn replace_tagged<V: Value>(
        &self,
        value: &V,
        expire: Expire,
        rules: &impl ValueRules<V>,
    ) -> Result<(), Error> {
        self.core.flights.void(self.key.as_str());
        let began = self.core.pending.begin();
        // The count of tag invalidations is noted with the lease, so before the tags are known.
        let lease = self.lease(LeaseMode::Put, &[]).await.map_err(|error| self.retry_later(error))?;
        let mut lease = lease.map_err(|_| Error::unavailable("the store gave no lease"))?;
        // What was stored is gone: the lease has taken its place.
        let tags = self.late_tags(value, rules).map_err(|reason| {
            self.refused(reason);
            Error::config("tags", "..", "gave a tag that is refused; the warning says which")
        })?;
        lease.set_late_tags(tags);
        let expiry = self.expiry(true, value.windows(), expire);
        let form = self.put_form::<V>();
        let header = self.header(form, V::fingerprint(form), expiry);
        let labels = StampedLabels { labels: self.own_labels(), stamps: lease.stamps() };
        let bytes =
            envelope::seal(&self.key, header, labels, self.name, Some(value), V::limit(self.core.max_value))
                .inspect_err(|error| self.not_encoded(error))?;
        let sealed = Sealed { bytes, ttl: expiry.total, took: None };
        let stored = if lease.late_tags().is_empty() {
            let condition =
                FillCondition { token: Some(lease.token()), stamps: lease.stamps(), keeps_write: false };
            let stored = self.fill_store(sealed, condition).await;
            stored.map(|stored| if stored { LateFill::Stored } else { LateFill::NoLease })
        } else {
            self.send_late(sealed, &lease).await
        };
        self.core.forget(self.key.as_str());
        // A refusal means that another call changed the entry, or a tag, at the same moment.
        if let LateFill::Stored = stored.map_err(|error| self.retry_later(error))? {
            lease.settle();
        }
        self.core.pending.commit(&self.invalidation(), began);
        Ok(())
    }
}
