//! A miss: one call computes for all callers of the same key, and the others wait for it.

use std::pin::pin;
use std::time::{Duration, Instant};

use super::call::Call;
use super::claim::{Claimed, claim};
use super::computation::Computation;
use super::compute::compute;
use super::compute_input::ComputeInput;
use super::context::Context;
use super::entry_op::EntryOp;
use super::flight::{Leader, Role};
use super::flight_state::Basis;
use super::follower::{Completion, Follower, Waited};
use super::leader_waker::Driven;
use super::lease::Lease;
use super::lookup::{Hit, Lookup};
use super::neighbor::{Beginning, NeighborWait};
use super::serve::{served, served_stale};
use super::snapshot::Snapshot;
use super::stale::stale;
use super::waits::FlightWait;
use crate::codec::Decode;
use crate::observe::stats::count;
use crate::observe::trace;
use crate::rt::stack::{BoxFuture, boxed};
use crate::rt::yield_once::yield_once;
use crate::site::outcome::{Shape, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;
use crate::store::LeaseMode;
use crate::types::stamp::Stamp;

/// The longest wait for the lease of a leader of another lane.
const MAX_BEGINNING: Duration = Duration::from_secs(1);

/// Goes on from a lookup that was no hit: serves a stale value, takes the lead and computes, or waits for the leader. Without
/// a lookup computes and stores, whatever is stored now: `refresh(..)`.
pub(crate) async fn missed<R, S, J>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    lookup: Option<Lookup<S::Value>>,
    computation: J,
) -> R
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    let lookup = match lookup {
        Some(Lookup::Stale(Hit { value, snapshot }, how)) if how.at_once && computation.can_detach() => {
            let follower = computation.revalidate(op, snapshot, value.as_ref());
            return stale::<R, S>(op, caps, value, follower).await;
        }
        // Nobody would wake a call that waits.
        _ if op.core.is_foreign() => return computation.inline().await,
        lookup => lookup,
    };
    let is_forced = lookup.is_none();
    let (lane, has_none) = (computation.lane(), S::none().is_some());
    let prepared = boxed(move || prepare(op, lookup, lane, has_none)).await;
    // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
    let role = match resolved::<R, S>(call, op, caps, prepared) {
        Ok(result) => return result,
        Err(role) => role,
    };
    let driver = role.leader.as_ref().map(|leader| (leader.waker(), Context::leader_waker()));
    let computed = boxed(move || computed::<R, S, J>(op, caps, rules, *role, computation));
    let driven = match driver {
        Some((waker, parent)) => waker.drive(parent, computed),
        None => Driven::alone(computed),
    };
    let result = driven.await;
    if is_forced {
        // The caller must not find a copy of the old value next.
        op.core.near.forget(op.key.as_str());
    }
    result
}

/// The way on from a miss.
enum Prepared<V> {
    /// A value was found meanwhile.
    Found(Hit<V>),
    /// An old value is served.
    Old(Option<V>),
    /// Another call computed. If the result cannot be shared, the old value is served, or this call computes for itself.
    Completed(Completion, Option<Option<V>>),
    /// This call computes.
    Computes(Box<ComputeRole<V>>),
}

/// The role of a call that computes.
struct ComputeRole<V> {
    /// `None` beside the leader.
    leader: Option<Leader>,
    lease: Option<Lease>,
    /// The stamp that the results of all lanes share.
    stamp: Option<Stamp>,
    input: ComputeInput<V>,
}

impl<V> ComputeRole<V> {
    /// Computes for one call, beside the leader or without one, and stores nothing. `old` is served if the function fails.
    fn beside(op: &EntryOp<'_>, old: Option<Option<V>>) -> Box<Self> {
        count(&op.counters.misses);
        let input = ComputeInput { on_error: old, is_beside: true, ..ComputeInput::default() };
        Box::new(Self { leader: None, lease: None, stamp: None, input })
    }

