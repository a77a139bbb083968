//! The part of a return value that is cached: chosen by its type, not by how the type is written.
//!
//! [`Ret`] is probed like arguments (see [`crate::site::probe`]). The result of the probe is a *shape*: a type that implements
//! [`Shape`] for the return type. Since only types decide, aliases of `Result` and generic return types work as well.

use std::fmt;
use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::codec::{Decode, Encode};

/// A value that can be cached: every type that is `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "this return value needs `serde::Serialize` and `serde::de::DeserializeOwned`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or return an owned type that has them",
    note = "on a handler of axum, write `#[cache(response, ..)]`: it caches the whole response"
)]
pub trait Value: Encode + Decode {}
impl<T: Serialize + DeserializeOwned> Value for T {}

/// A result, split so that an error, which need not be `Send`, is never held across an `.await`.
#[derive(Debug)]
pub enum Split<R, V> {
    /// A value that can be cached.
    Value(V),
    /// `None`: cached only with `none_expire`.
    None,
    /// `Err`: never cached.
    Failure(R),
    /// A successful result that only its own caller may receive.
    Unshared(R),
}

/// The relation between a return type `R` and the value that is cached.
pub trait Shape<R> {
    /// The value that is cached.
    type Value;
    /// True if a result without a value counts as success for `#[cache_evict]`: `Ok(None)` does, `None` does not.
    const NONE_IS_SUCCESS: bool;
    /// Splits a result.
    fn split(result: R) -> Split<R, Self::Value>;
    /// Returns the result for a cached value.
    fn value(value: Self::Value) -> R;
    /// Returns the result for a cached value past its expiry.
    fn stale(value: Self::Value) -> R {
        Self::value(value)
    }
    /// Returns the result for a cached `None`, if the return type has one.
    fn none() -> Option<R>;
}

/// Returns the result for a value, or for the lack of one, that [`Shape::split`] returned.
pub(crate) fn rebuild<R, S: Shape<R>>(value: Option<S::Value>) -> R {
    match value {
        Some(value) => S::value(value),
        None => S::none().unwrap_or_else(|| unreachable!("a shape that splits off a `None` can rebuild it")),
    }
}

/// [`rebuild`] for a value past its expiry.
pub(crate) fn rebuild_stale<R, S: Shape<R>>(value: Option<S::Value>) -> R {
    match value {
        Some(value) => S::stale(value),
        None => rebuild::<R, S>(None),
    }
}

/// A probe for the shape of the return type `R`.
pub struct Ret<R>(PhantomData<fn() -> R>);

impl<R> Ret<R> {
    /// Creates the probe.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Default for Ret<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> fmt::Debug for Ret<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<R>())
    }
}

/// The shape of any other type: the value itself is cached.
#[derive(Debug, Clone, Copy)]
pub struct AsPlain;
/// The shape of `Option<T>`: `T` is cached.
#[derive(Debug, Clone, Copy)]
pub struct AsOption;
/// The shape of `Result<T, E>`: `T` is cached.
#[derive(Debug, Clone, Copy)]
pub struct AsResult;
/// The shape of `Result<Option<T>, E>`: `T` is cached.
#[derive(Debug, Clone, Copy)]
pub struct AsResultOption;

impl<T> Shape<T> for AsPlain {
    type Value = T;
    const NONE_IS_SUCCESS: bool = false;
    fn split(result: T) -> Split<T, T> {
        Split::Value(result)
    }
    fn value(value: T) -> T {
        value
    }
    fn none() -> Option<T> {
        None
    }
}

impl<T> Shape<Option<T>> for AsOption {
    type Value = T;
    const NONE_IS_SUCCESS: bool = false;
    fn split(result: Option<T>) -> Split<Option<T>, T> {
        result.map_or(Split::None, Split::Value)
    }
    fn value(value: T) -> Option<T> {
        Some(value)
    }
    fn none() -> Option<Option<T>> {
        Some(None)
    }
}

impl<T, E> Shape<Result<T, E>> for AsResult {
    type Value = T;
    const NONE_IS_SUCCESS: bool = false;
    fn split(result: Result<T, E>) -> Split<Result<T, E>, T> {
        result.map_or_else(|error| Split::Failure(Err(error)), Split::Value)
    }
    fn value(value: T) -> Result<T, E> {
        Ok(value)
    }
    fn none() -> Option<Result<T, E>> {
        None
    }
}

impl<T, E> Shape<Result<Option<T>, E>> for AsResultOption {
    type Value = T;
    const NONE_IS_SUCCESS: bool = true;
    fn split(result: Result<Option<T>, E>) -> Split<Result<Option<T>, E>, T> {
        match result {
            Ok(Some(value)) => Split::Value(value),
            Ok(None) => Split::None,
            failure => Split::Failure(failure),
        }
    }
    fn value(value: T) -> Result<Option<T>, E> {
        Ok(Some(value))
    }
    fn none() -> Option<Result<Option<T>, E>> {
        Some(Ok(None))
    }
}

/// The shapes that have a `None`.
#[diagnostic::on_unimplemented(
    message = "the result has no `None`, so `none_expire` has nothing to do; remove it, or return `Option<T>` or `Result<Option<T>, E>`",
    label = "for results with a `None`"
)]
pub trait HasNone {}
impl HasNone for AsOption {}
impl HasNone for AsResultOption {}

/// Checks that `none_expire` has something to do.
pub fn has_none<S: HasNone>(_: &S) {}

/// First choice: `Result<Option<T>, E>`.
pub trait ViaResultOption {
    /// Returns [`AsResultOption`].
    fn __cache_shape(&self) -> AsResultOption {
        AsResultOption
    }
}
impl<T, E> ViaResultOption for &&&Ret<Result<Option<T>, E>> {}

/// Second choice: `Result<T, E>`.
pub trait ViaResult {
    /// Returns [`AsResult`].
    fn __cache_shape(&self) -> AsResult {
        AsResult
    }
}
impl<T, E> ViaResult for &&Ret<Result<T, E>> {}

/// Third choice: `Option<T>`.
pub trait ViaOption {
    /// Returns [`AsOption`].
    fn __cache_shape(&self) -> AsOption {
        AsOption
    }
}
impl<T> ViaOption for &Ret<Option<T>> {}

/// Last choice: everything else.
pub trait ViaPlain {
    /// Returns [`AsPlain`].
    fn __cache_shape(&self) -> AsPlain {
        AsPlain
    }
}
impl<T> ViaPlain for Ret<T> {}
