//! A computation of several ids that can outlive its caller: it refreshes all stale ids of a call at once, in the background.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use super::board::{Board, StaleId};
use super::call::ManyCall;
use super::computation::ManyComputation;
use super::drive::{Drive, EachCall, End, Steps};
use super::slot::IdSlot;
use super::targets::warn_mismatch;
use crate::engine::context::Context;
use crate::engine::entry_op::EntryOp;
use crate::engine::refresh::refresh;
use crate::engine::silence::Silence;
use crate::rt::caught::caught;
use crate::rt::stack::BoxFuture;
use crate::site::many_body::ManyBody;
use crate::site::many_result::{EachResult, ManyAnswer, ManyResult};
use crate::site::outcome::{AsResultOption, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;

/// A computation that can outlive its caller.
pub(crate) struct DetachableMany<V, T, A, M> {
    pub(crate) call: Arc<ManyCall<T>>,
    pub(crate) caps: ValueCaps<EachResult<V>, V>,
    pub(crate) rules: Arc<A>,
    pub(crate) body: M,
    /// True if the body blocks its thread.
    pub(crate) blocks: bool,
}

impl<V, T, A, F, M> ManyComputation<T> for DetachableMany<V, T, A, M>
where
    V: Value + Send + 'static,
    T: Clone + Send + Sync + 'static,
    A: ValueRules<V> + Send + Sync + 'static,
    F: Future<Output: ManyResult<T, Value = V> + 'static>,
    M: Fn(Option<Vec<T>>) -> ManyBody<T, F>,
{
    type Output = F::Output;
    type Running = RunningMany<F>;

    fn can_detach(&self) -> bool {
        true
    }

    fn start(&self, ids: Vec<T>) -> RunningMany<F> {
        match (self.body)(Some(ids.clone())) {
            ManyBody::Inline(body) => RunningMany::Inline(Box::pin(body)),
            ManyBody::Background(body) => RunningMany::Background(body(ids)),
        }
    }

    fn detach(&self, stale: Vec<StaleId>) {
        detach(self, stale);
    }
}

/// The body of an async function for several ids while it runs.
pub(crate) enum RunningMany<F: Future> {
    Inline(Pin<Box<F>>),
    Background(Pin<Box<dyn Future<Output = F::Output> + Send>>),
}

impl<F: Future> Future for RunningMany<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<F::Output> {
        match self.get_mut() {
            Self::Inline(body) => body.as_mut().poll(context),
            Self::Background(body) => body.as_mut().poll(context),
        }
    }
}

/// Refreshes stale ids in the background. Does nothing where it cannot.
fn detach<V, T, A, F, M>(computation: &DetachableMany<V, T, A, M>, stale: Vec<StaleId>)
where
    V: Value + Send + 'static,
    T: Clone + Send + Sync + 'static,
    A: ValueRules<V> + Send + Sync + 'static,
    F: Future<Output: ManyResult<T, Value = V> + 'static>,
    M: Fn(Option<Vec<T>>) -> ManyBody<T, F>,
{
    let DetachableMany { call, caps, rules, body, blocks } = computation;
    let (silence, board) = (Silence::default(), Board::<V>::new(call.ids.len(), false));
    let Some(ops) = call.targets.ops::<V>(&silence, &board.waiting) else { return };
    let Some(first) = ops.first() else { return };
    if !first.core.background.has_room() {
        return;
    }
    let body = match caught(|| body(None)) {
        Some(ManyBody::Background(body)) => body,
        Some(ManyBody::Inline(_)) => return,
        None => {
            first.panicked("`Clone` of an argument", "its values were not refreshed in the background");
            for StaleId { index, .. } in &stale {
                first.core.flights.back_off(ops[*index].key.as_str(), first.policy.retry_pause());
            }
            return;
        }
    };
    let work = refresh_all(Arc::clone(call), stale, *caps, Arc::clone(rules), body);
    let task: BoxFuture<'static, ()> = Box::pin(Context::detached().scope(Box::pin(work)));
    let background = &first.core.background;
    if *blocks { background.spawn_blocking(task) } else { background.spawn_on_current(task) }
}

async fn refresh_all<R, T, A, B>(
    call: Arc<ManyCall<T>>,
    stale: Vec<StaleId>,
    caps: ValueCaps<EachResult<R::Value>, R::Value>,
    rules: Arc<A>,
    body: B,
) where
    R: ManyResult<T> + 'static,
    R::Value: Value + Send + 'static,
    T: Clone + Send + Sync + 'static,
    A: ValueRules<R::Value> + Send + Sync + 'static,
    B: FnOnce(Vec<T>) -> BoxFuture<'static, R> + Send,
{
    let (silence, board) = (Silence::default(), Board::new(call.ids.len(), false));
    // The same accesses were possible for the call that asked for this refresh.
    let Some(ops) = call.targets.ops::<R::Value>(&silence, &board.waiting) else { return };
    let mut leads: Vec<Option<StaleId>> = ops.iter().map(|_| None).collect();
    stale.into_iter().for_each(|stale| {
        let index = stale.index;
        leads[index] = Some(stale);
    });
    let calls = leads.into_iter().map(|stale| {
        let Some(StaleId { index, leader, snapshot }) = stale else { return EachCall::Done(Ok(None)) };
        let (op, slot, rules) = (&ops[index], IdSlot { board: &board, index }, &*rules);
        EachCall::Running(Box::pin(async move {
            refresh::<EachResult<R::Value>, AsResultOption>(op, leader, snapshot, caps, rules, slot).await;
            Ok(None)
        }))
    });
    let calls = calls.collect();
    let steps = RefreshSteps { call: &call, ops: &ops, body: Some(body) };
    if let Err(End::Mismatch(reason)) = Drive::new(&board, calls).run(Vec::new(), steps).await {
        warn_mismatch(&ops, &reason);
    }
}

/// The steps of a refresh, whose body runs once.
struct RefreshSteps<'c, T, B> {
    call: &'c ManyCall<T>,
    ops: &'c [EntryOp<'c>],
    body: Option<B>,
}

impl<R, T, B> Steps<R, R::Value, BoxFuture<'static, R>> for RefreshSteps<'_, T, B>
where
    R: ManyResult<T>,
    T: Clone,
    B: FnOnce(Vec<T>) -> BoxFuture<'static, R>,
{
    fn key(&self, index: usize) -> (u64, &str) {
        (self.ops[index].core.id, self.ops[index].key.as_str())
    }

    fn start(&mut self, ids: &[usize]) -> Option<BoxFuture<'static, R>> {
        self.body.take().map(|body| body(self.call.ids_at(ids)))
    }

    fn split(&self, result: R, ids: &[usize]) -> ManyAnswer<R, R::Value> {
        result.split(&self.call.ids_at(ids))
    }

    fn refresh(&mut self) {}
}
