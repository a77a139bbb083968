//! Values with parts: sequences, structs, tuples and maps.

use serde::ser::{self, Serialize};

use super::error::EncodeError;
use super::marker::{END, MORE};
use super::sink::Sink;

/// A sequence or a struct: each element behind a marker, and a marker at the end, because the length may be unknown.
pub(super) struct Sequence<'a> {
    pub(super) sink: &'a mut Sink,
}

impl ser::SerializeSeq for Sequence<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.sink.put(&[MORE]);
        value.serialize(&mut *self.sink)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.sink.put(&[END]);
        Ok(())
    }
}

/// Implements the two kinds of struct, which differ only in the bytes that precede them.
macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl ser::$kind for Sequence<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
                self.sink.put(&[MORE]);
                self.sink.blob(name.as_bytes());
                value.serialize(&mut *self.sink)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.sink.put(&[END]);
                Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);

/// A tuple: the number of its elements, then the elements.
pub(super) struct Tuple<'a> {
    sink: &'a mut Sink,
    left: usize,
}

impl<'a> Tuple<'a> {
    pub(super) fn new(sink: &'a mut Sink, len: usize) -> Self {
        sink.length(len);
        Self { sink, left: len }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        // With a `Serialize` that announces a wrong length, different values could have the same encoding.
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| ser::Error::custom("a tuple is longer than it announced"))?;
        value.serialize(&mut *self.sink)
    }

    fn finish(&self) -> Result<(), EncodeError> {
        match self.left {
            0 => Ok(()),
            _ => Err(ser::Error::custom("a tuple is shorter than it announced")),
        }
    }
}

/// Implements the three kinds of tuple, whose methods differ only in name.
macro_rules! tuples {
    ($($kind:ident $method:ident)*) => {$(
        impl ser::$kind for Tuple<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        }
    )*};
}

tuples!(SerializeTuple serialize_element SerializeTupleStruct serialize_field SerializeTupleVariant serialize_field);

/// A map: each entry hashed by itself, and the hashes sorted, so that equal maps are equal keys in any order.
pub(super) struct Map<'a> {
    sink: &'a mut Sink,
    entry: Sink,
    hashes: Vec<[u8; 32]>,
}

impl<'a> Map<'a> {
    /// A map of about `len` entries.
    pub(super) fn new(sink: &'a mut Sink, len: Option<usize>) -> Self {
        let hashes = Vec::with_capacity(len.unwrap_or(0).min(1024));
        Self { sink, entry: Sink::new(), hashes }
    }
}

impl ser::SerializeMap for Map<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.entry = Sink::new();
        key.serialize(&mut self.entry)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut self.entry)?;
        self.hashes.push(self.entry.hash());
        Ok(())
    }

    fn end(self) -> Result<(), EncodeError> {
        self.sink.unordered(self.hashes);
        Ok(())
    }
}
