//! Refresh: a computation on its own, for a value that is still served.

use super::flight::Leader;
use super::lease::Lease;
use super::lookup::Snapshot;
use super::miss::{Recompute, finish};
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::site::outcome::{Shape, Value, ValueCaps};
use crate::site::rules::ValueRules;
use crate::store::{LeaseMode, Leased};

/// Computes once in the whole cluster, and puts the result in the place of what was snapshot, if that is still there.
pub(crate) async fn refresh<R, S>(
    op: &EntryOp<'_>,
    leader: Leader,
    snapshot: Snapshot,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    compute: impl Future<Output = R>,
) where
    S: Shape<R>,
    S::Value: Value,
{
    if leader.is_void() {
        // What is stored by now is not what was snapshot, and another call may lead.
        return;
    }
    let Some(lease) = ask(op, &snapshot).await else { return };
    leader.begins(lease.ground());
    count(&op.counters.refreshes);
    let recompute = Recompute { snapshot, old: None, is_refresh: true, known: None };
    drop(finish::<R, S>(op, rules, caps, recompute, Some(leader), Some(lease), compute).await);
}

/// The lease, unless somebody else is at it, or was and failed, or something newer is there.
async fn ask(op: &EntryOp<'_>, snapshot: &Snapshot) -> Option<Lease> {
    match Lease::ask(op, LeaseMode::Refresh, snapshot.head()).await {
        Ok(Ok(lease)) => Some(lease),
        Ok(Err(Leased::Held(left) | Leased::Paused(left))) => {
            op.core.flights.back_off(op.key.as_str(), left);
            None
        }
        Ok(Err(Leased::Changed | Leased::Granted(_))) | Err(_) => None,
    }
}
