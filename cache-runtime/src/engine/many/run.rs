//! The flow of a call for several ids: looks them up together, and computes together what is missing.

use bytes::Bytes;

use super::board::Board;
use super::call::ManyCall;
use super::computation::ManyComputation;
use super::drive::{Drive, EachCall, End, Steps};
use super::lookups::{LookupVisitor, lookups};
use super::slot::IdSlot;
use super::targets::warn_mismatch;
use crate::engine::context::{CallMode, Context};
use crate::engine::entry_op::EntryOp;
use crate::engine::local_hit;
use crate::engine::lookup::Lookup;
use crate::engine::miss::missed;
use crate::engine::run::{AtOnce, at_once};
use crate::engine::serve::record_hit;
use crate::engine::silence::Silence;
use crate::observe::event_kind::Tier;
use crate::rt::stack::DeepFuture;
use crate::site::many_result::{EachResult, Lost, ManyAnswer, ManyResult};
use crate::site::outcome::{AsResultOption, Value};
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;

/// Runs a call for several ids.
pub(crate) async fn run<R, T, A, C>(
    call: &ManyCall<T>,
    caps: ValueCaps<EachResult<R::Value>, R::Value>,
    rules: &A,
    computation: C,
) -> R
where
    R: ManyResult<T>,
    R::Value: Value,
    T: Clone,
    A: ValueRules<R::Value>,
    C: ManyComputation<T, Output = R>,
{
    DeepFuture::made(move || cached(call, caps, rules, computation)).await
}

async fn cached<R, T, A, C>(
    call: &ManyCall<T>,
    caps: ValueCaps<EachResult<R::Value>, R::Value>,
    rules: &A,
    computation: C,
) -> R
where
    R: ManyResult<T>,
    R::Value: Value,
    T: Clone,
    A: ValueRules<R::Value>,
    C: ManyComputation<T, Output = R>,
{
    if call.given.is_empty() {
        return R::build(&[], Vec::new());
    }
    let board = Board::new(call.ids.len(), computation.can_detach());
    let silence = Silence::default();
    let Some(ops) = call.targets.ops::<R::Value>(&silence, &board.waiting) else {
        return computation.start(call.given.clone()).await;
    };
    let way = |index: usize, lookup| {
        let (op, own, slot) = (&ops[index], call.targets.call(index), IdSlot { board: &board, index });
        match at_once::<EachResult<R::Value>, AsResultOption, _>(own, op, lookup, caps, slot) {
            AtOnce::Hit(result) => EachCall::Done(result),
            AtOnce::Missed(lookup, slot) => EachCall::Running(Box::pin(missed::<_, AsResultOption, _>(
                own, op, caps, rules, lookup, slot,
            ))),
        }
    };
    let calls = ops.iter().map(|_| EachCall::Done(Err(Lost))).collect();
    let mut ways = Ways { call, ops: &ops, caps, way, calls, stale: Vec::new() };
    find::<R, _, _, _>(&mut ways).await;
    let Ways { calls, stale, .. } = ways;
    let steps = CallSteps { call, ops: &ops, board: &board, computation: &computation };
    // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
    let values = match Drive::new(&board, calls).run(stale, steps).await {
        Ok(values) => values,
        Err(End::Failed(result)) => return result,
        Err(End::Mismatch(reason)) => {
            warn_mismatch(&ops, &reason);
            None
        }
    };
    if let Some(result) = values.and_then(|values| call.build::<R>(values, &ops, caps)) {
        return result;
    }
    computation.start(call.given.clone()).await
}

/// The ways of the ids.
struct Ways<'c, T, V, S, W> {
    call: &'c ManyCall<T>,
    ops: &'c [EntryOp<'c>],
    caps: ValueCaps<EachResult<V>, V>,
    /// Returns the way of an id after its lookup; without one, it is computed, whatever is stored.
    way: W,
    calls: Vec<EachCall<S, V>>,
    /// The positions of the ids whose stored value is stale.
    stale: Vec<usize>,
}

impl<T, V, S, W> LookupVisitor<V> for Ways<'_, T, V, S, W>
where
    V: Value,
    W: Fn(usize, Option<Lookup<V>>) -> EachCall<S, V>,
{
    fn fresh(&mut self, index: usize, value: V, bytes: &Bytes) {
        let own = self.call.targets.call(index);
        record_hit(own, &self.ops[index], self.caps.clone, Some(&value), (Tier::default(), bytes));
        self.calls[index] = EachCall::Done(Ok(Some(value)));
    }

    fn looked(&mut self, index: usize, lookup: Lookup<V>) {
        if let Lookup::Stale(..) | Lookup::Early(_) = lookup {
            self.stale.push(index);
        }
        self.calls[index] = (self.way)(index, Some(lookup));
    }
}

/// Looks up all ids.
async fn find<R, T, S, W>(ways: &mut Ways<'_, T, R::Value, S, W>)
where
    R: ManyResult<T>,
    R::Value: Value,
    W: Fn(usize, Option<Lookup<R::Value>>) -> EachCall<S, R::Value>,
{
    let (ops, targets) = (ways.ops, &ways.call.targets);
    if targets.mode() == CallMode::Warming {
        Context::looked();
    }
    if targets.mode() == CallMode::Refresh {
        (0..ops.len()).for_each(|index| ways.calls[index] = (ways.way)(index, None));
        return;
    }
    let mut rest = Vec::with_capacity(ops.len());
    for index in 0..ops.len() {
        match targets.call(index).and_then(|own| local_hit::typed(own, ways.caps.clone)) {
            Some(value) => ways.calls[index] = EachCall::Done(Ok(Some(value))),
            None => rest.push(index),
        }
    }
    lookups(ops, rest.into_iter(), ways).await;
}

/// The steps of a call inside its caller.
struct CallSteps<'c, T, V, C> {
    call: &'c ManyCall<T>,
    ops: &'c [EntryOp<'c>],
    board: &'c Board<V>,
    computation: &'c C,
}

impl<R, T, C> Steps<R, R::Value, C::Running> for CallSteps<'_, T, R::Value, C>
where
    R: ManyResult<T>,
    T: Clone,
    C: ManyComputation<T, Output = R>,
{
    fn key(&self, index: usize) -> (u64, &str) {
        (self.ops[index].core.id, self.ops[index].key.as_str())
    }

    fn start(&mut self, ids: &[usize]) -> Option<C::Running> {
        Some(self.computation.start(self.call.ids_at(ids)))
    }

    fn split(&self, result: R, ids: &[usize]) -> ManyAnswer<R, R::Value> {
        result.split(&self.call.ids_at(ids))
    }

    fn refresh(&mut self) {
        let stale = self.board.take_stale();
        if !stale.is_empty() {
            self.computation.detach(stale);
        }
    }
}
