//! Claim: how the one call of a process that is to compute comes to the lease, or to what another process computed.

use std::time::{Duration, Instant};

use super::flight::Leader;
use super::lease::Lease;
use super::lookup::{Hit, Lookup, Snapshot};
use super::miss::Recompute;
use crate::codec::Decode;
use crate::codec::envelope;
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::rt::io;
use crate::store::{LeaseMode, Leased};

/// How often what is there may change between a look and the question for a lease, one right after the other.
const CHANGES: usize = 16;
/// The shortest pause between two looks, where nobody tells of a change.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest that a wait goes without a look, in case that the word of a change was lost.
const LOOK: Duration = Duration::from_millis(250);

/// What came of it.
pub(crate) enum Claimed<V> {
    /// Compute, and store the result.
    Lease(Lease),
    /// Compute, and store nothing: the store is in trouble, or the wait was too long.
    Alone,
    /// Another process computed it.
    Found(Hit<V>),
    /// A refresh failed, and nobody is to try again for a while: the old value is to be served.
    Paused,
    /// The key was invalidated before anything began: join again, behind who may lead by now.
    Void,
}

/// Asks for the lease, and waits while another process has it: at most until half of what a call may wait has passed since
/// it `began` to, so that those who wait for this call are served by it and do not give up at the same moment.
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
            // Its question would take the lease from who leads now: a process does not refuse itself.
            return Claimed::Void;
        }
        let mode = if recompute.is_refresh { LeaseMode::Refresh } else { LeaseMode::Miss };
        let look = match Lease::ask(op, mode, recompute.snapshot.head()).await {
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

/// Waits until who has the lease is done or may be gone, and looks. `None` when that takes too long.
async fn wait<V: Decode>(
    op: &EntryOp<'_>,
    recompute: &Recompute<V>,
    leader: &Leader,
    left: Duration,
    (began, limit): (Instant, Duration),
) -> Option<Lookup<V>> {
    // A lease that nobody renews lapses without a word, and on an entry nothing is to be snapshot of it: ask again then.
    let lapses = Instant::now() + left.max(SHORTEST);
    let mut pause = SHORTEST;
    loop {
        // Registered before the look, so that no change falls between the two.
        let watched = op.core.store.watch(&op.key).await;
        let look = look(op, leader).await;
        let left = lapses.saturating_duration_since(Instant::now());
        if left.is_zero() || leader.is_void() || !is_same(&look, &recompute.snapshot) {
            return Some(look);
        }
        let rest = limit.checked_sub(began.elapsed())?;
        let patience = rest.min(LOOK).min(left);
        match watched {
            Some(watched) => watched.changed(patience).await,
            None => io::sleep(pause.min(patience)).await,
        }
        pause = (pause * 2).min(LOOK / 2);
    }
}

/// Looks again. What is found may be landed, so those who come meanwhile must know how old it may be.
async fn look<V: Decode>(op: &EntryOp<'_>, leader: &Leader) -> Lookup<V> {
    leader.looks();
    let look = op.lookup().await;
    if !matches!(look, Lookup::Fresh(_) | Lookup::Early(_)) {
        leader.found_nothing();
    }
    look
}

/// Whether the lease is still held, as far as can be told without asking for it.
fn is_same<V>(look: &Lookup<V>, before: &Snapshot) -> bool {
    let (Lookup::Miss(snapshot) | Lookup::Stale(Hit { snapshot, .. }, _)) = look else { return false };
    (envelope::is_vacant(&snapshot.bytes) || (!snapshot.bytes.is_empty() && snapshot.head() == before.head()))
        && snapshot.marks == before.marks
}
