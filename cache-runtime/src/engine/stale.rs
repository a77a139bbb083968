//! Stale values: served at once, or replaced by a new one that comes soon.

use super::computation::Computation;
use super::flight::Role;
use super::follower::{Follower, Waited};
use super::lookup::Hit;
use super::serve::served_stale;
use super::snapshot::Snapshot;
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::site::outcome::{Shape, Value};
use crate::site::value_caps::ValueCaps;

/// Serves a stale value while one computation runs in the background. With `soft_timeout`, waits that long for its result first.
pub(crate) async fn stale<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    hit: Hit<S::Value>,
    computation: impl Computation<S::Value, Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    let Hit { value, snapshot } = hit;
    let follower = revalidate(op, snapshot, value.as_ref(), computation);
    let patience = op.policy.soft_timeout.unwrap_or_default();
    let waited = match follower.filter(|_| !patience.is_zero()) {
        Some(follower) => follower.wait(patience).await,
        None => Waited::Over,
    };
    if let Waited::Completed(completion) = waited
        && let Some(result) = op.receive::<R, S>(&completion, caps)
    {
        count(&op.counters.waits);
        return result;
    }
    served_stale::<R, S>(op, value)
}

/// Starts a computation in the background, unless one is running or a refresh has recently failed. Returns a [`Follower`]
/// of the running computation.
pub(crate) fn revalidate<R, V>(
    op: &EntryOp<'_>,
    snapshot: Snapshot,
    known: Option<&V>,
    mut computation: impl Computation<V, Output = R>,
) -> Option<Follower> {
    let (key, flights) = (op.key.as_str(), &op.core.flights);
    if flights.is_backing_off(key) {
        return None;
    }
    match flights.join(key, &snapshot, 0) {
        Role::Lead(leader) => {
            let leader = leader.tagged(&op.tags);
            let follower = leader.follow();
            known.inspect(|known| computation.offer(known));
            computation.detach(op, leader, snapshot);
            Some(follower)
        }
        Role::Follow(follower) => Some(follower),
        // The running computation may be older than this call, or have no result for it.
        Role::Queue(_) | Role::Neighbor(_) | Role::Full | Role::Beside => None,
    }
}
