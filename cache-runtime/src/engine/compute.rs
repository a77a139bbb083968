//! Runs the function, hands its result to the waiting calls, and stores the result.

use std::time::Duration;

use super::compute_input::ComputeInput;
use super::context::Context;
use super::decide::storage;
use super::entry_op::EntryOp;
use super::flight::{Completion, Leader};
use super::lease::Lease;
use super::serve::served_stale;
use crate::observe::stats::count;
use crate::observe::trace;
use crate::site::outcome::{Shape, Split, Value, rebuild};
use crate::site::rules::{ValueExpiry, ValueRules};
use crate::site::value_caps::ValueCaps;
use crate::types::expire::Expire;

/// The pause after a failed refresh, unless `stale_retry` says otherwise.
const RETRY: Duration = Duration::from_secs(30);

/// Computes, hands the result to the waiting calls, and stores it.
pub(crate) async fn compute<R, S>(
    op: &EntryOp<'_>,
    rules: &impl ValueRules<S::Value>,
    caps: ValueCaps<R, S::Value>,
    input: ComputeInput<S::Value>,
    mut leader: Option<Leader>,
    lease: Option<Lease>,
    body: impl Future<Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    let context = Context::computing(op.core.id, op.key.as_str());
    let result = context.scope(body).await;
    let value = match S::split(result) {
        Split::Value(value) => Some(value),
        Split::None => None,
        Split::Failure(result) => return failed::<R, S>(op, caps, input, leader, lease, result),
        Split::Unshared(result) => {
            count(&op.counters.refusals);
            trace::refuse(op.function, "for its caller only");
            if let Some(leader) = &mut leader {
                leader.complete(Completion::Unshared);
            }
            return result;
        }
    };
    let fill = {
        let refused = value.as_ref().is_some_and(|value| rules.refuses(value));
        let expiry = value.as_ref().and_then(|value| checked_expiry(op, rules.expiry(value)));
        let storage = storage(value.is_some(), refused, expiry, op.expiries);
        let is_awaited = leader.as_ref().is_some_and(Leader::is_awaited);
        let encoded =
            op.encode(value.as_ref(), storage, lease.as_ref().map(|lease| &**lease.stamps()), is_awaited);
        if let Some(leader) = &mut leader {
            leader.complete(encoded.completion);
        }
        encoded.fill
    };
    if leader.as_ref().is_some_and(Leader::is_void) {
        // The store would refuse the value, so nothing is sent.
        op.refused("invalidated while it was computed");
    } else if let (Some((bytes, ttl)), Some(lease)) = (fill, lease) {
        op.fill(bytes, ttl, lease).await;
    }
    drop(leader);
    rebuild::<R, S>(value)
}

/// Ends a computation that failed: serves an old result in place of the error where there is one, and starts the pause.
fn failed<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    input: ComputeInput<S::Value>,
    mut leader: Option<Leader>,
    lease: Option<Lease>,
    result: R,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    count(&op.counters.refusals);
    trace::refuse(op.function, "Err");
    if input.replaces_entry {
        let pause = op.policy.stale_retry.unwrap_or(RETRY);
        op.core.flights.back_off(op.key.as_str(), pause);
        if let Some(lease) = lease {
            lease.pause(pause);
        }
    }
    if let Some(old) = input.on_error {
        // Waiting calls have an old value of their own, or may have none: this value may have been invalidated before they
        // began.
        return served_stale::<R, S>(op, old);
    }
    if let Some(leader) = &mut leader {
        match caps.share_failure(&result) {
            Some(error) => leader.complete(Completion::Failure(error)),
            None if S::RELEASES_WAITERS => leader.complete(Completion::Unshared),
            None => {}
        }
    }
    result
}

/// The expiry that `expire_with` gave, unless it cannot be used: then the call goes on as if the attribute had none.
pub(crate) fn checked_expiry(op: &EntryOp<'_>, expiry: ValueExpiry) -> Option<Expire> {
    match expiry? {
        Ok(expire) => Some(expire),
        Err(error) => {
            op.core
                .stats
                .once(op.function, || trace::warn(&format!("`expire_with` of `{}`: {error}", op.function)));
            None
        }
    }
}
