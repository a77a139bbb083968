//! The flow of a call for several ids: looks them up together, and computes together what is missing.

use super::board::Board;
use super::call::ManyCall;
use super::computation::ManyComputation;
use super::drive::{Drive, EachCall, End, Steps};
use super::lookups::lookups;
use super::slot::IdSlot;
use super::targets::warn_mismatch;
use crate::engine::context::{CallMode, Context};
use crate::engine::entry_op::EntryOp;
use crate::engine::local_hit;
use crate::engine::lookup::Lookup;
use crate::engine::miss::missed;
use crate::engine::run::{AtOnce, at_once};
use crate::engine::silence::Silence;
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
    let mut calls: Vec<_> = ops.iter().map(|_| EachCall::Done(Err(Lost))).collect();
    let mut stale = Vec::new();
    let mut place = |index: usize, found: KnownId<R::Value>| {
        let (op, slot) = (&ops[index], IdSlot { board: &board, index });
        let own = call.targets.call(index);
        let lookup = match found {
            KnownId::Local(value) => {
                calls[index] = EachCall::Done(Ok(Some(value)));
                return;
            }
            KnownId::Looked(lookup) => Some(lookup),
            KnownId::Forced => None,
        };
        if let Some(Lookup::Stale(..) | Lookup::Early(_)) = lookup {
            stale.push(index);
        }
        calls[index] = match at_once::<EachResult<R::Value>, AsResultOption, _>(own, op, lookup, caps, slot) {
            AtOnce::Hit(result) => EachCall::Done(result),
            AtOnce::Missed(lookup, slot) => EachCall::Running(Box::pin(missed::<_, AsResultOption, _>(
                own, op, caps, rules, lookup, slot,
            ))),
        };
    };
    find::<R, T>(call, &ops, caps, &mut place).await;
    let steps = CallSteps { call, ops: &ops, board: &board, computation: &computation };
    // Not in the `match`: a result that lived across a wait would have to be `Send`, and its error may not be.
    let values = match Drive::new(&board, calls).run(stale, steps).await {
        Ok(results) => results.into_iter().collect::<Result<Vec<_>, _>>().ok(),
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

/// An id before it is computed.
enum KnownId<V> {
    /// A value in this process.
    Local(V),
    Looked(Lookup<V>),
    /// The id is computed, whatever is stored: `refresh(..)`.
    Forced,
}

/// Looks up all ids, and hands each to `place` with its position.
async fn find<R, T>(
    call: &ManyCall<T>,
    ops: &[EntryOp<'_>],
    caps: ValueCaps<EachResult<R::Value>, R::Value>,
    mut place: impl FnMut(usize, KnownId<R::Value>),
) where
    R: ManyResult<T>,
    R::Value: Value,
{
    if call.targets.mode() == CallMode::Warming {
        Context::looked();
    }
    if call.targets.mode() == CallMode::Refresh {
        (0..ops.len()).for_each(|index| place(index, KnownId::Forced));
        return;
    }
    let mut rest = Vec::with_capacity(ops.len());
    for index in 0..ops.len() {
        match call.targets.call(index).and_then(|own| local_hit::typed(own, caps.clone)) {
            Some(value) => place(index, KnownId::Local(value)),
            None => rest.push(index),
        }
    }
    lookups(ops, rest.into_iter(), |index, lookup| place(index, KnownId::Looked(lookup))).await;
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
