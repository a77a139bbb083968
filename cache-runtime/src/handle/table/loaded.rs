//! The results of loaders.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use crate::site::many_result::ManyResult;
use crate::site::outcome::{AsOption, AsPlain, AsResult, AsResultOption, Shape};

/// The result of the loader of a [`Table`](crate::Table) of `V`: `V`, `Option<V>`, `Result<V, E>` or `Result<Option<V>, E>`.
///
/// It is cached as a result of `#[cache]` is: an `Err` never, a `None` only with
/// [`none_expire`](crate::TableBuilder::none_expire).
#[diagnostic::on_unimplemented(
    message = "a loader of `{V}` cannot return `{Self}`",
    label = "expected `{V}`, `Option<{V}>`, `Result<{V}, E>` or `Result<Option<{V}>, E>`"
)]
pub trait Loaded<V>: Sized + 'static {
    /// The part of the result that is cached.
    #[doc(hidden)]
    type Shape: Shape<Self, Value = V> + 'static;
}

impl<V: 'static> Loaded<V> for V {
    type Shape = AsPlain;
}
impl<V: 'static> Loaded<V> for Option<V> {
    type Shape = AsOption;
}
impl<V: 'static, E: 'static> Loaded<V> for Result<V, E> {
    type Shape = AsResult;
}
impl<V: 'static, E: 'static> Loaded<V> for Result<Option<V>, E> {
    type Shape = AsResultOption;
}

/// The result of the loader of a [`BulkTable`](crate::BulkTable): a `HashMap` or `BTreeMap` from ids to values, `Vec<(K, V)>` or
/// `Vec<Option<V>>` in the order of the ids, each in a `Result` or not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a result for several ids of type `{K}` with values `{V}`",
    label = "one value for each id is expected here",
    note = "return a `HashMap` or `BTreeMap` from ids to values, `Vec<(K, V)>`, or `Vec<Option<V>>` in the order of the ids; each may be in a `Result`"
)]
pub trait LoadedMany<K, V>: ManyResult<K, Value = V> + 'static {
    /// The result for one id: `Option<V>`, in a `Result` where the loader returns one.
    type One;
    /// Returns the result of a call for one id.
    #[doc(hidden)]
    fn into_one(self) -> Self::One;
}

impl<K, V, S> LoadedMany<K, V> for HashMap<K, V, S>
where
    K: Clone + Eq + Hash + 'static,
    V: 'static,
    S: BuildHasher + Default + 'static,
{
    type One = Option<V>;
    fn into_one(self) -> Option<V> {
        self.into_values().next()
    }
}
impl<K: Clone + Ord + 'static, V: 'static> LoadedMany<K, V> for BTreeMap<K, V> {
    type One = Option<V>;
    fn into_one(self) -> Option<V> {
        self.into_values().next()
    }
}
impl<K: Clone + Eq + Hash + 'static, V: 'static> LoadedMany<K, V> for Vec<(K, V)> {
    type One = Option<V>;
    fn into_one(self) -> Option<V> {
        self.into_iter().next().map(|(_, value)| value)
    }
}
impl<K: 'static, V: 'static> LoadedMany<K, V> for Vec<Option<V>> {
    type One = Option<V>;
    fn into_one(self) -> Option<V> {
        self.into_iter().next().flatten()
    }
}
impl<K, V, M: LoadedMany<K, V>, E: 'static> LoadedMany<K, V> for Result<M, E> {
    type One = Result<M::One, E>;
    fn into_one(self) -> Self::One {
        self.map(M::into_one)
    }
}
