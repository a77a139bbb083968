//! Stale values: served at once, or replaced by a new one that comes soon.

use super::follower::{Follower, Waited};
use super::serve::served_stale;
use crate::engine::entry_op::EntryOp;
use crate::observe::event_kind::EventKind;
use crate::site::outcome::{Shape, Value};
use crate::site::value_caps::ValueCaps;

/// Serves a stale value while a computation runs in the background, behind which `follower` is. With `soft_timeout`, waits that
/// long for its result first.
pub(crate) async fn stale<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    value: Option<S::Value>,
    follower: Option<Follower>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    let patience = op.policy.soft_timeout.unwrap_or_default();
    let waited = match follower.filter(|_| !patience.is_zero()) {
        Some(follower) => {
            let _shown = op.waits_for_others();
            follower.wait(patience).await
        }
        None => Waited::Over,
    };
    if let Waited::Completed(completion) = waited
        && let Some(result) = op.receive::<R, S>(&completion, caps)
    {
        op.record(EventKind::Wait);
        return result;
    }
    served_stale::<R, S>(op, value)
}
