//! A refresh: a computation in the background, while the stored value is still served.

use super::compute::compute;
use super::compute_input::ComputeInput;
use super::flight::Leader;
use super::lease::Lease;
use super::snapshot::Snapshot;
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::site::outcome::{Shape, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;
use crate::store::{LeaseMode, Leased};

/// Computes once for all processes, and stores the result in place of the snapshot if that is still there.
pub(crate) async fn refresh<R, S>(
    op: &EntryOp<'_>,
    mut leader: Leader,
    snapshot: Snapshot,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    body: impl Future<Output = R>,
) where
    S: Shape<R>,
    S::Value: Value,
{
    if leader.is_void() {
        // The stored value is no longer the snapshot, and another call may lead.
        return;
    }
    let waker = leader.waker();
    let work = async move {
        let Some(lease) = ask(op, &snapshot).await else { return };
        leader.begins(lease.basis());
        count(&op.counters.refreshes);
        let input = ComputeInput { snapshot, on_error: None, replaces_entry: true, to_revalidate: None };
        drop(compute::<R, S>(op, rules, caps, input, Some(leader), Some(lease), body).await);
    };
    waker.drive(None, work).await;
}

/// The lease, unless another process refreshes, has just failed to, or has stored a newer value.
async fn ask(op: &EntryOp<'_>, snapshot: &Snapshot) -> Option<Lease> {
    match op.lease(LeaseMode::Refresh, snapshot.head()).await {
        Ok(Ok(lease)) => Some(lease),
        Ok(Err(Leased::Held(left) | Leased::Paused(left))) => {
            op.core.flights.back_off(op.key.as_str(), left);
            None
        }
        Ok(Err(Leased::Changed | Leased::Uncached(_) | Leased::Granted(_))) | Err(_) => None,
    }
}
