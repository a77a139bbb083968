//! A lease: the right of this process to store a value, from before its computation until the value is stored.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::Core;
use super::entry_op::EntryOp;
use super::flight_state::Basis;
use super::key_times::mark_time;
use super::silence::silent;
use crate::observe::trace;
use crate::rt::io;
use crate::rt::join::{join, join_all};
use crate::rt::stack::BoxFuture;
use crate::store::{LeaseMode, Leased, Store, Token};
use crate::types::error::Error;
use crate::types::key::{Key, Label};
use crate::types::stamp::Stamps;
use crate::types::tag_count::TagCount;

/// The number of leases that are extended at once.
const AT_ONCE: usize = 64;

/// A lease that this process holds. Dropping it returns it: its caller was cancelled, panicked, or had nothing to store.
pub(crate) struct Lease {
    core: Arc<Core>,
    key: Key,
    token: Token,
    /// The stamps of the key's labels when the lease was granted.
    stamps: Stamps,
    is_settled: bool,
    mode: LeaseMode,
    /// The moment of the request.
    began: Instant,
    /// The time for which no process refreshes after this lease, or in place of an entry, for which processes do not wait
    /// for one another.
    pause: Duration,
    /// The pause after a panic, where there is an entry.
    retry: Duration,
    /// True if the value goes to the fallback in this process, because the store is unavailable.
    is_fallback: bool,
    /// The count of tag invalidations before the computation, for a function whose values name tags.
    noted: Option<TagCount>,
    /// The tags that the value named.
    late_tags: Vec<Label>,
}

impl Lease {
    /// Returns the count of tag invalidations before the computation.
    pub(crate) fn noted(&self) -> Option<TagCount> {
        self.noted
    }

    /// Returns the tags that the value named.
    pub(crate) fn late_tags(&self) -> &[Label] {
        &self.late_tags
    }

    /// Sets the tags that the value named.
    pub(crate) fn set_late_tags(&mut self, tags: Vec<Label>) {
        self.late_tags = tags;
    }

    /// Returns whether the value goes to the fallback in this process, because the store is unavailable.
    pub(crate) fn is_fallback(&self) -> bool {
        self.is_fallback
    }

    /// The proof that this process holds the lease.
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    /// The stamps of the labels under which the value is computed.
    pub(crate) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// The evidence with which a flight shows that it was not invalidated.
    pub(crate) fn basis(&self) -> Basis {
        if self.is_fallback {
            return Basis::Nothing;
        }
        let stamps = self.stamps.iter().copied().map(Some).collect();
        if self.core.store.is_shared() { Basis::Lease(self.token, stamps) } else { Basis::Stamps(stamps) }
    }

    /// Ends the lease without a message: the store has dropped it when it stored or refused the value.
    pub(crate) fn settle(mut self) {
        self.is_settled = true;
    }

    /// Returns the lease and keeps every process from computing again for a while.
    pub(crate) fn pause(mut self, pause: Duration) {
        self.pause = pause;
    }

    /// Sets the time for which every process is kept from computing again after a panic.
    pub(crate) fn set_retry(&mut self, pause: Duration) {
        self.retry = pause;
    }

    /// Returns the lease of a result that is not cached, which took this long to compute. Where there is no entry, no
    /// process waits for another one for as long.
    pub(crate) fn concede(mut self, took: Duration) {
        if self.is_for_miss() {
            self.pause = mark_time(took);
        }
    }

    /// Returns whether there is no entry under the lease.
    fn is_for_miss(&self) -> bool {
        matches!(self.mode, LeaseMode::Miss | LeaseMode::MissUncached(_))
    }

    fn new(op: &EntryOp<'_>, token: Token, mode: LeaseMode) -> Self {
        Self {
            core: Arc::clone(op.core),
            key: Key::clone(&op.key),
            token,
            stamps: Stamps::default(),
            is_settled: false,
            mode,
            began: Instant::now(),
            pause: Duration::ZERO,
            retry: Duration::ZERO,
            is_fallback: false,
            noted: None,
            late_tags: Vec::new(),
        }
    }

