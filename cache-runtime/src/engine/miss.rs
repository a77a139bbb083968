//! A miss: one call computes for all callers of the same key, and the others wait for it.

use std::pin::Pin;

use super::call::Call;
use super::claim::Claimed;
use super::computation::Computation;
use super::compute::compute;
use super::compute_input::ComputeInput;
use super::context::Context;
use super::entry_op::EntryOp;
use super::flight::Leader;
use super::flight_state::Basis;
use super::follower::Completion;
use super::lead::{Lead, Source, fallback, lead};
use super::leader_waker::Driven;
use super::lease::Lease;
use super::lookup::{Hit, Lookup};
use super::neighbor::Beginning;
use super::serve::{served, served_stale};
use super::stale::stale;
use crate::codec::Decode;
use crate::observe::event_kind::EventKind;
use crate::rt::stack::{BoxFuture, boxed};
use crate::site::outcome::{Shape, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;
use crate::store::LeaseMode;
use crate::types::stamp::Stamp;

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
    let is_forced = lookup.is_none();
    // Boxed: a deep recursion has none of it on its stack.
    let (role, computation) = match boxed(move || role::<R, S, J>(call, op, caps, lookup, computation)).await
    {
        Ok(result) => return result,
        Err(role) => role,
    };
    let result = driven::<R, S, J>(op, caps, rules, role, computation).await;
    if is_forced {
        // The caller must not find a copy of the old value next.
        op.core.near.forget(op.key.as_str());
    }
    result
}

/// The result of a call that need not compute, or its role.
async fn role<R, S, J>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    lookup: Option<Lookup<S::Value>>,
    computation: J,
) -> Result<R, (Box<ComputeRole<S::Value>>, J)>
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    let lookup = match lookup {
        Some(Lookup::Stale(Hit { value, snapshot }, how)) if how.at_once && computation.can_detach() => {
            let follower = computation.revalidate(op, snapshot, value.as_ref());
            return Ok(stale::<R, S>(op, caps, value, follower).await);
        }
        // Nobody would wake a call that waits.
        _ if op.core.is_foreign() => return Ok(computation.inline().await),
        lookup => lookup,
    };
    let (lane, has_none) = (computation.lane(), S::none().is_some());
    let prepared = boxed(move || prepare(op, lookup, lane, has_none)).await;
    resolved::<R, S>(call, op, caps, prepared).map_err(|role| (role, computation))
}

/// The computation in a role, driven by the waker of its leader.
#[inline(never)]
fn driven<R, S, J>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    role: Box<ComputeRole<S::Value>>,
    computation: J,
) -> Driven<Pin<Box<impl Future<Output = R>>>>
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    let driver = role.leader.as_ref().map(|leader| (leader.waker(), Context::leader_waker()));
    let computed = boxed(move || computed::<R, S, J>(op, caps, rules, *role, computation));
    match driver {
        Some((waker, parent)) => waker.drive(parent, computed),
        None => Driven::alone(computed),
    }
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
        op.record(EventKind::Miss);
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
        op.record(EventKind::Miss);
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
#[expect(clippy::boxed_local, reason = "moved as a pointer: a deep recursion has it on its stack")]
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
                op.record(EventKind::Wait);
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
    op.record(EventKind::Refresh);
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
