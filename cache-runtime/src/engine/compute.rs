//! Runs the function, hands its result to the waiting calls, and stores the result.

use std::pin::Pin;
use std::time::{Duration, Instant};

use super::compute_input::ComputeInput;
use super::context::Context;
use super::decide::{Storage, storage};
use super::entry_op::EntryOp;
use super::fill::Sealed;
use super::flight::Leader;
use super::follower::Completion;
use super::judge::Refused;
use super::lease::Lease;
use super::serve::served_stale;
use crate::rt::stack::boxed;
use crate::site::outcome::{Shape, Split, Value, rebuild};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;

/// Computes, hands the result to the waiting calls, and stores it.
pub(crate) async fn compute<R, S>(
    op: &EntryOp<'_>,
    rules: &impl ValueRules<S::Value>,
    caps: ValueCaps<R, S::Value>,
    input: ComputeInput<S::Value>,
    mut leader: Option<Leader>,
    mut lease: Option<Lease>,
    body: impl Future<Output = R> + Unpin,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    if input.replaces_entry {
        // A panic starts the same pause as a failure.
        leader.iter_mut().for_each(|leader| leader.set_retry(op.policy.retry_pause()));
        lease.iter_mut().for_each(|lease| lease.set_retry(op.policy.retry_pause()));
    }
    let began = Instant::now();
    let context = Context::computing(op.core.id, op.key.as_str(), leader.as_ref().map(Leader::flight));
    let result = context.scope(body).await;
    // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
    let filled = match ended::<R, S>(op, rules, caps, input, (leader, lease), (result, began.elapsed())) {
        Ok(result) => return result,
        Err(filled) => filled,
    };
    filled.await
}

/// The result of a computation that stores nothing, or the future that stores the value. Nothing of it is on the stack while the
/// function runs, which may call itself.
#[inline(never)]
fn ended<R, S>(
    op: &EntryOp<'_>,
    rules: &impl ValueRules<S::Value>,
    caps: ValueCaps<R, S::Value>,
    input: ComputeInput<S::Value>,
    held: (Option<Leader>, Option<Lease>),
    (result, took): (R, Duration),
) -> Result<R, Pin<Box<impl Future<Output = R>>>>
where
    S: Shape<R>,
    S::Value: Value,
{
    let replaces_unusable = input.snapshot.unusable.is_some();
    let (value, leader, (sealed, lease)) = match settle::<R, S>(op, rules, caps, input, held, (result, took))
    {
        Settled::Has(result) => return Ok(result),
        Settled::Fills(value, leader, fill) => (value, leader, fill),
    };
    op.core.flights.unmark(op.key.as_str());
    Err(boxed(move || async move {
        if !op.fill(sealed, lease).await {
            // The calls behind this one compute at once: waiting for one another, each could be refused.
            op.core.flights.mark(op.key.as_str(), took);
        }
        if replaces_unusable {
            op.core.turns.replaced(op.function, op.key.as_str());
        }
        drop(leader);
        rebuild::<R, S>(value)
    }))
}

/// The end of a computation.
#[expect(
    clippy::large_enum_variant,
    reason = "most computations end with a value to store, and an end is moved once"
)]
enum Settled<R, V> {
    /// There is nothing to store.
    Has(R),
    /// The value is to be stored under the lease.
    Fills(Option<V>, Option<Leader>, (Sealed, Lease)),
}

