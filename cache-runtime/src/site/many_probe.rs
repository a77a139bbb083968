//! The type of the ids of a function for several ids, and what it and the result decide together.

use std::fmt;
use std::marker::PhantomData;

use super::cacheable::{CacheableProbe, probe};
use super::many_id::ManyId;
use super::many_result::{EachResult, ManyResult};
use super::outcome::Value;
use super::rules::ValueExpiry;
use super::value_caps::{ValueCaps, ValueCapsProbe, caps_probe};
use crate::codec::{Codec, Decode, Encode};
use crate::types::expire::IntoExpire;

/// The type of the ids. It is known before the result is looked at, so that a wrong result is one error that names both.
pub struct Ids<T>(PhantomData<fn() -> T>);

/// Returns the type of the ids.
pub fn ids<T: ManyId>(_: &[T]) -> Ids<T> {
    Ids(PhantomData)
}

impl<T> Ids<T> {
    /// Starts the probe for the traits of the value of one id.
    ///
    /// This is the first statement about the result, so a result that is none for several ids is reported first.
    #[must_use]
    pub fn cacheable<R: ManyResult<T>>(&self) -> CacheableProbe<R::Value> {
        probe()
    }

    /// Returns the argument.
    pub fn checked<R: ManyResult<T, Checked<X> = X>, X>(&self, checked: X) -> R::Checked<X> {
        checked
    }

    /// Starts the probe for the capabilities of the value of one id.
    #[must_use]
    pub fn caps<R: ManyResult<T, Value: Value>>(&self) -> ValueCapsProbe<EachResult<R::Value>, R::Value> {
        caps_probe()
    }

    /// Returns no capabilities: for types that may hold borrowed data.
    #[must_use]
    pub fn bytes_only<R: ManyResult<T, Value: Value>>(&self) -> ValueCaps<EachResult<R::Value>, R::Value> {
        ValueCaps::bytes()
    }

    /// Returns the function that gives the shape of the value of one id as a codec stores it.
    #[must_use]
    pub fn shape<R: ManyResult<T, Value: Value>>(&self) -> fn(Codec) -> u64 {
        |codec| R::Value::shape(R::Value::form(codec))
    }

    /// Returns the closure of `unless = ..`, with the type of its argument inferred from the result.
    pub fn unless<R: ManyResult<T>, F: Fn(&R::Value) -> bool>(&self, unless: F) -> F {
        unless
    }

    /// Returns the closure of `expire_with = ..`, with its result converted.
    pub fn expire_with<R: ManyResult<T>, E: IntoExpire, F: Fn(&R::Value) -> E>(
        &self,
        expire: F,
    ) -> impl Fn(&R::Value) -> ValueExpiry + use<R, T, E, F> {
        move |value| Some(expire(value).into_expire())
    }
}

impl<T> fmt::Debug for Ids<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}
