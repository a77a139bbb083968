//! The computation of a call: it runs inside the call, or in the background.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use super::call::Call;
use super::context::Context;
use super::entry_op::EntryOp;
use super::flight::Leader;
use super::follower::Follower;
use super::refresh::{refresh, refreshed};
use super::snapshot::Snapshot;
use crate::rt::caught::caught;
use crate::site::body::{Body, RunMode, RunningBody};
use crate::site::outcome::{Shape, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;
use crate::types::stamp::Stamp;

/// A computation of a `V`.
pub(crate) trait Computation<V> {
    /// The result.
    type Output;
    /// The computation inside the call. It has a name, so that the compiler need not look for its type.
    type Running: Future<Output = Self::Output> + Unpin;

    /// Returns whether the computation can run in the background.
    fn can_detach(&self) -> bool;
    /// The variant that is computed: see [`Flights::join`](super::flight::Flights::join).
    fn lane(&self) -> u64 {
        0
    }
    /// The stamp that results of all lanes share, where the computation has a lane.
    fn share_stamp(&mut self, _: Stamp) {}
    /// Nothing will lead to what is stored beside the result.
    fn is_alone(&mut self) {}
    /// Offers an old value, which the computation may find to be still good.
    fn offer(&mut self, _: &V) {}
    /// Runs inside the call.
    fn inline(self) -> Self::Running;
    /// Starts in the background, unless a computation is running or a refresh has recently failed, and stores the result in
    /// place of `snapshot`. Returns a [`Follower`] of the running computation.
    fn revalidate(self, op: &EntryOp<'_>, snapshot: Snapshot, known: Option<&V>) -> Option<Follower>;
}

/// A computation that may borrow from its caller, so it never runs in the background. It is a future, which drops the body
/// with itself: a cancelled leader leads until its body is gone.
pub(crate) struct Borrowed<'b, F>(pub(crate) Pin<&'b mut Option<F>>);

impl<F: Future> Future for Borrowed<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<F::Output> {
        let body = self.0.as_mut().as_pin_mut().expect("only `drop` takes the body");
        body.poll(context)
    }
}

impl<F> Drop for Borrowed<'_, F> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

impl<V, F: Future> Computation<V> for Borrowed<'_, F> {
    type Output = F::Output;
    type Running = Self;

    fn can_detach(&self) -> bool {
        false
    }

    fn inline(self) -> Self {
        self
    }

    fn revalidate(self, _: &EntryOp<'_>, _: Snapshot, _: Option<&V>) -> Option<Follower> {
        None
    }
}

/// A computation that can outlive its caller, with everything that the handling of its result needs.
pub(crate) struct Detachable<R, S: Shape<R>, A, M> {
    pub(crate) call: Arc<Call>,
    pub(crate) caps: ValueCaps<R, S::Value>,
    pub(crate) rules: Arc<A>,
    pub(crate) body: M,
    /// True if the body blocks its thread.
    pub(crate) blocks: bool,
}

impl<R, S, A, F, M> Computation<S::Value> for Detachable<R, S, A, M>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    A: ValueRules<S::Value> + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(RunMode) -> Body<F, R>,
{
    type Output = R;
    type Running = RunningBody<F, R>;

    fn can_detach(&self) -> bool {
        true
    }

    fn inline(self) -> RunningBody<F, R> {
        RunningBody::new(|| (self.body)(RunMode::Inline))
    }

    fn revalidate(self, op: &EntryOp<'_>, snapshot: Snapshot, _: Option<&S::Value>) -> Option<Follower> {
        let (leader, follower) = match refreshed(op, &snapshot) {
            Ok(leads) => leads,
            Err(follower) => return follower,
        };
        self.detach(op, leader, snapshot);
        Some(follower)
    }
}

impl<R, S, A, F, M> Detachable<R, S, A, M>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    A: ValueRules<S::Value> + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(RunMode) -> Body<F, R>,
{
    /// Runs in the background and stores the result in place of `snapshot`. Does nothing where it cannot.
    fn detach(self, op: &EntryOp<'_>, leader: Leader, snapshot: Snapshot) {
        let Self { call, caps, rules, body, blocks } = self;
        let background = &op.core.background;
        if !background.has_room() {
            return;
        }
        let Some(body) = caught(|| body(RunMode::Background)) else {
            op.panicked("`Clone` of an argument", "its value was not refreshed in the background");
            return op.core.flights.back_off(op.key.as_str(), op.policy.retry_pause());
        };
        if let Body::Background(future) = body {
            let task = Box::pin(Context::detached().scope(Box::pin(async move {
                // The same access was possible for the call that asked for this refresh.
                if let Some(Ok(op)) = call.op() {
                    refresh::<R, S>(&op, leader, snapshot, caps, &*rules, future).await;
                }
            })));
            if blocks { background.spawn_blocking(task) } else { background.spawn_on_current(task) }
        }
    }
}
