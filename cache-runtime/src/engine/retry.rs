//! Retries invalidations that the store could not carry out, in the background.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::abandoned::NextStep;
use super::core::Core;
use super::pending_invalidation::PendingInvalidation;
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::trace;
use crate::rt::io;
use crate::store::{Cursor, Store};
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;

/// The pause between two attempts while the store fails: it doubles from the one to the other.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);
/// The number of keys that one command removes while the store answers.
pub(super) const BATCH: usize = 128;
/// The number of attempts that fail before a pause, while others may succeed.
const FAILURES: usize = 64;

impl Core {
    /// Queues an invalidation that failed, and returns the error for the caller. The error says when there was no room.
    pub(crate) fn retry_later(
        self: &Arc<Self>,
        invalidation: impl IntoIterator<Item = PendingInvalidation>,
        row: Row<'_>,
        error: Error,
    ) -> Error {
        let is_retried = matches!(
            error,
            Error::Unavailable { .. }
                | Error::Timeout { .. }
                | Error::Shed { .. }
                | Error::Redis { .. }
                | Error::Script { .. }
                | Error::KeysMoved { .. }
        );
        if !is_retried || self.is_closed() {
            return error;
        }
        if self.queue(invalidation, Some(row)) {
            return error;
        }
        Error::NotQueued { limit: self.pending.max(), error: Box::new(error) }
    }

    /// Invalidates in the background what a write is about whose outcome is not known: at once, and once more later.
    pub(crate) fn abandon(self: &Arc<Self>, target: PendingInvalidation, function: &str) {
        if self.is_closed() {
            return;
        }
        let counters = self.stats.row(function);
        let row = Some(Row { counters: &counters, function });
        let (has_room, is_first) = self.abandoned.add(std::slice::from_ref(&target), Instant::now());
        if !has_room {
            self.is_full(row, &target);
        }
        self.invalidate_soon([target], row);
        if is_first {
            // Weak: the task must not keep a dropped cache alive.
            let core = Arc::downgrade(self);
            io::spawn(Box::pin(invalidate_again(core)));
        }
    }

    /// Carries out the second invalidations of abandoned writes without the delay.
    pub(crate) fn hurry_abandoned(self: &Arc<Self>) {
        self.invalidate_soon(self.abandoned.take(), None);
    }

    /// Invalidates in the background; from now on this process reads none of it.
    pub(crate) fn invalidate_soon(
        self: &Arc<Self>,
        targets: impl IntoIterator<Item = PendingInvalidation>,
        row: Option<Row<'_>>,
    ) {
        let targets = targets.into_iter().inspect(|target| self.void(target));
        self.queue(targets, row);
    }

    /// Queues invalidations, and has them carried out. Returns whether there was room for all of them. The first of an
    /// invalidation is counted for its function, and not those after it.
    fn queue(
        self: &Arc<Self>,
        invalidations: impl IntoIterator<Item = PendingInvalidation>,
        row: Option<Row<'_>>,
    ) -> bool {
        let mut has_room = true;
        for invalidation in invalidations {
            if self.pending.push(invalidation.clone()) {
                row.inspect(|row| {
                    let kind = EventKind::PendingInvalidation { by: invalidation.by() };
                    self.stats.record(*row, Some(invalidation.text()), kind);
                });
            } else {
                has_room = false;
                self.is_full(row, &invalidation);
            }
        }
        self.retry();
        has_room
    }

    /// Counts an invalidation that there is no room for.
    fn is_full(&self, row: Option<Row<'_>>, target: &PendingInvalidation) {
        row.inspect(|row| self.stats.record(*row, Some(target.text()), EventKind::LostInvalidation));
        let limit = self.pending.max();
        self.stats.once("pending", || {
            trace::warn(&format!(
                "an invalidation is not made, because {limit} others wait already; raise `max_pending_invalidations`"
            ));
        });
    }

    /// Starts the task that retries, unless it runs.
    fn retry(self: &Arc<Self>) {
        if !self.pending.start() {
            return;
        }
        // Weak: the task must not keep a dropped cache alive.
        let core = Arc::downgrade(self);
        io::spawn(Box::pin(retry(core)));
    }
}

/// Makes the second invalidations of abandoned writes when they are due, until there are none.
async fn invalidate_again(core: Weak<Core>) {
    while let Some(core) = core.upgrade() {
        let pause = match core.abandoned.next(Instant::now()) {
            NextStep::Invalidate(due) => {
                core.invalidate_soon(due, None);
                continue;
            }
            NextStep::Wait(pause) => pause,
            NextStep::End => return,
        };
        drop(core);
        tokio::time::sleep(pause).await;
    }
}

