//! The claim: how the leader of a process gets the lease, or the result of another process.

use std::pin::pin;
use std::time::{Duration, Instant};

use super::compute_input::ComputeInput;
use super::flight::Leader;
use super::lease::Lease;
use super::lookup::{Hit, Lookup};
use super::snapshot::Snapshot;
use crate::codec::Decode;
use crate::codec::envelope;
use crate::engine::entry_op::EntryOp;
use crate::observe::event_kind::EventKind;
use crate::rt::io;
use crate::rt::stack::BoxFuture;
use crate::store::{LeaseMode, Leased, Watched};

/// The number of times that the entry may change between a lookup and the lease request after it.
const MAX_CHANGES: usize = 16;
/// The shortest pause between two lookups where changes are not notified.
const MIN_POLL: Duration = Duration::from_millis(10);
/// The longest wait without a lookup, in case a notification was lost.
const MAX_POLL: Duration = Duration::from_millis(250);

/// The end of a claim.
pub(crate) enum Claimed<V> {
    /// Compute and store the result.
    Lease(Lease),
    /// Compute and store nothing: the store failed, the wait was too long, or it may be for nothing.
    WithoutLease,
    /// Another process computed the value.
    Found(Hit<V>),
    /// A refresh failed a moment ago: serve the old value.
    Paused,
    /// The key was invalidated before the computation began: join again, since another call may lead.
    Void,
}

/// Asks for the lease, and waits while another process holds it: at most for half of `max_wait` since the call `began` to
/// wait, so that the calls behind this one are served by it and do not give up at the same moment. With a `lane`, another
/// process may compute another variant, so that its lease is not waited for.
pub(crate) async fn claim<V: Decode>(
    op: &EntryOp<'_>,
    input: &mut ComputeInput<V>,
    leader: &Leader,
    (began, lane): (Instant, u64),
) -> Claimed<V> {
    let limit = op.core.max_wait / 2;
    let (mut changes, mut has_waited) = (0, false);
    loop {
        if leader.is_void() {
            // The question would take the lease from the new leader: a process does not refuse itself.
            return Claimed::Void;
        }
        let mode = match op.core.flights.marked_for(op.key.as_str()) {
            _ if input.replaces_entry => LeaseMode::Refresh,
            Some(left) => LeaseMode::MissUncached(left),
            None => LeaseMode::Miss,
        };
        let lookup = match op.lease(mode, input.snapshot.head()).await {
            Ok(Ok(lease)) => {
                if input.snapshot.is_conceded() {
                    leader.let_go(began.elapsed());
                }
                return Claimed::Lease(lease);
            }
            Ok(Err(Leased::Paused(left))) if input.on_error.is_some() => {
                op.core.flights.back_off(op.key.as_str(), left);
                return Claimed::Paused;
            }
            Ok(Err(Leased::Uncached(left))) => {
                leader.let_go(left);
                None
            }
            // The other process computes another variant, as far as is known.
            Ok(Err(Leased::Held(_))) if lane != 0 => None,
            // This process knows that the wait may be for nothing.
            Ok(Err(Leased::Held(_))) if op.core.flights.is_marked(op.key.as_str()) => None,
            Ok(Err(Leased::Held(left))) if began.elapsed() < limit => {
                if !std::mem::replace(&mut has_waited, true) {
                    op.record(EventKind::LeaseWait);
                }
                wait(op, input, leader, left, (began, limit)).await
            }
            Ok(Err(Leased::Paused(_) | Leased::Changed | Leased::Granted(_))) if changes < MAX_CHANGES => {
                changes += 1;
                Some(lookup_again(op, leader).await)
            }
            Ok(Err(_)) | Err(_) => None,
        };
        match lookup {
            None | Some(Lookup::Unavailable(..)) => return Claimed::WithoutLease,
            Some(Lookup::Fresh(hit) | Lookup::Early(hit)) => return Claimed::Found(hit),
            Some(lookup) => *input = ComputeInput::after(lookup).unwrap_or_default(),
        }
    }
}

/// Waits until the holder of the lease is done or may be gone, and looks again. `None` when that takes too long.
async fn wait<V: Decode>(
    op: &EntryOp<'_>,
    input: &ComputeInput<V>,
    leader: &Leader,
    left: Duration,
    (began, limit): (Instant, Duration),
) -> Option<Lookup<V>> {
    let _shown = op.waits_for_others();
    // A lease that is not extended lapses without a notification, and leaves no trace on an entry: ask again then.
    let lapses = Instant::now() + left.max(MIN_POLL);
    let mut pause = MIN_POLL;
    loop {
        // Registered before the lookup, so that no change falls between the two.
        let watched = op.watch().await?;
        let lookup = lookup_again(op, leader).await;
        let left = lapses.saturating_duration_since(Instant::now());
        if left.is_zero() || leader.is_void() || !is_same(&lookup, &input.snapshot) {
            return Some(lookup);
        }
        let rest = limit.checked_sub(began.elapsed())?;
        let patience = rest.min(MAX_POLL).min(left);
        changed(watched, patience, pause).await;
        pause = (pause * 2).min(MAX_POLL / 2);
    }
}

impl EntryOp<'_> {
    /// Watches the entry for changes, which a store of this process alone does not notify of; `None` if the store did not
    /// answer.
    fn watch(&self) -> BoxFuture<'_, Option<Option<Watched>>> {
        Box::pin(async { self.ask(pin!(self.core.store.watch(&self.key))).await.ok() })
    }
}

/// Waits for a change, at most for this long.
fn changed(watched: Option<Watched>, patience: Duration, pause: Duration) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        match watched {
            Some(watched) => watched.changed(patience).await,
            None => io::sleep(pause.min(patience)).await,
        }
    })
}

/// Looks again. The leader may complete with what it finds, so calls that join meanwhile must know how old that may be.
async fn lookup_again<V: Decode>(op: &EntryOp<'_>, leader: &Leader) -> Lookup<V> {
    leader.begins_lookup();
    let lookup = op.lookup().await;
    if !matches!(lookup, Lookup::Fresh(_) | Lookup::Early(_)) {
        leader.found_nothing();
    }
    lookup
}

/// Returns whether the lease seems to be held still, without asking for it.
fn is_same<V>(lookup: &Lookup<V>, before: &Snapshot) -> bool {
    let (Lookup::Miss(snapshot) | Lookup::Stale(Hit { snapshot, .. }, _)) = lookup else { return false };
    let is_lease = envelope::is_vacant(&snapshot.bytes)
        && snapshot.holder().is_some_and(|holder| before.holder() == Some(holder));
    (is_lease
        || (!envelope::is_vacant(&snapshot.bytes)
            && !snapshot.bytes.is_empty()
            && snapshot.head() == before.head()))
        && snapshot.stamps == before.stamps
}
