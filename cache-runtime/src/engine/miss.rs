//! A miss: one call computes for all callers of the same key, and the others wait for it.

use std::pin::Pin;
use std::task::{self, Poll};
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
use super::lease::Lease;
use super::lookup::{Hit, Lookup};
use super::neighbor::{Beginning, NeighborWait};
use super::serve::{served, served_stale};
use super::snapshot::Snapshot;
use super::waits::FlightWait;
use crate::observe::stats::count;
use crate::observe::trace;
use crate::rt::stack::boxed;
use crate::rt::yield_once::yield_once;
use crate::site::outcome::{Shape, Split, Value, rebuild};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;

/// The longest wait for the lease of a leader of another lane.
const MAX_BEGINNING: Duration = Duration::from_secs(1);

/// Handles a lookup that found nothing to serve: takes the lead and computes, or waits for the leader.
pub(crate) async fn missed<R, S>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    lookup: Lookup<S::Value>,
    computation: impl Computation<S::Value, Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
    let computes = match boxed(move || prepare::<R, S>(call, op, caps, rules, lookup, computation)).await {
        Prepared::Has(result) => return result,
        Prepared::Computes(computes) => computes,
    };
    computes.await
}

/// The way on from a miss.
enum Prepared<R, L, B> {
    /// Another call computed the result, or an old one is served.
    Has(R),
    /// This call computes.
    Computes(Computes<L, B>),
}

/// A computation as the leader, or beside it.
enum Computes<L, B> {
    Leading(Pin<Box<L>>),
    Beside(Pin<Box<B>>),
}

impl<R, L: Future<Output = R>, B: Future<Output = R>> Future for Computes<L, B> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<R> {
        match self.get_mut() {
            Self::Leading(leading) => leading.as_mut().poll(context),
            Self::Beside(beside) => beside.as_mut().poll(context),
        }
    }
}

/// Everything before the computation, which a deep recursion has on its stack no more when it computes.
async fn prepare<R, S>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    lookup: Lookup<S::Value>,
    mut computation: impl Computation<S::Value, Output = R>,
) -> Prepared<R, impl Future<Output = R>, impl Future<Output = R>>
where
    S: Shape<R>,
    S::Value: Value,
{
    let (mut input, is_unavailable) = input_of(lookup);
    let source = Source::of(op, &input.snapshot, is_unavailable);
    if source == Source::Fallback
        && let Some(hit) = fallback::<R, S>(op).await
    {
        return Prepared::Has(served::<R, S>(call, op, caps, hit));
    }
    let leads = match lead::<R, S>(op, caps, &mut input, source, computation.lane()).await {
        Lead::Takes(leader, claimed) => Some((leader, claimed)),
        Lead::Has(result) => return Prepared::Has(result),
        Lead::Neighbor(leader, beginning) => {
            computation.share_stamp(beginning.stamp);
            Some((leader, Claimed::Neighbor(beginning.basis)))
        }
        Lead::Beside => None,
        Lead::Alone => match input.on_error.take() {
            Some(old) => return Prepared::Has(served_stale::<R, S>(op, old)),
            None => None,
        },
    };
    // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
    let Some((mut leader, claimed)) = leads else {
        computation.is_alone();
        let on_error = input.on_error;
        return Prepared::Computes(Computes::Beside(boxed(move || {
            beside::<R, S>(op, on_error, computation.inline())
        })));
    };
    let (lease, basis) = match claimed {
        Claimed::Lease(lease) => (Some(lease), None),
        Claimed::Neighbor(basis) => (None, Some(basis)),
        Claimed::WithoutLease | Claimed::Void => (None, None),
        Claimed::Found(hit) => {
            let bytes = hit.snapshot.bytes.clone();
            leader.complete(if hit.value.is_some() { Completion::Value(bytes) } else { Completion::Nothing });
            return Prepared::Has(served::<R, S>(call, op, caps, hit));
        }
        // Not shared with the waiting calls: the old value may be removed by now, and they have one of their own.
        Claimed::Paused => return Prepared::Has(served_stale::<R, S>(op, input.on_error.take().flatten())),
    };
    begin(op, &mut leader, (lease.as_ref(), basis), &mut computation);
    input.old().inspect(|old| computation.offer(old));
    let (waker, parent) = (leader.waker(), Context::leader_waker());
    let computed =
        boxed(move || compute::<R, S>(op, rules, caps, input, Some(leader), lease, computation.inline()));
    Prepared::Computes(Computes::Leading(boxed(move || async move { waker.drive(parent, computed).await })))
}

/// The input of a computation, and whether the store was unavailable. A store that did not answer the lookup is not asked again
/// after the computation: one call waits for it once.
fn input_of<V>(lookup: Lookup<V>) -> (ComputeInput<V>, bool) {
    match lookup {
        Lookup::Unavailable(snapshot, _) => (ComputeInput { snapshot, ..ComputeInput::default() }, true),
        lookup => (ComputeInput::after(lookup).unwrap_or_default(), false),
    }
}

