//! Refresh: a computation on its own, for a value that is still served.

use super::flight::Leader;
use super::lease::Lease;
use super::look::Seen;
use super::miss::{Turn, finish};
use super::run::Answers;
use crate::call::Trip;
use crate::outcome::{Kept, Shape, Value};
use crate::stats::count;
use crate::tier::{Leased, Mode};

/// Computes once in the whole cluster, and puts the result in the place of what was seen, if that is still there.
pub(crate) async fn refresh<R, S>(
    trip: &Trip<'_>,
    leader: Leader,
    seen: Seen,
    kept: Kept<R, S::Value>,
    rules: &impl Answers<S::Value>,
    compute: impl Future<Output = R>,
) where
    S: Shape<R>,
    S::Value: Value,
{
    if leader.is_void() {
        // What is stored by now is not what was seen, and another call may lead.
        return;
    }
    let Some(lease) = ask(trip, &seen).await else { return };
    leader.begins(lease.ground());
    count(&trip.counters.refreshes);
    let turn = Turn { seen, old: None, is_refresh: true, known: None };
    drop(finish::<R, S>(trip, rules, kept, turn, Some(leader), Some(lease), compute).await);
}

/// The lease, unless somebody else is at it, or was and failed, or something newer is there.
async fn ask(trip: &Trip<'_>, seen: &Seen) -> Option<Lease> {
    match Lease::ask(trip, Mode::Refresh, seen.head()).await {
        Ok(Ok(lease)) => Some(lease),
        Ok(Err(Leased::Held(left) | Leased::Paused(left))) => {
            trip.inner.flights.hush(trip.key.as_str(), left);
            None
        }
        Ok(Err(Leased::Changed | Leased::Granted(_))) | Err(_) => None,
    }
}
