//! The clients that this process knows: their ledgers, and those that wait for the end of a refusal.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ledger::{Decision, Ledger, LedgerOp};
use super::rules::LimitRules;
use super::verdict::Verdict;

/// The hash of a scope, the windows and an identity.
pub(super) type ClientHash = [u8; 16];

/// The number of parts, so that threads seldom wait for each other.
const PARTS: usize = 16;
/// The largest number of clients of a part that wait: 10 000 in all.
const MAX_REFUSED: usize = 10_000 / PARTS;
/// The largest number of ledgers of a part: 100 000 in all.
const MAX_LEDGERS: usize = 100_000 / PARTS;
/// The largest number of times in the ledgers of a part: 4 million in all, at 8 bytes.
const MAX_TIMES: usize = 4_000_000 / PARTS;

/// The clients of all limits of one cache in this process.
#[derive(Debug, Default)]
pub(crate) struct LimitedClients {
    ledgers: [Mutex<LedgerPart>; PARTS],
    refused: [Mutex<HashMap<ClientHash, RememberedRefusal>>; PARTS],
    /// It was said that limits count in this process alone.
    pub(super) is_told: AtomicBool,
}

#[derive(Debug, Default)]
struct LedgerPart {
    /// Each with the time from which it is as good as a new one.
    ledgers: HashMap<ClientHash, (Ledger, u64)>,
    /// The times in all of them.
    times: usize,
}

/// A refusal.
#[derive(Debug)]
struct RememberedRefusal {
    verdict: Verdict,
    cost: u64,
    since: Instant,
    until: Instant,
}

impl LimitedClients {
    /// Decides in this process.
    pub(super) fn decide(
        &self,
        client: &ClientHash,
        rules: &LimitRules,
        op: LedgerOp,
        now: Instant,
    ) -> Decision {
        let now = micros(now);
        locked(&self.ledgers[part(client)]).decide(client, rules, op, now)
    }

    /// Returns the verdict that refused a hit of this cost, if the client is to wait still. Windows that did not refuse it are as they were
    /// then.
    pub(super) fn refusal(&self, client: &ClientHash, cost: u64, now: Instant) -> Option<Verdict> {
        let mut refused = locked(&self.refused[part(client)]);
        let refusal = refused.get(client)?;
        if now >= refusal.until {
            refused.remove(client);
            return None;
        }
        // A dearer hit would have to wait longer.
        let is_same = cost == refusal.cost;
        is_same.then(|| refusal.verdict.clone().later(now.saturating_duration_since(refusal.since)))
    }

    /// Remembers a refusal for as long as it holds.
    pub(super) fn refuse(&self, client: ClientHash, cost: u64, verdict: &Verdict, now: Instant) {
        let Some(until) = verdict.holds_for().and_then(|wait| now.checked_add(wait)) else { return };
        let mut refused = locked(&self.refused[part(&client)]);
        if refused.len() >= MAX_REFUSED && !refused.contains_key(&client) {
            refused.retain(|_, refusal| now < refusal.until);
            if refused.len() >= MAX_REFUSED {
                // Without being remembered, a client costs a call of the store again, and is refused all the same.
                return;
            }
        }
        refused.insert(client, RememberedRefusal { verdict: verdict.clone(), cost, since: now, until });
    }

    /// Forgets a refusal.
    pub(super) fn forget(&self, client: &ClientHash) {
        locked(&self.refused[part(client)]).remove(client);
    }
}

impl LedgerPart {
    fn decide(&mut self, client: &ClientHash, rules: &LimitRules, op: LedgerOp, now: u64) -> Decision {
        let known = self.ledgers.remove(client);
        self.times -= known.as_ref().map_or(0, |(ledger, _)| ledger.size());
        let mut ledger = known.map_or_else(|| Ledger::new(rules.algorithm), |(ledger, _)| ledger);
        let decision = ledger.decide(rules, op, now);
        let ends = ledger.ends_at(rules);
        if ends > now {
            self.make_room(ledger.size(), now);
            self.times += ledger.size();
            self.ledgers.insert(*client, (ledger, ends));
        }
        decision
    }

