//! The claim: how the leader of a process gets the lease, or the result of another process.

use std::time::{Duration, Instant};

use super::flight::Leader;
use super::lease::Lease;
use super::lookup::{Hit, Lookup};
use super::recompute::Recompute;
use super::snapshot::Snapshot;
use crate::codec::Decode;
use crate::codec::envelope;
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::rt::io;
use crate::store::{LeaseMode, Leased};

/// The number of times that the stored value may change between a lookup and the question for the lease that follows it.
const CHANGES: usize = 16;
/// The shortest pause between two lookups where changes are not notified.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest wait without a lookup, in case a notification was lost.
const LOOKUP: Duration = Duration::from_millis(250);

/// The end of a claim.
pub(crate) enum Claimed<V> {
    /// Compute and store the result.
    Lease(Lease),
    /// Compute and store nothing: the store failed, or the wait was too long.
    Alone,
    /// Another process computed the value.
    Found(Hit<V>),
    /// A refresh failed a moment ago: serve the old value.
    Paused,
    /// The key was invalidated before the computation began: join again, since another call may lead.
    Void,
}

/// Asks for the lease, and waits while another process holds it: at most for half of `max_wait` since the call `began` to
/// wait, so that the calls behind this one are served by it and do not give up at the same moment.
pub(crate) async fn claim<V: Decode>(
    op: &EntryOp<'_>,
    recompute: &mut Recompute<V>,
    leader: &Leader,
    began: Instant,
) -> Claimed<V> {
    let limit = op.core.max_wait / 2;
    let (mut changes, mut has_waited) = (0, false);
    loop {
        if leader.is_void() {
            // The question would take the lease from the new leader: a process does not refuse itself.
            return Claimed::Void;
        }
        let mode = if recompute.is_refresh { LeaseMode::Refresh } else { LeaseMode::Miss };
        let look = match op.lease(mode, recompute.snapshot.head()).await {
            Ok(Ok(lease)) => return Claimed::Lease(lease),
            Ok(Err(Leased::Paused(left))) if recompute.old.is_some() => {
                op.core.flights.back_off(op.key.as_str(), left);
                return Claimed::Paused;
            }
            Ok(Err(Leased::Held(left))) if began.elapsed() < limit => {
                if !std::mem::replace(&mut has_waited, true) {
                    count(&op.counters.lease_waits);
                }
                wait(op, recompute, leader, left, (began, limit)).await
            }
            Ok(Err(Leased::Paused(_) | Leased::Changed | Leased::Granted(_))) if changes < CHANGES => {
                changes += 1;
                Some(look(op, leader).await)
            }
            Ok(Err(_)) | Err(_) => None,
        };
        match look {
            None | Some(Lookup::Unavailable(..)) => return Claimed::Alone,
            Some(Lookup::Fresh(hit) | Lookup::Early(hit)) => return Claimed::Found(hit),
            Some(look) => *recompute = Recompute::after(look).unwrap_or_default(),
        }
    }
}

/// Waits until the holder of the lease is done or may be gone, and looks again. `None` when that takes too long.
async fn wait<V: Decode>(
    op: &EntryOp<'_>,
    recompute: &Recompute<V>,
    leader: &Leader,
    left: Duration,
    (began, limit): (Instant, Duration),
) -> Option<Lookup<V>> {
    // A lease that is not extended lapses without a notification, and leaves no trace on an entry: ask again then.
    let lapses = Instant::now() + left.max(SHORTEST);
    let mut pause = SHORTEST;
    loop {
        // Registered before the lookup, so that no change falls between the two.
        let watched = op.core.store.watch(&op.key).await;
        let look = look(op, leader).await;
        let left = lapses.saturating_duration_since(Instant::now());
        if left.is_zero() || leader.is_void() || !is_same(&look, &recompute.snapshot) {
            return Some(look);
        }
        let rest = limit.checked_sub(began.elapsed())?;
        let patience = rest.min(LOOKUP).min(left);
        match watched {
            Some(watched) => watched.changed(patience).await,
            None => io::sleep(pause.min(patience)).await,
        }
        pause = (pause * 2).min(LOOKUP / 2);
    }
}

/// Looks again. The leader may complete with what it finds, so calls that join meanwhile must know how old that may be.
async fn look<V: Decode>(op: &EntryOp<'_>, leader: &Leader) -> Lookup<V> {
    leader.looks();
    let look = op.lookup().await;
    if !matches!(look, Lookup::Fresh(_) | Lookup::Early(_)) {
        leader.found_nothing();
    }
    look
}

/// Returns whether the lease seems to be held still, without asking for it.
fn is_same<V>(look: &Lookup<V>, before: &Snapshot) -> bool {
    let (Lookup::Miss(snapshot) | Lookup::Stale(Hit { snapshot, .. }, _)) = look else { return false };
    (envelope::is_vacant(&snapshot.bytes) || (!snapshot.bytes.is_empty() && snapshot.head() == before.head()))
        && snapshot.stamps == before.stamps
}
