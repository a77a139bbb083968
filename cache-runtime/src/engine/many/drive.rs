//! The driver of a call for several ids: it polls the way of each id, and computes those that ask for it together.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use super::board::Board;
use super::plan::{IdState, Step, plan};
use super::wake_all::WakeAll;
use crate::engine::context::{Context, Scope};
use crate::site::many_result::{EachResult, ManyAnswer};

/// The largest number of ids that wait for the store at once: more would crowd out other calls.
const MOST: usize = 64;

/// The way of one id.
pub(super) enum EachCall<S, V> {
    Running(Pin<Box<S>>),
    Done(EachResult<V>),
}

/// The value of each id, if it has one; `None` if one of them could not be computed.
pub(super) type ManyValues<V> = Option<Vec<Option<V>>>;

/// The end of a call without a value for each id.
pub(super) enum End<R> {
    /// The function failed, and there was no old value for one of its ids.
    Failed(R),
    /// The function returned values that do not belong to its ids.
    Mismatch(String),
}

/// A call under way.
pub(super) struct Drive<'d, V, S, F> {
    /// Before the ways of the ids, so that a call that is dropped leads until its computation is gone.
    running: Option<RunningComputation<F>>,
    calls: Vec<EachCall<S, V>>,
    board: &'d Board<V>,
}

struct RunningComputation<F> {
    ids: Vec<usize>,
    body: Scope<Pin<Box<F>>>,
    wake_all: Arc<WakeAll>,
    waker: Waker,
}

/// The steps of a call that know its types.
pub(super) trait Steps<R, V, F> {
    /// The cache of the call, and the key of an id.
    fn key(&self, index: usize) -> (u64, &str);
    /// Starts the computation of ids; `None` if it cannot run.
    fn start(&mut self, ids: &[usize]) -> Option<F>;
    /// Takes the result for ids apart.
    fn split(&self, result: R, ids: &[usize]) -> ManyAnswer<R, V>;
    /// Refreshes the stale ids, once all of them are known.
    fn refresh(&mut self);
}

impl<'d, V, S, F> Drive<'d, V, S, F>
where
    S: Future<Output = EachResult<V>>,
{
    /// Returns a call whose ids go these ways.
    pub(super) fn new(board: &'d Board<V>, calls: Vec<EachCall<S, V>>) -> Self {
        Self { running: None, calls, board }
    }

    /// Drives the call to its end. The ids in `stale` go first.
    pub(super) async fn run<R>(
        mut self,
        stale: Vec<usize>,
        mut steps: impl Steps<R, V, F>,
    ) -> Result<ManyValues<V>, End<R>>
    where
        F: Future<Output = R>,
    {
        let mut stale = Some(stale);
        poll_fn(|context| {
            if let Some(stale) = stale.take() {
                stale.iter().for_each(|index| self.poll_call(*index, context));
                steps.refresh();
            }
            self.poll(&mut steps, context)
        })
        .await
    }

    fn poll<R>(
        &mut self,
        steps: &mut impl Steps<R, V, F>,
        context: &mut task::Context<'_>,
    ) -> Poll<Result<ManyValues<V>, End<R>>>
    where
        F: Future<Output = R>,
    {
        loop {
            self.poll_calls(context);
            if let Poll::Ready((result, ids)) = self.poll_body(context) {
                if let Some(end) = self.hand_out(steps.split(result, &ids), &ids, context) {
                    return Poll::Ready(Err(end));
                }
                continue;
            }
            match plan((0..self.calls.len()).map(|index| self.state(index))) {
                Step::Compute(ids) => self.begin(ids, steps),
                Step::Wait => return Poll::Pending,
                Step::Finish => return Poll::Ready(Ok(self.results())),
            }
        }
    }

    fn state(&self, index: usize) -> IdState {
        match self.calls[index] {
            EachCall::Running(_) => self.board.state(index),
            EachCall::Done(_) => IdState::Done,
        }
    }

    fn poll_calls(&mut self, context: &mut task::Context<'_>) {
        let mut at_store = 0;
        for index in 0..self.calls.len() {
            match self.state(index) {
                // While ids gather, nothing wakes those that are asked for. Once they are computed, a wake of the computation is
                // one of each leader, and a leader that is not polled after it counts as stalled.
                IdState::Asked if self.running.is_none() => continue,
                IdState::Open | IdState::Answered if at_store == MOST => continue,
                _ => self.poll_call(index, context),
            }
            at_store += usize::from(matches!(self.state(index), IdState::Open | IdState::Answered));
        }
    }

    fn poll_call(&mut self, index: usize, context: &mut task::Context<'_>) {
        let call = &mut self.calls[index];
        if let EachCall::Running(future) = call
            && let Poll::Ready(result) = future.as_mut().poll(context)
        {
            *call = EachCall::Done(result);
        }
    }

    fn poll_body<R>(&mut self, context: &mut task::Context<'_>) -> Poll<(R, Vec<usize>)>
    where
        F: Future<Output = R>,
    {
        let Some(RunningComputation { body, wake_all, waker, .. }) = &mut self.running else {
            return Poll::Pending;
        };
        wake_all.set_call(context.waker());
        match Pin::new(body).poll(&mut task::Context::from_waker(waker)) {
            Poll::Ready(result) => {
                let ids = self.running.take().map(|running| running.ids);
                Poll::Ready((result, ids.unwrap_or_default()))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn begin<R>(&mut self, ids: Vec<usize>, steps: &mut impl Steps<R, V, F>) {
        let flights = self.board.begin(&ids);
        let wakers = flights.iter().flatten().map(|(_, waker)| Arc::clone(waker)).collect();
        let cache = ids.first().map_or(0, |first| steps.key(*first).0);
        let keys = ids.iter().zip(flights).map(|(index, flight)| (steps.key(*index).1.into(), flight));
        let scope = Context::computing_many(cache, keys);
        // Started inside, because a body may do something before its first `.await`.
        match scope.clone().scope_blocking(|| steps.start(&ids)) {
            Some(body) => {
                let wake_all = WakeAll::new(wakers);
                let waker = Waker::from(Arc::clone(&wake_all));
                self.running =
                    Some(RunningComputation { ids, body: scope.scope(Box::pin(body)), wake_all, waker });
            }
            None => self.board.fail(&ids),
        }
    }

    /// Hands out the values of ids. Returns the end of the call if there are none.
    fn hand_out<R>(
        &mut self,
        answer: ManyAnswer<R, V>,
        ids: &[usize],
        context: &mut task::Context<'_>,
    ) -> Option<End<R>> {
        let end = match answer {
            ManyAnswer::Values(values) => {
                self.board.answer(ids, values);
                return None;
            }
            ManyAnswer::Failure(result) => End::Failed(result),
            ManyAnswer::Mismatch(reason) => End::Mismatch(reason),
        };
        self.board.fail(ids);
        // Frees those who wait for these ids, and finds out which of them have an old value. An error is not held across a wait,
        // because its type need not be `Send`.
        ids.iter().for_each(|index| self.poll_call(*index, context));
        let is_rescued = |index: &usize| matches!(self.calls[*index], EachCall::Done(Ok(_)));
        if matches!(end, End::Failed(_)) && ids.iter().all(is_rescued) { None } else { Some(end) }
    }

    fn results(&mut self) -> ManyValues<V> {
        let value = |call| if let EachCall::Done(Ok(value)) = call { Some(value) } else { None };
        std::mem::take(&mut self.calls).into_iter().map(value).collect()
    }
}
