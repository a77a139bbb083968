//! The optional capabilities of a function's value and error, found by their types.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::comparison::Comparison;
use super::outcome::{Ret, Shape, Value};
use super::typed_source::{AnyValue, HeldValue, TypedSource};
use crate::codec::{Codec, Decode, Encode};
use crate::rt::caught::{caught, is_plain};

/// The optional capabilities of value and error: a value that is `Clone` need not be decoded again in this process, and an
/// error that is `Clone` can be returned to all calls that waited for the failed computation.
pub struct ValueCaps<R, V> {
    pub(crate) clone: Option<TypedCopy<V>>,
    pub(crate) share: Option<SharedFailure<R>>,
    /// Only builds with debug assertions compare.
    #[cfg(debug_assertions)]
    pub(crate) comparison: Comparison<V>,
}

/// The functions that erase the type of a clone of a value, and restore it. The clone is cached beside the encoded value.
pub(crate) struct TypedCopy<V> {
    /// `None` if the value's `Clone` panicked.
    pub(crate) erase: fn(&V) -> Option<AnyValue>,
    pub(crate) copy: fn(&AnyValue) -> Option<V>,
    /// Returns a copy of the value that the source has.
    pub(crate) read: fn(&dyn TypedSource) -> Option<V>,
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
///
/// This is the first statement about the value, so a value that cannot be cached is reported before the arguments.
pub fn value_caps<R, S: Shape<R, Value: Value>>(_: &S) -> ValueCapsProbe<R, S::Value> {
    ValueCapsProbe(PhantomData)
}

/// Starts a probe.
pub(super) fn caps_probe<R, V>() -> ValueCapsProbe<R, V> {
    ValueCapsProbe(PhantomData)
}

/// Returns no capabilities: for types that may hold borrowed data.
pub fn bytes_only<R, S: Shape<R, Value: Value>>(_: &S) -> ValueCaps<R, S::Value> {
    ValueCaps::bytes()
}

/// Returns the function that gives the shape of a value as a codec stores it.
pub fn value_shape<R, S: Shape<R, Value: Value>>(_: &S) -> fn(Codec) -> u64 {
    |codec| S::Value::shape(S::Value::form(codec))
}

/// Returns the name of the type of the value.
pub fn value_type<R, S: Shape<R>>(_: &S) -> &'static str {
    std::any::type_name::<S::Value>()
}

/// Returns the functions for a value that is `Clone`.
pub(crate) fn typed<V: Clone + Send + Sync + 'static>() -> TypedCopy<V> {
    TypedCopy {
        erase: |value| caught(|| Arc::new(value.clone()) as _),
        copy: copied,
        read: |source| read(source, |held| copied(held.get())),
    }
}

#[inline]
fn copied<V: Clone + 'static>(any: &AnyValue) -> Option<V> {
    let copy = || any.downcast_ref::<V>().cloned();
    if is_plain::<V>() { copy() } else { caught(copy).flatten() }
}

/// Returns the functions for an `Arc`, which is held as it is: a hit follows one pointer and not two.
fn pointed<T: Send + Sync + 'static>() -> TypedCopy<Arc<T>> {
    TypedCopy {
        erase: |value| Some(Arc::clone(value) as _),
        copy: |any| Arc::clone(any).downcast().ok(),
        read: |source| read(source, |held| held.into_own().downcast().ok()),
    }
}

#[inline]
fn read<V>(source: &dyn TypedSource, copy: impl Fn(HeldValue<'_>) -> Option<V>) -> Option<V> {
    let mut value = None;
    source.read(&mut |held| {
        value = copy(held);
        value.is_some()
    });
    value
}

/// First choice: the value is an `Arc`.
pub trait ViaArc<R, V> {
    /// Returns the capabilities.
    fn __cache_caps(&self) -> ValueCaps<R, V>;
}
impl<R, T: Send + Sync + 'static> ViaArc<R, Arc<T>> for &&ValueCapsProbe<R, Arc<T>> {
    fn __cache_caps(&self) -> ValueCaps<R, Arc<T>> {
        ValueCaps { clone: Some(pointed()), ..ValueCaps::bytes() }
    }
}

