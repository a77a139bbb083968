//! The closures of an attribute, given the types of the value they look at.

use crate::engine::Special;
use crate::expire::IntoExpire;
use crate::outcome::Shape;

/// `unless = ..`.
pub fn unless<R, S: Shape<R>, F: Fn(&S::Value) -> bool>(_: &S, unless: F) -> F {
    unless
}

/// No `unless`.
pub fn never<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> bool + use<R, S> {
    |_| false
}

/// `expire_with = ..`.
pub fn expire_with<R, S: Shape<R>, E: IntoExpire, F: Fn(&S::Value) -> E>(
    _: &S,
    expire: F,
) -> impl Fn(&S::Value) -> Special + use<R, S, E, F> {
    move |value| Some(expire(value).into_expire())
}

/// No `expire_with`.
pub fn as_declared<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> Special + use<R, S> {
    |_| None
}
