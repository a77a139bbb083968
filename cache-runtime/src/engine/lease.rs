//! Lease: the right of this process to store a value, from before its computation until it is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::flight::Basis;
use crate::engine::core::Core;
use crate::observe::trace;
use crate::rt::io;
use crate::store::{LEASE, LeaseMode, Leased, Store, Token};
use crate::types::error::Error;
use crate::types::key::Key;
use crate::types::stamp::Stamps;

/// How often leases are renewed: two renewals may fail before one lapses.
const RENEWAL: Duration = Duration::from_millis(LEASE.as_millis() as u64 / 3);

/// A lease that this process holds. Dropping it gives it back: its caller was cancelled, panicked, or had nothing to
/// store.
pub(crate) struct Lease {
    core: Arc<Core>,
    key: Key,
    token: Token,
    /// The stamps of the key's labels when it was granted.
    stamps: Stamps,
    settled: bool,
    /// How long nobody is to try again.
    pause: Duration,
    /// It is for what is kept while the store is away.
    is_spare: bool,
}

/// The leases that are held now, to be renewed from larder's own thread: the computation may block its own.
#[derive(Default)]
pub(crate) struct LeaseExtender(Mutex<Held>);

#[derive(Default)]
struct Held {
    leases: HashMap<Token, (Key, bool)>,
    is_running: bool,
}

impl Lease {
    /// Asks for a lease. `Ok(Err(..))` is why there is none.
    ///
    /// # Errors
    /// The store did not answer.
    pub(crate) async fn ask(
        op: &crate::engine::entry_op::EntryOp<'_>,
        mode: LeaseMode,
        snapshot: &[u8],
    ) -> Result<Result<Self, Leased>, Error> {
        let token = Token::new(op.core.owner);
        // Made before it is asked for: when the answer is never heard, because of a timeout or because the caller goes,
        // it is given back all the same.
        let mut lease = Self {
            core: Arc::clone(op.core),
            key: op.key.clone(),
            token,
            stamps: Stamps::default(),
            settled: false,
            pause: Duration::ZERO,
            is_spare: false,
        };
        match op.core.store.lease(&op.key, op.labels(), &token, mode, snapshot).await {
            Ok(Leased::Granted(stamps)) => {
                lease.stamps = stamps;
                lease.keep();
                Ok(Ok(lease))
            }
            Ok(refused) => {
                lease.settled = true;
                Ok(Err(refused))
            }
            Err(error) => {
                // What the server refused was not taken.
                lease.settled = matches!(error, Error::Redis { .. });
                op.store_error(&error);
                explain(&op.core.stats, &error);
                Err(error)
            }
        }
    }

    /// The right to keep a result in this process while the store is away; `None` when nothing is to be kept.
    pub(crate) async fn fallback(op: &crate::engine::entry_op::EntryOp<'_>) -> Option<Self> {
        let token = Token::new(op.core.owner);
        let stamps = op.core.outage.lease(op, &token).await?;
        let (core, key) = (Arc::clone(op.core), op.key.clone());
        Some(Self { core, key, token, stamps, settled: false, pause: Duration::ZERO, is_spare: true })
    }

    /// Whether it is for what is kept while the store is away.
    pub(crate) fn is_spare(&self) -> bool {
        self.is_spare
    }

    /// What shows that it is held.
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    /// The stamps of the labels that the computation is under.
    pub(crate) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// How a flight shows that it was not invalidated.
    pub(crate) fn ground(&self) -> Basis {
        if self.is_spare {
            return Basis::Nothing;
        }
        let marks = self.stamps.iter().copied().map(Some).collect();
        if self.core.store.is_shared() { Basis::Lease(self.token, marks) } else { Basis::Own(marks) }
    }

    /// The value was stored or refused, and the lease is gone with that.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }

    /// Gives it back, and lets nobody try again for a while.
    pub(crate) fn pause(mut self, pause: Duration) {
        self.pause = pause;
    }

    fn keep(&self) {
        if !self.core.store.is_shared() {
            return;
        }
        let mut held = self.core.keeper.held();
        held.leases.insert(self.token, (self.key.clone(), false));
        if !held.is_running {
            held.is_running = true;
            let core = Arc::clone(&self.core);
            io::spawn(async move { renew(&core).await });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_spare {
            return self.core.outage.let_go(&self.key, &self.token);
        }
        self.core.keeper.held().leases.remove(&self.token);
        if self.settled {
            return;
        }
        if let Some(memory) = self.core.store.as_memory() {
            return memory.release_lease(&self.key, &self.token);
        }
        let (core, key, token, pause) = (Arc::clone(&self.core), self.key.clone(), self.token, self.pause);
        self.core.background.spawn(async move {
            // What cannot be given back lapses by itself.
            if let Err(error) = core.store.release(&key, &token, pause).await {
                trace::store_error("lease", &error);
            }
        });
    }
}

impl LeaseExtender {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says once what a person has to do about a user of Redis that may not run scripts: nothing is stored without a lease.
fn explain(stats: &crate::observe::stats::Registry, error: &Error) {
    if let Error::Redis { message, .. } = error
        && message.starts_with("NOPERM")
    {
        stats.once("lease", || {
            trace::warn(&format!(
                "nothing is stored: {message}; allow the user of Redis `+eval`, `+evalsha` and `+script`"
            ));
        });
    }
}

/// Renews what is held, until nothing is.
async fn renew(core: &Core) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let due: Vec<(Token, Key)> = {
            let mut held = core.keeper.held();
            if held.leases.is_empty() {
                held.is_running = false;
                return;
            }
            // One that was taken within this round is young enough; it is due in the next.
            let due = held.leases.iter().filter(|(_, (_, is_old))| *is_old);
            let due = due.map(|(token, (key, _))| (*token, key.clone())).collect();
            held.leases.values_mut().for_each(|(_, is_old)| *is_old = true);
            due
        };
        for (token, key) in due {
            // One that is lost will be found out when the value is to be stored; nothing is to be done about it now.
            if matches!(core.store.extend(&key, &token).await, Ok(false)) {
                core.keeper.held().leases.remove(&token);
            }
        }
    }
}
