//! Miss: one call computes, for everybody who wants the same; the others wait for it.

use std::time::{Duration, Instant};

use super::claim::{Claimed, claim};
use super::computation::Computation;
use super::context::Context;
use super::decide::{Stale, keep};
use super::entry_op::failure;
use super::flight::{Basis, Completion, Leader, Role, Waited};
use super::lease::Lease;
use super::lookup::{Hit, Lookup, Snapshot};
use super::run::{served, special};
use super::stale::served_old;
use crate::engine::call::Call;
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::observe::trace;
use crate::site::outcome::{Shape, Split, Value, ValueCaps, rebuild};
use crate::site::rules::ValueRules;

/// After a refresh that failed, nobody tries again for this long, unless `stale_retry` says otherwise.
const RETRY: Duration = Duration::from_secs(30);

/// What a call that has to compute knows.
pub(crate) struct Recompute<V> {
    pub(crate) snapshot: Snapshot,
    /// An old result, to be served when the function fails. (`Some(None)` is an old `None`.)
    pub(crate) old: Option<Option<V>>,
    /// Whether what was snapshot is to stay readable until the new value is there.
    pub(crate) is_refresh: bool,
    /// An old value that is not to be served unless the computation finds that it is still good.
    pub(crate) known: Option<V>,
}

impl<V> Default for Recompute<V> {
    fn default() -> Self {
        Self { snapshot: Snapshot::default(), old: None, is_refresh: false, known: None }
    }
}

impl<V> Recompute<V> {
    /// After a look that found nothing to serve at once; `None` when the store did not answer.
    pub(crate) fn after(look: Lookup<V>) -> Option<Self> {
        match look {
            Lookup::Unavailable(..) => None,
            Lookup::Miss(snapshot) => Some(Self { snapshot, ..Self::default() }),
            Lookup::Stale(Hit { value, snapshot }, Stale { at_once: false, on_error: false }) => {
                Some(Self { snapshot, known: value, ..Self::default() })
            }
            Lookup::Fresh(Hit { value, snapshot })
            | Lookup::Early(Hit { value, snapshot })
            | Lookup::Stale(Hit { value, snapshot }, _) => {
                Some(Self { snapshot, old: Some(value), is_refresh: true, known: None })
            }
        }
    }
}

/// A look found nothing that could be served: one caller computes, the others wait for it.
pub(crate) async fn missed<R, S>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    look: Lookup<S::Value>,
    mut computation: impl Computation<S::Value, Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    // What the store did not tell before the computation it shall not be given afterwards: the call has waited for it
    // once already.
    let (mut recompute, is_away) = match look {
        Lookup::Unavailable(snapshot, _) => (Recompute { snapshot, ..Recompute::default() }, true),
        look => (Recompute::after(look).unwrap_or_default(), false),
    };
    let is_out = is_away && op.is_out(&recompute.snapshot);
    if is_out && let Some(hit) = fallback::<R, S>(op).await {
        return served::<R, S>(call, op, caps, hit);
    }
    let began = Instant::now();
    let (mut leader, claimed) = loop {
        let leader = match join::<R, S>(op, caps, &recompute, began).await {
            Joined::Leads(leader) => Some(leader),
            Joined::Has(result) => return result,
            Joined::Alone => None,
        };
        // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
        let Some(leader) = leader else {
            if let Some(old) = recompute.old.take() {
                return served_old::<R, S>(op, old);
            }
            count(&op.counters.misses);
            // So that what it calls in recompute does not wait for it, nor for those whom it did not want to wait for.
            return Context::computing(op.core.id, op.key.as_str()).scope(computation.here()).await;
        };
        let claimed = match (is_away, is_out) {
            (false, _) => claim(op, &mut recompute, &leader, began).await,
            (true, true) => claim_fallback::<R, S>(op).await,
            (true, false) => Claimed::Alone,
        };
        if !matches!(claimed, Claimed::Void) {
            break (leader, claimed);
        }
    };
    let lease = match claimed {
        Claimed::Lease(lease) => Some(lease),
        Claimed::Alone | Claimed::Void => None,
        Claimed::Found(hit) => {
            let bytes = hit.snapshot.bytes.clone();
            leader.complete(if hit.value.is_some() { Completion::Value(bytes) } else { Completion::Nothing });
            return served::<R, S>(call, op, caps, hit);
        }
        // Not for those who wait: it may be gone since, and they have one of their own.
        Claimed::Paused => return served_old::<R, S>(op, recompute.old.take().flatten()),
    };
    leader.begins(lease.as_ref().map_or(Basis::Nothing, Lease::ground));
    count(&op.counters.misses);
    trace::miss(op.label);
    recompute
        .old
        .as_ref()
        .and_then(Option::as_ref)
        .or(recompute.known.as_ref())
        .inspect(|known| computation.knows(known));
    finish::<R, S>(op, rules, caps, recompute, Some(leader), lease, computation.here()).await
}

