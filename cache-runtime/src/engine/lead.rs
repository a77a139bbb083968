//! The lead of a missing call: one call of a process takes it and claims the lease, and the others wait.

use std::pin::pin;
use std::time::{Duration, Instant};

use super::claim::{Claimed, claim};
use super::compute_input::ComputeInput;
use super::context::Context;
use super::entry_op::EntryOp;
use super::flight::{Leader, Role};
use super::follower::{Completion, Follower, Waited};
use super::lookup::Hit;
use super::neighbor::{Beginning, NeighborWait};
use super::snapshot::Snapshot;
use super::waits::FlightWait;
use crate::codec::Decode;
use crate::rt::stack::BoxFuture;
use crate::rt::yield_once::yield_once;

/// The longest wait for the lease of a leader of another lane.
const MAX_BEGINNING: Duration = Duration::from_secs(1);

/// The place where a missing call gets its lease.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Store,
    /// The store is unavailable, and results are cached in this process meanwhile.
    Fallback,
    /// The store is unavailable, and nothing is cached.
    Nothing,
}

impl Source {
    pub(super) fn of(op: &EntryOp<'_>, snapshot: &Snapshot, is_unavailable: bool) -> Self {
        if !is_unavailable {
            Self::Store
        } else if op.uses_fallback(snapshot) {
            Self::Fallback
        } else {
            Self::Nothing
        }
    }
}

/// The ways in which a call that found nothing goes on.
pub(super) enum Lead<V> {
    /// It computes, and other calls wait for it.
    Takes(Leader, Claimed<V>),
    /// Another call computed.
    Completed(Completion),
    /// It serves an old value if it has one, else computes for itself and stores nothing.
    Alone,
    /// It computes for itself and stores nothing.
    Beside,
    /// It computes for its lane, beside a leader of another one.
    Neighbor(Leader, Beginning),
}

/// Takes the lead and claims the lease, or waits for the leader.
pub(super) async fn lead<V: Decode>(
    op: &EntryOp<'_>,
    input: &mut ComputeInput<V>,
    (source, has_none): (Source, bool),
    lane: u64,
) -> Lead<V> {
    if input.snapshot.belongs_to_others() {
        op.refused("an entry of others");
        return Lead::Beside;
    }
    let began = Instant::now();
    loop {
        let leader = match join(op, &input.snapshot, input.on_error.is_some(), (began, lane)).await {
            Joined::Leads(leader) => leader,
            Joined::Completed(completion) => return Lead::Completed(completion),
            Joined::Alone => return Lead::Alone,
            Joined::Beside => return Lead::Beside,
            Joined::Neighbor(leader, beginning) => return Lead::Neighbor(leader, beginning),
        };
        let claimed = match source {
            Source::Store => {
                let claim = pin!(claim(op, input, &leader, (began, lane)));
                leader.waker().drive(Context::leader_waker(), claim).await
            }
            Source::Fallback => claim_fallback(op, has_none).await,
            Source::Nothing => Claimed::WithoutLease,
        };
        if !matches!(claimed, Claimed::Void) {
            return Lead::Takes(leader, claimed);
        }
    }
}

/// The role that a call got, once it is settled.
enum Joined {
    Leads(Leader),
    Completed(Completion),
    Alone,
    Beside,
    Neighbor(Leader, Beginning),
}

/// Returns whether a call may wait for the leader of its key: not if the leader is around it.
async fn may_join(op: &EntryOp<'_>) -> bool {
    let key = op.key.as_str();
    let Some(is_stalled) = op.core.flights.leader_is_stalled(key) else { return true };
    // The computations around this call are many in a deep recursion, and lead flights.
    if Context::is_computing(op.core.id, key) {
        return false;
    }
    if is_stalled {
        // The turn of the leader may come before the next one of this call.
        yield_once().await;
    }
    true
}

/// Waits for a role. `has_old` is whether the call has an old value to serve.
fn join<'a>(
    op: &'a EntryOp<'_>,
    snapshot: &'a Snapshot,
    has_old: bool,
    since: (Instant, u64),
) -> BoxFuture<'a, Joined> {
    Box::pin(joined(op, snapshot, has_old, since))
}

async fn joined(
    op: &EntryOp<'_>,
    snapshot: &Snapshot,
    has_old: bool,
    (began, lane): (Instant, u64),
) -> Joined {
    let (key, flights) = (op.key.as_str(), &op.core.flights);
    if !may_join(op).await {
        return Joined::Alone;
    }
    loop {
        if has_old && flights.is_backing_off(key) {
            // A computation failed a moment ago: the old value is to be served.
            return Joined::Alone;
        }
        let left = op.core.max_wait.saturating_sub(began.elapsed());
        let waited = match flights.join(key, snapshot, lane) {
            Role::Lead(leader) => return Joined::Leads(leader.tagged(op.own_tags(), op.policy.late_tags)),
            Role::Full => return Joined::Alone,
            Role::Beside => return Joined::Beside,
            // Only requests have neighbors, and they ask for one key at a time.
            Role::Neighbor(neighbor) => match neighbor.begun(left.min(MAX_BEGINNING)).await {
                NeighborWait::Begun(beginning) => match flights.join_lane(key, snapshot, lane) {
                    Role::Lead(leader) => {
                        return Joined::Neighbor(
                            leader.tagged(op.own_tags(), op.policy.late_tags),
                            beginning,
                        );
                    }
                    Role::Follow(follower) => behind(op, follower, |follower| follower.wait(left)).await,
                    Role::Queue(follower) => behind(op, follower, |follower| follower.gone(left)).await,
                    Role::Full | Role::Beside | Role::Neighbor(_) => return Joined::Alone,
                },
                NeighborWait::Found(completion) => Waited::Completed(completion),
                NeighborWait::Over => Waited::Over,
                NeighborWait::Alone => return Joined::Alone,
            },
            Role::Follow(follower) => behind(op, follower, |follower| follower.wait(left)).await,
            Role::Queue(follower) => behind(op, follower, |follower| follower.gone(left)).await,
        };
        match waited {
            Waited::Completed(completion) => return Joined::Completed(completion),
            Waited::Over => {}
            Waited::Circle => return Joined::Alone,
            Waited::TimedOut => {
                op.waited_in_vain();
                return Joined::Alone;
            }
        }
    }
}

/// Waits behind a leader, unless the leader waits for a computation that this call is part of.
async fn behind<F: Future<Output = Waited>>(
    op: &EntryOp<'_>,
    follower: Follower,
    wait: impl FnOnce(Follower) -> F,
) -> Waited {
    let _shown = op.waits_for_others();
    match FlightWait::begin(Context::flights(), follower.flight()) {
        Some(_wait) => wait(follower).await,
        None => Waited::Circle,
    }
}

/// The result that was cached since the store became unavailable, if the function has a result for it.
pub(super) async fn fallback<V: Decode>(op: &EntryOp<'_>, has_none: bool) -> Option<Hit<V>> {
    op.fallback().await.filter(|hit| hit.value.is_some() || has_none)
}

/// [`claim`] while the store is unavailable.
async fn claim_fallback<V: Decode>(op: &EntryOp<'_>, has_none: bool) -> Claimed<V> {
    // Another call may have completed before this one took the lead.
    match fallback(op, has_none).await {
        Some(hit) => Claimed::Found(hit),
        None => op.fallback_lease().await.map_or(Claimed::WithoutLease, Claimed::Lease),
    }
}
