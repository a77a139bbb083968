//! Arguments in keys: the type of an argument decides how it becomes part of the key.
//!
//! `(&&&&Probe(arg)).__cache_kind()` uses autoref specialisation. Method resolution removes one reference at each step and
//! takes the first implementation that matches: ignored, extractor, set, any other type. Only the last choice has a bound on
//! the argument, so an argument that matches nothing is reported with the message of [`KeyPart`]. The methods begin with
//! `__cache_`, so that they do not collide with a method that the user implements for every type.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, RwLock};

use serde::Serialize;

use crate::types::key::KeyEncoder;

/// Leaves a type out of every key: connection pools, clients, loggers, request context.
///
/// ```
/// # use larder_runtime as larder;
/// struct Db;
/// impl larder::IgnoreInKey for Db {}
/// ```
///
/// `#[derive(larder::IgnoreInKey)]` writes the same line. To leave out one argument of one function, write
/// `#[cache(ignore)]` before it or `ignore(name)` in the attribute.
pub trait IgnoreInKey {
    /// True if the type carries the URL of a request, so that a response to one URL is not for another.
    #[doc(hidden)]
    const CARRIES_URL: bool = false;
}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for &T {}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for &mut T {}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for Arc<T> {}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for Box<T> {}
impl<T: IgnoreInKey> IgnoreInKey for Option<T> {}
impl<T: IgnoreInKey> IgnoreInKey for Mutex<T> {}
impl<T: IgnoreInKey> IgnoreInKey for RwLock<T> {}

/// A type that can be part of a key: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "neither `serde::Serialize` nor ignored",
    note = "derive `serde::Serialize` for it, or leave it out of the key: `#[cache(ignore)]` before the argument, `ignore(..)` in the attribute, or `#[derive(larder::IgnoreInKey)]` on its type"
)]
pub trait KeyPart: Serialize {}

impl<T: Serialize + ?Sized> KeyPart for T {}

/// An extractor that is not `Serialize` itself, but whose content is part of the key: axum's `Path`, `Query`, `Json`, `Form`.
pub trait ExtractPart {
    /// Adds the content to the key.
    fn extract(&self, key: &mut KeyEncoder);
}
impl<T: ExtractPart + ?Sized> ExtractPart for &T {
    fn extract(&self, key: &mut KeyEncoder) {
        (**self).extract(key);
    }
}

/// The arguments of one call, while they are added to its key.
#[derive(Debug)]
pub struct Arguments<'c> {
    encoder: &'c mut KeyEncoder,
    ignored: &'c [&'static str],
    carry_url: bool,
}

impl<'c> Arguments<'c> {
    /// Creates an empty list that adds to `encoder`. Types named in `ignored` are left out.
    #[inline]
    pub(crate) fn new(encoder: &'c mut KeyEncoder, ignored: &'c [&'static str]) -> Self {
        Self { encoder, ignored, carry_url: false }
    }

    /// Returns whether an argument that was left out carries the URL of a request.
    #[inline]
    pub(crate) fn carry_url(&self) -> bool {
        self.carry_url
    }

    /// Returns whether arguments of type `T` are part of the key, or are left out by
    /// [`ignore_arg_type`](crate::Builder::ignore_arg_type).
    #[inline]
    fn includes<T: ?Sized>(&self) -> bool {
        self.ignored.is_empty() || {
            let name = std::any::type_name::<T>();
            let name = name.trim_start_matches('&');
            !self.ignored.contains(&name.strip_prefix("mut ").unwrap_or(name))
        }
    }
}

/// A probe for the type of one argument.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// Leaves an argument out of the key.
#[derive(Debug)]
pub struct Ignored;
/// Adds the content of an extractor to the key.
#[derive(Debug)]
pub struct Extracted;
/// Adds the items of a set to the key, regardless of their order.
#[derive(Debug)]
pub struct Unordered;
/// Adds any other argument to the key.
#[derive(Debug)]
pub struct Hashed;

impl Ignored {
    /// Leaves the argument out.
    #[inline]
    pub fn put<T: IgnoreInKey + ?Sized>(self, _: &T, key: &mut Arguments<'_>) {
        key.carry_url |= T::CARRIES_URL;
    }
}
impl Extracted {
    /// Adds the argument's content to the key.
    #[inline]
    pub fn put<T: ExtractPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            value.extract(key.encoder);
        }
    }
}
impl Unordered {
    /// Adds the set's items to the key.
    #[inline]
    pub fn put<T: SetPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            value.items(key.encoder);
        }
    }
}
impl Hashed {
    /// Adds the argument to the key.
    #[inline]
    pub fn put<T: KeyPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            key.encoder.part(value);
        }
    }
}

/// A hash set: serde serializes its items in an order that differs between processes.
pub trait SetPart {
    /// Adds the items to the key, regardless of their order.
    fn items(&self, key: &mut KeyEncoder);
}
impl<T: Serialize, S> SetPart for HashSet<T, S> {
    fn items(&self, key: &mut KeyEncoder) {
        key.set_part(self.iter());
    }
}
impl<T: SetPart + ?Sized> SetPart for &T {
    fn items(&self, key: &mut KeyEncoder) {
        (**self).items(key);
    }
}

/// First choice: ignored.
pub trait ViaIgnore {
    /// Returns [`Ignored`].
    fn __cache_kind(&self) -> Ignored {
        Ignored
    }
}
impl<T: IgnoreInKey + ?Sized> ViaIgnore for &&&Probe<'_, T> {}

/// Second choice: an extractor.
pub trait ViaExtract {
    /// Returns [`Extracted`].
    fn __cache_kind(&self) -> Extracted {
        Extracted
    }
}
impl<T: ExtractPart + ?Sized> ViaExtract for &&Probe<'_, T> {}

/// Third choice: a set.
pub trait ViaSet {
    /// Returns [`Unordered`].
    fn __cache_kind(&self) -> Unordered {
        Unordered
    }
}
impl<T: SetPart + ?Sized> ViaSet for &Probe<'_, T> {}

/// Last choice: any other type.
pub trait ViaHash {
    /// Returns [`Hashed`].
    fn __cache_kind(&self) -> Hashed {
        Hashed
    }
}
impl<T: ?Sized> ViaHash for Probe<'_, T> {}
