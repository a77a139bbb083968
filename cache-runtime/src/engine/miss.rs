//! Miss: one call computes, for everybody who wants the same; the others wait for it.

use std::time::{Duration, Instant};

use super::claim::{Claimed, claim};
use super::context::Context;
use super::decide::{Stale, keep};
use super::flight::{Ground, Landing, Leader, Ticket, Waited};
use super::job::Job;
use super::lease::Lease;
use super::look::{Got, Look, Seen};
use super::run::{Answers, served, special};
use super::stale::served_old;
use super::trip::failure;
use crate::call::{Call, Trip};
use crate::outcome::{Kept, Shape, Split, Value, rebuild};
use crate::stats::count;
use crate::trace;

/// After a refresh that failed, nobody tries again for this long, unless `stale_retry` says otherwise.
const RETRY: Duration = Duration::from_secs(30);

/// What a call that has to compute knows.
pub(crate) struct Turn<V> {
    pub(crate) seen: Seen,
    /// An old result, to be served when the function fails. (`Some(None)` is an old `None`.)
    pub(crate) old: Option<Option<V>>,
    /// Whether what was seen is to stay readable until the new value is there.
    pub(crate) is_refresh: bool,
    /// An old value that is not to be served unless the computation finds that it is still good.
    pub(crate) known: Option<V>,
}

impl<V> Default for Turn<V> {
    fn default() -> Self {
        Self { seen: Seen::default(), old: None, is_refresh: false, known: None }
    }
}

impl<V> Turn<V> {
    /// After a look that found nothing to serve at once; `None` when the store did not answer.
    pub(crate) fn after(look: Look<V>) -> Option<Self> {
        match look {
            Look::Away(..) => None,
            Look::Miss(seen) => Some(Self { seen, ..Self::default() }),
            Look::Stale(Got { value, seen }, Stale { at_once: false, on_error: false }) => {
                Some(Self { seen, known: value, ..Self::default() })
            }
            Look::Fresh(Got { value, seen })
            | Look::Early(Got { value, seen })
            | Look::Stale(Got { value, seen }, _) => {
                Some(Self { seen, old: Some(value), is_refresh: true, known: None })
            }
        }
    }
}

/// A look found nothing that could be served: one caller computes, the others wait for it.
pub(crate) async fn missed<R, S>(
    call: Option<&Call>,
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    rules: &impl Answers<S::Value>,
    look: Look<S::Value>,
    mut job: impl Job<S::Value, Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    // What the store did not tell before the computation it shall not be given afterwards: the call has waited for it
    // once already.
    let (mut turn, is_away) = match look {
        Look::Away(seen, _) => (Turn { seen, ..Turn::default() }, true),
        look => (Turn::after(look).unwrap_or_default(), false),
    };
    let is_out = is_away && trip.is_out(&turn.seen);
    if is_out && let Some(got) = spared::<R, S>(trip).await {
        return served::<R, S>(call, trip, kept, got);
    }
    let began = Instant::now();
    let (mut leader, claimed) = loop {
        let leader = match board::<R, S>(trip, kept, &turn, began).await {
            Boarded::Leads(leader) => Some(leader),
            Boarded::Has(result) => return result,
            Boarded::Alone => None,
        };
        // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
        let Some(leader) = leader else {
            if let Some(old) = turn.old.take() {
                return served_old::<R, S>(trip, old);
            }
            count(&trip.counters.misses);
            // So that what it calls in turn does not wait for it, nor for those whom it did not want to wait for.
            return Context::computing(trip.inner.id, trip.key.as_str()).scope(job.here()).await;
        };
        let claimed = match (is_away, is_out) {
            (false, _) => claim(trip, &mut turn, &leader, began).await,
            (true, true) => claim_spare::<R, S>(trip).await,
            (true, false) => Claimed::Alone,
        };
        if !matches!(claimed, Claimed::Void) {
            break (leader, claimed);
        }
    };
    let lease = match claimed {
        Claimed::Lease(lease) => Some(lease),
        Claimed::Alone | Claimed::Void => None,
        Claimed::Found(got) => {
            let bytes = got.seen.bytes.clone();
            leader.land(if got.value.is_some() { Landing::Value(bytes) } else { Landing::Nothing });
            return served::<R, S>(call, trip, kept, got);
        }
        // Not for those who wait: it may be gone since, and they have one of their own.
        Claimed::Paused => return served_old::<R, S>(trip, turn.old.take().flatten()),
    };
    leader.begins(lease.as_ref().map_or(Ground::Nothing, Lease::ground));
    count(&trip.counters.misses);
    trace::miss(trip.label);
    turn.old.as_ref().and_then(Option::as_ref).or(turn.known.as_ref()).inspect(|known| job.knows(known));
    finish::<R, S>(trip, rules, kept, turn, Some(leader), lease, job.here()).await
}