    /// Computes without a leader.
    fn alone(lease: Option<Lease>) -> Box<Self> {
        Box::new(Self { leader: None, lease, stamp: None, input: ComputeInput::default() })
    }

    /// Computes as the leader, which has a lease or the evidence of a neighbor.
    fn leading(
        op: &EntryOp<'_>,
        mut leader: Leader,
        (lease, neighbor): (Option<Lease>, Option<Beginning>),
        input: ComputeInput<V>,
    ) -> Box<Self> {
        let (basis, stamp) = match (neighbor, &lease) {
            (Some(neighbor), _) => (neighbor.basis, Some(neighbor.stamp)),
            (None, Some(lease)) => (lease.basis(), leader.stamp()),
            (None, None) => (Basis::Nothing, None),
        };
        leader.begins(basis);
        count(&op.counters.misses);
        trace::miss(op.function);
        Box::new(Self { leader: Some(leader), lease, stamp, input })
    }
}

/// Everything before the computation, which a deep recursion has on its stack no more when it computes. It depends on the
/// cached type alone: functions whose results have it share this code. `has_none` is whether the function has a result for a
/// cached `None`.
async fn prepare<V: Decode>(
    op: &EntryOp<'_>,
    lookup: Option<Lookup<V>>,
    lane: u64,
    has_none: bool,
) -> Box<Prepared<V>> {
    let Some(lookup) = lookup else {
        let lease = forced(op).await;
        return Box::new(Prepared::Computes(ComputeRole::alone(lease)));
    };
    let (mut input, is_unavailable) = input_of(lookup);
    let source = Source::of(op, &input.snapshot, is_unavailable);
    if source == Source::Fallback
        && let Some(hit) = fallback(op, has_none).await
    {
        return Box::new(Prepared::Found(hit));
    }
    let lead = lead(op, &mut input, (source, has_none), lane).await;
    Box::new(prepared(op, lead, input))
}

fn prepared<V>(op: &EntryOp<'_>, lead: Lead<V>, mut input: ComputeInput<V>) -> Prepared<V> {
    let (mut leader, claimed) = match lead {
        Lead::Takes(leader, claimed) => (leader, claimed),
        Lead::Neighbor(leader, beginning) => {
            return Prepared::Computes(ComputeRole::leading(op, leader, (None, Some(beginning)), input));
        }
        Lead::Completed(completion) => return Prepared::Completed(completion, input.on_error),
        Lead::Beside => return Prepared::Computes(ComputeRole::beside(op, input.on_error)),
        Lead::Alone => {
            return match input.on_error {
                Some(old) => Prepared::Old(old),
                None => Prepared::Computes(ComputeRole::beside(op, None)),
            };
        }
    };
    match claimed {
        Claimed::Lease(lease) => {
            Prepared::Computes(ComputeRole::leading(op, leader, (Some(lease), None), input))
        }
        Claimed::WithoutLease | Claimed::Void => {
            Prepared::Computes(ComputeRole::leading(op, leader, (None, None), input))
        }
        Claimed::Found(hit) => {
            let bytes = hit.snapshot.bytes.clone();
            leader.complete(if hit.value.is_some() { Completion::Value(bytes) } else { Completion::Nothing });
            Prepared::Found(hit)
        }
        // Not shared with the waiting calls: the old value may be removed by now, and they have one of their own.
        Claimed::Paused => Prepared::Old(input.on_error.take().flatten()),
    }
}

/// The result of a call that need not compute, or its role.
#[inline(never)]
fn resolved<R, S>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    prepared: Box<Prepared<S::Value>>,
) -> Result<R, Box<ComputeRole<S::Value>>>
where
    S: Shape<R>,
    S::Value: Value,
{
    match *prepared {
        Prepared::Found(hit) => Ok(served::<R, S>(call, op, caps, hit)),
        Prepared::Old(old) => Ok(served_stale::<R, S>(op, old)),
        Prepared::Completed(completion, old) => match (op.receive::<R, S>(&completion, caps), old) {
            (Some(result), _) => {
                count(&op.counters.waits);
                Ok(result)
            }
            (None, Some(old)) => Ok(served_stale::<R, S>(op, old)),
            (None, None) => Err(ComputeRole::beside(op, None)),
        },
        Prepared::Computes(role) => Err(role),
    }
}

