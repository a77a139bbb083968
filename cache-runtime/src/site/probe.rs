//! Arguments in keys: the type of an argument decides how it becomes part of the key.
//!
//! `(&&&&probe(arg)).__cache_kind()` uses autoref specialisation. Method resolution removes one reference at each step and
//! takes the first implementation that matches: ignored, extractor, set, any other type. Only the last choice has a bound on
//! the argument, so an argument that matches nothing is reported with the message of [`KeyPart`]. An extractor is reported by
//! its class. The methods begin with `__cache_`, so that they do not collide with a method that the user implements for every
//! type.
//!
//! `(&&&&probe(arg)).__cache_beside()` is for an argument outside the key: it accepts every type, and only extractors and bodies
//! matter.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::arguments::Arguments;
use super::class::{Class, Context};
use super::extractor::{BodyPart, ExtractPart, Extractor};
use super::ignore_in_key::IgnoreInKey;

/// A type that can be part of a key: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "neither `serde::Serialize` nor ignored",
    note = "derive `serde::Serialize` for it, or leave it out of the key: `#[cache(ignore)]` before the argument, `ignore(..)` in the attribute, or `#[derive(larder::IgnoreInKey)]` on its type"
)]
pub trait KeyPart: Serialize {}

impl<T: Serialize + ?Sized> KeyPart for T {}

/// The content of an extractor that can be part of a key: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "this counts by its content, and `{Self}` is not `serde::Serialize`",
    note = "derive `serde::Serialize` for `{Self}`, so that different requests have different entries"
)]
pub trait KeyContent: Serialize {}

impl<T: Serialize + ?Sized> KeyContent for T {}

/// The content of an `Extension` that can be part of a key: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` in an `Extension` cannot be part of a cache key",
    label = "an extension may tell users apart, and `{Self}` is not `serde::Serialize`",
    note = "for a user or a session, derive `serde::Serialize` for `{Self}`, so that each of them has entries of its own",
    note = "for a pool, a client or another handle, which is the same for every request, write `impl larder::IgnoreInKey for {Self} {{}}`; or `#[cache(ignore)]` before the argument if the type is not yours"
)]
pub trait KeyExtension: Serialize {}

impl<T: Serialize + ?Sized> KeyExtension for T {}

/// A probe for the type of one argument, in a [`Context`] or a [`Place`].
pub struct Probe<'a, T: ?Sized, C>(PhantomData<(&'a T, C)>);

/// A probe for the type of `value`.
#[inline]
pub fn probe<C, T: ?Sized>(_: &T) -> Probe<'_, T, C> {
    Probe(PhantomData)
}

impl<T: ?Sized, C> fmt::Debug for Probe<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

/// The place of an argument outside the key.
pub trait Place {
    /// An extractor of class `K`.
    type Extractor<K: Class>: Default;
    /// A whole body.
    type Body: Default;
}

/// The key does not mention the argument.
#[derive(Debug)]
pub struct Unmentioned<C>(PhantomData<C>);
/// The text of a key or of a group mentions the argument.
#[derive(Debug)]
pub struct InText<C>(PhantomData<C>);
/// The argument is explicitly ignored.
#[derive(Debug)]
pub struct LeftOut<C>(PhantomData<C>);

impl<C: Context> Place for Unmentioned<C> {
    type Extractor<K: Class> = K::Unmentioned<C>;
    type Body = C::Body;
}
impl<C: Context> Place for InText<C> {
    type Extractor<K: Class> = K::InText<C>;
    type Body = Ignored;
}
impl<C: Context> Place for LeftOut<C> {
    type Extractor<K: Class> = K::Ignored<C>;
    type Body = C::Body;
}

/// Leaves an argument out of the key.
#[derive(Debug, Default)]
pub struct Ignored;
/// Adds the content of an extractor to the key.
#[derive(Debug, Default)]
pub struct Extracted;
/// Adds the content of an `Extension` to the key.
#[derive(Debug, Default)]
pub struct ExtractedExtension;
/// Adds the items of a set to the key, regardless of their order.
#[derive(Debug, Default)]
pub struct Unordered;
/// Adds any other argument to the key.
#[derive(Debug, Default)]
pub struct Hashed;
/// Adds the URL of the request to the key in place of the argument.
#[derive(Debug, Default)]
pub struct UrlAdded;
/// Bypasses the cache if the request has a body.
#[derive(Debug, Default)]
pub struct BodyBypass;

