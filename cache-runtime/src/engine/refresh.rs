//! A refresh: a computation in the background, while the stored value is still served.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use super::compute::compute;
use super::compute_input::ComputeInput;
use super::flight::{Leader, Role};
use super::follower::Follower;
use super::leader_waker::Driven;
use super::lease::Lease;
use super::snapshot::Snapshot;
use crate::engine::entry_op::EntryOp;
use crate::observe::event_kind::EventKind;
use crate::rt::stack::BoxFuture;
use crate::site::outcome::{Shape, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;
use crate::store::{LeaseMode, Leased};

/// The remedy for a body that needs a `LocalSet`. tokio does not tell whether the caller is in one.
const LOCAL_SET: &str = ". A refresh runs outside the caller's `LocalSet`, where `spawn_local` is not available: spawn `Send` tasks with `tokio::spawn`, or replace `stale_while_revalidate`, `soft_timeout` and `refresh_ahead` by `stale_if_error`, which computes in the call";

/// The lead of a refresh with a place behind it, unless a computation is running or a refresh has recently failed: else a
/// place behind the running one, if there is one.
pub(crate) fn refreshed(
    op: &EntryOp<'_>,
    snapshot: &Snapshot,
) -> Result<(Leader, Follower), Option<Follower>> {
    let (key, flights) = (op.key.as_str(), &op.core.flights);
    if flights.is_backing_off(key) {
        return Err(None);
    }
    match flights.join(key, snapshot, 0) {
        Role::Lead(leader) => {
            let leader = leader.tagged(op.own_tags(), op.policy.late_tags);
            let follower = leader.follow();
            Ok((leader, follower))
        }
        Role::Follow(follower) => Err(Some(follower)),
        // The running computation may be older than this call, or have no result for it.
        Role::Queue(_) | Role::Neighbor(_) | Role::Full | Role::Beside => Err(None),
    }
}

/// Computes once for all processes, and stores the result in place of the snapshot if that is still there.
pub(crate) async fn refresh<R, S>(
    op: &EntryOp<'_>,
    mut leader: Leader,
    snapshot: Snapshot,
    caps: ValueCaps<R, S::Value>,
    rules: &(impl ValueRules<S::Value> + Sync),
    body: impl Future<Output = R> + Send + Unpin,
) where
    R: 'static,
    S: Shape<R>,
    S::Value: Value + Send + 'static,
{
    if leader.is_void() {
        // The stored value is no longer the snapshot, and another call may lead.
        return;
    }
    let waker = leader.waker();
    let work = Box::pin(async move {
        let Some(lease) = ask(op, &snapshot).await else { return };
        leader.begins(lease.basis());
        op.record(EventKind::Refresh);
        let input = ComputeInput { snapshot, replaces_entry: true, ..ComputeInput::default() };
        drop(compute::<R, S>(op, rules, caps, input, Some(leader), Some(lease), body).await);
    });
    if let Err(panic) = catch_panic(waker.drive(None, work)).await {
        report(op, &*panic);
    }
}

/// Polls `work` to its end, or to its panic.
async fn catch_panic(mut work: Driven<BoxFuture<'_, ()>>) -> Result<(), Box<dyn Any + Send>> {
    poll_fn(|context| {
        // What the panic interrupts is dropped by it or with this future, and polled no more.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut work).poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

/// Warns once per function that a refresh panicked, and names the remedy where the cause is known.
fn report(op: &EntryOp<'_>, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let remedy = if text.contains("LocalSet") { LOCAL_SET } else { "" };
    op.warn_once("panic", || {
        format!(
            "a background refresh of `{}` panicked ({text}); the stored value stays, and the next attempt follows after `stale_retry`{remedy}",
            op.function
        )
    });
}

/// The lease, unless another process refreshes, has just failed to, or has stored a newer value.
async fn ask(op: &EntryOp<'_>, snapshot: &Snapshot) -> Option<Lease> {
    match op.lease(LeaseMode::Refresh, snapshot.head()).await {
        Ok(Ok(lease)) => Some(lease),
        Ok(Err(Leased::Held(left) | Leased::Paused(left))) => {
            op.core.flights.back_off(op.key.as_str(), left);
            None
        }
        Ok(Err(Leased::Changed | Leased::Uncached(_) | Leased::Granted(_))) | Err(_) => None,
    }
}
