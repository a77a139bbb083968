//! The flow of a cached call: looks the entry up and serves it, or passes the call on to [`missed`].
//!
//! Generated code calls one of the first four functions with a [`Found`] of [`Call::find`]. A synchronous call takes the
//! same way on a parked thread.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;

use super::call::Call;
use super::computation::{Borrowed, Computation, Detachable};
use super::context::{CallMode, Context};
use super::entry_op::EntryOp;
use super::found::Found;
use super::lookup::Lookup;
use super::miss::missed;
use super::run_future::Run;
use super::serve::served;
use crate::rt::park;
use crate::rt::stack::{DeepFuture, ThenDeep};
use crate::site::body::{Body, RunMode, RunningBody, SyncBody};
use crate::site::outcome::{Shape, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;

/// Runs a cached async function whose body borrows from its caller.
///
/// A hit in this process is ready at once; only a call that has to wait is boxed.
#[inline]
pub fn run<R, S, A, F>(
    found: Found<S::Value>,
    _: S,
    caps: ValueCaps<R, S::Value>,
    rules: A,
    body: F,
) -> Run<R, S, impl Future<Output = R> + use<R, S, A, F>>
where
    S: Shape<R>,
    S::Value: Value,
    A: ValueRules<S::Value>,
    F: Future<Output = R>,
{
    let call = match found {
        Found::Local(value) => return Run::Ready(Some(value)),
        Found::Remote(call) => call,
    };
    // A block and not a function: it captures in place, without a second copy.
    Run::Boxed(DeepFuture::new(async move {
        // Pinned here and passed on by reference: otherwise every inner future would reserve room for it.
        let body = Borrowed(pin!(Some(body)));
        let Some(op) = EntryOp::of(&call, call.mode()) else { return body.await };
        // By reference for the same reason.
        pin!(execute::<R, S, _>(Some(&call), &op, call.mode(), caps, &rules, body)).await
    }))
}

/// Runs a cached async function whose body can also run in the background, so that a stale value can be served meanwhile.
#[inline]
pub fn run_detachable<R, S, A, F, M>(
    found: Found<S::Value>,
    shape: S,
    caps: ValueCaps<R, S::Value>,
    rules: A,
    body: M,
) -> Run<R, S, impl Future<Output = R> + use<R, S, A, F, M>>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    A: ValueRules<S::Value> + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(RunMode) -> Body<F, R>,
{
    run_on(found, shape, caps, rules, body, false)
}

/// Runs a cached synchronous function whose body borrows from its caller.
#[inline]
pub fn run_sync<R, S, A, F>(
    found: Found<S::Value>,
    shape: S,
    caps: ValueCaps<R, S::Value>,
    rules: A,
    body: F,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
    A: ValueRules<S::Value>,
    F: FnOnce() -> R,
{
    match found {
        Found::Local(value) => S::value(value),
        remote @ Found::Remote(_) => {
            park::block_on(run(remote, shape, caps, rules, async { park::unparked(body) }))
        }
    }
}

/// Runs a cached synchronous function whose body can also run in the background, on a thread where blocking is allowed.
#[inline]
pub fn run_detachable_sync<R, S, A, F, M>(
    found: Found<S::Value>,
    shape: S,
    caps: ValueCaps<R, S::Value>,
    rules: A,
    body: M,
) -> R
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    A: ValueRules<S::Value> + Send + Sync + 'static,
    F: FnOnce() -> R,
    M: FnOnce(RunMode) -> SyncBody<F, R>,
{
    if let Found::Local(value) = found {
        return S::value(value);
    }
    let body = |mode| match body(mode) {
        SyncBody::Inline(body) => Body::Inline(async { park::unparked(body) }),
        SyncBody::Background(body) => Body::Background(Box::pin(async { park::unparked(body) })),
    };
    park::block_on(run_on(found, shape, caps, rules, body, true))
}

/// [`run_detachable`], with whether the body blocks its thread.
#[inline]
fn run_on<R, S, A, F, M>(
    found: Found<S::Value>,
    _: S,
    caps: ValueCaps<R, S::Value>,
    rules: A,
    body: M,
    blocks: bool,
) -> Run<R, S, impl Future<Output = R> + use<R, S, A, F, M>>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    A: ValueRules<S::Value> + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(RunMode) -> Body<F, R>,
{
    let call = match found {
        Found::Local(value) => return Run::Ready(Some(value)),
        Found::Remote(call) => call,
    };
    let rules = Arc::new(rules);
    Run::Boxed(DeepFuture::new(async move {
        let Some(op) = EntryOp::of(&call, call.mode()) else {
            return RunningBody::new(|| body(RunMode::Inline)).await;
        };
        let computation = Detachable::<R, S, A, M> {
            call: Arc::clone(&call),
            caps,
            rules: Arc::clone(&rules),
            body,
            blocks,
        };
        pin!(execute::<R, S, _>(Some(&call), &op, call.mode(), caps, &*rules, computation)).await
    }))
}

/// Runs a call whose key is known.
pub(crate) async fn execute<R, S, J>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    mode: CallMode,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    computation: J,
) -> R
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    if mode == CallMode::Warming {
        Context::looked();
    }
    let lookup = pin!(async { if mode == CallMode::Refresh { None } else { Some(op.lookup().await) } });
    let then = move |lookup| match at_once::<R, S, J>(call, op, lookup, caps, computation) {
        AtOnce::Hit(result) => ControlFlow::Break(result),
        // Boxed, so that the future of a hit does not carry the room that the rest needs.
        AtOnce::Missed(lookup, computation) => ControlFlow::Continue(DeepFuture::made(move || {
            missed::<R, S, J>(call, op, caps, rules, lookup, computation)
        })),
    };
    ThenDeep::new(lookup, then).await
}

