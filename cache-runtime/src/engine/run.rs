//! The story of a call: look, and serve what is there, or compute it once for everybody.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};

use super::context::Mode;
use super::job::{Bound, Free, Job};
use super::lease::Lease;
use super::look::{Got, Look, Seen};
use super::miss::{Turn, finish, missed};
use super::stale::{revalidate, stale};
use super::work::{Place, SyncWork, Work};
use crate::call::{Call, Found, Trip};
use crate::codec::Decode;
use crate::error::Error;
use crate::expire::Expire;
use crate::outcome::{Kept, Shape, Typed, Value, rebuild};
use crate::park;
use crate::stats::count;
use crate::tier;
use crate::trace;

/// What `expire_with` answers for a value; `None` where the attribute does not have one.
pub type Special = Option<Result<Expire, Error>>;

/// Runs a cached async function, once [`Call::find`] looked: what generated code calls.
///
/// A hit that needs no waiting is answered here and now; only what has to wait pays for a future of its own.
#[inline]
pub fn run<R, S, U, W, F>(
    found: Found<S::Value>,
    _: S,
    kept: Kept<R, S::Value>,
    unless: U,
    expire_with: W,
    compute: F,
) -> Run<R, S, impl Future<Output = R> + use<R, S, U, W, F>>
where
    S: Shape<R>,
    S::Value: Value,
    U: Fn(&S::Value) -> bool,
    W: Fn(&S::Value) -> Special,
    F: Future<Output = R>,
{
    let call = match found {
        Found::Here(value) => return Run::Ready(Some(value)),
        Found::Away(call) => call,
    };
    // A block and not a function of its own: what it captures is used in place and not kept twice.
    Run::Story(Box::pin(async move {
        // Pinned here and passed on by reference: every future further in would have room for it.
        let compute = pin!(compute);
        let Some(trip) = begin(&call, call.mode()) else { return compute.await };
        let rules = Rules { unless, expire_with };
        drive::<R, S, _>(Some(&call), &trip, call.mode(), kept, &rules, Bound(compute)).await
    }))
}

/// [`run`] for a function that can also run apart from its caller, so that an old value can be served while it does.
#[inline]
pub fn run_apart<R, S, U, W, F, M>(
    found: Found<S::Value>,
    shape: S,
    kept: Kept<R, S::Value>,
    unless: U,
    expire_with: W,
    work: M,
) -> Run<R, S, impl Future<Output = R> + use<R, S, U, W, F, M>>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> Special + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(Place) -> Work<F, R>,
{
    free(found, shape, kept, Rules { unless, expire_with }, work, false)
}