/// Begins the computation of a leader, which has a lease or the evidence of a neighbor.
fn begin<V>(
    op: &EntryOp<'_>,
    leader: &mut Leader,
    (lease, basis): (Option<&Lease>, Option<Basis>),
    computation: &mut impl Computation<V>,
) {
    if let Some(stamp) = leader.stamp().filter(|_| lease.is_some()) {
        computation.share_stamp(stamp);
    }
    leader.begins(basis.or_else(|| lease.map(Lease::basis)).unwrap_or(Basis::Nothing));
    count(&op.counters.misses);
    trace::miss(op.function);
}

/// Computes for one call, beside the leader or without one, and stores nothing. `old` is served if the function fails.
async fn beside<R, S>(op: &EntryOp<'_>, old: Option<Option<S::Value>>, body: impl Future<Output = R>) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    count(&op.counters.misses);
    let began = Instant::now();
    // Marked as computing, so that calls made by the body never wait for this key or for the keys being computed around
    // it.
    let result = Context::computing(op.core.id, op.key.as_str(), None).scope(body).await;
    let (result, reason, old) = match S::split(result) {
        Split::Value(value) => return S::value(value),
        Split::None => return rebuild::<R, S>(None),
        Split::Failure(result) => (result, "Err", old),
        Split::Unshared(result) => (result, "for its caller only", None),
    };
    op.refused(reason);
    op.core.flights.mark(op.key.as_str(), began.elapsed());
    match old {
        Some(old) => served_stale::<R, S>(op, old),
        None => result,
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
enum Lead<R, V> {
    /// It computes, and other calls wait for it.
    Takes(Leader, Claimed<V>),
    /// Another call computed its result.
    Has(R),
    /// It serves an old value if it has one, else computes for itself and stores nothing.
    Alone,
    /// It computes for itself and stores nothing.
    Beside,
    /// It computes for its lane, beside a leader of another one.
    Neighbor(Leader, Beginning),
}

/// Takes the lead and claims the lease, or waits for the leader.
async fn lead<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    input: &mut ComputeInput<S::Value>,
    source: Source,
    lane: u64,
) -> Lead<R, S::Value>
where
    S: Shape<R>,
    S::Value: Value,
{
    if input.snapshot.belongs_to_others() {
        op.refused("an entry of others");
        return Lead::Beside;
    }
    let began = Instant::now();
    loop {
        let leader = match join::<R, S>(op, caps, input, (began, lane)).await {
            Joined::Leads(leader) => leader,
            Joined::Has(result) => return Lead::Has(result),
            Joined::Alone => return Lead::Alone,
            Joined::Beside => return Lead::Beside,
            Joined::Neighbor(leader, beginning) => return Lead::Neighbor(leader, beginning),
        };
        let claimed = match source {
            Source::Store => {
                let claim = claim(op, input, &leader, (began, lane));
                leader.waker().drive(Context::leader_waker(), claim).await
            }
            Source::Fallback => claim_fallback::<R, S>(op).await,
            Source::Nothing => Claimed::WithoutLease,
        };
        if !matches!(claimed, Claimed::Void) {
            return Lead::Takes(leader, claimed);
        }
    }
}

/// The role that a call got, once it is settled.
enum Joined<R> {
    Leads(Leader),
    Has(R),
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

async fn join<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    input: &ComputeInput<S::Value>,
    (began, lane): (Instant, u64),
) -> Joined<R>
where
    S: Shape<R>,
    S::Value: Value,
{
    let (key, flights) = (op.key.as_str(), &op.core.flights);
    if !may_join(op).await {
        return Joined::Alone;
    }
    loop {
        if input.on_error.is_some() && flights.is_backing_off(key) {
            // A computation failed a moment ago: the old value is to be served.
            return Joined::Alone;
        }
        let left = op.core.max_wait.saturating_sub(began.elapsed());
        let waited = match flights.join(key, &input.snapshot, lane) {
            Role::Lead(leader) => return Joined::Leads(leader.tagged(&op.tags)),
            Role::Full => return Joined::Alone,
            Role::Beside => return Joined::Beside,
            Role::Neighbor(neighbor) => match neighbor.begun(left.min(MAX_BEGINNING)).await {
                NeighborWait::Begun(beginning) => match flights.join_lane(key, &input.snapshot, lane) {
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
            Waited::Completed(completion) => {
                return match op.receive::<R, S>(&completion, caps) {
                    Some(result) => {
                        count(&op.counters.waits);
                        Joined::Has(result)
                    }
                    None => Joined::Alone,
                };
            }
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
async fn fallback<R, S>(op: &EntryOp<'_>) -> Option<Hit<S::Value>>
where
    S: Shape<R>,
    S::Value: Value,
{
    op.fallback().await.filter(|hit| hit.value.is_some() || S::none().is_some())
}

/// [`claim`] while the store is unavailable.
async fn claim_fallback<R, S>(op: &EntryOp<'_>) -> Claimed<S::Value>
where
    S: Shape<R>,
    S::Value: Value,
{
    // Another call may have completed before this one took the lead.
    match fallback::<R, S>(op).await {
        Some(hit) => Claimed::Found(hit),
        None => op.fallback_lease().await.map_or(Claimed::WithoutLease, Claimed::Lease),
    }
}
