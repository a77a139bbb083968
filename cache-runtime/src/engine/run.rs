//! The story of a call: look, and if there is nothing, let one caller compute while the others wait.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{self, Poll};
use std::time::Instant;

use super::context::{Context, Mode};
use super::decide::keep;
use super::flight::{Landing, Leader, Ticket, Waited};
use super::trip::{Look, failure};
use crate::call::{Call, Trip};
use crate::error::Error;
use crate::expire::Expire;
use crate::outcome::{Kept, Shape, Split, Value, rebuild};
use crate::park;
use crate::stats::count;
use crate::tier::Stamp;
use crate::trace;

/// What `expire_with` answers for a value; `None` where the attribute does not have one.
pub type Special = Option<Result<Expire, Error>>;

/// Runs a cached async function: what generated code calls.
///
/// A hit that needs no waiting is answered here and now; only what has to wait pays for a future of its own.
#[inline]
pub fn run<R, S, U, W, F>(
    call: Call,
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
    let mode = Mode::current();
    #[cfg(feature = "memory")]
    if mode == Mode::Normal
        && let Some(value) = super::shortcut::typed(&call, kept.clone)
    {
        return Run::Ready(Some(value));
    }
    // A block and not a function of its own: what it captures is used in place and not kept twice.
    // The call is boxed apart, so that the story is small enough for an allocator to serve it without a lock.
    let call = Box::new(call);
    Run::Story(Box::pin(async move {
        // Pinned here and passed on by reference: every future further in would have room for it.
        let compute = pin!(compute);
        let Some(trip) = begin(&call, mode) else { return compute.await };
        let rules = Rules { unless, expire_with };
        drive::<R, S>(Some(&call), &trip, mode, kept, &rules, compute).await
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
pub fn run_sync<R, S, U, W, F>(
    call: Call,
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
    park::block_on(run(call, shape, kept, unless, expire_with, async { park::unparked(compute) }))
}

/// The story itself, for a call whose key is known.
pub(crate) async fn drive<R, S>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    mode: Mode,
    kept: Kept<R, S::Value>,
    rules: &impl Answers<S::Value>,
    compute: impl Future<Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    if mode == Mode::Refresh {
        count(&trip.counters.refreshes);
        let stamp = trip.stamp(None).await;
        return Box::pin(finish::<R, S>(trip, rules, kept, None, stamp, compute)).await;
    }
    let mark = trip.inner.flights.landed(trip.key.as_str());
    let mut look = trip.look().await;
    // Not a `match` around the wait: a result that lived across it would have to be `Send`, and its error may not be.
    if let Some(result) = served::<R, S>(call, trip, kept, &mut look, None) {
        return result;
    }
    // Boxed, so that a hit does not carry the room that a computation needs.
    Box::pin(missed::<R, S>(call, trip, kept, rules, (mark, look), compute)).await
}

/// A look found nothing: one caller computes, the others wait for it.
async fn missed<R, S>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    rules: &impl Answers<S::Value>,
    (mark, mut look): (u64, Look<S::Value>),
    compute: impl Future<Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    let mut stamp = stamp_for(trip, &look).await;
    let leader = match board::<R, S>(trip, kept, stamp.as_ref().ok().copied().flatten()).await {
        Boarded::Leads(leader) => Some(leader),
        Boarded::Has(result) => return result,
        Boarded::Alone => None,
    };
    // Not in the `match`, for the same reason.
    let Some(mut leader) = leader else {
        count(&trip.counters.misses);
        // So that what it calls in turn does not wait for it, nor for those whom it did not want to wait for.
        return Context::computing(trip.inner.id, trip.key.as_str()).scope(compute).await;
    };
    if !leader.is_first_since(mark) {
        look = trip.look().await;
        if let Some(result) = served::<R, S>(call, trip, kept, &mut look, Some(&mut leader)) {
            return result;
        }
        stamp = stamp_for(trip, &look).await;
    }
    count(&trip.counters.misses);
    trace::miss(trip.label);
    finish::<R, S>(trip, rules, kept, Some(leader), stamp, compute).await
}

/// The stamp that the computation will be valid under, after a look that found nothing.
async fn stamp_for<V>(trip: &Trip<'_>, look: &Look<V>) -> Result<Option<Stamp>, Error> {
    let seen = match look {
        Look::Miss(seen) => *seen,
        // What the store did not tell before the computation it shall not be given afterwards: the call has waited for
        // it once already.
        _ => return Err(Error::Closed),
    };
    trip.stamp(seen).await
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
fn begin(call: &Call, mode: Mode) -> Option<Trip<'_>> {
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

/// The result of a look that found something; handed to those who wait, too, when this call leads.
fn served<R, S: Shape<R>>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    look: &mut Look<S::Value>,
    leader: Option<&mut Leader<'_>>,
) -> Option<R> {
    let (result, counter, landing) = match std::mem::replace(look, Look::Miss(None)) {
        Look::Value(value, bytes) => {
            #[cfg(feature = "memory")]
            if let Some(call) = call {
                super::shortcut::seat(call, trip, kept.clone, &value, &bytes);
            }
            #[cfg(not(feature = "memory"))]
            let _ = (call, kept);
            (S::value(value), &trip.counters.hits, Landing::Value(bytes))
        }
        Look::Nothing => (S::nothing()?, &trip.counters.none_hits, Landing::Nothing),
        missed => {
            *look = missed;
            return None;
        }
    };
    if let Some(leader) = leader {
        leader.land(landing);
    }
    count(counter);
    trace::hit(trip.label);
    Some(result)
}

/// How a call that found nothing goes on.
enum Boarded<'a, R> {
    /// It computes, and others wait for it.
    Leads(Leader<'a>),
    /// Another call computed its result.
    Has(R),
    /// It computes for itself and stores nothing.
    Alone,
}

async fn board<'a, R, S>(trip: &Trip<'a>, kept: Kept<R, S::Value>, stamp: Option<Stamp>) -> Boarded<'a, R>
where
    S: Shape<R>,
    S::Value: Value,
{
    let (key, flights) = (trip.key.as_str(), &trip.inner.flights);
    if Context::is_computing(trip.inner.id, key) {
        return Boarded::Alone;
    }
    let began = Instant::now();
    loop {
        let follower = match flights.board(key, stamp) {
            Ticket::Lead(leader) => return Boarded::Leads(leader),
            Ticket::Full => return Boarded::Alone,
            Ticket::Follow(follower) => follower,
        };
        let left = trip.inner.max_wait.saturating_sub(began.elapsed());
        match follower.wait(left).await {
            Waited::Landed(landing) => {
                return match trip.take::<R, S>(&landing, kept) {
                    Some(result) => {
                        count(&trip.counters.waits);
                        Boarded::Has(result)
                    }
                    None => Boarded::Alone,
                };
            }
            Waited::Vacant => {}
            Waited::TimedOut => return Boarded::Alone,
        }
    }
}

/// Computes, hands the result to those who wait, stores it.
async fn finish<R, S>(
    trip: &Trip<'_>,
    rules: &impl Answers<S::Value>,
    kept: Kept<R, S::Value>,
    mut leader: Option<Leader<'_>>,
    stamp: Result<Option<Stamp>, Error>,
    compute: impl Future<Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    let context = Context::computing(trip.inner.id, trip.key.as_str());
    let result = context.scope(compute).await;
    let value = match S::split(result) {
        Split::Value(value) => Some(value),
        Split::Nothing => None,
        Split::Failure(result) => {
            count(&trip.counters.refusals);
            trace::refuse(trip.label, "Err");
            if let (Some(leader), Some(error)) = (&mut leader, failure(&result, kept)) {
                leader.land(Landing::Failure(error));
            }
            return result;
        }
    };
    let fill = {
        let refused = value.as_ref().is_some_and(|value| rules.refuses(value));
        let special = value.as_ref().and_then(|value| special(trip, rules.special(value)));
        let keep = keep(value.is_some(), refused, special, trip.expiries);
        let is_awaited = leader.as_ref().is_some_and(Leader::is_awaited);
        let parcel = trip.pack(value.as_ref(), keep, stamp.clone().ok().flatten(), is_awaited);
        if let Some(leader) = &mut leader {
            leader.land(parcel.landing);
        }
        parcel.fill
    };
    if leader.as_ref().is_some_and(Leader::is_void) {
        trip.refused("invalidated while it was computed");
    } else if let (Some((bytes, life)), Ok(stamp)) = (fill, stamp) {
        // Trouble was counted; the caller gets the value either way.
        let _ = trip.fill(bytes, life, stamp).await;
    }
    drop(leader);
    rebuild::<R, S>(value)
}

/// The expiry that `expire_with` gave. One that cannot be used is as if the attribute had none.
fn special(trip: &Trip<'_>, special: Special) -> Option<Expire> {
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
