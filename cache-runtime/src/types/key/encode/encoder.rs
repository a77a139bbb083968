//! The encoder of one call's arguments.

use std::fmt;

use serde::Serialize;

use super::arg_key::ArgKey;
use super::error::EncodeError;
use super::marker;
use super::sink::Sink;
use crate::types::error::Error;

/// The encoder of one call's arguments, one part each.
pub(crate) struct KeyEncoder {
    sink: Sink,
    error: Option<EncodeError>,
}

impl KeyEncoder {
    /// An encoder without arguments.
    #[inline]
    pub(crate) fn new() -> Self {
        Self { sink: Sink::new(), error: None }
    }

    /// Adds one argument. After the first failure the rest is skipped, and [`KeyEncoder::key`] fails.
    #[inline]
    pub(crate) fn part<T: Serialize + ?Sized>(&mut self, value: &T) {
        if self.error.is_none() {
            self.sink.put(&[marker::PART]);
            self.error = value.serialize(&mut self.sink).err();
        }
    }

    /// Adds one argument whose elements have no order, such as a `HashSet`.
    pub(crate) fn set_part<'a, T: Serialize + 'a>(&mut self, items: impl Iterator<Item = &'a T>) {
        if self.error.is_some() {
            return;
        }
        let mut hashes = Vec::with_capacity(items.size_hint().0.min(1024));
        for item in items {
            let mut sink = Sink::new();
            if let Err(error) = item.serialize(&mut sink) {
                self.error = Some(error);
                return;
            }
            hashes.push(sink.hash());
        }
        self.sink.put(&[marker::PART, marker::SET]);
        self.sink.unordered(hashes);
    }

    /// Makes [`KeyEncoder::key`] fail.
    #[cold]
    pub(crate) fn fail(&mut self, message: &str) {
        self.error = Some(EncodeError(message.to_owned()));
    }

    /// Returns the key of everything added.
    pub(crate) fn key(&self) -> Result<ArgKey, Error> {
        match (&self.error, &self.sink) {
            (Some(EncodeError(message)), _) => Err(Error::key(message)),
            (None, Sink::Inline { bytes, len }) => Ok(ArgKey::Inline { bytes: *bytes, len: *len }),
            (None, Sink::Hashing(hasher)) => Ok(ArgKey::Hash(*hasher.finalize().as_bytes())),
        }
    }

    /// Returns the encoding of everything added, while it is short enough to be compared as it is.
    #[inline]
    pub(crate) fn short(&self) -> Option<&[u8]> {
        match (&self.error, &self.sink) {
            (None, Sink::Inline { bytes, len }) => bytes.get(..usize::from(*len)),
            _ => None,
        }
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
