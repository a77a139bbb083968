//! Arguments in keys: the type of an argument decides how it becomes part of the key.
//!
//! `(&&&&probe(arg)).__cache_kind()` uses autoref specialisation. Method resolution removes one reference at each step and
//! takes the first implementation that matches: ignored, extractor, set or shared value, any other type. Only the last choice has a bound on
//! the argument, so an argument that matches nothing is reported with the message of [`KeyPart`](super::kind::KeyPart) or [`KeyArgument`](super::kind::KeyArgument). An extractor is reported by
//! its class. The methods begin with `__cache_`, so that they do not collide with a method that the user implements for every
//! type.
//!
//! `(&&&&probe(arg)).__cache_beside()` is for an argument outside the key, and in a handler also for one that the key holds or
//! mentions: it accepts every type, and only extractors and bodies matter.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::class::{ArgumentContext, Class};
use super::extractor::{BodyPart, Extractor};
use super::ignore_in_key::IgnoreInKey;
use super::kind::{Ignored, Personal, SetPart, Unordered};

/// A probe for the type of one argument, in an [`ArgumentContext`] or a [`Place`].
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

/// A probe for a part of an argument that the key does not mention, though it mentions another part: `R` refuses what counts.
pub struct PartProbe<'a, A: ?Sized, T: ?Sized, R>(PhantomData<(&'a A, &'a T, R)>);

/// A probe for the types of an argument and of one of its parts.
#[inline]
pub fn part_probe<'a, R, A: ?Sized, T: ?Sized>(_: &'a A, _: &'a T) -> PartProbe<'a, A, T, R> {
    PartProbe(PhantomData)
}

impl<A: ?Sized, T: ?Sized, R> fmt::Debug for PartProbe<'_, A, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartProbe")
    }
}

/// The place of an argument in an attribute.
pub trait Place {
    /// An extractor of class `K`.
    type Extractor<K: Class>: Default;
    /// A whole body.
    type Body: Default;
    /// Any other type: in a handler, an extractor that larder does not know.
    type Other: Default;
}

/// The key does not mention the argument, whose pattern binds nothing.
#[derive(Debug)]
pub struct Unbound<C>(PhantomData<C>);
/// The key does not mention the argument, or the entry function does not take it: `R` refuses what counts.
#[derive(Debug)]
pub struct Missing<C, R>(PhantomData<(C, R)>);
/// The text of a key or of a group mentions the argument.
#[derive(Debug)]
pub struct InText<C>(PhantomData<C>);
/// The argument is explicitly ignored.
#[derive(Debug)]
pub struct LeftOut<C>(PhantomData<C>);
/// The key of a handler holds the argument.
#[derive(Debug)]
pub struct InKey;
/// The key or the group of a handler mentions the argument.
#[derive(Debug)]
pub struct Named;

impl<C: ArgumentContext> Place for Unbound<C> {
    type Extractor<K: Class> = K::Unbound<C>;
    type Body = C::Body;
    type Other = Ignored;
}
impl<C: ArgumentContext, R: Default> Place for Missing<C, R> {
    type Extractor<K: Class> = K::Missing<C, R>;
    type Body = R;
    type Other = R;
}
impl<C: ArgumentContext> Place for InText<C> {
    type Extractor<K: Class> = K::InText<C>;
    type Body = Ignored;
    type Other = Ignored;
}
impl<C: ArgumentContext> Place for LeftOut<C> {
    type Extractor<K: Class> = K::Ignored<C>;
    type Body = C::Body;
    type Other = Ignored;
}
impl Place for InKey {
    type Extractor<K: Class> = K::InKey;
    type Body = Ignored;
    type Other = Personal;
}
impl Place for Named {
    type Extractor<K: Class> = K::Named;
    type Body = Ignored;
    type Other = Personal;
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
    ViaExtract::__cache_kind for &&Probe<'_, T, C>, [T: Extractor<Class: Class> + ?Sized, C: ArgumentContext] => <T::Class as Class>::Counted<C>;
    /// Third choice in a key: a set.
    ViaSet::__cache_kind for &Probe<'_, T, C>, [T: SetPart + ?Sized, C] => Unordered;
    /// Third choice in a key: a shared value.
    ViaShared::__cache_kind for &Probe<'_, Arc<T>, C>, [T: ?Sized, C: ArgumentContext] => C::Shared;
    /// Last choice in a key: any other type.
    ViaHash::__cache_kind for Probe<'_, T, C>, [T: ?Sized, C: ArgumentContext] => C::Other;

    /// First choice outside a key: ignored by its type.
    BesideIgnored::__cache_beside for &&&Probe<'_, T, P>, [T: IgnoreInKey + ?Sized, P] => Ignored;
    /// Second choice outside a key: an extractor.
    BesideExtractor::__cache_beside for &&Probe<'_, T, P>, [T: Extractor<Class: Class> + ?Sized, P: Place] => P::Extractor<T::Class>;
    /// Third choice outside a key: a body.
    BesideBody::__cache_beside for &Probe<'_, T, P>, [T: BodyPart + ?Sized, P: Place] => P::Body;
    /// Last choice outside a key: any other type.
    BesideOther::__cache_beside for Probe<'_, T, P>, [T: ?Sized, P: Place] => P::Other;

    /// First choice for a part that the key does not mention: the argument is ignored by its type.
    PartOfIgnored::__cache_part for &PartProbe<'_, A, T, R>, [A: IgnoreInKey + ?Sized, T: ?Sized, R] => Ignored;
    /// Last choice for such a part: any other argument.
    PartOfOther::__cache_part for PartProbe<'_, A, T, R>, [A: ?Sized, T: ?Sized, R: Default] => R;
}

impl<T: ?Sized, C: ArgumentContext> ViaShared for &Probe<'_, &Arc<T>, C> {
    type Kind = C::Shared;
}