    /// Removes ledgers that have ended, and if that is not enough a tenth of the others, so that a flood of clients takes neither
    /// memory without a limit nor a walk over all ledgers for each hit.
    fn make_room(&mut self, more: usize, now: u64) {
        let is_full = |part: &Self| part.ledgers.len() >= MAX_LEDGERS || part.times + more > MAX_TIMES;
        if !is_full(self) {
            return;
        }
        self.ledgers.retain(|_, (_, ends)| *ends > now);
        self.times = self.ledgers.values().map(|(ledger, _)| ledger.size()).sum();
        while is_full(self) && !self.ledgers.is_empty() {
            let mut ends: Vec<u64> = self.ledgers.values().map(|(_, ends)| *ends).collect();
            let tenth = ends.len() / 10;
            let (_, last, _) = ends.select_nth_unstable(tenth);
            let last = *last;
            self.ledgers.retain(|_, (_, ends)| *ends > last);
            self.times = self.ledgers.values().map(|(ledger, _)| ledger.size()).sum();
        }
    }
}

fn part(client: &ClientHash) -> usize {
    usize::from(client[0]) % PARTS
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the microseconds of a monotonic clock.
fn micros(now: Instant) -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // Later than the longest window, so that no time is before the first.
    const AHEAD: Duration = Duration::from_secs(400 * 86_400);
    let since = now.saturating_duration_since(*START) + AHEAD;
    since.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::rules::LimitAlgorithm;

    fn client(number: u32) -> ClientHash {
        let mut client = ClientHash::default();
        client[1..5].copy_from_slice(&number.to_le_bytes());
        client
    }

    fn rules(rate: &str) -> LimitRules {
        LimitRules::new(&[rate.parse().expect("a rate")], LimitAlgorithm::Log, None).expect("rules")
    }

    #[test]
    fn a_flood_of_clients_takes_bounded_memory() {
        let (mut part, rules) = (LedgerPart::default(), rules("100/minute"));
        for number in 0..20_000 {
            part.decide(&client(number), &rules, LedgerOp::Hit(90), 1_000_000_000 + u64::from(number));
            assert!(part.ledgers.len() <= MAX_LEDGERS && part.times <= MAX_TIMES);
        }
        assert!(part.ledgers.len() > 1_000);
        assert_eq!(part.times, part.ledgers.len() * 90);
        // The newest client is there still.
        let decision = part.decide(&client(19_999), &rules, LedgerOp::Peek(1), 1_000_100_000);
        assert_eq!(decision.windows[0].remaining, 10);
    }

    #[test]
    fn ledgers_that_ended_are_not_held() {
        let (mut part, rules) = (LedgerPart::default(), rules("2/second"));
        part.decide(&client(1), &rules, LedgerOp::Hit(2), 5_000_000);
        part.decide(&client(1), &rules, LedgerOp::Peek(1), 6_000_000);
        assert_eq!((part.ledgers.len(), part.times), (0, 0));
    }

    #[test]
    fn refusals_are_remembered_for_their_wait_and_their_cost() {
        let (clients, rules, now) = (LimitedClients::default(), rules("2/second"), Instant::now());
        clients.decide(&client(1), &rules, LedgerOp::Hit(1), now);
        let decision = clients.decide(&client(1), &rules, LedgerOp::Hit(2), now);
        let verdict = Verdict::of(&decision, &rules, &["second".into()], super::super::DecidedBy::Memory);
        clients.refuse(client(1), 2, &verdict, now);
        let later = |ms| now + Duration::from_millis(ms);
        assert_eq!(clients.refusal(&client(1), 1, later(1)), None);
        let refusal = clients.refusal(&client(1), 2, later(400)).expect("a refusal");
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(600)));
        assert_eq!(clients.refusal(&client(1), 2, later(1_000)), None);
        // More clients than are remembered.
        for number in 0..1_000 {
            clients.refuse(client(number), 1, &verdict, now);
        }
        assert_eq!(locked(&clients.refused[0]).len(), MAX_REFUSED);
    }
}
