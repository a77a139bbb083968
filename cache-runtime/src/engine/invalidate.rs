//! Invalidations of many entries: groups, tags, patterns.
//!
//! Once its future was polled, an invalidation is carried out or pending.

use std::sync::Arc;

use super::core::Core;
use super::invalidation_guard::InvalidationGuard;
use super::pending_invalidation::PendingInvalidation;
use crate::observe::record::Row;
use crate::rt::join::join_all;
use crate::store::Store;
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::Label;

impl Core {
    /// Drops a group; statistics count the call for `function`.
    ///
    /// # Errors
    /// The store failed; the group is dropped as soon as the store answers.
    pub(crate) async fn drop_group(self: &Arc<Self>, group: Label, function: &str) -> Result<(), Error> {
        let target = std::slice::from_ref(&group);
        let dropped = self.drop_labels(target, PendingInvalidation::Group, function).await;
        // Without a confirmation it is not known whether there were entries.
        if dropped.as_ref().map_or_else(Error::is_carried_out, |had_any| *had_any) {
            self.reclaim(group);
        }
        dropped.map(drop)
    }

    /// Drops tags; statistics count the call for `function`.
    ///
    /// # Errors
    /// As [`Core::drop_group`].
    pub(crate) async fn drop_tags(self: &Arc<Self>, tags: &[Label], function: &str) -> Result<(), Error> {
        self.drop_labels(tags, PendingInvalidation::Tag, function).await.map(drop)
    }

    /// Removes all entries of this cache whose whole key matches a glob, or those of one function among them, and returns their
    /// number.
    ///
    /// # Errors
    /// The store failed; the rest is removed as soon as the store answers.
    pub(crate) async fn remove_matching(
        self: &Arc<Self>,
        glob: &str,
        of: Option<&FunctionFilter>,
        function: &str,
    ) -> Result<u64, Error> {
        let target = || match of {
            Some(of) => PendingInvalidation::Function { glob: glob.into(), of: of.clone() },
            None => PendingInvalidation::Pattern(glob.into()),
        };
        if self.defer([target()], function) {
            return Ok(0);
        }
        let counters = self.stats.row(function);
        let row = Row { counters: &counters, function };
        let guard = InvalidationGuard::new(self, row, || vec![target()]);
        self.void(&target());
        let began = self.pending.begin();
        let removed = self.remove_pages(glob, of).await;
        // Also after a failure, which may have come halfway.
        self.near.clear();
        guard.finish();
        if removed.as_ref().map_or_else(Error::is_carried_out, |_| true) {
            self.pending.commit(&target(), began);
            // A name that nothing has invalidates nothing.
            let is_unknown = of.is_some_and(FunctionFilter::by_end) && matches!(removed, Ok(0));
            if !is_unknown {
                self.invalidated(row, &target());
            }
        }
        removed.map_err(|error| {
            self.store_failed(row, None, &error);
            self.retry_later([target()], row, error)
        })
    }

    /// Gives labels new stamps, now or as soon as the store is available. Returns whether any of them had one. Only those that
    /// failed are pending: on a cluster their nodes may have failed alone.
    async fn drop_labels(
        self: &Arc<Self>,
        labels: &[Label],
        target: fn(Label) -> PendingInvalidation,
        function: &str,
    ) -> Result<bool, Error> {
        if self.defer(labels.iter().cloned().map(target), function) {
            return Ok(false);
        }
        let counters = self.stats.row(function);
        let row = Row { counters: &counters, function };
        let targets = || labels.iter().cloned().map(target).collect::<Vec<_>>();
        let guard = InvalidationGuard::new(self, row, targets);
        targets().iter().for_each(|target| self.void(target));
        let began = self.pending.begin();
        let dropped = match labels {
            [label] => vec![self.store.restamp(label).await],
            labels => join_all(labels.iter().map(|label| self.store.restamp(label))).await,
        };
        // Once more: a copy may have been made since.
        self.void_labels(labels);
        guard.finish();
        let (mut had_any, mut not_confirmed, mut failure, mut failed) = (false, None, None, Vec::new());
        for (target, dropped) in targets().into_iter().zip(dropped) {
            match dropped {
                Err(error) if !error.is_carried_out() => {
                    failure.get_or_insert(error);
                    failed.push(target);
                    continue;
                }
                Err(error) => not_confirmed = Some(error),
                Ok(had_stamp) => had_any |= had_stamp,
            }
            self.pending.commit(&target, began);
            self.invalidated(row, &target);
        }
        let Some(error) = failure.or(not_confirmed) else { return Ok(had_any) };
        self.store_failed(row, None, &error);
        Err(self.retry_later(failed, row, error))
    }
}