#[inline]
fn free<R, S, U, W, F, M>(
    found: Found<S::Value>,
    _: S,
    kept: Kept<R, S::Value>,
    rules: Rules<U, W>,
    work: M,
    blocks: bool,
) -> Run<R, S, impl Future<Output = R> + use<R, S, U, W, F, M>>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> Special + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(Place) -> Work<F, R>,
{
    let call = match found {
        Found::Here(value) => return Run::Ready(Some(value)),
        Found::Away(call) => call,
    };
    let rules = Arc::new(rules);
    Run::Story(Box::pin(async move {
        let job =
            Free::<R, S, U, W, M> { call: Arc::clone(&call), kept, rules: Arc::clone(&rules), work, blocks };
        let Some(trip) = begin(&call, call.mode()) else { return job.here().await };
        drive::<R, S, _>(Some(&call), &trip, call.mode(), kept, &*rules, job).await
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
    kept: Kept<R, S::Value>,
    unless: U,
    expire_with: W,
    compute: F,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
    U: Fn(&S::Value) -> bool,
    W: Fn(&S::Value) -> Special,
    F: FnOnce() -> R,
{
    match found {
        Found::Here(value) => S::value(value),
        away @ Found::Away(_) => {
            park::block_on(run(away, shape, kept, unless, expire_with, async { park::unparked(compute) }))
        }
    }
}

/// [`run_apart`] for a synchronous function; apart from its caller it runs on a thread where blocking is allowed.
#[inline]
pub fn run_apart_sync<R, S, U, W, F, M>(
    found: Found<S::Value>,
    shape: S,
    kept: Kept<R, S::Value>,
    unless: U,
    expire_with: W,
    work: M,
) -> R
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> Special + Send + Sync + 'static,
    F: FnOnce() -> R,
    M: FnOnce(Place) -> SyncWork<F, R>,
{
    if let Found::Here(value) = found {
        return S::value(value);
    }
    let work = |place| match work(place) {
        SyncWork::Here(compute) => Work::Here(async { park::unparked(compute) }),
        SyncWork::Apart(compute) => Work::apart(async { park::unparked(compute) }),
    };
    park::block_on(free(found, shape, kept, Rules { unless, expire_with }, work, true))
}

/// The story itself, for a call whose key is known.
pub(crate) async fn drive<R, S, J>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    mode: Mode,
    kept: Kept<R, S::Value>,
    rules: &impl Answers<S::Value>,
    job: J,
) -> R
where
    J: Job<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    if mode == Mode::Refresh {
        return Box::pin(recompute::<R, S>(trip, kept, rules, job)).await;
    }
    follow::<R, S, J>(call, trip, trip.look().await, kept, rules, job).await
}

/// The story from where it is known what there is.
pub(crate) async fn follow<R, S, J>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    look: Look<S::Value>,
    kept: Kept<R, S::Value>,
    rules: &impl Answers<S::Value>,
    job: J,
) -> R
where
    J: Job<S::Value, Output = R>,
    S: Shape<R>,
    S::Value: Value,
{
    // Everything but a hit is boxed, so that a hit does not carry the room that it needs.
    match usable::<R, S>(look) {
        Look::Early(got) if J::LEAVES => {
            drop(revalidate(trip, got.seen.clone(), got.value.as_ref(), job));
            served::<R, S>(call, trip, kept, got)
        }
        Look::Fresh(got) | Look::Early(got) => served::<R, S>(call, trip, kept, got),
        Look::Stale(got, how) if how.at_once && J::LEAVES => {
            Box::pin(stale::<R, S>(trip, kept, got, job)).await
        }
        look => Box::pin(missed::<R, S>(call, trip, kept, rules, look, job)).await,
    }
}

/// Computes whatever is stored, and stores the result.
async fn recompute<R, S>(
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    rules: &impl Answers<S::Value>,
    job: impl Job<S::Value, Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    count(&trip.counters.refreshes);
    // Trouble was counted, and the result is for the caller alone then.
    let lease = match Lease::ask(trip, tier::Mode::Force, &[]).await {
        Ok(lease) => lease.ok(),
        Err(_) => Lease::spare(trip).await,
    };
    let result = finish::<R, S>(trip, rules, kept, Turn::default(), None, lease, job.here()).await;
    // Whoever asked for the new one is not to find a copy of the old one next.
    trip.inner.near.forget(&trip.key);
    result
}

/// A stored `None` that the function has no result for is nothing to be served.
fn usable<R, S: Shape<R>>(look: Look<S::Value>) -> Look<S::Value> {
    match look {
        Look::Fresh(got) | Look::Early(got) | Look::Stale(got, _)
            if got.value.is_none() && S::nothing().is_none() =>
        {
            Look::Miss(got.seen)
        }
        look => look,
    }
}

/// The result for a value that was found.
pub(crate) fn served<R, S: Shape<R>>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    got: Got<S::Value>,
) -> R
where
    S::Value: Value,
{
    note(call, trip, kept.clone, got.value.as_ref(), &got.seen);
    rebuild::<R, S>(got.value)
}

/// Counts a value that was found, and remembers where these arguments led.
pub(crate) fn note<V: Decode>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    kept: Option<Typed<V>>,
    value: Option<&V>,
    seen: &Seen,
) {
    match value {
        Some(value) => {
            #[cfg(feature = "memory")]
            if let Some(call) = call {
                super::shortcut::seat(call, trip, kept, value, &seen.bytes);
            }
            #[cfg(not(feature = "memory"))]
            let _ = (call, kept, value, seen);
            count(&trip.counters.hits);
        }
        None => count(&trip.counters.none_hits),
    }
    trace::hit(|| trip.label);
}

/// The options that look at the value.
pub(crate) struct Rules<U, W> {
    pub(crate) unless: U,
    pub(crate) expire_with: W,
}

/// What [`Rules`] answer for a value.
pub(crate) trait Answers<V> {
    /// Whether it is not to be kept.
    fn refuses(&self, value: &V) -> bool;
    /// An expiry of its own.
    fn special(&self, value: &V) -> Special;
}

impl<V, U: Fn(&V) -> bool, W: Fn(&V) -> Special> Answers<V> for Rules<U, W> {
    fn refuses(&self, value: &V) -> bool {
        (self.unless)(value)
    }
    fn special(&self, value: &V) -> Special {
        (self.expire_with)(value)
    }
}

/// The call with its key, unless it is to run uncached.
pub(crate) fn begin(call: &Call, mode: Mode) -> Option<Trip<'_>> {
    let Some(owner) = call.owner() else {
        call.warn_if_early();
        return None;
    };
    let inner = owner.inner();
    if mode == Mode::Bypass || !call.is_active() || inner.is_closed() {
        count(&call.counters(inner).bypasses);
        return None;
    }
    match call.trip() {
        Some(Ok(trip)) => Some(trip),
        Some(Err(error)) => {
            count(&call.counters(inner).encode_errors);
            inner
                .stats
                .once(call.label(), || trace::warn(&format!("`{}` ran uncached: {error}", call.label())));
            None
        }
        None => None,
    }
}

/// The expiry that `expire_with` gave. One that cannot be used is as if the attribute had none.
pub(crate) fn special(trip: &Trip<'_>, special: Special) -> Option<Expire> {
    match special? {
        Ok(expire) => Some(expire),
        Err(error) => {
            trip.inner
                .stats
                .once(trip.label, || trace::warn(&format!("`expire_with` of `{}`: {error}", trip.label)));
            None
        }
    }
}