/// Carries out pending invalidations until there are none.
async fn retry(core: Weak<Core>) {
    let (mut pause, mut size, mut failed) = (SHORTEST, BATCH, 0);
    while let Some(core) = core.upgrade() {
        let batch = core.pending.next(size);
        if batch.is_empty() {
            return;
        }
        let began = core.pending.begin();
        let CarriedOut { failure, not_confirmed } = carry_out(&core, &batch).await;
        not_confirmed.inspect(|error| core.warn_not_confirmed(error));
        let is_left = |position: usize| failure.as_ref().is_some_and(|(_, left)| left.contains(&position));
        let done = batch.iter().enumerate().filter(|(position, _)| !is_left(*position));
        done.for_each(|(_, invalidation)| core.pending.commit(invalidation, began));
        let Some((error, left)) = failure else {
            (pause, size) = (SHORTEST, (size * 2).min(BATCH));
            continue;
        };
        let is_refused = matches!(error, Error::Redis { .. } | Error::Script { .. });
        if is_refused && left.len() > 1 {
            // The server may have refused only one of them.
            size = 1;
            continue;
        }
        // Others may be for nodes that answer.
        if is_refused || core.store.is_sharded() {
            left.iter().for_each(|position| core.pending.postpone(&batch[*position]));
            failed += left.len();
            size = if is_refused { 1 } else { size };
            if failed < (FAILURES * size).min(core.pending.len()) {
                continue;
            }
        }
        failed = 0;
        core.pending.hurried(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

impl Core {
    /// Removes the entries page by page, so that other calls do not wait: all that match, or those of one function. Leases without an
    /// entry do not tell their function, so that all of them end.
    pub(super) async fn remove_pages(
        &self,
        pattern: &str,
        function: Option<&FunctionFilter>,
    ) -> Result<u64, Error> {
        let (mut removed, mut next, mut not_confirmed) = (0, Some(Cursor::START), None);
        while let Some(cursor) = next {
            let page = self.store.scan(pattern, cursor).await?;
            next = page.next;
            let mut entries: Vec<String> = page.keys.into_iter().filter(|key| !self.is_stamp(key)).collect();
            if let Some(function) = function {
                let found = self.store.of_function(entries, self.prefix.len(), function).await?;
                let ended = self.store.delete_page(&found.leases, self.prefix.len(), false).await?;
                not_confirmed = ended.not_confirmed.or(not_confirmed);
                if let Some((error, _)) = ended.failure {
                    return Err(error);
                }
                entries = found.entries;
            }
            if !entries.is_empty() {
                let page = self.store.delete_page(&entries, self.prefix.len(), false).await?;
                removed += page.count;
                not_confirmed = page.not_confirmed.or(not_confirmed);
                if let Some((error, _)) = page.failure {
                    return Err(error);
                }
            }
        }
        not_confirmed.map_or(Ok(removed), Err)
    }
}

/// The outcome of a batch.
#[derive(Debug, Default)]
pub(super) struct CarriedOut {
    /// The first failure, and the positions of the invalidations that failed.
    pub(super) failure: Option<(Error, Vec<usize>)>,
    /// The error of an invalidation that too few replicas have acknowledged.
    pub(super) not_confirmed: Option<Error>,
}

/// Carries out a batch: several keys, or one other invalidation.
pub(super) async fn carry_out(core: &Arc<Core>, batch: &[PendingInvalidation]) -> CarriedOut {
    let one = match batch {
        [PendingInvalidation::Tag(label)] => core.store.restamp(label).await.map(drop),
        [PendingInvalidation::Group(label)] => {
            let dropped = core.store.restamp(label).await;
            if dropped.as_ref().map_or_else(Error::is_carried_out, |had_stamp| *had_stamp) {
                core.reclaim(label.clone());
            }
            dropped.map(drop)
        }
        [PendingInvalidation::Pattern(glob)] => core.remove_pages(glob, None).await.map(drop),
        [PendingInvalidation::Function { glob, of }] => core.remove_pages(glob, Some(of)).await.map(drop),
        keys => {
            let text = |invalidation: &PendingInvalidation| match invalidation {
                PendingInvalidation::Key(key) => Some(String::from(&**key)),
                _ => None,
            };
            let keys: Vec<String> = keys.iter().filter_map(text).collect();
            match core.store.delete_page(&keys, core.prefix.len(), true).await {
                Ok(removed) => {
                    return CarriedOut { failure: removed.failure, not_confirmed: removed.not_confirmed };
                }
                Err(error) => Err(error),
            }
        }
    };
    match one {
        Ok(()) => CarriedOut::default(),
        Err(error) if error.is_carried_out() => CarriedOut { failure: None, not_confirmed: Some(error) },
        Err(error) => CarriedOut { failure: Some((error, (0..batch.len()).collect())), not_confirmed: None },
    }
}
