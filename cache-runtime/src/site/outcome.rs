//! Outcome: what of a return value may be kept, decided by its type, never by its spelling.
//!
//! [`Ret`] is probed as arguments are (see [`crate::site::probe`]); the answer is a *shape*, and it is the shape that
//! implements [`Shape`] for the return type. Aliases of `Result`, generics and `Send` all work, because nothing looks
//! at how the type is written.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use crate::codec::{Decode, Encode};

/// What can be kept: every type that is `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in the cache",
    label = "this return value needs `serde::Serialize` and `serde::de::DeserializeOwned`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or return an owned type that has them",
    note = "on a handler of axum, write `#[cache(response, ..)]`: it keeps the whole response"
)]
pub trait Value: Encode + Decode {}
impl<T: Serialize + DeserializeOwned> Value for T {}

/// A result taken apart, so that an error, which need not be `Send`, is never held while the cache is waited for.
#[derive(Debug)]
pub enum Split<R, V> {
    /// A value that may be kept.
    Value(V),
    /// `None`: kept only with `none_expire`.
    Nothing,
    /// `Err`: never kept.
    Failure(R),
    /// A result for this caller and nobody else, which is no failure.
    Alone(R),
}

/// How a return type `R` relates to the value that is kept.
pub trait Shape<R> {
    /// What is kept.
    type Value;
    /// Whether those who wait for a result that cannot be handed over compute all at once, and not one after the other.
    const SCATTERS: bool = false;
    /// Whether a result without a value counts as success for `#[cache_evict]`: `Ok(None)` does, `None` does not.
    const NOTHING_SUCCEEDS: bool;
    /// What the result came to.
    fn split(result: R) -> Split<R, Self::Value>;
    /// The result that a kept value stands for.
    fn value(value: Self::Value) -> R;
    /// The result that a kept value stands for which is past its expiry.
    fn old(value: Self::Value) -> R {
        Self::value(value)
    }
    /// The result that a kept `None` stands for, where there is one.
    fn nothing() -> Option<R>;
}

/// Puts together what [`Shape::split`] took apart.
pub(crate) fn rebuild<R, S: Shape<R>>(value: Option<S::Value>) -> R {
    match value {
        Some(value) => S::value(value),
        None => {
            S::nothing().unwrap_or_else(|| unreachable!("a shape that splits off a `None` can rebuild it"))
        }
    }
}

/// [`rebuild`] for what is past its expiry.
pub(crate) fn rebuild_old<R, S: Shape<R>>(value: Option<S::Value>) -> R {
    match value {
        Some(value) => S::old(value),
        None => rebuild::<R, S>(None),
    }
}

/// The return type, on its way to its shape.
pub struct Ret<R>(PhantomData<fn() -> R>);

impl<R> Ret<R> {
    /// The return type `R`.
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

/// Any other type: the value itself is kept.
#[derive(Debug, Clone, Copy)]
pub struct AsPlain;
/// `Option<T>`: `T` is kept.
#[derive(Debug, Clone, Copy)]
pub struct AsOption;
/// `Result<T, E>`: `T` is kept.
#[derive(Debug, Clone, Copy)]
pub struct AsResult;
/// `Result<Option<T>, E>`: `T` is kept.
#[derive(Debug, Clone, Copy)]
pub struct AsResultOption;

impl<T> Shape<T> for AsPlain {
    type Value = T;
    const NOTHING_SUCCEEDS: bool = false;
    fn split(result: T) -> Split<T, T> {
        Split::Value(result)
    }
    fn value(value: T) -> T {
        value
    }
    fn nothing() -> Option<T> {
        None
    }
}

impl<T> Shape<Option<T>> for AsOption {
    type Value = T;
    const NOTHING_SUCCEEDS: bool = false;
    fn split(result: Option<T>) -> Split<Option<T>, T> {
        result.map_or(Split::Nothing, Split::Value)
    }
    fn value(value: T) -> Option<T> {
        Some(value)
    }
    fn nothing() -> Option<Option<T>> {
        Some(None)
    }
}

impl<T, E> Shape<Result<T, E>> for AsResult {
    type Value = T;
    const NOTHING_SUCCEEDS: bool = false;
    fn split(result: Result<T, E>) -> Split<Result<T, E>, T> {
        result.map_or_else(|error| Split::Failure(Err(error)), Split::Value)
    }
    fn value(value: T) -> Result<T, E> {
        Ok(value)
    }
    fn nothing() -> Option<Result<T, E>> {
        None
    }
}

impl<T, E> Shape<Result<Option<T>, E>> for AsResultOption {
    type Value = T;
    const NOTHING_SUCCEEDS: bool = true;
    fn split(result: Result<Option<T>, E>) -> Split<Result<Option<T>, E>, T> {
        match result {
            Ok(Some(value)) => Split::Value(value),
            Ok(None) => Split::Nothing,
            failure => Split::Failure(failure),
        }
    }
    fn value(value: T) -> Result<Option<T>, E> {
        Ok(Some(value))
    }
    fn nothing() -> Option<Result<Option<T>, E>> {
        Some(Ok(None))
    }
}

/// First choice: `Result<Option<T>, E>`.
pub trait ViaResultOption {
    /// Both rules.
    fn __cache_shape(&self) -> AsResultOption {
        AsResultOption
    }
}
impl<T, E> ViaResultOption for &&&Ret<Result<Option<T>, E>> {}

/// Second choice: `Result<T, E>`.
pub trait ViaResult {
    /// `Ok` is kept.
    fn __cache_shape(&self) -> AsResult {
        AsResult
    }
}
impl<T, E> ViaResult for &&Ret<Result<T, E>> {}

/// Third choice: `Option<T>`.
pub trait ViaOption {
    /// `Some` is kept.
    fn __cache_shape(&self) -> AsOption {
        AsOption
    }
}
impl<T> ViaOption for &Ret<Option<T>> {}

/// Last choice: everything else.
pub trait ViaPlain {
    /// The value is kept.
    fn __cache_shape(&self) -> AsPlain {
        AsPlain
    }
}
impl<T> ViaPlain for Ret<T> {}

/// What else the types allow: a value that is `Clone` need not be decoded again in this process, an error that is
/// `Clone` can be handed to everybody who waited for the failed computation.
pub struct ValueCaps<R, V> {
    pub(crate) clone: Option<TypedCopy<V>>,
    pub(crate) share: Option<Shared<R>>,
}

/// How a typed copy of a value is kept beside its bytes.
pub(crate) struct TypedCopy<V> {
    pub(crate) erase: fn(&V) -> Arc<dyn Any + Send + Sync>,
    pub(crate) copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
}

/// How a failure is handed to those who wait for it.
pub(crate) struct Shared<R> {
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
impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for Shared<R> {}

impl<R, V> fmt::Debug for ValueCaps<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueCaps")
            .field("clone", &self.clone.is_some())
            .field("share", &self.share.is_some())
            .finish()
    }
}

