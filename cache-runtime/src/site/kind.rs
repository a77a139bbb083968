//! The kinds of arguments: each has a method `put`, which adds an argument to the key or does not.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use super::arguments::Arguments;
use super::extractor::{BodyPart, ExtractPart, Extractor};

/// A type that can be part of a key: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "neither `serde::Serialize` nor ignored",
    note = "derive `serde::Serialize` for it, or leave it out of the key: `#[cache(ignore)]` before the argument, `ignore(..)` in the attribute, or `#[derive(larder::IgnoreInKey)]` on its type"
)]
pub trait KeyPart: Serialize {}

impl<T: Serialize + ?Sized> KeyPart for T {}

/// A type that can be part of the key of a handler: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "neither `serde::Serialize` nor ignored, and an extractor may tell users apart",
    note = "if it tells users apart, derive `serde::Serialize` for it, so that each of them has entries of its own; or write `private` or `vary(..)` in the attribute, by which users have entries of their own, and `#[cache(ignore)]` before the argument",
    note = "if the response is the same whatever it holds, as for a pool or a client, write `#[cache(ignore)]` before the argument or `#[derive(larder::IgnoreInKey)]` on its type"
)]
pub trait KeyArgument: Serialize {}

impl<T: Serialize + ?Sized> KeyArgument for T {}

/// A type behind an `Arc` that can be part of a key: every `serde::Serialize` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "neither `serde::Serialize` nor ignored",
    note = "content counts by `serde::Serialize`: derive it",
    note = "a service, a pool or another handle is left out of the key by `#[cache(ignore)]` before the argument, or of every key by `impl larder::IgnoreInKey for {Self} {{}}`"
)]
pub trait SharedKeyPart: Serialize {}

impl<T: Serialize + ?Sized> SharedKeyPart for T {}

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

/// Leaves an argument out of the key.
#[derive(Debug, Default)]
pub struct Ignored;
/// Adds the content of an extractor to the key.
#[derive(Debug, Default)]
pub struct Extracted;
/// Adds the content of a part of the URL to the key.
#[derive(Debug, Default)]
pub struct ExtractedUrl;
/// Adds the content of an `Extension` to the key.
#[derive(Debug, Default)]
pub struct ExtractedExtension;
/// Adds the items of a set to the key, regardless of their order.
#[derive(Debug, Default)]
pub struct Unordered;
/// Adds a shared value to the key.
#[derive(Debug, Default)]
pub struct HashedShared;
/// Adds any other argument to the key.
#[derive(Debug, Default)]
pub struct Hashed;
/// Adds any other argument of a handler to the key.
#[derive(Debug, Default)]
pub struct HashedInHandler;
/// Adds the URL of the request to the key in place of the argument.
#[derive(Debug, Default)]
pub struct UrlAdded;
/// Bypasses the cache if the request has a body.
#[derive(Debug, Default)]
pub struct BodyBypass;
/// Notes that the key holds something that may tell users apart.
#[derive(Debug, Default)]
pub struct Personal;

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
        }
    }
}
impl ExtractedUrl {
    /// Adds the argument's content to the key. A type that the builder ignores is still read by the function.
    #[inline]
    pub fn put<T: ExtractPart<Content: KeyContent> + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            value.extract(key);
        } else {
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
impl HashedShared {
    /// Adds the value to the key, as if it were not shared.
    #[inline]
    pub fn put<T: SharedKeyPart + ?Sized>(self, value: &Arc<T>, key: &mut Arguments<'_>) {
        if key.includes::<Arc<T>>() {
            key.part::<T>(value);
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
impl HashedInHandler {
    /// Adds the argument to the key.
    #[inline]
    pub fn put<T: KeyArgument + ?Sized>(self, value: &T, key: &mut Arguments<'_>) {
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

impl Personal {
    /// Notes it, unless the builder leaves arguments of this type out of the key.
    #[inline]
    pub fn put<T: ?Sized>(self, _: &T, key: &mut Arguments<'_>) {
        if key.includes::<T>() {
            key.set_personal();
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
