//! The result of a function for several ids, taken apart into the values of single ids and put together again.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::iter::zip;

use super::many_id::SameId;

/// The result of a function for several ids of type `T`: a map, pairs, or one `Option` for each id, in `Result` or not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a result for several ids of type `{T}`",
    label = "one value for each id is expected here",
    note = "return a `HashMap` or `BTreeMap` from ids to values, `Vec<(Id, V)>`, or `Vec<Option<V>>` in the order of the ids; each may be in a `Result`"
)]
pub trait ManyResult<T>: Sized {
    /// The value of one id.
    type Value;
    /// `X`. For a type that is no such result the compiler does not know it, and reports nothing that follows from it.
    type Checked<X>;
    /// True if the result has a place for each id that is given, so that an id that is given twice has its value twice.
    const REPEATS: bool;
    /// Takes the result for these ids apart. The ids are distinct.
    fn split(self, ids: &[T]) -> ManyAnswer<Self, Self::Value>;
    /// Puts the result for these ids together, from one value for each.
    fn build(ids: &[T], values: Vec<Option<Self::Value>>) -> Self;
}

/// The result of a function for several ids, taken apart.
#[derive(Debug)]
pub enum ManyAnswer<R, V> {
    /// One value for each id; `None` where there is none.
    Values(Vec<Option<V>>),
    /// An error of the function.
    Failure(R),
    /// The values do not belong to the ids; the text says why.
    Mismatch(String),
}

/// The result for one id inside the engine.
pub(crate) type EachResult<V> = Result<Option<V>, Lost>;

/// The error of one id whose computation failed: the error itself is for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

impl<T: Clone, K: Eq + Hash + SameId<T>, V, S: BuildHasher + Default> ManyResult<T> for HashMap<K, V, S> {
    type Value = V;
    type Checked<X> = X;
    const REPEATS: bool = false;
    fn split(mut self, ids: &[T]) -> ManyAnswer<Self, V> {
        let values = ids.iter().map(|id| self.remove(&K::same_id(id))).collect();
        if self.is_empty() { ManyAnswer::Values(values) } else { unknown(self.len()) }
    }
    fn build(ids: &[T], values: Vec<Option<V>>) -> Self {
        // Most ids have a value, which the iterator does not know.
        let mut map = Self::with_capacity_and_hasher(values.len(), S::default());
        map.extend(found(ids, values));
        map
    }
}

impl<T: Clone, K: Ord + SameId<T>, V> ManyResult<T> for BTreeMap<K, V> {
    type Value = V;
    type Checked<X> = X;
    const REPEATS: bool = false;
    fn split(mut self, ids: &[T]) -> ManyAnswer<Self, V> {
        let values = ids.iter().map(|id| self.remove(&K::same_id(id))).collect();
        if self.is_empty() { ManyAnswer::Values(values) } else { unknown(self.len()) }
    }
    fn build(ids: &[T], values: Vec<Option<V>>) -> Self {
        found(ids, values).collect()
    }
}

impl<T: Clone, K: Eq + Hash + SameId<T>, V> ManyResult<T> for Vec<(K, V)> {
    type Value = V;
    type Checked<X> = X;
    const REPEATS: bool = true;
    fn split(self, ids: &[T]) -> ManyAnswer<Self, V> {
        let pairs = self.len();
        let mut map: HashMap<K, V> = self.into_iter().collect();
        if map.len() < pairs {
            return ManyAnswer::Mismatch(format!(
                "{} of {pairs} pairs have the id of another pair",
                pairs - map.len()
            ));
        }
        let values = ids.iter().map(|id| map.remove(&K::same_id(id))).collect();
        if map.is_empty() { ManyAnswer::Values(values) } else { unknown(map.len()) }
    }
    fn build(ids: &[T], values: Vec<Option<V>>) -> Self {
        found(ids, values).collect()
    }
}

impl<T, V> ManyResult<T> for Vec<Option<V>> {
    type Value = V;
    type Checked<X> = X;
    const REPEATS: bool = true;
    fn split(self, ids: &[T]) -> ManyAnswer<Self, V> {
        if self.len() == ids.len() {
            return ManyAnswer::Values(self);
        }
        ManyAnswer::Mismatch(format!("it returned {} values for {} ids", self.len(), ids.len()))
    }
    fn build(_: &[T], values: Vec<Option<V>>) -> Self {
        values
    }
}