/// Return type and value, on their way to [`ValueCaps`].
pub struct ValueCapsProbe<R, V>(PhantomData<fn() -> (R, V)>);

impl<R, V> fmt::Debug for ValueCapsProbe<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueCapsProbe")
    }
}

/// Starts the probe for what the types allow.
pub fn value_caps<R, S: Shape<R>>(_: &S) -> ValueCapsProbe<R, S::Value> {
    ValueCapsProbe(PhantomData)
}

/// Nothing but bytes: for types that may hold borrowed data.
pub fn bytes_only<R, S: Shape<R>>(_: &S) -> ValueCaps<R, S::Value> {
    ValueCaps { clone: None, share: None }
}

pub(crate) fn typed<V: Clone + Send + Sync + 'static>() -> TypedCopy<V> {
    TypedCopy { erase: |value| Arc::new(value.clone()), copy: |any| any.downcast_ref::<V>().cloned() }
}

/// Whether the value is `Clone`.
pub trait ViaClone<R, V> {
    /// A typed copy is kept.
    fn __cache_caps(&self) -> ValueCaps<R, V>;
}
impl<R, V: Clone + Send + Sync + 'static> ViaClone<R, V> for &ValueCapsProbe<R, V> {
    fn __cache_caps(&self) -> ValueCaps<R, V> {
        ValueCaps { clone: Some(typed()), share: None }
    }
}

/// Everything else.
pub trait ViaDecode<R, V> {
    /// Only bytes are kept.
    fn __cache_caps(&self) -> ValueCaps<R, V>;
}
impl<R, V> ViaDecode<R, V> for ValueCapsProbe<R, V> {
    fn __cache_caps(&self) -> ValueCaps<R, V> {
        ValueCaps { clone: None, share: None }
    }
}

/// Whether the error is `Clone`.
pub trait ViaShare<R> {
    /// A failure is shared.
    fn __cache_share(&self) -> Option<SharedFailure<R>>;
}
impl<T, E: Clone + Send + Sync + 'static> ViaShare<Result<T, E>> for &Ret<Result<T, E>> {
    fn __cache_share(&self) -> Option<SharedFailure<Result<T, E>>> {
        Some(SharedFailure(Shared {
            erase: |result| result.as_ref().err().map(|error| Arc::new(error.clone()) as _),
            copy: |any| any.downcast_ref::<E>().cloned().map(Err),
        }))
    }
}

/// Everything else.
pub trait ViaOwn<R> {
    /// A failure belongs to the caller that got it.
    fn __cache_share(&self) -> Option<SharedFailure<R>>;
}
impl<R> ViaOwn<R> for Ret<R> {
    fn __cache_share(&self) -> Option<SharedFailure<R>> {
        None
    }
}

/// How a failure is shared; made by [`ViaShare`], used by [`ValueCaps::sharing`].
pub struct SharedFailure<R>(Shared<R>);

impl<R> fmt::Debug for SharedFailure<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedFailure")
    }
}

impl<R, V> ValueCaps<R, V> {
    /// The error of a failed computation for the waiting calls, if the error can be cloned.
    pub(crate) fn share_failure(&self, result: &R) -> Option<Arc<dyn Any + Send + Sync>> {
        self.share.and_then(|share| (share.erase)(result))
    }

    /// Nothing but bytes.
    pub(crate) const fn bytes() -> Self {
        Self { clone: None, share: None }
    }

    /// Adds how a failure is shared.
    #[must_use]
    pub fn sharing(mut self, failure: Option<SharedFailure<R>>) -> Self {
        self.share = failure.map(|SharedFailure(shared)| shared);
        self
    }
}
