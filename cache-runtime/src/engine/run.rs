//! The story of a call: look, and serve what is there, or compute it once for everybody.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};

use super::computation::{Borrowed, Computation, Detachable};
use super::context::CallMode;
use super::lease::Lease;
use super::lookup::{Hit, Lookup, Snapshot};
use super::miss::{Recompute, finish, missed};
use super::stale::{revalidate, stale};
use crate::codec::Decode;
use crate::engine::call::{Call, Found};
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::rt::park;
use crate::site::body::{Body, RunMode, SyncBody};
use crate::site::outcome::{Shape, TypedCopy, Value, ValueCaps, rebuild};
use crate::site::rules::{Rules, ValueExpiry, ValueRules};
use crate::store::LeaseMode;
use crate::types::expire::Expire;

use crate::observe::trace;

/// Runs a cached async function, once [`Call::find`] looked: what generated code calls.
///
/// A hit that needs no waiting is answered here and now; only what has to wait pays for a future of its own.
#[inline]
pub fn run<R, S, U, W, F>(
    found: Found<S::Value>,
    _: S,
    caps: ValueCaps<R, S::Value>,
    unless: U,
    expire_with: W,
    compute: F,
) -> Run<R, S, impl Future<Output = R> + use<R, S, U, W, F>>
where
    S: Shape<R>,
    S::Value: Value,
    U: Fn(&S::Value) -> bool,
    W: Fn(&S::Value) -> ValueExpiry,
    F: Future<Output = R>,
{
    let call = match found {
        Found::Local(value) => return Run::Ready(Some(value)),
        Found::Remote(call) => call,
    };
    // A block and not a function of its own: what it captures is used in place and not kept twice.
    Run::Story(Box::pin(async move {
        // Pinned here and passed on by reference: every future further in would have room for it.
        let compute = pin!(compute);
        let Some(op) = begin(&call, call.mode()) else { return compute.await };
        let rules = Rules { unless, expire_with };
        drive::<R, S, _>(Some(&call), &op, call.mode(), caps, &rules, Borrowed(compute)).await
    }))
}

/// [`run`] for a function that can also run apart from its caller, so that an old value can be served while it does.
#[inline]
pub fn run_detachable<R, S, U, W, F, M>(
    found: Found<S::Value>,
    shape: S,
    caps: ValueCaps<R, S::Value>,
    unless: U,
    expire_with: W,
    work: M,
) -> Run<R, S, impl Future<Output = R> + use<R, S, U, W, F, M>>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> ValueExpiry + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(RunMode) -> Body<F, R>,
{
    free(found, shape, caps, Rules { unless, expire_with }, work, false)
}

#[inline]
fn free<R, S, U, W, F, M>(
    found: Found<S::Value>,
    _: S,
    caps: ValueCaps<R, S::Value>,
    rules: Rules<U, W>,
    work: M,
    blocks: bool,
) -> Run<R, S, impl Future<Output = R> + use<R, S, U, W, F, M>>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> ValueExpiry + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(RunMode) -> Body<F, R>,
{
    let call = match found {
        Found::Local(value) => return Run::Ready(Some(value)),
        Found::Remote(call) => call,
    };
    let rules = Arc::new(rules);
    Run::Story(Box::pin(async move {
        let computation = Detachable::<R, S, U, W, M> {
            call: Arc::clone(&call),
            caps,
            rules: Arc::clone(&rules),
            work,
            blocks,
        };
        let Some(op) = begin(&call, call.mode()) else { return computation.here().await };
        drive::<R, S, _>(Some(&call), &op, call.mode(), caps, &*rules, computation).await
    }))
}

/// What [`run`] returns.
pub enum Run<R, S: Shape<R>, F> {
    /// The value is there; `None` once it was taken. Not the result: its error type need not be `Send`, and the future
    /// is to be `Send` all the same.
    Ready(Option<S::Value>),
    /// The call goes to the store.
    Story(Pin<Box<F>>),
}

/// Nothing in it is pinned in place: the story is boxed, and the value is only ever moved out.
impl<R, S: Shape<R>, F> Unpin for Run<R, S, F> {}

impl<R, S: Shape<R>, F: Future<Output = R>> Future for Run<R, S, F> {
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<R> {
        match self.get_mut() {
            Self::Ready(value) => {
                Poll::Ready(S::value(value.take().expect("a future is not polled again once it is ready")))
            }
            Self::Story(story) => story.as_mut().poll(context),
        }
    }
}

impl<R, S: Shape<R>, F> fmt::Debug for Run<R, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Run")
    }
}