impl Ignored {
    /// Leaves the argument out.
    #[inline]
    pub fn put<T: ?Sized>(self, _: &T, _: &mut Arguments<'_>) {}
}
impl Extracted {
    /// Adds the argument's content to the key.
    #[inline]
    pub fn put<T: ExtractPart<Content: KeyContent> + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            value.extract(key);
        } else if T::Class::HOLDS_URL {
            UrlAdded.put(value, key);
        }
    }
}
impl ExtractedExtension {
    /// Adds the argument's content to the key.
    #[inline]
    pub fn put<T: ExtractPart<Content: KeyExtension> + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            value.extract(key);
        }
    }
}
impl Unordered {
    /// Adds the set's items to the key.
    #[inline]
    pub fn put<T: SetPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            value.items(key);
        }
    }
}
impl Hashed {
    /// Adds the argument to the key.
    #[inline]
    pub fn put<T: KeyPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            key.part(value);
        }
    }
}
impl UrlAdded {
    /// Makes the URL part of the key, and the host as the argument holds it.
    #[inline]
    pub fn put<T: Extractor + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        key.add_url();
        if let Some(host) = value.host() {
            key.part(&host.to_ascii_lowercase());
        }
    }
}
impl BodyBypass {
    /// Bypasses the cache if there is a body.
    #[inline]
    pub fn put<T: BodyPart + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if value.is_present() {
            key.bypass();
        }
    }
}

/// A hash set: serde serializes its items in an order that differs between processes.
pub trait SetPart {
    /// Adds the items to the key, regardless of their order.
    fn items(&self, key: &mut Arguments<'_>);
}
impl<T: Serialize, S> SetPart for HashSet<T, S> {
    fn items(&self, key: &mut Arguments<'_>) {
        key.set_part(self.iter());
    }
}
impl<T: SetPart + ?Sized> SetPart for &T {
    fn items(&self, key: &mut Arguments<'_>) {
        (**self).items(key);
    }
}

/// Declares a choice: a trait with one method, which returns what is done with the argument.
macro_rules! choices {
    ($(
        $(#[doc = $doc:literal])+
        $via:ident::$method:ident for $probe:ty, [$($bound:tt)*] => $kind:ty;
    )*) => {
        $(
            $(#[doc = $doc])+
            pub trait $via {
                /// The type whose `put` adds the argument to the key, or does not.
                type Kind: Default;

                /// Returns the choice.
                #[inline]
                fn $method(&self) -> Self::Kind {
                    Self::Kind::default()
                }
            }

            impl<$($bound)*> $via for $probe {
                type Kind = $kind;
            }
        )*
    };
}

choices! {
    /// First choice in a key: ignored.
    ViaIgnore::__cache_kind for &&&Probe<'_, T, C>, [T: IgnoreInKey + ?Sized, C] => Ignored;
    /// Second choice in a key: an extractor.
    ViaExtract::__cache_kind for &&Probe<'_, T, C>, [T: Extractor + ?Sized, C: Context] => <T::Class as Class>::Counted<C>;
    /// Third choice in a key: a set.
    ViaSet::__cache_kind for &Probe<'_, T, C>, [T: SetPart + ?Sized, C] => Unordered;
    /// Last choice in a key: any other type.
    ViaHash::__cache_kind for Probe<'_, T, C>, [T: ?Sized, C] => Hashed;

    /// First choice outside a key: ignored by its type.
    BesideIgnored::__cache_beside for &&&Probe<'_, T, P>, [T: IgnoreInKey + ?Sized, P] => Ignored;
    /// Second choice outside a key: an extractor.
    BesideExtractor::__cache_beside for &&Probe<'_, T, P>, [T: Extractor + ?Sized, P: Place] => P::Extractor<T::Class>;
    /// Third choice outside a key: a body.
    BesideBody::__cache_beside for &Probe<'_, T, P>, [T: BodyPart + ?Sized, P: Place] => P::Body;
    /// Last choice outside a key: any other type.
    BesideOther::__cache_beside for Probe<'_, T, P>, [T: ?Sized, P] => Ignored;
}
