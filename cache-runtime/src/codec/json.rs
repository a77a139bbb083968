//! JSON, by serde_json.

use std::io::{Error, Write};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::ser::Formatter;

use super::decode_error::DecodeError;
use super::format::Format;

/// The deepest nesting of arrays and objects: serde_json reads no deeper one.
const MAX_DEPTH: usize = 127;

/// The codec [`Codec::Json`](super::Codec::Json).
pub(super) struct Json;

impl Format for Json {
    type Error = serde_json::Error;

    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Self::Error> {
        value.serialize(&mut serde_json::Serializer::with_formatter(out, Nesting { depth: 0 }))
    }

    #[inline]
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
        // One check of all bytes is a fraction of one for each string.
        let text = std::str::from_utf8(bytes).map_err(DecodeError::new)?;
        serde_json::from_str(text).map_err(DecodeError::new)
    }
}

/// Compact JSON that is not nested deeper than it can be read.
struct Nesting {
    depth: usize,
}

impl Nesting {
    fn open<W: Write + ?Sized>(&mut self, writer: &mut W, bracket: u8) -> Result<(), Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::other(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        writer.write_all(&[bracket])
    }

    fn close<W: Write + ?Sized>(&mut self, writer: &mut W, bracket: u8) -> Result<(), Error> {
        self.depth -= 1;
        writer.write_all(&[bracket])
    }
}

impl Formatter for Nesting {
    #[inline]
    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> Result<(), Error> {
        self.open(writer, b'[')
    }

    #[inline]
    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> Result<(), Error> {
        self.close(writer, b']')
    }

    #[inline]
    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> Result<(), Error> {
        self.open(writer, b'{')
    }

    #[inline]
    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> Result<(), Error> {
        self.close(writer, b'}')
    }
}
