//! Computation: the computation of a call, which runs in the call or apart from it.

use std::sync::Arc;

use super::flight::Leader;
use super::lookup::Snapshot;
use super::refresh::refresh;

use crate::engine::call::Call;
use crate::engine::entry_op::EntryOp;
use crate::site::body::{Body, RunMode};
use crate::site::outcome::{Shape, Value, ValueCaps};
use crate::site::rules::{Rules, ValueExpiry};

/// What a call does when it has to compute a `V`.
pub(crate) trait Computation<V> {
    /// What comes of it.
    type Output;

    /// Returns whether it can run in the background.
    fn can_detach(&self) -> bool;
    /// There is an old value, which the computation may find to be still good.
    fn knows(&mut self, _: &V) {}
    /// Runs inside the call.
    fn here(self) -> impl Future<Output = Self::Output>;
    /// Runs apart, and stores what comes of it in the place of what was `snapshot`. Nothing happens when it cannot.
    fn apart(self, op: &EntryOp<'_>, leader: Leader, snapshot: Snapshot);
}

/// A computation that may borrow from its caller, and so never leaves it.
pub(crate) struct Borrowed<F>(pub(crate) F);

impl<V, F: Future> Computation<V> for Borrowed<F> {
    type Output = F::Output;

    fn can_detach(&self) -> bool {
        false
    }

    fn here(self) -> impl Future<Output = F::Output> {
        self.0
    }

    fn apart(self, _: &EntryOp<'_>, _: Leader, _: Snapshot) {}
}

/// A computation that can leave its caller, with all that is to be done about its result.
pub(crate) struct Detachable<R, S: Shape<R>, U, W, M> {
    pub(crate) call: Arc<Call>,
    pub(crate) caps: ValueCaps<R, S::Value>,
    pub(crate) rules: Arc<Rules<U, W>>,
    pub(crate) work: M,
    /// Whether it blocks its thread.
    pub(crate) blocks: bool,
}

impl<R, S, U, W, F, M> Computation<S::Value> for Detachable<R, S, U, W, M>
where
    R: 'static,
    S: Shape<R> + 'static,
    S::Value: Value + Send + 'static,
    U: Fn(&S::Value) -> bool + Send + Sync + 'static,
    W: Fn(&S::Value) -> ValueExpiry + Send + Sync + 'static,
    F: Future<Output = R>,
    M: FnOnce(RunMode) -> Body<F, R>,
{
    type Output = R;

    fn can_detach(&self) -> bool {
        true
    }

    async fn here(self) -> R {
        (self.work)(RunMode::Inline).done().await
    }

    fn apart(self, op: &EntryOp<'_>, leader: Leader, snapshot: Snapshot) {
        let Self { call, caps, rules, work, blocks } = self;
        let background = &op.core.background;
        if !background.has_room() {
            return;
        }
        if let Body::Background(future) = work(RunMode::Background) {
            let task = async move {
                // It was made once already, for the call that asked for this.
                if let Some(Ok(op)) = call.op() {
                    refresh::<R, S>(&op, leader, snapshot, caps, &*rules, future).await;
                }
            };
            if blocks { background.spawn_blocking(task) } else { background.spawn_near(task) }
        }
    }
}
