//! The options of an attribute that look at the value: `unless` and `expire_with`.

use crate::site::outcome::Shape;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::expire::IntoExpire;

/// The answer of `expire_with` for a value; `None` where the attribute has no such option.
pub type ValueExpiry = Option<Result<Expire, Error>>;

/// The options that look at the value.
pub(crate) struct Rules<U, W> {
    pub(crate) unless: U,
    pub(crate) expire_with: W,
}

/// What [`Rules`] answer for a value.
pub(crate) trait ValueRules<V> {
    /// Whether it is not to be kept.
    fn refuses(&self, value: &V) -> bool;
    /// An expiry of its own.
    fn special(&self, value: &V) -> ValueExpiry;
}

impl<V, U: Fn(&V) -> bool, W: Fn(&V) -> ValueExpiry> ValueRules<V> for Rules<U, W> {
    fn refuses(&self, value: &V) -> bool {
        (self.unless)(value)
    }
    fn special(&self, value: &V) -> ValueExpiry {
        (self.expire_with)(value)
    }
}

/// `unless = ..`.
pub fn unless<R, S: Shape<R>, F: Fn(&S::Value) -> bool>(_: &S, unless: F) -> F {
    unless
}

/// No `unless`.
pub fn no_unless<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> bool + use<R, S> {
    |_| false
}

/// `expire_with = ..`.
pub fn expire_with<R, S: Shape<R>, E: IntoExpire, F: Fn(&S::Value) -> E>(
    _: &S,
    expire: F,
) -> impl Fn(&S::Value) -> ValueExpiry + use<R, S, E, F> {
    move |value| Some(expire(value).into_expire())
}

/// No `expire_with`.
pub fn no_expire_with<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> ValueExpiry + use<R, S> {
    |_| None
}
