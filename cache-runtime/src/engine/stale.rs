//! Stale: an old value at once, or a new one if it comes soon.

use std::time::Duration;

use super::flight::{Follower, Ticket, Waited};
use super::job::Job;
use super::look::{Got, Seen};
use crate::call::Trip;
use crate::outcome::{Kept, Shape, Value, rebuild_old};
use crate::stats::count;
use crate::trace;

/// Serves an old value, while one call's computation runs apart. With `soft_timeout`, waits that long for it first.
pub(crate) async fn stale<R, S>(
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    got: Got<S::Value>,
    job: impl Job<S::Value, Output = R>,
) -> R
where
    S: Shape<R>,
    S::Value: Value,
{
    let Got { value, seen } = got;
    let follower = revalidate(trip, seen, value.as_ref(), job);
    let patience = trip.policy.soft_timeout.unwrap_or_default();
    if let Some(result) = soon::<R, S>(trip, kept, follower, patience).await {
        return result;
    }
    served_old::<R, S>(trip, value)
}

/// The result for a value that is past its expiry.
pub(crate) fn served_old<R, S: Shape<R>>(trip: &Trip<'_>, value: Option<S::Value>) -> R {
    count(&trip.counters.stale_hits);
    trace::stale(trip.label);
    rebuild_old::<R, S>(value)
}

/// Has a new value computed apart, unless one is being computed or a refresh failed a moment ago. Answers with a place
/// behind that computation.
pub(crate) fn revalidate<R, V>(
    trip: &Trip<'_>,
    seen: Seen,
    known: Option<&V>,
    mut job: impl Job<V, Output = R>,
) -> Option<Follower> {
    let (key, flights) = (trip.key.as_str(), &trip.inner.flights);
    if flights.is_quiet(key) {
        return None;
    }
    match flights.board(key, seen.sight()) {
        Ticket::Lead(leader) => {
            let follower = leader.follow();
            known.inspect(|known| job.knows(known));
            job.apart(trip, leader, seen);
            Some(follower)
        }
        Ticket::Follow(follower) => Some(follower),
        // What is under way may be older than this call.
        Ticket::Queue(_) | Ticket::Full => None,
    }
}

async fn soon<R, S>(
    trip: &Trip<'_>,
    kept: Kept<R, S::Value>,
    follower: Option<Follower>,
    patience: Duration,
) -> Option<R>
where
    S: Shape<R>,
    S::Value: Value,
{
    let follower = follower.filter(|_| !patience.is_zero())?;
    match follower.wait(patience).await {
        Waited::Landed(landing) => trip.take::<R, S>(&landing, kept).inspect(|_| count(&trip.counters.waits)),
        Waited::Vacant | Waited::TimedOut => None,
    }
}
