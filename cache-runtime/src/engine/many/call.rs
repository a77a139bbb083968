//! A call for several ids.

use std::collections::HashMap;
use std::hash::Hash;

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::targets::Targets;
use crate::engine::entry_op::EntryOp;
use crate::site::many_result::{EachResult, ManyResult};
use crate::site::outcome::Value;
use crate::site::value_caps::ValueCaps;

/// A call for several ids, each of which has an entry.
pub(crate) struct ManyCall<T> {
    /// The ids as they were given.
    pub(super) given: Vec<T>,
    /// Each id once.
    pub(super) ids: Vec<T>,
    /// The position in `ids` of each id that was given.
    positions: Vec<usize>,
    pub(super) targets: Targets,
}

impl<T: Clone + Eq + Hash> ManyCall<T> {
    /// Returns the call for these ids, whose entries `targets` finds.
    pub(crate) fn new(given: &[T], targets: impl FnOnce(&[T]) -> Targets) -> Self {
        let mut known = HashMap::with_capacity_and_hasher(given.len(), RandomState::default());
        let mut ids = Vec::with_capacity(given.len());
        let positions = given.iter().map(|id| {
            *known.entry(id).or_insert_with(|| {
                ids.push(id.clone());
                ids.len() - 1
            })
        });
        let positions = positions.collect();
        Self { given: given.to_vec(), targets: targets(&ids), ids, positions }
    }
}

impl<T: Clone> ManyCall<T> {
    /// The ids at these positions.
    pub(super) fn ids_at(&self, indices: &[usize]) -> Vec<T> {
        indices.iter().map(|index| self.ids[*index].clone()).collect()
    }

    /// Makes the result of the call of one value for each id; `None` if an id was given twice and its value cannot be copied.
    pub(super) fn build<R: ManyResult<T>>(
        &self,
        values: Vec<Option<R::Value>>,
        ops: &[EntryOp<'_>],
        caps: ValueCaps<EachResult<R::Value>, R::Value>,
    ) -> Option<R>
    where
        R::Value: Value,
    {
        if !R::REPEATS || self.given.len() == self.ids.len() {
            return Some(R::build(&self.ids, values));
        }
        let mut left = vec![0; values.len()];
        self.positions.iter().for_each(|position| left[*position] += 1);
        let (mut values, mut repeated) = (values, Vec::with_capacity(self.given.len()));
        for position in &self.positions {
            left[*position] -= 1;
            let value = &mut values[*position];
            repeated.push(match value {
                Some(value) if left[*position] > 0 => Some(copy(value, &ops[*position], caps)?),
                _ => value.take(),
            });
        }
        Some(R::build(&self.given, repeated))
    }
}

/// A copy of a value: a clone, or one that is encoded and decoded.
fn copy<V: Value>(value: &V, op: &EntryOp<'_>, caps: ValueCaps<EachResult<V>, V>) -> Option<V> {
    if let Some(typed) = caps.clone {
        return (typed.copy)(&(typed.erase)(value)?);
    }
    let (form, mut bytes) = (V::form(op.policy.codec), Vec::new());
    value.encode(form, &mut bytes).ok()?;
    let bytes = Bytes::from(bytes);
    V::decode(form, &bytes, &bytes).ok()
}
