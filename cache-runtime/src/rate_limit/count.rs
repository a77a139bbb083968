//! The way of a hit: to the clients that wait, to Redis or the memory of this process, and to the rule for an outage.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use super::clients::{ClientHash, LimitedClients};
use super::ledger::{Decision, LedgerOp};
use super::settings::{LimitSettings, OnOutage};
use super::verdict::{DecidedBy, Verdict};
use crate::engine::companion_failure::warn_not_initialised;
use crate::engine::core::Core;
use crate::engine::owner::Owner;
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::trace;
use crate::types::error::Error;

/// The place where hits are counted.
struct Counting {
    /// The cache whose store counts; `None` before there is one.
    core: Option<Arc<Core>>,
    clients: Arc<LimitedClients>,
}

impl LimitSettings {
    /// Decides about a hit, or as about one.
    pub(super) async fn decide(&self, scope: &str, client: ClientHash, op: LedgerOp) -> Verdict {
        self.warn_large();
        let counting = Counting::of(self);
        let is_hit = matches!(op, LedgerOp::Hit(_));
        let refusal = counting.clients.refusal(&client, op.cost(), counting.now()).filter(|_| is_hit);
        let verdict = match refusal {
            Some(refusal) => refusal,
            None => match self.ask(&counting, scope, &client, op).await {
                Ok(verdict) => {
                    if is_hit && verdict.decided_by == DecidedBy::Redis {
                        counting.remember(client, op.cost(), &verdict);
                    }
                    verdict
                }
                Err(error) => {
                    counting.failed(scope, &error);
                    self.without_store(&counting, &client, op)
                }
            },
        };
        if is_hit {
            counting.record(scope, verdict_kind(&verdict));
        }
        Verdict { allowed: verdict.allowed || self.shadow, ..verdict }
    }

    /// Gives hits back.
    ///
    /// # Errors
    /// The store did not carry it out. The memory of this process did.
    pub(super) async fn give_back(
        &self,
        scope: &str,
        client: ClientHash,
        op: LedgerOp,
    ) -> Result<Verdict, Error> {
        let counting = Counting::of(self);
        let given_back = self.ask(&counting, scope, &client, op).await.inspect_err(|error| {
            counting.failed(scope, error);
            counting.decide(self, &client, op);
        });
        // After the store: a hit in between would be remembered again.
        counting.clients.forget(&client);
        given_back
    }

    /// Asks the store.
    async fn ask(
        &self,
        counting: &Counting,
        scope: &str,
        client: &ClientHash,
        op: LedgerOp,
    ) -> Result<Verdict, Error> {
        let Some(core) = &counting.core else { return Err(Error::NotInitialised) };
        let (decision, decided_by) = match ask_store(core, self, scope, client, op).await? {
            Some(decision) => (decision, DecidedBy::Redis),
            None => {
                counting.tell_alone();
                (counting.decide(self, client, op), DecidedBy::Memory)
            }
        };
        Ok(Verdict::of(&decision, &self.rules, &self.names, decided_by))
    }

    /// Returns the verdict while the store cannot be asked.
    fn without_store(&self, counting: &Counting, client: &ClientHash, op: LedgerOp) -> Verdict {
        match self.on_outage {
            OnOutage::Local => {
                let decision = counting.decide(self, client, op);
                Verdict::of(&decision, &self.rules, &self.names, DecidedBy::Local)
            }
            OnOutage::Open => Verdict::uncounted(true),
            OnOutage::Closed => Verdict::uncounted(false),
        }
    }

    /// Records a request whose client could not be identified.
    #[cfg(feature = "http")]
    pub(super) fn record_unknown(&self, scope: &str, allowed: bool) {
        let kind = if allowed { EventKind::LimitAllowed } else { EventKind::LimitRefused };
        Counting::of(self).record(scope, kind);
    }
}

impl Counting {
    fn of(settings: &LimitSettings) -> Self {
        let core = settings.core.clone().or_else(|| Owner::current().core().cloned());
        let clients = match &core {
            Some(core) => core.companions.get::<LimitedClients>(),
            None => {
                static CLIENTS: LazyLock<Arc<LimitedClients>> = LazyLock::new(Arc::default);
                Arc::clone(&CLIENTS)
            }
        };
        Self { core, clients }
    }

    fn now(&self) -> Instant {
        self.core.as_ref().map_or_else(Instant::now, |core| core.clock.instant())
    }

    /// Decides in the memory of this process.
    fn decide(&self, settings: &LimitSettings, client: &ClientHash, op: LedgerOp) -> Decision {
        self.clients.decide(client, &settings.rules, op, self.now())
    }

    /// Remembers a refusal, or the one that the next hit would get. A hit that is admitted ends an earlier one.
    fn remember(&self, client: ClientHash, cost: u64, verdict: &Verdict) {
        let now = self.now();
        let next = if cost == 1 { verdict.next_refusal() } else { None };
        match next {
            _ if verdict.over_limit => self.clients.refuse(client, cost, verdict, now),
            Some(next) => self.clients.refuse(client, cost, &next, now),
            None => self.clients.forget(&client),
        }
    }

    fn record(&self, scope: &str, kind: EventKind) {
        let Some(core) = &self.core else { return };
        let function = row_name(scope);
        let counters = core.stats.row(&function);
        core.stats.record(Row { counters: &counters, function: &function }, None, kind);
    }

    /// Records that the store did not decide, and warns of what somebody can change.
    fn failed(&self, scope: &str, error: &Error) {
        let kind = match error {
            Error::Shed { .. } => EventKind::Shed,
            error => EventKind::StoreError { error: error.clone() },
        };
        self.record(scope, kind);
        self.record(scope, EventKind::LimitOutage);
        let effect = "rate limits go by `on_outage`";
        match &self.core {
            Some(core) => core.warn_companion("rate limit", error, effect),
            None => warn_not_initialised(effect),
        }
    }

    /// Says once that a limit on `memory://` is one for each process.
    fn tell_alone(&self) {
        if !self.clients.is_told.swap(true, std::sync::atomic::Ordering::Relaxed) {
            trace::warn(
                "rate limits on `memory://` count in this process alone; with several processes use Redis",
            );
        }
    }
}

/// Asks Redis; `None` if the store is the memory of this process.
async fn ask_store(
    core: &Core,
    settings: &LimitSettings,
    scope: &str,
    client: &ClientHash,
    op: LedgerOp,
) -> Result<Option<Decision>, Error> {
    core.check_open()?;
    #[cfg(feature = "test-util")]
    core.store.inject("rate limit").await?;
    #[cfg(feature = "redis")]
    if let Some(redis) = core.store.as_redis() {
        let key = super::settings::ledger_key(&core.prefix, scope, client);
        let rules = &settings.rules;
        let script = super::script::script(rules.algorithm);
        let arguments = super::script::arguments(rules, op);
        let decode = |reply: Vec<i64>| super::script::decision(&reply, rules);
        return redis.run_script("rate limit", script, &[&key], &arguments, decode).await.map(Some);
    }
    let _ = (settings, scope, client, op);
    Ok(None)
}

/// Returns the name under which statistics and events show a limit.
fn row_name(scope: &str) -> String {
    ["rate_limit:", scope].concat()
}

fn verdict_kind(verdict: &Verdict) -> EventKind {
    if verdict.over_limit { EventKind::LimitRefused } else { EventKind::LimitAllowed }
}