impl<T, M: ManyResult<T>, E> ManyResult<T> for Result<M, E> {
    type Value = M::Value;
    type Checked<X> = X;
    const REPEATS: bool = M::REPEATS;
    fn split(self, ids: &[T]) -> ManyAnswer<Self, M::Value> {
        match self.map(|many| many.split(ids)) {
            Ok(ManyAnswer::Values(values)) => ManyAnswer::Values(values),
            Ok(ManyAnswer::Failure(many)) => ManyAnswer::Failure(Ok(many)),
            Ok(ManyAnswer::Mismatch(reason)) => ManyAnswer::Mismatch(reason),
            Err(error) => ManyAnswer::Failure(Err(error)),
        }
    }
    fn build(ids: &[T], values: Vec<Option<M::Value>>) -> Self {
        Ok(M::build(ids, values))
    }
}

fn unknown<R, V>(ids: usize) -> ManyAnswer<R, V> {
    ManyAnswer::Mismatch(format!("it returned {ids} ids that it was not called with"))
}

/// The ids that have a value, each with its value.
fn found<T: Clone, K: SameId<T>, V>(ids: &[T], values: Vec<Option<V>>) -> impl Iterator<Item = (K, V)> {
    zip(ids, values).filter_map(|(id, value)| Some((K::same_id(id), value?)))
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the computation of several ids failed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<R: ManyResult<u64>>(result: R, ids: &[u64]) -> Result<Vec<Option<R::Value>>, String> {
        match result.split(ids) {
            ManyAnswer::Values(values) => Ok(values),
            ManyAnswer::Failure(_) => Err("failure".to_owned()),
            ManyAnswer::Mismatch(reason) => Err(reason),
        }
    }

    #[test]
    fn values_belong_to_their_ids_in_every_form() {
        let ids = [3, 1, 2];
        let expected = Ok(vec![Some('c'), Some('a'), None]);
        assert_eq!(values(HashMap::<u64, char>::from([(1, 'a'), (3, 'c')]), &ids), expected);
        assert_eq!(values(BTreeMap::from([(1_u64, 'a'), (3, 'c')]), &ids), expected);
        assert_eq!(values(vec![(1_u64, 'a'), (3, 'c')], &ids), expected);
        assert_eq!(values(vec![Some('c'), Some('a'), None], &ids), expected);
        assert_eq!(values(Ok::<_, ()>(vec![(1_u64, 'a'), (3, 'c')]), &ids), expected);
        assert_eq!(values(Err::<Vec<Option<char>>, _>(()), &ids), Err("failure".to_owned()));
    }

    #[test]
    fn what_belongs_to_no_id_is_refused() {
        assert!(values(HashMap::<u64, char>::from([(4, 'd')]), &[1]).is_err());
        assert!(values(BTreeMap::from([(4_u64, 'd')]), &[1]).is_err());
        assert!(values(vec![(4_u64, 'd')], &[1]).is_err());
        assert!(values(vec![(1_u64, 'a'), (1, 'b')], &[1]).is_err());
        assert!(values(vec![Some('a')], &[1, 2]).is_err());
        assert!(values(vec![Some('a'), None], &[1]).is_err());
    }

    #[test]
    fn results_are_put_together_in_the_order_of_the_ids() {
        let values = || vec![Some('c'), None, Some('c')];
        let ids = [3_u64, 1, 3];
        assert_eq!(<Vec<(u64, char)>>::build(&ids, values()), [(3, 'c'), (3, 'c')]);
        assert_eq!(<Vec<Option<char>> as ManyResult<u64>>::build(&ids, values()), values());
        assert_eq!(<HashMap<u64, char>>::build(&ids, values()), HashMap::from([(3, 'c')]));
        assert_eq!(<Result<BTreeMap<u64, char>, ()>>::build(&ids, values()), Ok(BTreeMap::from([(3, 'c')])));
        assert_eq!(
            <HashMap<String, char>>::build(&["a"], vec![Some('x')]),
            HashMap::from([("a".to_owned(), 'x')])
        );
    }
}
