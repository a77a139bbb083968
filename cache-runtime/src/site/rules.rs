//! The options of an attribute that depend on the value: `unless`, `expire_with` and `tags_with`.

use crate::site::late_tags::LateTags;
use crate::site::outcome::Shape;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::expire::IntoExpire;

/// The result of `expire_with` for a value; `None` if the attribute has no such option.
pub type ValueExpiry = Option<Result<Expire, Error>>;

/// `unless` and `expire_with` of one attribute.
#[derive(Debug)]
pub struct Rules<U, W> {
    unless: U,
    expire_with: W,
}

/// `unless` of one attribute: a closure, or [`NoUnless`].
pub trait UnlessRule<V> {
    /// Returns true if the value must not be cached.
    fn refuses(&self, value: &V) -> bool;
}

/// `expire_with` of one attribute: a closure, or [`NoExpireWith`].
pub trait ExpiryRule<V> {
    /// Returns the expiry of the value.
    fn expiry(&self, value: &V) -> ValueExpiry;
}

/// An attribute without `unless`. It names no type of a value: a wrong type of a result is then one error.
#[derive(Debug, Clone, Copy)]
pub struct NoUnless;

/// An attribute without `expire_with`.
#[derive(Debug, Clone, Copy)]
pub struct NoExpireWith;

impl<V, F: Fn(&V) -> bool> UnlessRule<V> for F {
    fn refuses(&self, value: &V) -> bool {
        self(value)
    }
}

impl<V> UnlessRule<V> for NoUnless {
    fn refuses(&self, _: &V) -> bool {
        false
    }
}

impl<V, F: Fn(&V) -> ValueExpiry> ExpiryRule<V> for F {
    fn expiry(&self, value: &V) -> ValueExpiry {
        self(value)
    }
}

impl<V> ExpiryRule<V> for NoExpireWith {
    fn expiry(&self, _: &V) -> ValueExpiry {
        None
    }
}

/// The decisions that depend on a value.
pub trait ValueRules<V> {
    /// Returns whether the value must not be cached.
    fn refuses(&self, value: &V) -> bool;
    /// Returns the expiry that `expire_with` gives for this value.
    fn expiry(&self, value: &V) -> ValueExpiry;
    /// Returns the tags that `tags_with` gives for this value, whose entry has this key; `None` if the attribute has no such
    /// option.
    fn tags(&self, _: &V, _key: &str) -> Option<LateTags> {
        None
    }
}

/// The closures of an attribute with `tags_with`.
#[derive(Debug)]
pub struct TaggedRules<U, W, T> {
    rules: Rules<U, W>,
    tags: T,
}

impl<U, W, T> TaggedRules<U, W, T> {
    /// Adds the closure of `tags_with`.
    pub fn new(rules: Rules<U, W>, tags: T) -> Self {
        Self { rules, tags }
    }
}

impl<V, U, W, T> ValueRules<V> for TaggedRules<U, W, T>
where
    U: UnlessRule<V>,
    W: ExpiryRule<V>,
    T: Fn(&V) -> LateTags,
{
    fn refuses(&self, value: &V) -> bool {
        self.rules.refuses(value)
    }
    fn expiry(&self, value: &V) -> ValueExpiry {
        self.rules.expiry(value)
    }
    fn tags(&self, value: &V, _: &str) -> Option<LateTags> {
        Some((self.tags)(value))
    }
}

impl<U, W> Rules<U, W> {
    /// Combines the closures of the two options.
    pub fn new(unless: U, expire_with: W) -> Self {
        Self { unless, expire_with }
    }
}

impl<V, U: UnlessRule<V>, W: ExpiryRule<V>> ValueRules<V> for Rules<U, W> {
    fn refuses(&self, value: &V) -> bool {
        self.unless.refuses(value)
    }
    fn expiry(&self, value: &V) -> ValueExpiry {
        self.expire_with.expiry(value)
    }
}

/// Returns the closure of `unless = ..`, with the type of its argument inferred from the shape.
pub fn unless<R, S: Shape<R>, F: Fn(&S::Value) -> bool>(_: &S, unless: F) -> F {
    unless
}

/// Returns the closure of `expire_with = ..`, with its result converted.
pub fn expire_with<R, S: Shape<R>, E: IntoExpire, F: Fn(&S::Value) -> E>(
    _: &S,
    expire: F,
) -> impl Fn(&S::Value) -> ValueExpiry + use<R, S, E, F> {
    move |value| Some(expire(value).into_expire())
}