    /// Has the lease extended until it is dropped.
    fn hold(&self) {
        if !self.core.store.is_shared() {
            return;
        }
        let mut leases = self.core.held_leases.lock();
        leases.keys.insert(self.token, (self.key.clone(), self.began));
        if !leases.is_running {
            leases.is_running = true;
            let core = Arc::clone(&self.core);
            io::spawn(Box::pin(async move { extend(&core).await }));
        }
    }
}

impl EntryOp<'_> {
    /// Asks the store for the lease of this entry. `Ok(Err(..))` says why it was not granted.
    ///
    /// # Errors
    /// The store did not answer; the failure is counted.
    pub(crate) fn lease<'a>(
        &'a self,
        mode: LeaseMode,
        head: &'a [u8],
    ) -> BoxFuture<'a, Result<Result<Lease, Leased>, Error>> {
        Box::pin(self.ask_for_lease(mode, head))
    }

    async fn ask_for_lease(&self, mode: LeaseMode, head: &[u8]) -> Result<Result<Lease, Leased>, Error> {
        if self.silence.get().is_noted() {
            return Err(silent());
        }
        let token = Token::new(self.core.owner);
        // Created before the question: if the answer never arrives, because of a timeout or because the caller is dropped,
        // the lease is returned all the same.
        let mut lease = Lease::new(self, token, mode);
        // At the same time: the computation begins after both.
        let asked = pin!(self.core.store.lease(&self.key, self.own_labels(), &token, mode, head));
        let (leased, noted) = if self.policy.late_tags {
            Box::pin(join(self.ask(asked), self.note_count())).await
        } else {
            (self.ask(asked).await, None)
        };
        match leased {
            Ok(Leased::Granted(stamps)) => {
                (lease.stamps, lease.noted) = (stamps, noted);
                lease.hold();
                Ok(Ok(lease))
            }
            Ok(refused) => {
                lease.is_settled = true;
                Ok(Err(refused))
            }
            Err(error) => {
                // A refusal by the server granted nothing.
                lease.is_settled = matches!(error, Error::Redis { .. } | Error::Script { .. });
                Err(error)
            }
        }
    }

    /// The count of tag invalidations, before a computation; `None` if the store did not answer.
    async fn note_count(&self) -> Option<TagCount> {
        self.ask(pin!(self.core.store.tag_count(&self.core.prefix))).await.ok()
    }

    /// The right to cache a result in this process while the store is unavailable; `None` where the builder did not ask for
    /// it.
    pub(crate) fn fallback_lease(&self) -> BoxFuture<'_, Option<Lease>> {
        Box::pin(async {
            if self.policy.late_tags {
                // Invalidations of tags that are not known yet are not seen here.
                return None;
            }
            let token = Token::new(self.core.owner);
            let stamps = self.core.outage.lease(&self.key, self.own_labels(), &token).await?;
            let mut lease = Lease::new(self, token, LeaseMode::Miss);
            (lease.stamps, lease.is_fallback) = (stamps, true);
            Some(lease)
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_fallback {
            return self.core.outage.release(&self.key, &self.token);
        }
        self.core.held_leases.lock().keys.remove(&self.token);
        if self.is_settled {
            return;
        }
        if std::thread::panicking() {
            // As after a failure.
            self.pause = if self.is_for_miss() { mark_time(self.began.elapsed()) } else { self.retry };
        }
        if let Some(memory) = self.core.store.as_memory() {
            return memory.release_lease(&self.key, &self.token);
        }
        let (core, key, token, pause) = (Arc::clone(&self.core), self.key.clone(), self.token, self.pause);
        self.core.background.spawn(Box::pin(async move {
            // A lease that cannot be returned lapses.
            if let Err(error) = core.store.release(&key, &token, pause).await {
                trace::store_error("lease", &error);
            }
        }));
    }
}

/// Extends the held leases until there are none.
async fn extend(core: &Core) {
    loop {
        let due = match core.held_leases.due(Instant::now()) {
            None => return,
            Some(Ok(due)) => due,
            Some(Err(pause)) => {
                tokio::time::sleep(pause).await;
                continue;
            }
        };
        for some in due.chunks(AT_ONCE) {
            let extensions = some.iter().map(async |(token, key)| {
                // The loss of a lease shows when the value is to be stored; nothing can be done about it here.
                if matches!(core.store.extend(key, token).await, Ok(false)) {
                    core.held_leases.lock().keys.remove(token);
                }
            });
            join_all(extensions).await;
        }
    }
}