/// [`execute`] from the result of a lookup on.
#[cfg(feature = "http")]
pub(crate) async fn follow<R, S, J>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    lookup: Lookup<S::Value>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    computation: J,
) -> R
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    let (lookup, computation) = match at_once::<R, S, J>(call, op, Some(lookup), caps, computation) {
        AtOnce::Hit(result) => return result,
        AtOnce::Missed(lookup, computation) => (lookup, computation),
    };
    DeepFuture::made(move || missed::<R, S, J>(call, op, caps, rules, lookup, computation)).await
}

/// The end of the way of a hit.
pub(super) enum AtOnce<R, V, J> {
    Hit(R),
    /// The result of the lookup, if there was one.
    Missed(Option<Lookup<V>>, J),
}

/// The result of a hit; else the lookup and the computation.
#[inline]
pub(super) fn at_once<R, S, J>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    lookup: Option<Lookup<S::Value>>,
    caps: ValueCaps<R, S::Value>,
    computation: J,
) -> AtOnce<R, S::Value, J>
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    let Some(lookup) = lookup else { return AtOnce::Missed(None, computation) };
    match without_foreign_none::<R, S>(lookup) {
        Lookup::Early(hit) if computation.can_detach() => {
            drop(computation.revalidate(op, hit.snapshot.clone(), hit.value.as_ref()));
            AtOnce::Hit(served::<R, S>(call, op, caps, hit))
        }
        Lookup::Fresh(hit) | Lookup::Early(hit) => AtOnce::Hit(served::<R, S>(call, op, caps, hit)),
        lookup => AtOnce::Missed(Some(lookup), computation),
    }
}

/// Turns a stored `None` into a miss where the function has no result for it.
#[inline]
fn without_foreign_none<R, S: Shape<R>>(lookup: Lookup<S::Value>) -> Lookup<S::Value> {
    match lookup {
        Lookup::Fresh(hit) | Lookup::Early(hit) | Lookup::Stale(hit, _)
            if hit.value.is_none() && S::none().is_none() =>
        {
            Lookup::Miss(hit.snapshot)
        }
        lookup => lookup,
    }
}
