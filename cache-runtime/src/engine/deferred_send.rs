//! The end of a transaction: its invalidations are sent.

use std::sync::Arc;

use super::context::Context;
use super::core::Core;
use super::deferred::DeferredTarget;
use super::invalidation_guard::InvalidationGuard;
use super::pending_invalidation::PendingInvalidation;
use super::retry::{BATCH, CarriedOut, carry_out};
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::rt::join::join_all;
use crate::types::error::Error;

impl Core {
    /// Leaves invalidations to the transaction that the call is part of; returns `false` outside of one.
    pub(super) fn defer(
        self: &Arc<Self>,
        invalidations: impl IntoIterator<Item = PendingInvalidation>,
        function: &str,
    ) -> bool {
        let Some(deferred) = Context::deferred() else { return false };
        invalidations.into_iter().for_each(|invalidation| deferred.add(self, invalidation, function));
        true
    }

    /// Carries out the invalidations of one function, all at once.
    ///
    /// # Errors
    /// The cache is closed, or the store failed: what it did not carry out is retried in the background.
    async fn send(
        self: &Arc<Self>,
        mut targets: Vec<PendingInvalidation>,
        function: &str,
    ) -> Result<(), Error> {
        self.check_open()?;
        let counters = self.stats.row(function);
        let row = Row { counters: &counters, function };
        // Keys first, because several of them are one batch.
        targets.sort_by_key(|target| !matches!(target, PendingInvalidation::Key(_)));
        let guard = InvalidationGuard::new(self, row, || targets.clone());
        targets.iter().for_each(|target| self.void(target));
        let began = self.pending.begin();
        let batches: Vec<&[PendingInvalidation]> = batches(&targets).collect();
        let outcomes = join_all(batches.iter().map(|batch| carry_out(self, batch))).await;
        // Once more: a copy may have been made since.
        targets.iter().for_each(|target| self.void(target));
        guard.finish();
        let (mut failure, mut not_confirmed, mut failed) = (None, None, Vec::new());
        for (batch, outcome) in batches.into_iter().zip(outcomes) {
            let CarriedOut { failure: refused, not_confirmed: unsure } = outcome;
            not_confirmed = unsure.or(not_confirmed);
            let (error, left) = refused.map_or((None, Vec::new()), |(error, left)| (Some(error), left));
            failure = failure.or(error);
            for (position, target) in batch.iter().enumerate() {
                if left.contains(&position) {
                    failed.push(target.clone());
                } else {
                    self.pending.commit(target, began);
                    self.invalidated(row, target);
                }
            }
        }
        let Some(error) = failure.or(not_confirmed) else { return Ok(()) };
        self.store_failed(row, None, &error);
        Err(self.retry_later(failed, row, error))
    }
}

/// Carries out the invalidations of a transaction, for each function of each cache at once.
///
/// # Errors
/// The first failure; one that leaves something undone comes before one that does not.
pub(crate) async fn send(targets: Vec<DeferredTarget>) -> Result<(), Error> {
    let functions = by_function(targets);
    let sent = functions.iter().map(|(core, function, targets)| core.send(targets.clone(), function));
    let mut errors: Vec<Error> = join_all(sent).await.into_iter().filter_map(Result::err).collect();
    errors.sort_by_key(Error::is_carried_out);
    errors.into_iter().next().map_or(Ok(()), Err)
}

/// Invalidates in the background what a transaction is about that ended in an unknown way: at once, and once more later,
/// because its commit may still be under way.
pub(crate) fn abandon(targets: Vec<DeferredTarget>) {
    for DeferredTarget { core, invalidation, function } in targets {
        let row = Row { counters: &core.stats.row(&function), function: &function };
        core.stats.record(row, Some(invalidation.text()), EventKind::UnsentInvalidation);
        core.abandon(invalidation, &function);
    }
}

/// The invalidations of each function of each cache.
fn by_function(targets: Vec<DeferredTarget>) -> Vec<(Arc<Core>, Box<str>, Vec<PendingInvalidation>)> {
    let mut functions: Vec<(Arc<Core>, Box<str>, Vec<PendingInvalidation>)> = Vec::new();
    for DeferredTarget { core, invalidation, function } in targets {
        let known = functions.iter_mut().find(|(cache, name, _)| cache.id == core.id && *name == function);
        match known {
            Some((_, _, invalidations)) => invalidations.push(invalidation),
            None => functions.push((core, function, vec![invalidation])),
        }
    }
    functions
}

/// Batches that can be carried out: several keys, or one other invalidation. The keys come first.
fn batches(targets: &[PendingInvalidation]) -> impl Iterator<Item = &[PendingInvalidation]> {
    let keys = targets.partition_point(|target| matches!(target, PendingInvalidation::Key(_)));
    let (keys, others) = targets.split_at(keys);
    keys.chunks(BATCH).chain(others.chunks(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::key::Label;

    #[test]
    fn keys_are_batches_and_others_stand_alone() {
        let key = |number: usize| PendingInvalidation::Key(number.to_string().into());
        let tag = |name| PendingInvalidation::Tag(Label::tag("", name));
        let mut targets: Vec<PendingInvalidation> = (0..=BATCH).map(key).collect();
        targets.extend([tag("a"), tag("b"), PendingInvalidation::Pattern("x*".into())]);
        let sizes: Vec<usize> = batches(&targets).map(<[_]>::len).collect();
        assert_eq!(sizes, [BATCH, 1, 1, 1, 1]);
        assert_eq!(batches(&targets).flatten().count(), targets.len());
        assert_eq!(batches(&[]).count(), 0);
    }
}
