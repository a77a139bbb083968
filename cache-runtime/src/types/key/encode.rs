//! Arguments as bytes: one canonical, injective, self-delimiting form, and the hash of it.
//!
//! Every value starts with a tag that names its kind, and everything of variable length carries its length
//! or an end mark, so no two different argument lists can run together into the same bytes. The form is
//! frozen: the golden test below fails when a key would change under a user's feet.
//!
//! What serde does not tell apart cannot be told apart here: an integer's width (`1u8` is `1u64`; `1i64` is
//! another value), the name of a newtype, and a `HashSet` inside an argument, which arrives as a sequence in
//! random order. A set that is an argument of its own goes through [`KeyEncoder::set_part`].

use std::fmt::{self, Display};

use serde::ser::{self, Serialize};

use crate::types::error::Error;

/// Arguments up to this many bytes are compared as they are; longer ones by their hash.
const INLINE: usize = 96;

/// Starts the bytes that are hashed into a key, so that they are never the same as those of another use.
const CONTEXT: &[u8] = b"larder key 1";

/// What kind of value follows. The numbers are part of every key: never change or reuse one.
mod tag {
    pub(super) const PART: u8 = 0x01;
    pub(super) const SET: u8 = 0x02;
    pub(super) const FALSE: u8 = 0x03;
    pub(super) const TRUE: u8 = 0x04;
    pub(super) const UNSIGNED: u8 = 0x05;
    pub(super) const SIGNED: u8 = 0x06;
    pub(super) const F32: u8 = 0x07;
    pub(super) const F64: u8 = 0x08;
    pub(super) const CHAR: u8 = 0x09;
    pub(super) const STR: u8 = 0x0a;
    pub(super) const BYTES: u8 = 0x0b;
    pub(super) const NONE: u8 = 0x0c;
    pub(super) const SOME: u8 = 0x0d;
    pub(super) const UNIT: u8 = 0x0e;
    pub(super) const UNIT_STRUCT: u8 = 0x0f;
    pub(super) const SEQ: u8 = 0x10;
    pub(super) const TUPLE: u8 = 0x11;
    pub(super) const STRUCT: u8 = 0x12;
    pub(super) const MAP: u8 = 0x13;
    pub(super) const UNIT_VARIANT: u8 = 0x14;
    pub(super) const NEWTYPE_VARIANT: u8 = 0x15;
    pub(super) const TUPLE_VARIANT: u8 = 0x16;
    pub(super) const STRUCT_VARIANT: u8 = 0x17;
}

/// Stands before each element of a sequence and each field of a struct.
const MORE: u8 = 1;
/// Ends a sequence or a struct.
const END: u8 = 0;

/// Turns arguments, one part each, into an [`ArgKey`]. Used by generated code.
pub struct KeyEncoder {
    sink: Sink,
    error: Option<Refused>,
}

impl KeyEncoder {
    /// An encoder that has seen no argument.
    #[inline]
    pub fn new() -> Self {
        Self { sink: Sink::new(), error: None }
    }

    /// Adds one argument. The first failure is kept for `finish`; the rest is skipped.
    #[inline]
    pub fn part<T: Serialize + ?Sized>(&mut self, value: &T) {
        if self.error.is_none() {
            self.sink.put(&[tag::PART]);
            self.error = value.serialize(&mut self.sink).err();
        }
    }

    /// Adds one argument whose elements have no order, such as a `HashSet`.
    pub fn set_part<'a, T: Serialize + 'a>(&mut self, items: impl Iterator<Item = &'a T>) {
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
        self.sink.put(&[tag::PART, tag::SET]);
        self.sink.unordered(hashes);
    }

    /// The key of everything added.
    pub(crate) fn key(&self) -> Result<ArgKey, Error> {
        match (&self.error, &self.sink) {
            (Some(Refused(message)), _) => Err(Error::key(message)),
            (None, Sink::Inline { bytes, len }) => Ok(ArgKey::Inline { bytes: *bytes, len: *len }),
            (None, Sink::Hashing(hasher)) => Ok(ArgKey::Hash(*hasher.finalize().as_bytes())),
        }
    }

    /// The encoding of everything added, while it is short enough to be compared as it is.
    #[inline]
    pub(crate) fn short(&self) -> Option<&[u8]> {
        match (&self.error, &self.sink) {
            (None, Sink::Inline { bytes, len }) => bytes.get(..usize::from(*len)),
            _ => None,
        }
    }
}