/// Hands a result to the waiting calls, and encodes what is to be stored.
fn settle<R, S>(
    op: &EntryOp<'_>,
    rules: &impl ValueRules<S::Value>,
    caps: ValueCaps<R, S::Value>,
    input: ComputeInput<S::Value>,
    (leader, lease): (Option<Leader>, Option<Lease>),
    (result, took): (R, Duration),
) -> Settled<R, S::Value>
where
    S: Shape<R>,
    S::Value: Value,
{
    if input.is_beside {
        return Settled::Has(beside::<R, S>(op, input.on_error, (result, took)));
    }
    let value = match S::split(result) {
        Split::Value(value) => Some(value),
        Split::None => None,
        Split::Failure(result) => {
            return Settled::Has(failed::<R, S>(op, caps, input, (leader, lease), (result, took)));
        }
        Split::Unshared(result) => {
            op.refused("for its caller only");
            release(leader, lease, took);
            return Settled::Has(result);
        }
    };
    let judged = value.as_ref().map(|value| {
        let expire = op.judge(value, rules).map_err(Refused::as_str)?;
        Ok((expire, op.late_tags(value, rules)?))
    });
    let (judgement, late_tags) = match judged.transpose() {
        Ok(judged) => judged.map_or((None, Vec::new()), |(expire, tags)| (Some(Ok(expire)), tags)),
        Err(reason) => (Some(Err(reason)), Vec::new()),
    };
    let storage = storage(judgement, op.expiries);
    let is_awaited = leader.as_ref().is_some_and(Leader::is_awaited);
    let stamps = lease.as_ref().map(|lease| &**lease.stamps());
    let encoded = op.encode(value.as_ref(), storage, stamps, (is_awaited, caps.comparison()));
    let is_storable = !matches!(storage, Storage::No(_)) && (encoded.fill.is_some() || lease.is_none());
    let leader = leader.and_then(|leader| finish(leader, encoded.completion, (is_storable, took)));
    if leader.as_ref().is_some_and(Leader::is_void) {
        // The store would refuse the value, so nothing is sent.
        op.refused("invalidated while it was computed");
    } else if let Some(mut lease) = lease {
        lease.set_late_tags(late_tags);
        match encoded.fill {
            Some(sealed) => {
                let sealed = Sealed { took: Some(took), ..sealed };
                return Settled::Fills(value, leader, (sealed, lease));
            }
            None => lease.concede(took),
        }
    }
    Settled::Has(rebuild::<R, S>(value))
}

/// Ends a computation beside the leader or without one, which stores nothing. `old` is served if the function failed.
fn beside<R, S>(op: &EntryOp<'_>, old: Option<Option<S::Value>>, (result, took): (R, Duration)) -> R
where
    S: Shape<R>,
{
    let (result, reason, old) = match S::split(result) {
        Split::Value(value) => return S::value(value),
        Split::None => return rebuild::<R, S>(None),
        Split::Failure(result) => (result, "Err", old),
        Split::Unshared(result) => (result, "for its caller only", None),
    };
    op.refused(reason);
    op.core.flights.mark(op.key.as_str(), took);
    match old {
        Some(old) => served_stale::<R, S>(op, old),
        None => result,
    }
}

/// Ends a computation whose result nobody else gets.
fn release(leader: Option<Leader>, lease: Option<Lease>, took: Duration) {
    if let Some(leader) = leader {
        leader.release(took);
    }
    if let Some(lease) = lease {
        lease.concede(took);
    }
}

/// Hands a result to the waiting calls. Returns the leader, unless the waiting calls go on without the result.
fn finish(
    mut leader: Leader,
    completion: Completion,
    (is_storable, took): (bool, Duration),
) -> Option<Leader> {
    match completion {
        Completion::Unshared if !is_storable => {
            leader.release(took);
            return None;
        }
        completion if !is_storable => {
            leader.mark(took);
            leader.complete(completion);
        }
        completion => leader.complete(completion),
    }
    Some(leader)
}

/// Ends a computation that failed: serves an old result in place of the error where there is one, and starts the pause.
fn failed<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    input: ComputeInput<S::Value>,
    (leader, lease): (Option<Leader>, Option<Lease>),
    (result, took): (R, Duration),
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    op.refused("Err");
    if input.replaces_entry {
        let pause = op.policy.retry_pause();
        op.core.flights.back_off(op.key.as_str(), pause);
        if let Some(lease) = lease {
            lease.pause(pause);
        }
    } else if let Some(lease) = lease {
        lease.concede(took);
    }
    // With an old value, waiting calls have one of their own, or may have none: this one may have been invalidated before
    // they began.
    let shared = if input.on_error.is_none() { op.share_failure(caps, &result) } else { None };
    if let Some(leader) = leader {
        finish(leader, shared.map_or(Completion::Unshared, Completion::Failure), (false, took));
    }
    match input.on_error {
        Some(old) => served_stale::<R, S>(op, old),
        None => result,
    }
}
