//! The arguments of one call, while they are added to its key.

use serde::Serialize;

use crate::rt::caught::{caught, is_plain};
use crate::types::key::KeyEncoder;

/// The error of an argument whose `Serialize` panicked.
const PANICKED: &str = "`Serialize` of an argument panicked";

/// The arguments of one call, while they are added to its key.
#[derive(Debug)]
pub struct Arguments<'c> {
    encoder: &'c mut KeyEncoder,
    ignored: &'c [&'static str],
    needs_url: bool,
    is_personal: bool,
    bypasses: bool,
}

impl<'c> Arguments<'c> {
    /// Creates an empty list that adds to `encoder`. Types named in `ignored` are left out.
    #[inline]
    pub(crate) fn new(encoder: &'c mut KeyEncoder, ignored: &'c [&'static str]) -> Self {
        Self { encoder, ignored, needs_url: false, is_personal: false, bypasses: false }
    }

    /// Returns whether an argument outside the key holds the URL of the request, so that the URL has to be part of the key.
    #[inline]
    pub(crate) fn needs_url(&self) -> bool {
        self.needs_url
    }

    /// Returns whether the key holds something that may tell users apart.
    #[inline]
    pub(crate) fn is_personal(&self) -> bool {
        self.is_personal
    }

    /// Returns whether an argument outside the key decides about the result of this call alone.
    #[inline]
    pub(crate) fn bypasses(&self) -> bool {
        self.bypasses
    }

    /// Adds a value.
    #[inline]
    pub(crate) fn part<T: Serialize + ?Sized>(&mut self, value: &T) {
        if is_plain::<T>() {
            self.encoder.part(value);
        } else if caught(|| self.encoder.part(value)).is_none() {
            self.encoder.fail(PANICKED);
        }
    }

    /// Adds the items of a set, regardless of their order.
    #[inline]
    pub(crate) fn set_part<'a, T: Serialize + 'a>(&mut self, items: impl Iterator<Item = &'a T>) {
        if caught(|| self.encoder.set_part(items)).is_none() {
            self.encoder.fail(PANICKED);
        }
    }

    /// Makes the URL part of the key.
    pub(crate) fn add_url(&mut self) {
        self.needs_url = true;
    }

    /// Notes that the key holds something that may tell users apart.
    #[inline]
    pub(crate) fn set_personal(&mut self) {
        self.is_personal = true;
    }

    /// Makes the call bypass the cache.
    pub(crate) fn bypass(&mut self) {
        self.bypasses = true;
    }

    /// Returns whether arguments of type `T` are part of the key, or are left out by
    /// [`ignore_arg_type`](crate::Builder::ignore_arg_type).
    #[inline]
    pub(crate) fn includes<T: ?Sized>(&self) -> bool {
        self.ignored.is_empty() || {
            let name = std::any::type_name::<T>();
            let name = name.trim_start_matches('&');
            !self.ignored.contains(&name.strip_prefix("mut ").unwrap_or(name))
        }
    }
}