impl fmt::Debug for KeyEncoder {
    /// Says nothing about the arguments: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEncoder").finish_non_exhaustive()
    }
}

impl Default for KeyEncoder {
    fn default() -> Self {
        Self::new()
    }
}

/// What makes the digests of one function differ from those of every other.
pub(crate) fn salt(identity: &str, version: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(CONTEXT);
    hasher.update(&(identity.len() as u64).to_le_bytes());
    hasher.update(identity.as_bytes());
    hasher.update(&version.to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// The arguments of one call: equal arguments are equal here, different ones differ.
#[derive(Clone)]
pub(crate) enum ArgKey {
    /// The encoding itself.
    Inline {
        /// The encoding, then zeros.
        bytes: [u8; INLINE],
        /// How much of `bytes` is the encoding.
        len: u8,
    },
    /// The hash of an encoding that is longer than `INLINE`.
    Hash([u8; 32]),
}

impl ArgKey {
    /// The part of a key that stands for these arguments of the function with this salt.
    pub(crate) fn digest(&self, salt: &[u8; 32]) -> [u8; 16] {
        let bytes = self.bytes();
        let mut input = [0; INLINE + 1];
        input[0] = u8::from(matches!(self, Self::Hash(_)));
        input[1..=bytes.len()].copy_from_slice(bytes);
        let mut digest = [0; 16];
        digest.copy_from_slice(&blake3::keyed_hash(salt, &input[..=bytes.len()]).as_bytes()[..16]);
        digest
    }

    /// The encoding, or its hash.
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline { bytes, len } => &bytes[..usize::from(*len).min(INLINE)],
            Self::Hash(hash) => hash,
        }
    }
}

#[cfg(test)]
impl PartialEq for ArgKey {
    fn eq(&self, other: &Self) -> bool {
        matches!(self, Self::Hash(_)) == matches!(other, Self::Hash(_)) && self.bytes() == other.bytes()
    }
}

impl fmt::Debug for ArgKey {
    /// Says how long the arguments are, never what they are: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { len, .. } => write!(f, "ArgKey({len} bytes)"),
            Self::Hash(_) => f.write_str("ArgKey(hash)"),
        }
    }
}

