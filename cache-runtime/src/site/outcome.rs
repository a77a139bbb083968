//! The part of a return value that is cached: chosen by its type, not by how the type is written.
//!
//! [`Ret`] is probed like arguments (see [`crate::site::probe`]). The result of the probe is a *shape*: a type that implements
//! [`Shape`] for the return type. Since only types decide, aliases of `Result` and generic return types work as well.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

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
    /// True if a result that cannot be shared releases all waiting calls, so that they compute concurrently. Otherwise they
    /// compute one after the other.
    const RELEASES_WAITERS: bool = false;
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

/// The optional capabilities of value and error: a value that is `Clone` need not be decoded again in this process, and an
/// error that is `Clone` can be returned to all calls that waited for the failed computation.
pub struct ValueCaps<R, V> {
    pub(crate) clone: Option<TypedCopy<V>>,
    pub(crate) share: Option<SharedFailure<R>>,
}

/// The functions that erase the type of a clone of a value, and restore it. The clone is cached beside the encoded value.
pub(crate) struct TypedCopy<V> {
    pub(crate) erase: fn(&V) -> Arc<dyn Any + Send + Sync>,
    pub(crate) copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
}

/// The functions that erase the type of a clone of an error, and restore it as a result. The clone is for waiting calls.
pub struct SharedFailure<R> {
    pub(crate) erase: fn(&R) -> Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) copy: fn(&(dyn Any + Send + Sync)) -> Option<R>,
}

impl<R, V> Clone for ValueCaps<R, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R, V> Copy for ValueCaps<R, V> {}
impl<V> Clone for TypedCopy<V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V> Copy for TypedCopy<V> {}
impl<R> Clone for SharedFailure<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for SharedFailure<R> {}

impl<R, V> fmt::Debug for ValueCaps<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueCaps")
            .field("clone", &self.clone.is_some())
            .field("share", &self.share.is_some())
            .finish()
    }
}

/// A probe for the [`ValueCaps`] of return type and value.
pub struct ValueCapsProbe<R, V>(PhantomData<fn() -> (R, V)>);

impl<R, V> fmt::Debug for ValueCapsProbe<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueCapsProbe")
    }
}

/// Starts the probe for the capabilities of a return type with this shape.
pub fn value_caps<R, S: Shape<R>>(_: &S) -> ValueCapsProbe<R, S::Value> {
    ValueCapsProbe(PhantomData)
}

/// Returns no capabilities: for types that may hold borrowed data.
pub fn bytes_only<R, S: Shape<R>>(_: &S) -> ValueCaps<R, S::Value> {
    ValueCaps { clone: None, share: None }
}

/// Returns the functions for a value that is `Clone`.
pub(crate) fn typed<V: Clone + Send + Sync + 'static>() -> TypedCopy<V> {
    TypedCopy { erase: |value| Arc::new(value.clone()), copy: |any| any.downcast_ref::<V>().cloned() }
}

/// First choice: the value is `Clone`.
pub trait ViaClone<R, V> {
    /// Returns the capabilities.
    fn __cache_caps(&self) -> ValueCaps<R, V>;
}
impl<R, V: Clone + Send + Sync + 'static> ViaClone<R, V> for &ValueCapsProbe<R, V> {
    fn __cache_caps(&self) -> ValueCaps<R, V> {
        ValueCaps { clone: Some(typed()), share: None }
    }
}

/// Last choice: every other value.
pub trait ViaDecode<R, V> {
    /// Returns the capabilities.
    fn __cache_caps(&self) -> ValueCaps<R, V>;
}
impl<R, V> ViaDecode<R, V> for ValueCapsProbe<R, V> {
    fn __cache_caps(&self) -> ValueCaps<R, V> {
        ValueCaps { clone: None, share: None }
    }
}

/// First choice: a result whose error is `Clone`.
pub trait ViaShare<R> {
    /// Returns the functions that share a failure.
    fn __cache_share(&self) -> Option<SharedFailure<R>>;
}
impl<T, E: Clone + Send + Sync + 'static> ViaShare<Result<T, E>> for &Ret<Result<T, E>> {
    fn __cache_share(&self) -> Option<SharedFailure<Result<T, E>>> {
        Some(SharedFailure {
            erase: |result| result.as_ref().err().map(|error| Arc::new(error.clone()) as _),
            copy: |any| any.downcast_ref::<E>().cloned().map(Err),
        })
    }
}

/// Last choice: every other result.
pub trait ViaOwn<R> {
    /// Returns `None`: a failure is for its own caller only.
    fn __cache_share(&self) -> Option<SharedFailure<R>>;
}
impl<R> ViaOwn<R> for Ret<R> {
    fn __cache_share(&self) -> Option<SharedFailure<R>> {
        None
    }
}

impl<R> fmt::Debug for SharedFailure<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedFailure")
    }
}

impl<R, V> ValueCaps<R, V> {
    /// Clones the error of a failed computation for the waiting calls, if the error is `Clone`.
    pub(crate) fn share_failure(&self, result: &R) -> Option<Arc<dyn Any + Send + Sync>> {
        self.share.and_then(|share| (share.erase)(result))
    }

    /// Returns no capabilities.
    pub(crate) const fn bytes() -> Self {
        Self { clone: None, share: None }
    }

    /// Adds the functions that share a failure.
    #[must_use]
    pub fn sharing(mut self, failure: Option<SharedFailure<R>>) -> Self {
        self.share = failure;
        self
    }
}