/// What was kept since the store went away, if the function has a result for it.
async fn fallback<R, S>(op: &EntryOp<'_>) -> Option<Hit<S::Value>>
where
    S: Shape<R>,
    S::Value: Value,
{
    op.fallback().await.filter(|hit| hit.value.is_some() || S::nothing().is_some())
}

/// [`claim`] while the store is away.
async fn claim_fallback<R, S>(op: &EntryOp<'_>) -> Claimed<S::Value>
where
    S: Shape<R>,
    S::Value: Value,
{
    // Another call may have landed before this one took the lead.
    match fallback::<R, S>(op).await {
        Some(hit) => Claimed::Found(hit),
        None => Lease::fallback(op).await.map_or(Claimed::Alone, Claimed::Lease),
    }
}

/// How a call that found nothing goes on.
enum Joined<R> {
    /// It computes, and others wait for it.
    Leads(Leader),
    /// Another call computed its result.
    Has(R),
    /// It serves an old value if it has one, else computes for itself and stores nothing.
    Alone,
}

async fn join<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    recompute: &Recompute<S::Value>,
    began: Instant,
) -> Joined<R>
where
    S: Shape<R>,
    S::Value: Value,
{
    let (key, flights) = (op.key.as_str(), &op.core.flights);
    if Context::is_computing(op.core.id, key) {
        return Joined::Alone;
    }
    loop {
        if recompute.old.is_some() && flights.is_backing_off(key) {
            // A computation failed a moment ago; the old value is to be served.
            return Joined::Alone;
        }
        let left = op.core.max_wait.saturating_sub(began.elapsed());
        let waited = match flights.join(key, recompute.snapshot.sight()) {
            Role::Lead(leader) => return Joined::Leads(leader),
            Role::Full => return Joined::Alone,
            Role::Follow(follower) => follower.wait(left).await,
            Role::Queue(follower) => follower.gone(left).await,
        };
        match waited {
            Waited::Completed(completion) => {
                return match op.take::<R, S>(&completion, caps) {
                    Some(result) => {
                        count(&op.counters.waits);
                        Joined::Has(result)
                    }
                    None => Joined::Alone,
                };
            }
            Waited::Vacant => {}
            Waited::TimedOut => return Joined::Alone,
        }
    }
}

/// Computes, hands the result to those who wait, stores it.
pub(crate) async fn finish<R, S>(
    op: &EntryOp<'_>,
    rules: &impl ValueRules<S::Value>,
    caps: ValueCaps<R, S::Value>,
    recompute: Recompute<S::Value>,
    mut leader: Option<Leader>,
    lease: Option<Lease>,
    compute: impl Future<Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    let context = Context::computing(op.core.id, op.key.as_str());
    let result = context.scope(compute).await;
    let value = match S::split(result) {
        Split::Value(value) => Some(value),
        Split::Nothing => None,
        Split::Failure(result) => return failed::<R, S>(op, caps, recompute, leader, lease, result),
        Split::Alone(result) => {
            count(&op.counters.refusals);
            trace::refuse(op.label, "for one caller alone");
            if let Some(leader) = &mut leader {
                leader.complete(Completion::Free);
            }
            return result;
        }
    };
    let fill = {
        let refused = value.as_ref().is_some_and(|value| rules.refuses(value));
        let special = value.as_ref().and_then(|value| special(op, rules.special(value)));
        let keep = keep(value.is_some(), refused, special, op.expiries);
        let is_awaited = leader.as_ref().is_some_and(Leader::is_awaited);
        let encoded =
            op.pack(value.as_ref(), keep, lease.as_ref().map(|lease| &**lease.stamps()), is_awaited);
        if let Some(leader) = &mut leader {
            leader.complete(encoded.completion);
        }
        encoded.fill
    };
    if leader.as_ref().is_some_and(Leader::is_void) {
        // The store would refuse it; so it need not be sent.
        op.refused("invalidated while it was computed");
    } else if let (Some((bytes, life)), Some(lease)) = (fill, lease) {
        op.fill(bytes, life, lease).await;
    }
    drop(leader);
    rebuild::<R, S>(value)
}

/// The function failed: an old result instead of its error, where there is one, and a pause for everybody.
fn failed<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    recompute: Recompute<S::Value>,
    mut leader: Option<Leader>,
    lease: Option<Lease>,
    result: R,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    count(&op.counters.refusals);
    trace::refuse(op.label, "Err");
    if recompute.is_refresh {
        let pause = op.policy.stale_retry.unwrap_or(RETRY);
        op.core.flights.back_off(op.key.as_str(), pause);
        if let Some(lease) = lease {
            lease.pause(pause);
        }
    }
    if let Some(old) = recompute.old {
        // Those who wait have an old value of their own, or none to get: this one may have been removed before they came.
        return served_old::<R, S>(op, old);
    }
    if let Some(leader) = &mut leader {
        match failure(&result, caps) {
            Some(error) => leader.complete(Completion::Failure(error)),
            None if S::SCATTERS => leader.complete(Completion::Free),
            None => {}
        }
    }
    result
}