/// The computation in a role.
fn computed<R, S, J>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    role: ComputeRole<S::Value>,
    mut computation: J,
) -> impl Future<Output = R>
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    let ComputeRole { leader, lease, stamp, input } = role;
    if let Some(stamp) = stamp {
        computation.share_stamp(stamp);
    }
    if input.is_beside {
        computation.is_alone();
    } else {
        input.old().inspect(|old| computation.offer(old));
    }
    compute::<R, S>(op, rules, caps, input, leader, lease, computation.inline())
}

/// The lease of a `refresh(..)`. After a failure, which is counted, the result is for the caller alone.
fn forced<'a>(op: &'a EntryOp<'_>) -> BoxFuture<'a, Option<Lease>> {
    count(&op.counters.refreshes);
    Box::pin(async {
        match op.lease(LeaseMode::Force, &[]).await {
            Ok(lease) => lease.ok(),
            Err(_) => op.fallback_lease().await,
        }
    })
}

/// The input of a computation, and whether the store was unavailable. A store that did not answer the lookup is not asked again
/// after the computation: one call waits for it once.
fn input_of<V>(lookup: Lookup<V>) -> (ComputeInput<V>, bool) {
    match lookup {
        Lookup::Unavailable(snapshot, _) => (ComputeInput { snapshot, ..ComputeInput::default() }, true),
        lookup => (ComputeInput::after(lookup).unwrap_or_default(), false),
    }
}

/// The place where a missing call gets its lease.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Store,
    /// The store is unavailable, and results are cached in this process meanwhile.
    Fallback,
    /// The store is unavailable, and nothing is cached.
    Nothing,
}

impl Source {
    fn of(op: &EntryOp<'_>, snapshot: &Snapshot, is_unavailable: bool) -> Self {
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
enum Lead<V> {
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
async fn lead<V: Decode>(
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
            Role::Lead(leader) => return Joined::Leads(leader.tagged(&op.tags)),
            Role::Full => return Joined::Alone,
            Role::Beside => return Joined::Beside,
            Role::Neighbor(neighbor) => match neighbor.begun(left.min(MAX_BEGINNING)).await {
                NeighborWait::Begun(beginning) => match flights.join_lane(key, snapshot, lane) {
                    Role::Lead(leader) => return Joined::Neighbor(leader.tagged(&op.tags), beginning),
                    Role::Follow(follower) => behind(follower, |follower| follower.wait(left)).await,
                    Role::Queue(follower) => behind(follower, |follower| follower.gone(left)).await,
                    Role::Full | Role::Beside | Role::Neighbor(_) => return Joined::Alone,
                },
                NeighborWait::Found(completion) => Waited::Completed(completion),
                NeighborWait::Over => Waited::Over,
                NeighborWait::Alone => return Joined::Alone,
            },
            Role::Follow(follower) => behind(follower, |follower| follower.wait(left)).await,
            Role::Queue(follower) => behind(follower, |follower| follower.gone(left)).await,
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
async fn behind<F: Future<Output = Waited>>(follower: Follower, wait: impl FnOnce(Follower) -> F) -> Waited {
    match FlightWait::begin(Context::flights(), follower.flight()) {
        Some(_wait) => wait(follower).await,
        None => Waited::Circle,
    }
}

/// The result that was cached since the store became unavailable, if the function has a result for it.
async fn fallback<V: Decode>(op: &EntryOp<'_>, has_none: bool) -> Option<Hit<V>> {
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
