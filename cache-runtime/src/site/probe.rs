//! Arguments: what counts in a key is decided by type.
//!
//! Method resolution asks for one more reference at each step, so `(&&&&Probe(arg)).__cache_kind()` takes the first of these
//! that fits: ignored, an extractor whose content counts, a set, anything else. Only the last carries a bound on the
//! argument, so what the user reads when nothing fits is the message of [`KeyPart`]. (The technique is known as autoref
//! specialisation.) The methods have names that nobody else gives to a method, because a trait of the user's that is
//! implemented for every type would be in the way.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, RwLock};

use serde::Serialize;

use crate::types::key::KeyEncoder;

/// Leaves a type out of every key: connection pools, clients, loggers, request context.
///
/// ```
/// struct Db;
/// impl larder_runtime::IgnoreInKey for Db {}
/// ```
///
/// `#[derive(larder::IgnoreInKey)]` writes the same line. To leave out one argument of one function, write
/// `#[cache(ignore)]` before it or `ignore(name)` in the attribute.
pub trait IgnoreInKey {
    /// Whether it may tell who a request is from, so that a response to one client is not for another.
    #[doc(hidden)]
    const TELLS_WHO: bool = true;
    /// Whether it tells what URL was asked for, so that a response to one is not for another.
    #[doc(hidden)]
    const TELLS_WHERE: bool = false;
}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for &T {
    const TELLS_WHO: bool = T::TELLS_WHO;
}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for &mut T {
    const TELLS_WHO: bool = T::TELLS_WHO;
}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for Arc<T> {
    const TELLS_WHO: bool = T::TELLS_WHO;
}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for Box<T> {
    const TELLS_WHO: bool = T::TELLS_WHO;
}
impl<T: IgnoreInKey> IgnoreInKey for Option<T> {
    const TELLS_WHO: bool = T::TELLS_WHO;
}
impl<T: IgnoreInKey> IgnoreInKey for Mutex<T> {}
impl<T: IgnoreInKey> IgnoreInKey for RwLock<T> {}

/// What can be part of a key: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "neither `serde::Serialize` nor ignored",
    note = "derive `serde::Serialize` for it, or leave it out of the key: `#[cache(ignore)]` before the argument, `ignore(..)` in the attribute, or `#[derive(larder::IgnoreInKey)]` on its type"
)]
pub trait KeyPart {
    /// Feeds the value to the key.
    fn part(&self, key: &mut KeyEncoder);
}

impl<T: Serialize + ?Sized> KeyPart for T {
    #[inline]
    fn part(&self, key: &mut KeyEncoder) {
        key.part(self);
    }
}

/// An extractor whose content counts, though it is not `Serialize` itself: axum's `Path`, `Query`, `Json`, `Form`.
pub trait ExtractPart {
    /// Feeds the content to the key.
    fn extract(&self, key: &mut KeyEncoder);
}
impl<T: ExtractPart + ?Sized> ExtractPart for &T {
    fn extract(&self, key: &mut KeyEncoder) {
        (**self).extract(key);
    }
}

/// The arguments of one call on their way into its key.
#[derive(Debug)]
pub struct Arguments<'c> {
    encoder: &'c mut KeyEncoder,
    ignored: &'c [&'static str],
    tells_who: bool,
    tells_where: bool,
}

impl<'c> Arguments<'c> {
    /// Feeds `encoder`; types named in `ignored` do not count.
    #[inline]
    pub(crate) fn new(encoder: &'c mut KeyEncoder, ignored: &'c [&'static str]) -> Self {
        Self { encoder, ignored, tells_who: false, tells_where: false }
    }

    /// Whether one of those that were left out may tell who a request is from.
    #[inline]
    pub(crate) fn tell_who(&self) -> bool {
        self.tells_who
    }

    /// Whether one of those tells what URL was asked for.
    #[inline]
    pub(crate) fn tell_where(&self) -> bool {
        self.tells_where
    }

    /// Whether arguments of type `T` count: the builder may have said that they do not.
    #[inline]
    fn counts<T: ?Sized>(&mut self) -> bool {
        let counts = self.ignored.is_empty() || {
            let name = std::any::type_name::<T>();
            let name = name.trim_start_matches('&');
            !self.ignored.contains(&name.strip_prefix("mut ").unwrap_or(name))
        };
        // What nobody looks at may tell anything.
        self.tells_who |= !counts;
        counts
    }
}

/// One argument on its way into the key.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// The argument does not count.
#[derive(Debug)]
pub struct Ignored;
/// The argument's content counts.
#[derive(Debug)]
pub struct Extracted;
/// The argument is a set: its items count, their order does not.
#[derive(Debug)]
pub struct Unordered;
/// The argument counts.
#[derive(Debug)]
pub struct Hashed;

impl Ignored {
    /// Leaves the argument out.
    #[inline]
    pub fn put<T: IgnoreInKey + ?Sized>(self, _: &T, key: &mut Arguments<'_>) {
        key.tells_who |= T::TELLS_WHO;
        key.tells_where |= T::TELLS_WHERE;
    }
}
impl Extracted {
    /// Feeds the argument's content to the key.
    #[inline]
    pub fn put<T: ExtractPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.counts::<T>() {
            value.extract(key.encoder);
        }
    }
}
impl Unordered {
    /// Feeds the set's items to the key.
    #[inline]
    pub fn put<T: SetPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.counts::<T>() {
            value.items(key.encoder);
        }
    }
}
impl Hashed {
    /// Feeds the argument to the key.
    #[inline]
    pub fn put<T: KeyPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.counts::<T>() {
            value.part(key.encoder);
        }
    }
}

/// A hash set, which serde shows as a sequence in an order that changes from process to process.
pub trait SetPart {
    /// Feeds the items to the key, whatever their order.
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
    /// Does not count.
    fn __cache_kind(&self) -> Ignored {
        Ignored
    }
}
impl<T: IgnoreInKey + ?Sized> ViaIgnore for &&&Probe<'_, T> {}

/// Second choice: an extractor.
pub trait ViaExtract {
    /// Counts by its content.
    fn __cache_kind(&self) -> Extracted {
        Extracted
    }
}
impl<T: ExtractPart + ?Sized> ViaExtract for &&Probe<'_, T> {}

/// Third choice: a set.
pub trait ViaSet {
    /// Counts whatever the order.
    fn __cache_kind(&self) -> Unordered {
        Unordered
    }
}
impl<T: SetPart + ?Sized> ViaSet for &Probe<'_, T> {}

/// Last choice: everything else.
pub trait ViaHash {
    /// Counts.
    fn __cache_kind(&self) -> Hashed {
        Hashed
    }
}
impl<T: ?Sized> ViaHash for Probe<'_, T> {}