/// Lower-case hexadecimal digits of a digest, as they stand in a key.
pub(crate) fn hex(digest: &[u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// Where the encoding goes: into place while it is short, through the hash when it is not.
enum Sink {
    /// The encoding so far.
    Inline { bytes: [u8; INLINE], len: u8 },
    /// The hash of the encoding so far.
    Hashing(Box<blake3::Hasher>),
}

impl Sink {
    #[inline]
    fn new() -> Self {
        Self::Inline { bytes: [0; INLINE], len: 0 }
    }

    #[inline]
    fn put(&mut self, more: &[u8]) {
        if let Self::Inline { bytes, len } = self {
            let start = usize::from(*len);
            let end = start + more.len();
            if let Some(room) = bytes.get_mut(start..end) {
                room.copy_from_slice(more);
                // `end` is at most `INLINE`, which fits.
                *len = end as u8;
                return;
            }
        }
        self.stream(more);
    }

    /// [`Sink::put`] of the first `used` bytes of `piece`, of which the rest is zeros: copied whole where there is room,
    /// because a copy whose length is known is a few moves and any other is a call.
    #[inline]
    fn put_start<const N: usize>(&mut self, piece: &[u8; N], used: usize) {
        if let Self::Inline { bytes, len } = self {
            let start = usize::from(*len);
            if let Some(room) = bytes[start.min(INLINE)..].first_chunk_mut() {
                *room = *piece;
                // At most `INLINE`, as the room is.
                *len = (start + used) as u8;
                return;
            }
        }
        self.put(&piece[..used]);
    }

    /// MoveToBackground what has no room in place.
    #[cold]
    fn stream(&mut self, more: &[u8]) {
        match self {
            Self::Inline { bytes, len } => {
                let mut hasher = Box::new(blake3::Hasher::new());
                hasher.update(&bytes[..usize::from(*len)]);
                hasher.update(more);
                *self = Self::Hashing(hasher);
            }
            Self::Hashing(hasher) => {
                hasher.update(more);
            }
        }
    }

    /// A length: seven bits a byte, low ones first, the high bit says that more follows.
    fn length(&mut self, mut n: usize) {
        let mut bytes = [0; 10];
        let mut used = 0;
        for byte in &mut bytes {
            *byte = (n & 0x7f) as u8;
            n >>= 7;
            used += 1;
            if n == 0 {
                break;
            }
            *byte |= 0x80;
        }
        self.put(&bytes[..used]);
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.put(bytes);
    }

    /// Tags, a length byte and the magnitude without leading zeros, in one piece: integers are what most keys are
    /// made of.
    #[inline]
    fn magnitude<const TAG: usize>(&mut self, tag: &[u8; TAG], n: u128) {
        if let Ok(n) = u64::try_from(n) {
            return self.small_magnitude(tag, n);
        }
        let len = 16 - (n.leading_zeros() / 8) as usize;
        // The significant bytes are moved to the front; a shift by all 128 bits is a zero as well.
        let head = n.checked_shl(8 * (16 - len) as u32).unwrap_or(0).to_be_bytes();
        let mut piece = [0; 20];
        piece[..TAG].copy_from_slice(tag);
        piece[TAG] = len as u8;
        piece[TAG + 1..TAG + 17].copy_from_slice(&head);
        self.put(&piece[..TAG + 1 + len]);
    }

    /// The same for what almost all integers are, in half the steps.
    #[inline]
    fn small_magnitude<const TAG: usize>(&mut self, tag: &[u8; TAG], n: u64) {
        let len = 8 - (n.leading_zeros() / 8) as usize;
        let head = n.checked_shl(8 * (8 - len) as u32).unwrap_or(0).to_be_bytes();
        let mut piece = [0; 11];
        piece[..TAG].copy_from_slice(tag);
        piece[TAG] = len as u8;
        piece[TAG + 1..TAG + 9].copy_from_slice(&head);
        self.put_start(&piece, TAG + 1 + len);
    }

    /// Elements without an order: their number and their hashes, sorted. Equal ones count.
    fn unordered(&mut self, mut hashes: Vec<[u8; 32]>) {
        hashes.sort_unstable();
        self.length(hashes.len());
        for hash in &hashes {
            self.put(hash);
        }
    }

    /// A hash of the encoding, the same whichever way it was taken in.
    fn hash(&self) -> [u8; 32] {
        match self {
            Self::Inline { bytes, len } => *blake3::hash(&bytes[..usize::from(*len)]).as_bytes(),
            Self::Hashing(hasher) => *hasher.finalize().as_bytes(),
        }
    }
}

/// Why a value refused to be encoded.
#[derive(Debug)]
struct Refused(String);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Defines the methods of the unsigned and the signed integers.
macro_rules! integers {
    ($($unsigned:ident $u:ty, $signed:ident $i:ty;)*) => {$(
        #[inline]
        fn $unsigned(self, v: $u) -> Result<(), Refused> {
            self.magnitude(&[tag::UNSIGNED], u128::from(v));
            Ok(())
        }

        #[inline]
        fn $signed(self, v: $i) -> Result<(), Refused> {
            let v = i128::from(v);
            self.magnitude(&[tag::SIGNED, u8::from(v < 0)], v.unsigned_abs());
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for &'a mut Sink {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Tuple<'a>;
    type SerializeTupleStruct = Tuple<'a>;
    type SerializeTupleVariant = Tuple<'a>;
    type SerializeMap = Map<'a>;
    type SerializeStruct = Sequence<'a>;
    type SerializeStructVariant = Sequence<'a>;

    integers! {
        serialize_u8 u8, serialize_i8 i8;
        serialize_u16 u16, serialize_i16 i16;
        serialize_u32 u32, serialize_i32 i32;
        serialize_u64 u64, serialize_i64 i64;
        serialize_u128 u128, serialize_i128 i128;
    }

    fn serialize_bool(self, v: bool) -> Result<(), Refused> {
        self.put(&[if v { tag::TRUE } else { tag::FALSE }]);
        Ok(())
    }

    fn serialize_f32(self, v: f32) -> Result<(), Refused> {
        // Equal numbers are equal keys: the two zeros are one, and so are all values that are not a number.
        let v = if v.is_nan() { f32::NAN } else { v + 0.0 };
        self.put(&[tag::F32]);
        self.put(&v.to_bits().to_be_bytes());
        Ok(())
    }

    fn serialize_f64(self, v: f64) -> Result<(), Refused> {
        let v = if v.is_nan() { f64::NAN } else { v + 0.0 };
        self.put(&[tag::F64]);
        self.put(&v.to_bits().to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), Refused> {
        self.put(&[tag::CHAR]);
        self.put(&u32::from(v).to_be_bytes());
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), Refused> {
        self.put(&[tag::STR]);
        self.blob(v.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Refused> {
        self.put(&[tag::BYTES]);
        self.blob(v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.put(&[tag::NONE]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.put(&[tag::SOME]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.put(&[tag::UNIT]);
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Refused> {
        // Its name is all that such a value has.
        self.put(&[tag::UNIT_STRUCT]);
        self.blob(name.as_bytes());
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Refused> {
        // By name: reordering an enum must not make one variant another.
        self.put(&[tag::UNIT_VARIANT]);
        self.blob(variant.as_bytes());
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.put(&[tag::NEWTYPE_VARIANT]);
        self.blob(variant.as_bytes());
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, Refused> {
        self.put(&[tag::SEQ]);
        Ok(Sequence { sink: self })
    }

    fn serialize_tuple(self, len: usize) -> Result<Tuple<'a>, Refused> {
        self.put(&[tag::TUPLE]);
        Ok(Tuple::new(self, len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Tuple<'a>, Refused> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Tuple<'a>, Refused> {
        self.put(&[tag::TUPLE_VARIANT]);
        self.blob(variant.as_bytes());
        Ok(Tuple::new(self, len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Map<'a>, Refused> {
        self.put(&[tag::MAP]);
        let hashes = Vec::with_capacity(len.unwrap_or(0).min(1024));
        Ok(Map { sink: self, entry: Sink::new(), hashes })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Sequence<'a>, Refused> {
        self.put(&[tag::STRUCT]);
        Ok(Sequence { sink: self })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Sequence<'a>, Refused> {
        self.put(&[tag::STRUCT_VARIANT]);
        self.blob(variant.as_bytes());
        Ok(Sequence { sink: self })
    }
}

/// A sequence or a struct: each element behind a mark, and a mark at the end, as the length may be unknown.
struct Sequence<'a> {
    sink: &'a mut Sink,
}

impl ser::SerializeSeq for Sequence<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.sink.put(&[MORE]);
        value.serialize(&mut *self.sink)
    }

    fn end(self) -> Result<(), Refused> {
        self.sink.put(&[END]);
        Ok(())
    }
}

/// Defines the two kinds of struct, which are the same but for what was written before.
macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl ser::$kind for Sequence<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Refused> {
                self.sink.put(&[MORE]);
                self.sink.blob(name.as_bytes());
                value.serialize(&mut *self.sink)
            }

            fn end(self) -> Result<(), Refused> {
                self.sink.put(&[END]);
                Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);

/// A tuple: the number of its elements, then they.
struct Tuple<'a> {
    sink: &'a mut Sink,
    left: usize,
}

impl<'a> Tuple<'a> {
    fn new(sink: &'a mut Sink, len: usize) -> Self {
        sink.length(len);
        Self { sink, left: len }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        // A hand-written `Serialize` that announces another number would let values run together.
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| ser::Error::custom("a tuple is longer than it announced"))?;
        value.serialize(&mut *self.sink)
    }

    fn finish(&self) -> Result<(), Refused> {
        match self.left {
            0 => Ok(()),
            _ => Err(ser::Error::custom("a tuple is shorter than it announced")),
        }
    }
}

/// Defines the three kinds of tuple, whose methods differ in name only.
macro_rules! tuples {
    ($($kind:ident $method:ident)*) => {$(
        impl ser::$kind for Tuple<'_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.element(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish()
            }
        }
    )*};
}

tuples!(SerializeTuple serialize_element SerializeTupleStruct serialize_field SerializeTupleVariant serialize_field);

/// A map: its entries apart, hashed and sorted, so that equal maps are equal keys in whatever order they come.
struct Map<'a> {
    sink: &'a mut Sink,
    entry: Sink,
    hashes: Vec<[u8; 32]>,
}

impl ser::SerializeMap for Map<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.entry = Sink::new();
        key.serialize(&mut self.entry)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut self.entry)?;
        self.hashes.push(self.entry.hash());
        Ok(())
    }

    fn end(self) -> Result<(), Refused> {
        self.sink.unordered(self.hashes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