/// Second choice: the value is `Clone`.
pub trait ViaClone<R, V> {
    /// Returns the capabilities.
    fn __cache_caps(&self) -> ValueCaps<R, V>;
}
impl<R, V: Clone + Send + Sync + 'static> ViaClone<R, V> for &ValueCapsProbe<R, V> {
    fn __cache_caps(&self) -> ValueCaps<R, V> {
        ValueCaps { clone: Some(typed()), ..ValueCaps::bytes() }
    }
}

/// Last choice: every other value.
pub trait ViaDecode<R, V> {
    /// Returns the capabilities.
    fn __cache_caps(&self) -> ValueCaps<R, V>;
}
impl<R, V> ViaDecode<R, V> for ValueCapsProbe<R, V> {
    fn __cache_caps(&self) -> ValueCaps<R, V> {
        ValueCaps::bytes()
    }
}

/// First choice: the value is `PartialEq`.
pub trait ViaEqual<V> {
    /// Returns the equality.
    fn __cache_equal(&self) -> Option<fn(&V, &V) -> bool>;
}
impl<R, V: PartialEq> ViaEqual<V> for &ValueCapsProbe<R, V> {
    fn __cache_equal(&self) -> Option<fn(&V, &V) -> bool> {
        Some(V::eq)
    }
}

/// Last choice: every other value.
pub trait ViaNoEqual<V> {
    /// Returns `None`.
    fn __cache_equal(&self) -> Option<fn(&V, &V) -> bool>;
}
impl<R, V> ViaNoEqual<V> for ValueCapsProbe<R, V> {
    fn __cache_equal(&self) -> Option<fn(&V, &V) -> bool> {
        None
    }
}

/// First choice: the value is `Debug`.
pub trait ViaDebug<V> {
    /// Returns the function that writes a value for comparison.
    fn __cache_text(&self) -> Option<fn(&V) -> String>;
}
impl<R, V: fmt::Debug> ViaDebug<V> for &ValueCapsProbe<R, V> {
    fn __cache_text(&self) -> Option<fn(&V) -> String> {
        Some(|value| format!("{value:?}"))
    }
}

/// Last choice: every other value.
pub trait ViaNoDebug<V> {
    /// Returns `None`.
    fn __cache_text(&self) -> Option<fn(&V) -> String>;
}
impl<R, V> ViaNoDebug<V> for ValueCapsProbe<R, V> {
    fn __cache_text(&self) -> Option<fn(&V) -> String> {
        None
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
    /// Returns no capabilities.
    pub(crate) const fn bytes() -> Self {
        Self {
            clone: None,
            share: None,
            #[cfg(debug_assertions)]
            comparison: Comparison::none(),
        }
    }

    /// Returns the comparison of values.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::unused_self, reason = "debug builds keep what the probes found")
    )]
    pub(crate) fn comparison(&self) -> Comparison<V> {
        #[cfg(debug_assertions)]
        return self.comparison;
        #[cfg(not(debug_assertions))]
        Comparison::none()
    }

    /// Adds the ways to compare values.
    #[must_use]
    #[cfg_attr(
        not(debug_assertions),
        expect(unused_mut, unused_variables, reason = "only debug assertions compare")
    )]
    pub fn comparing(mut self, equal: Option<fn(&V, &V) -> bool>, text: Option<fn(&V) -> String>) -> Self {
        #[cfg(debug_assertions)]
        {
            self.comparison = Comparison::new(equal, text);
        }
        self
    }

    /// Adds the functions that share a failure.
    #[must_use]
    pub fn sharing(mut self, failure: Option<SharedFailure<R>>) -> Self {
        self.share = failure;
        self
    }
}
