//! The check that a value can be cached: one message, whichever trait is missing.
//!
//! [`CacheableProbe`] is probed like arguments (see [`crate::site::probe`]). Only the choice for a value that can be cached returns its
//! argument. Each of the others needs a trait that the value lacks, whose message says what is missing, and returns a type
//! that nothing determines: the compiler then reports nothing that follows from it.

use std::fmt;
use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use super::outcome::{Shape, Value};

/// A probe for the traits of the value `V`.
pub struct CacheableProbe<V>(PhantomData<fn() -> V>);

/// Starts the probe for a return type with this shape.
pub fn cacheable<R, S: Shape<R>>(_: &S) -> CacheableProbe<S::Value> {
    probe()
}

/// Starts a probe.
pub(super) fn probe<V>() -> CacheableProbe<V> {
    CacheableProbe(PhantomData)
}

impl<V> fmt::Debug for CacheableProbe<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheableProbe")
    }
}

/// The responses of axum; nothing without the feature `axum`.
pub trait ResponseValue {}
#[cfg(feature = "axum")]
impl<T: axum::response::IntoResponse> ResponseValue for T {}

/// The message for a value that cannot be read back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "this return value is not `serde::de::DeserializeOwned`",
    note = "derive `serde::Deserialize`, or return an owned type that has it"
)]
pub trait NeedsDeserialize {}
impl<T: DeserializeOwned> NeedsDeserialize for T {}

/// The message for a value that cannot be stored.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "this return value is not `serde::Serialize`",
    note = "derive `serde::Serialize`, or return a type that has it"
)]
pub trait NeedsSerialize {}
impl<T: Serialize> NeedsSerialize for T {}

/// The message for a response.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a response, and this attribute caches values",
    label = "a whole response is cached by `#[cache(response, ..)]`",
    note = "on a handler of axum, write `response` in the attribute; to cache a value instead, return a type that is `serde::Serialize` and `serde::Deserialize`"
)]
pub trait NeedsResponse {}

/// The message for any other value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "this return value needs `serde::Serialize` and `serde::de::DeserializeOwned`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it and the types in it, or return an owned type that has them",
    note = "on a handler of axum, write `#[cache(response, ..)]`: it caches the whole response"
)]
pub trait NeedsSerde {}

/// Declares a choice: the kind of the value, and the trait whose one method returns the kind.
macro_rules! choices {
    ($($(#[doc = $doc:literal])+ $via:ident for $probe:ty, [$($bound:tt)*] => $kind:ident;)*) => {
        $(
            $(#[doc = $doc])+
            pub struct $kind<V>(PhantomData<fn() -> V>);

            impl<V> fmt::Debug for $kind<V> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($kind))
                }
            }

            /// The probe for this kind.
            pub trait $via<V> {
                /// Returns the kind.
                fn __cache_cacheable(&self) -> $kind<V> {
                    $kind(PhantomData)
                }
            }
            impl<V: $($bound)*> $via<V> for $probe {}
        )*
    };
}

choices! {
    /// First choice: a value that can be cached.
    ViaSerde for &&&&CacheableProbe<V>, [Serialize + DeserializeOwned] => Cacheable;
    /// Second choice: a value that cannot be read back.
    ViaSerialize for &&&CacheableProbe<V>, [Serialize] => NotDeserialize;
    /// Third choice: a value that cannot be stored.
    ViaDeserialize for &&CacheableProbe<V>, [DeserializeOwned] => NotSerialize;
    /// Fourth choice: a response, which is neither.
    ViaResponse for &CacheableProbe<V>, [ResponseValue] => OnlyResponse;
    /// Last choice: any other value.
    ViaOther for CacheableProbe<V>, [Sized] => NotSerde;
}

impl<V: Value> Cacheable<V> {
    /// Returns the argument.
    pub fn checked<X>(&self, checked: X) -> X {
        checked
    }
}
impl<V> NotDeserialize<V> {
    /// Reports the value.
    pub fn checked<X, Y>(&self, _: X) -> Y
    where
        V: NeedsDeserialize,
    {
        unreachable!()
    }
}
impl<V> NotSerialize<V> {
    /// Reports the value.
    pub fn checked<X, Y>(&self, _: X) -> Y
    where
        V: NeedsSerialize,
    {
        unreachable!()
    }
}
impl<V> OnlyResponse<V> {
    /// Reports the value.
    pub fn checked<X, Y>(&self, _: X) -> Y
    where
        V: NeedsResponse,
    {
        unreachable!()
    }
}
impl<V> NotSerde<V> {
    /// Reports the value.
    pub fn checked<X, Y>(&self, _: X) -> Y
    where
        V: NeedsSerde,
    {
        unreachable!()
    }
}
