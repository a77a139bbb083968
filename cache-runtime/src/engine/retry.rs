//! Retries invalidations that the store could not carry out, in the background.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::core::Core;
use super::pending::PendingInvalidation;
use crate::observe::stats::{Counters, count};
use crate::observe::trace;
use crate::rt::io;
use crate::store::Store;
use crate::types::error::Error;

/// The pause between two attempts while the store fails: it doubles from the one to the other.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);
/// The number of keys that one command removes while the store answers.
const BATCH: usize = 128;
/// The number of refusals before a pause.
const REFUSALS: usize = 64;

impl Core {
    /// Queues an invalidation that failed, and returns the error for the caller. The error says when there was no room.
    pub(crate) fn retry_later(
        self: &Arc<Self>,
        invalidation: impl IntoIterator<Item = PendingInvalidation>,
        counters: &Counters,
        error: Error,
    ) -> Error {
        let is_retried =
            matches!(error, Error::Unavailable { .. } | Error::Timeout { .. } | Error::Redis { .. });
        if !is_retried || self.is_closed() {
            return error;
        }
        let mut is_full = false;
        for invalidation in invalidation {
            if self.pending.push(invalidation) {
                count(&counters.pending_invalidations);
            } else {
                count(&counters.pending_invalidations_lost);
                is_full = true;
            }
        }
        self.retry();
        if !is_full {
            return error;
        }
        let limit = self.pending.max();
        self.stats.once("pending", || {
            trace::warn(&format!(
                "an invalidation failed and is not retried, because {limit} others wait already; raise `max_pending_invalidations`"
            ));
        });
        Error::NotQueued { limit, error: Box::new(error) }
    }

    /// Starts the task that retries, unless it runs.
    fn retry(self: &Arc<Self>) {
        if !self.pending.start() {
            return;
        }
        // Weak: the task must not keep a dropped cache alive.
        let core = Arc::downgrade(self);
        io::spawn(async move { retry(core).await });
    }
}

/// Carries out pending invalidations until there are none.
async fn retry(core: Weak<Core>) {
    let (mut pause, mut size, mut refused) = (SHORTEST, BATCH, 0);
    while let Some(core) = core.upgrade() {
        let batch = core.pending.next(size);
        let Some(first) = batch.first() else { return };
        let began = core.pending.begin();
        match carry_out(&core, &batch).await {
            Ok(()) => {
                batch.iter().for_each(|invalidation| core.pending.commit(invalidation, began));
                (pause, size) = (SHORTEST, (size * 2).min(BATCH));
                continue;
            }
            // The server may have refused only one of them.
            Err(Error::Redis { .. }) if batch.len() > 1 => {
                size = 1;
                continue;
            }
            Err(Error::Redis { .. }) => {
                core.pending.postpone(first);
                (size, refused) = (1, refused + 1);
                if refused < REFUSALS.min(core.pending.len()) {
                    continue;
                }
            }
            Err(_) => {}
        }
        refused = 0;
        core.pending.hurried(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

async fn carry_out(core: &Arc<Core>, batch: &[PendingInvalidation]) -> Result<(), Error> {
    match batch {
        [PendingInvalidation::Tag(label)] => core.store.restamp(std::slice::from_ref(label)).await,
        [PendingInvalidation::Group(label)] => {
            core.store.restamp(std::slice::from_ref(label)).await?;
            core.reclaim(label.clone());
            Ok(())
        }
        keys => {
            let text = |invalidation: &PendingInvalidation| match invalidation {
                PendingInvalidation::Key(key) => Some(String::from(&**key)),
                PendingInvalidation::Group(_) | PendingInvalidation::Tag(_) => None,
            };
            let keys: Vec<String> = keys.iter().filter_map(text).collect();
            core.store.delete_page(&keys, false).await.map(drop)
        }
    }
}