/// What was kept since the store went away, if the function has a result for it.
async fn spared<R, S>(trip: &Trip<'_>) -> Option<Got<S::Value>>
where
    S: Shape<R>,
    S::Value: Value,
{
    trip.spared().await.filter(|got| got.value.is_some() || S::nothing().is_some())
}

/// [`claim`] while the store is away.
async fn claim_spare<R, S>(trip: &Trip<'_>) -> Claimed<S::Value>
where
    S: Shape<R>,
    S::Value: Value,
{
    // Another call may have landed before this one took the lead.
    match spared::<R, S>(trip).await {
        Some(got) => Claimed::Found(got),
        None => Lease::spare(trip).await.map_or(Claimed::Alone, Claimed::Lease),
    }
}

/// How a call that found nothing goes on.
enum Boarded<R> {
    /// It computes, and others wait for it.
    Leads(Leader),
    /// Another call computed its result.
    Has(R),
    /// It serves an old value if it has one, else computes for itself and stores nothing.
    Alone,
}

async fn board<R, S>(
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    turn: &Turn<S::Value>,
    began: Instant,
) -> Boarded<R>
where
    S: Shape<R>,
    S::Value: Value,
{
    let (key, flights) = (trip.key.as_str(), &trip.inner.flights);
    if Context::is_computing(trip.inner.id, key) {
        return Boarded::Alone;
    }
    loop {
        if turn.old.is_some() && flights.is_quiet(key) {
            // A computation failed a moment ago; the old value is to be served.
            return Boarded::Alone;
        }
        let left = trip.inner.max_wait.saturating_sub(began.elapsed());
        let waited = match flights.board(key, turn.seen.sight()) {
            Ticket::Lead(leader) => return Boarded::Leads(leader),
            Ticket::Full => return Boarded::Alone,
            Ticket::Follow(follower) => follower.wait(left).await,
            Ticket::Queue(follower) => follower.gone(left).await,
        };
        match waited {
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
pub(crate) async fn finish<R, S>(
    trip: &Trip<'_>,
    rules: &impl Answers<S::Value>,
    kept: Kept<R, S::Value>,
    turn: Turn<S::Value>,
    mut leader: Option<Leader>,
    lease: Option<Lease>,
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
        Split::Failure(result) => return failed::<R, S>(trip, kept, turn, leader, lease, result),
        Split::Alone(result) => {
            count(&trip.counters.refusals);
            trace::refuse(trip.label, "for one caller alone");
            if let Some(leader) = &mut leader {
                leader.land(Landing::Free);
            }
            return result;
        }
    };
    let fill = {
        let refused = value.as_ref().is_some_and(|value| rules.refuses(value));
        let special = value.as_ref().and_then(|value| special(trip, rules.special(value)));
        let keep = keep(value.is_some(), refused, special, trip.expiries);
        let is_awaited = leader.as_ref().is_some_and(Leader::is_awaited);
        let parcel =
            trip.pack(value.as_ref(), keep, lease.as_ref().map(|lease| &**lease.stamps()), is_awaited);
        if let Some(leader) = &mut leader {
            leader.land(parcel.landing);
        }
        parcel.fill
    };
    if leader.as_ref().is_some_and(Leader::is_void) {
        // The store would refuse it; so it need not be sent.
        trip.refused("invalidated while it was computed");
    } else if let (Some((bytes, life)), Some(lease)) = (fill, lease) {
        trip.fill(bytes, life, lease).await;
    }
    drop(leader);
    rebuild::<R, S>(value)
}

/// The function failed: an old result instead of its error, where there is one, and a pause for everybody.
fn failed<R, S>(
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    turn: Turn<S::Value>,
    mut leader: Option<Leader>,
    lease: Option<Lease>,
    result: R,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    count(&trip.counters.refusals);
    trace::refuse(trip.label, "Err");
    if turn.is_refresh {
        let pause = trip.policy.stale_retry.unwrap_or(RETRY);
        trip.inner.flights.hush(trip.key.as_str(), pause);
        if let Some(lease) = lease {
            lease.pause(pause);
        }
    }
    if let Some(old) = turn.old {
        // Those who wait have an old value of their own, or none to get: this one may have been removed before they came.
        return served_old::<R, S>(trip, old);
    }
    if let Some(leader) = &mut leader {
        match failure(&result, kept) {
            Some(error) => leader.land(Landing::Failure(error)),
            None if S::SCATTERS => leader.land(Landing::Free),
            None => {}
        }
    }
    result
}