/// Runs a cached synchronous function: the same story, on a thread that sleeps while it waits.
#[inline]
pub fn run_sync<R, S, U, W, F>(
    found: Found<S::Value>,
    shape: S,
    caps: ValueCaps<R, S::Value>,
    unless: U,
    expire_with: W,
    compute: F,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
    U: Fn(&S::Value) -> bool,
    W: Fn(&S::Value) -> ValueExpiry,
    F: FnOnce() -> R,
{
    match found {
        Found::Local(value) => S::value(value),
        away @ Found::Remote(_) => {
            park::block_on(run(away, shape, caps, unless, expire_with, async { park::unparked(compute) }))
        }
    }
}

/// [`run_detachable`] for a synchronous function; apart from its caller it runs on a thread where blocking is allowed.
#[inline]
pub fn run_detachable_sync<R, S, U, W, F, M>(
    found: Found<S::Value>,
    shape: S,
    caps: ValueCaps<R, S::Value>,
    unless: U,
    expire_with: W,
    work: M,
) -> R
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> ValueExpiry + Send + Sync + 'static,
    F: FnOnce() -> R,
    M: FnOnce(RunMode) -> SyncBody<F, R>,
{
    if let Found::Local(value) = found {
        return S::value(value);
    }
    let work = |place| match work(place) {
        SyncBody::Inline(compute) => Body::Inline(async { park::unparked(compute) }),
        SyncBody::Background(compute) => Body::background(async { park::unparked(compute) }),
    };
    park::block_on(free(found, shape, caps, Rules { unless, expire_with }, work, true))
}

/// The story itself, for a call whose key is known.
pub(crate) async fn drive<R, S, J>(
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
    if mode == CallMode::Refresh {
        return Box::pin(recompute::<R, S>(op, caps, rules, computation)).await;
    }
    follow::<R, S, J>(call, op, op.lookup().await, caps, rules, computation).await
}

/// The story from where it is known what there is.
pub(crate) async fn follow<R, S, J>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    look: Lookup<S::Value>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    computation: J,
) -> R
where
    J: Computation<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    // Everything but a hit is boxed, so that a hit does not carry the room that it needs.
    match usable::<R, S>(look) {
        Lookup::Early(hit) if computation.can_detach() => {
            drop(revalidate(op, hit.snapshot.clone(), hit.value.as_ref(), computation));
            served::<R, S>(call, op, caps, hit)
        }
        Lookup::Fresh(hit) | Lookup::Early(hit) => served::<R, S>(call, op, caps, hit),
        Lookup::Stale(hit, how) if how.at_once && computation.can_detach() => {
            Box::pin(stale::<R, S>(op, caps, hit, computation)).await
        }
        look => Box::pin(missed::<R, S>(call, op, caps, rules, look, computation)).await,
    }
}

/// Computes whatever is stored, and stores the result.
async fn recompute<R, S>(
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    rules: &impl ValueRules<S::Value>,
    computation: impl Computation<S::Value, Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    count(&op.counters.refreshes);
    // Trouble was counted, and the result is for the caller alone then.
    let lease = match Lease::ask(op, LeaseMode::Force, &[]).await {
        Ok(lease) => lease.ok(),
        Err(_) => Lease::fallback(op).await,
    };
    let result = finish::<R, S>(op, rules, caps, Recompute::default(), None, lease, computation.here()).await;
    // Whoever asked for the new one is not to find a copy of the old one next.
    op.core.near.forget(&op.key);
    result
}

/// A stored `None` that the function has no result for is nothing to be served.
fn usable<R, S: Shape<R>>(look: Lookup<S::Value>) -> Lookup<S::Value> {
    match look {
        Lookup::Fresh(hit) | Lookup::Early(hit) | Lookup::Stale(hit, _)
            if hit.value.is_none() && S::nothing().is_none() =>
        {
            Lookup::Miss(hit.snapshot)
        }
        look => look,
    }
}

/// The result for a value that was found.
pub(crate) fn served<R, S: Shape<R>>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    hit: Hit<S::Value>,
) -> R
where
    S::Value: Value,
{
    note(call, op, caps.clone, hit.value.as_ref(), &hit.snapshot);
    rebuild::<R, S>(hit.value)
}

/// Counts a value that was found, and remembers where these arguments led.
pub(crate) fn note<V: Decode>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: Option<TypedCopy<V>>,
    value: Option<&V>,
    snapshot: &Snapshot,
) {
    match value {
        Some(value) => {
            if let Some(call) = call {
                super::local_hit::insert(call, op, caps, value, &snapshot.bytes);
            }
            count(&op.counters.hits);
        }
        None => count(&op.counters.none_hits),
    }
    trace::hit(|| op.label);
}

/// The call with its key, unless it is to run uncached.
pub(crate) fn begin(call: &Call, mode: CallMode) -> Option<EntryOp<'_>> {
    let Some(owner) = call.owner() else {
        call.warn_if_early();
        return None;
    };
    let core = owner.core();
    if mode == CallMode::Bypass || !call.is_active() || core.is_closed() {
        count(&call.counters(core).bypasses);
        return None;
    }
    match call.op() {
        Some(Ok(op)) => Some(op),
        Some(Err(error)) => {
            count(&call.counters(core).encode_errors);
            core.stats
                .once(call.label(), || trace::warn(&format!("`{}` ran uncached: {error}", call.label())));
            None
        }
        None => None,
    }
}

/// The expiry that `expire_with` gave. One that cannot be used is as if the attribute had none.
pub(crate) fn special(op: &EntryOp<'_>, special: ValueExpiry) -> Option<Expire> {
    match special? {
        Ok(expire) => Some(expire),
        Err(error) => {
            op.core
                .stats
                .once(op.label, || trace::warn(&format!("`expire_with` of `{}`: {error}", op.label)));
            None
        }
    }
}
