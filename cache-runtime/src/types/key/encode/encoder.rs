//! The encoder of one call's arguments.

use std::fmt;

use serde::Serialize;

use super::arg_bytes::ArgBytes;
use super::arg_key::ArgKey;
use super::error::EncodeError;
use super::marker;
use super::sink::Sink;
use crate::types::error::Error;

/// The encoder of one call's arguments, one part each.
pub(crate) struct KeyEncoder {
    sink: Sink,
}

impl KeyEncoder {
    /// An encoder without arguments.
    #[inline]
    pub(crate) fn new() -> Self {
        Self { sink: Sink::new() }
    }

    /// Adds one argument. After the first failure nothing more is added, and [`KeyEncoder::key`] fails.
    #[inline]
    pub(crate) fn part<T: Serialize + ?Sized>(&mut self, value: &T) {
        self.sink.put(&[marker::PART]);
        if let Err(error) = value.serialize(&mut self.sink) {
            self.sink.fail(error);
        }
    }

    /// Adds one argument whose elements have no order, such as a `HashSet`.
    pub(crate) fn set_part<'a, T: Serialize + 'a>(&mut self, items: impl Iterator<Item = &'a T>) {
        let mut hashes = Vec::with_capacity(items.size_hint().0.min(1024));
        for item in items {
            let mut sink = Sink::new();
            if let Err(error) = item.serialize(&mut sink) {
                return self.sink.fail(error);
            }
            hashes.push(sink.hash());
        }
        self.sink.put(&[marker::PART, marker::SET]);
        self.sink.unordered(hashes);
    }

    /// Makes [`KeyEncoder::key`] fail.
    #[cold]
    pub(crate) fn fail(&mut self, message: &str) {
        self.sink.fail(EncodeError(message.to_owned()));
    }

    /// Returns the key of everything added.
    pub(crate) fn key(&self) -> Result<ArgKey, Error> {
        if let Some(error) = self.sink.error() {
            return Err(Error::key(&error.0));
        }
        Ok(match self.sink.padded() {
            // At most `INLINE`, which fits.
            Some((bytes, used)) => ArgKey::Inline { bytes: *bytes, len: used.len() as u8 },
            None => ArgKey::Hash(self.sink.hash()),
        })
    }

    /// Returns the encoding of everything added, while it is short enough to be compared as it is.
    #[inline]
    pub(crate) fn short(&self) -> Option<ArgBytes<'_>> {
        self.sink.padded().map(|(padded, bytes)| ArgBytes::padded(padded, bytes))
    }
}

impl fmt::Debug for KeyEncoder {
    /// Omits the arguments, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEncoder").finish_non_exhaustive()
    }
}

impl Default for KeyEncoder {
    fn default() -> Self {
        Self::new()
    }
}
