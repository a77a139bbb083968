//! The options of an attribute that look at the value: `unless` and `expire_with`.

use crate::site::outcome::Shape;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::expire::IntoExpire;

/// The answer of `expire_with` for a value; `None` where the attribute has no such option.
pub type ValueExpiry = Option<Result<Expire, Error>>;

/// `unless` and `expire_with` of one attribute.
#[derive(Debug)]
pub struct Rules<U, W> {
    unless: U,
    expire_with: W,
}

/// The decisions that a value takes part in.
pub trait ValueRules<V> {
    /// Whether the value is not to be cached.
    fn refuses(&self, value: &V) -> bool;
    /// The expiry of this value, where it has one of its own.
    fn expiry(&self, value: &V) -> ValueExpiry;
}

impl<U, W> Rules<U, W> {
    /// The rules that these two closures make.
    pub fn new(unless: U, expire_with: W) -> Self {
        Self { unless, expire_with }
    }
}

impl<V, U: Fn(&V) -> bool, W: Fn(&V) -> ValueExpiry> ValueRules<V> for Rules<U, W> {
    fn refuses(&self, value: &V) -> bool {
        (self.unless)(value)
    }
    fn expiry(&self, value: &V) -> ValueExpiry {
        (self.expire_with)(value)
    }
}

/// `unless = ..`.
pub fn unless<R, S: Shape<R>, F: Fn(&S::Value) -> bool>(_: &S, unless: F) -> F {
    unless
}

/// In place of `unless` where there is none.
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

/// In place of `expire_with` where there is none.
pub fn no_expire_with<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> ValueExpiry + use<R, S> {
    |_| None
}
