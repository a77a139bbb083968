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

use crate::error::Error;

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
            (Some(Refused(message)), _) => Err(Error::Key { message: message.clone() }),
            (None, Sink::Inline { bytes, len }) => Ok(ArgKey::Inline { bytes: *bytes, len: *len }),
            (None, Sink::Hashing(hasher)) => Ok(ArgKey::Hash(*hasher.finalize().as_bytes())),
        }
    }

    /// The encoding of everything added, while it is short enough to be compared as it is.
    #[cfg(feature = "memory")]
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

    /// Takes what has no room in place.
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
        let len = 16 - (n.leading_zeros() / 8) as usize;
        // The significant bytes are moved to the front; a shift by all 128 bits is a zero as well.
        let head = n.checked_shl(8 * (16 - len) as u32).unwrap_or(0).to_be_bytes();
        let mut piece = [0; 20];
        piece[..TAG].copy_from_slice(tag);
        piece[TAG] = len as u8;
        piece[TAG + 1..TAG + 17].copy_from_slice(&head);
        self.put(&piece[..TAG + 1 + len]);
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
        fn $unsigned(self, v: $u) -> Result<(), Refused> {
            self.magnitude(&[tag::UNSIGNED], u128::from(v));
            Ok(())
        }

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
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use proptest::prelude::*;
    use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, Serializer};

    use super::*;

    fn parts(feed: impl FnOnce(&mut KeyEncoder)) -> ArgKey {
        let mut encoder = KeyEncoder::new();
        feed(&mut encoder);
        encoder.key().unwrap()
    }

    fn key<T: Serialize + ?Sized>(value: &T) -> ArgKey {
        parts(|encoder| encoder.part(value))
    }

    fn text(key: &ArgKey) -> String {
        hex(&key.digest(&salt("m::f", 0))).iter().copied().map(char::from).collect()
    }

    #[derive(serde::Serialize)]
    struct Ab {
        a: u8,
        b: u8,
    }

    #[derive(serde::Serialize)]
    struct Wrapped(u64);

    #[derive(serde::Serialize)]
    struct Nothing;

    #[derive(serde::Serialize)]
    enum Choice {
        Unit,
        One(u8),
        Two(u8, u8),
        Fields { a: u8, b: u8 },
    }

    /// Every kind of value, with a name for the golden table.
    fn table() -> Vec<(&'static str, ArgKey)> {
        let map = BTreeMap::from([("a", 1_u8), ("b", 2)]);
        vec![
            ("no arguments", parts(|_| {})),
            ("()", key(&())),
            (
                "\"ab\", \"c\"",
                parts(|encoder| {
                    encoder.part("ab");
                    encoder.part("c");
                }),
            ),
            (
                "\"a\", \"bc\"",
                parts(|encoder| {
                    encoder.part("a");
                    encoder.part("bc");
                }),
            ),
            ("(\"ab\", \"c\")", key(&("ab", "c"))),
            ("\"abc\"", key("abc")),
            ("0u64", key(&0_u64)),
            ("1u64", key(&1_u64)),
            ("1i64", key(&1_i64)),
            ("-1i64", key(&-1_i64)),
            ("\"1\"", key("1")),
            ("'1'", key(&'1')),
            ("true", key(&true)),
            ("false", key(&false)),
            ("1f32", key(&1_f32)),
            ("1f64", key(&1_f64)),
            ("0f64", key(&0_f64)),
            ("NaN", key(&f64::NAN)),
            ("NaN f32", key(&f32::NAN)),
            ("infinity", key(&f64::INFINITY)),
            ("2^53", key(&(1_u64 << 53))),
            ("2^53 + 1", key(&((1_u64 << 53) + 1))),
            ("u128::MAX", key(&u128::MAX)),
            ("i128::MIN", key(&i128::MIN)),
            ("i128::MAX", key(&i128::MAX)),
            ("None", key(&None::<String>)),
            ("Some(\"\")", key(&Some(""))),
            ("Some(\"none\")", key(&Some("none"))),
            ("Some(None)", key(&Some(None::<u8>))),
            ("\"\"", key("")),
            ("[]", key(&Vec::<u8>::new())),
            ("[[]]", key(&vec![Vec::<u8>::new()])),
            ("[[1], [2]]", key(&vec![vec![1_u8], vec![2]])),
            ("[[1, 2]]", key(&vec![vec![1_u8, 2]])),
            ("[1, 2]", key(&vec![1_u8, 2])),
            ("(1, 2)", key(&(1_u8, 2_u8))),
            ("(1,)", key(&(1_u8,))),
            ("((1,),)", key(&((1_u8,),))),
            ("{a, b} struct", key(&Ab { a: 1, b: 2 })),
            ("{a, b} map", key(&map)),
            ("empty map", key(&BTreeMap::<u8, u8>::new())),
            ("unit struct", key(&Nothing)),
            ("unit variant", key(&Choice::Unit)),
            ("\"Unit\"", key("Unit")),
            ("newtype variant", key(&Choice::One(1))),
            ("tuple variant", key(&Choice::Two(1, 2))),
            ("struct variant", key(&Choice::Fields { a: 1, b: 2 })),
            ("set", parts(|encoder| encoder.set_part([1_u8, 2].iter()))),
            ("empty set", parts(|encoder| encoder.set_part(std::iter::empty::<&u8>()))),
            ("long text", key(&"long ".repeat(100))),
        ]
    }

    #[test]
    fn golden() {
        let actual = table();
        assert_eq!(actual.len(), GOLDEN.len());
        for ((name, key), golden) in actual.iter().zip(GOLDEN) {
            assert_eq!((*name, text(key).as_str()), *golden);
        }
    }

    /// Frozen. A line that changes here is a cold cache for every user, and may be a wrong answer.
    const GOLDEN: &[(&str, &str)] = &[
        ("no arguments", "42c7bd408b2e7bed634ad94386d1bcdd"),
        ("()", "8b6a17c7c9c579a87d50ace872d31eaf"),
        ("\"ab\", \"c\"", "eeb1c8e9e1b5ffa31ad03f43df94da9c"),
        ("\"a\", \"bc\"", "82ad425cce4a94cb08fbdf8e0ea4dc91"),
        ("(\"ab\", \"c\")", "64131f6d0d1cf8c82d22bc866d472d3b"),
        ("\"abc\"", "17683b6b577d3cecbc357a12311a1ca1"),
        ("0u64", "bddce58515ce26abf3e782610960125e"),
        ("1u64", "61c69d6ddce51acb496616a5d035761b"),
        ("1i64", "550a3ca7371e63dbbf90575273ba8d4c"),
        ("-1i64", "c52853cf1cda7dd10100a7640f17315a"),
        ("\"1\"", "f3d02ed315d3bed2e5acc27b6c979f54"),
        ("'1'", "7f697e0b01edd8974f6870536df808dc"),
        ("true", "622af43b32f48afbc6ea9e8acc917457"),
        ("false", "348e737544f1da5206589b5c8f22d89d"),
        ("1f32", "35ac38749c548c29553fea4eff9e1e14"),
        ("1f64", "f56a051a8781f8c3c7301d732b3c4eb8"),
        ("0f64", "71a4ea43a1aefb334bde03c1103348ee"),
        ("NaN", "8a108034fc237604bfe114a65597688e"),
        ("NaN f32", "2e04fd442800a2fba4fe66699fb903e0"),
        ("infinity", "df0cfde9a23ba45e8588706b5a4d834e"),
        ("2^53", "265be807f5eb6293911eff66c86f2931"),
        ("2^53 + 1", "d723230378c2b1de09e75f8a974aaf91"),
        ("u128::MAX", "e1be2cd1160887ad7da3e67ce332190a"),
        ("i128::MIN", "c5c4acf77a2db8e3e5e41a4275103afb"),
        ("i128::MAX", "3e85fb730ce1d90d779d6c2dfe269460"),
        ("None", "e5da97a81ca4f7a75a63561f5ac906b8"),
        ("Some(\"\")", "eca798248e8d495498078df1538184fa"),
        ("Some(\"none\")", "63da7fdb57987de1d74d902b809fa2fe"),
        ("Some(None)", "7009c464248c6650cb8e05bdbc85998a"),
        ("\"\"", "c7bf20c1c04ee686bd4600fd2232059c"),
        ("[]", "8c2ddfce973892121c521317455888f7"),
        ("[[]]", "86c6f0d72e84250c85f1d492daf226fc"),
        ("[[1], [2]]", "8fb38a8eee7c35a0080b21d11b6edc14"),
        ("[[1, 2]]", "377589e1f115269a86be950a185606f7"),
        ("[1, 2]", "17f5fb26cf948fb893f42c99e72539be"),
        ("(1, 2)", "3fe9833ac3ee3dc8289ad19512178c7d"),
        ("(1,)", "d584fdfbd8a47c8f1d1224119e28f410"),
        ("((1,),)", "461d6a704844bb443849314da8f6e6ad"),
        ("{a, b} struct", "5fc8428e3bca00d03b7056da3dbacacf"),
        ("{a, b} map", "399e3d727b337a4df442260f604930b0"),
        ("empty map", "a85c95f18a19e2ef9c9735a61dbef20a"),
        ("unit struct", "f93ebb522f1d2e405385f76d9c56188b"),
        ("unit variant", "da4ce92e315cdcd7be546a829f65f8d3"),
        ("\"Unit\"", "c7c5e44f60836c7c43f462e827056203"),
        ("newtype variant", "c65840e5bb78a897277326e54f85cf0c"),
        ("tuple variant", "9efb5ee4ad51d2991671b1357006151b"),
        ("struct variant", "1e136032cb8ec7764a0a5b179972ae95"),
        ("set", "d6ae698e2a802c277272df21e64ada3c"),
        ("empty set", "01b90ccf57b237fc3aa90d9896f94132"),
        ("long text", "cd9535d193c8c965ed040326aff0601b"),
    ];

    /// The layout written out by hand, for whoever has to compute a key elsewhere.
    #[test]
    fn layout() {
        let mut bytes = b"larder key 1".to_vec();
        bytes.extend([4, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"m::f");
        bytes.extend([3, 0, 0, 0]);
        let salt_bytes = *blake3::hash(&bytes).as_bytes();
        let arguments = [0, 0x01, 0x05, 2, 0x01, 0x2c, 0x01, 0x0a, 1, b'x'];
        let key = parts(|encoder| {
            encoder.part(&300);
            encoder.part("x");
        });
        assert_ne!(
            key.digest(&salt("m::f", 3)),
            blake3::keyed_hash(&salt_bytes, &arguments).as_bytes()[..16]
        );
        let key = parts(|encoder| {
            encoder.part(&300_u16);
            encoder.part("x");
        });
        assert_eq!(
            key.digest(&salt("m::f", 3)),
            blake3::keyed_hash(&salt_bytes, &arguments).as_bytes()[..16]
        );
    }

    #[test]
    fn different_values_differ() {
        let table = table();
        for (at, (one, key)) in table.iter().enumerate() {
            for (other, other_key) in &table[at + 1..] {
                assert_ne!(key, other_key, "{one} and {other}");
                assert_ne!(text(key), text(other_key), "{one} and {other}");
            }
        }
    }

    #[test]
    fn equal_values_are_equal() {
        assert_eq!(key(&1_u8), key(&1_u64));
        assert_eq!(key(&-1_i8), key(&-1_i128));
        assert_eq!(key(&1_u64), key(&Wrapped(1)));
        assert_eq!(key("a"), key(&String::from("a")));
        assert_eq!(key("a"), key(&&Box::<str>::from("a")));
        assert_eq!(key(&0.0_f64), key(&-0.0_f64));
        assert_eq!(key(&0.0_f32), key(&-0.0_f32));
        assert_eq!(key(&f64::NAN), key(&-f64::NAN));
        assert_eq!(key(&f64::NAN), key(&f64::from_bits(0x7ff0_0000_0000_0001)));
        assert_eq!(key(&vec![1_u8]), key(&[1_u8][..]));
    }

    #[test]
    fn identity_and_version_count() {
        let key = key(&1);
        let digest = key.digest(&salt("m::f", 0));
        assert_ne!(digest, key.digest(&salt("m::g", 0)));
        assert_ne!(digest, key.digest(&salt("m::f", 1)));
        assert_eq!(&hex(&[0, 1, 0xab, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10])[..8], b"0001abff");
    }

    #[test]
    fn sets_have_no_order() {
        let set = |items: &[u8]| parts(|encoder| encoder.set_part(items.iter()));
        assert_eq!(set(&[1, 2, 3]), set(&[3, 1, 2]));
        assert_ne!(set(&[1, 2, 3]), set(&[1, 2]));
        assert_ne!(set(&[1, 1]), set(&[1]));
        assert_ne!(set(&[1, 2]), key(&vec![1_u8, 2]));
        let items: HashSet<String> = (0..1_000).map(|n| n.to_string()).collect();
        let again: HashSet<String> = (0..1_000).rev().map(|n| n.to_string()).collect();
        let set = |items: &HashSet<String>| parts(|encoder| encoder.set_part(items.iter()));
        assert_eq!(set(&items), set(&again));
    }

    #[test]
    fn failures_are_kept() {
        struct Fails;
        impl Serialize for Fails {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(ser::Error::custom("no, thanks"))
            }
        }
        struct Lies(usize);
        impl Serialize for Lies {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut tuple = serializer.serialize_tuple(self.0)?;
                tuple.serialize_element(&1)?;
                tuple.end()
            }
        }
        for feed in [
            &(|encoder: &mut KeyEncoder| encoder.part(&vec![Fails])) as &dyn Fn(&mut KeyEncoder),
            &|encoder| encoder.set_part([Fails].iter()),
            &|encoder| encoder.part(&HashMap::from([(1, Fails)])),
            &|encoder| encoder.part(&Lies(0)),
            &|encoder| encoder.part(&Lies(2)),
        ] {
            let mut encoder = KeyEncoder::new();
            feed(&mut encoder);
            encoder.part(&1);
            encoder.set_part([1].iter());
            assert!(matches!(encoder.key(), Err(Error::Key { .. })));
        }
        assert_eq!(key(&Lies(1)), key(&(1,)));
    }

    #[test]
    fn short_and_long_paths_agree() {
        // The same content in one piece and in many, on both sides of the boundary.
        for len in 0..300 {
            let content: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let mut whole = Sink::new();
            whole.put(&content);
            let mut pieces = Sink::new();
            content.chunks(7).for_each(|piece| pieces.put(piece));
            assert_eq!(whole.hash(), *blake3::hash(&content).as_bytes());
            assert_eq!(whole.hash(), pieces.hash());
            assert_eq!(matches!(whole, Sink::Inline { .. }), len <= INLINE);
            assert_eq!(matches!(pieces, Sink::Inline { .. }), len <= INLINE);
        }
    }

    #[test]
    fn debug_shows_no_arguments() {
        let mut encoder = KeyEncoder::new();
        encoder.part("secret");
        assert_eq!(format!("{encoder:?}"), "KeyEncoder { .. }");
        assert_eq!(format!("{:?}", key("secret")), "ArgKey(9 bytes)");
        assert_eq!(format!("{:?}", key(&"x".repeat(100))), "ArgKey(hash)");
    }

    /// Whatever serde can express.
    #[derive(Debug, Clone)]
    enum Value {
        Unit,
        Bool(bool),
        Unsigned(u128),
        Signed(i128),
        F32(f32),
        F64(f64),
        Char(char),
        Text(String),
        Bytes(Vec<u8>),
        None,
        Some(Box<Value>),
        Seq(Vec<Value>),
        Tuple(Vec<Value>),
        Map(Vec<(Value, Value)>),
        Struct(Vec<(&'static str, Value)>),
        Variant(&'static str),
        Newtype(&'static str, Box<Value>),
    }

    impl Serialize for Value {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Unit => serializer.serialize_unit(),
                Self::Bool(v) => serializer.serialize_bool(*v),
                Self::Unsigned(v) => serializer.serialize_u128(*v),
                Self::Signed(v) => serializer.serialize_i128(*v),
                Self::F32(v) => serializer.serialize_f32(*v),
                Self::F64(v) => serializer.serialize_f64(*v),
                Self::Char(v) => serializer.serialize_char(*v),
                Self::Text(v) => serializer.serialize_str(v),
                Self::Bytes(v) => serializer.serialize_bytes(v),
                Self::None => serializer.serialize_none(),
                Self::Some(v) => serializer.serialize_some(v),
                Self::Seq(items) => {
                    let mut seq = serializer.serialize_seq(None)?;
                    items.iter().try_for_each(|item| seq.serialize_element(item))?;
                    seq.end()
                }
                Self::Tuple(items) => {
                    let mut tuple = serializer.serialize_tuple(items.len())?;
                    items.iter().try_for_each(|item| tuple.serialize_element(item))?;
                    tuple.end()
                }
                Self::Map(entries) => {
                    let mut map = serializer.serialize_map(None)?;
                    entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                    map.end()
                }
                Self::Struct(fields) => {
                    let mut fields_of = serializer.serialize_struct("S", fields.len())?;
                    fields.iter().try_for_each(|(name, value)| fields_of.serialize_field(name, value))?;
                    fields_of.end()
                }
                Self::Variant(name) => serializer.serialize_unit_variant("E", 0, name),
                Self::Newtype(name, v) => serializer.serialize_newtype_variant("E", 0, name, v),
            }
        }
    }

    impl Value {
        /// The oracle: a text that is the same for equal values and no others.
        fn canonical(&self) -> String {
            let all = |items: &[Self]| items.iter().map(Self::canonical).collect::<Vec<_>>();
            match self {
                Self::F32(v) if *v == 0.0 => "F32(0)".to_owned(),
                Self::F64(v) if *v == 0.0 => "F64(0)".to_owned(),
                Self::Some(v) => format!("Some({:?})", v.canonical()),
                Self::Newtype(name, v) => format!("{name:?}({:?})", v.canonical()),
                Self::Seq(items) => format!("Seq{:?}", all(items)),
                Self::Tuple(items) => format!("Tuple{:?}", all(items)),
                Self::Struct(fields) => {
                    let one = |(name, value): &(&str, Self)| format!("{name}: {:?}", value.canonical());
                    format!("Struct{:?}", fields.iter().map(one).collect::<Vec<_>>())
                }
                Self::Map(entries) => {
                    let one = |(key, value): &(Self, Self)| (key.canonical(), value.canonical());
                    let mut entries: Vec<_> = entries.iter().map(one).collect();
                    entries.sort();
                    format!("Map{entries:?}")
                }
                plain => format!("{plain:?}"),
            }
        }

        /// The same value, its maps in reverse.
        fn reversed(&self) -> Self {
            let all = |items: &[Self]| items.iter().map(Self::reversed).collect();
            match self {
                Self::Some(v) => Self::Some(Box::new(v.reversed())),
                Self::Newtype(name, v) => Self::Newtype(name, Box::new(v.reversed())),
                Self::Seq(items) => Self::Seq(all(items)),
                Self::Tuple(items) => Self::Tuple(all(items)),
                Self::Struct(fields) => {
                    Self::Struct(fields.iter().map(|(name, v)| (*name, v.reversed())).collect())
                }
                Self::Map(entries) => {
                    Self::Map(entries.iter().rev().map(|(key, v)| (key.reversed(), v.reversed())).collect())
                }
                plain => plain.clone(),
            }
        }
    }

    /// Few different leaves, so that near misses are common.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Unit),
            Just(Value::None),
            any::<bool>().prop_map(Value::Bool),
            (0..3_u128).prop_map(Value::Unsigned),
            any::<u128>().prop_map(Value::Unsigned),
            (-2..3_i128).prop_map(Value::Signed),
            prop::sample::select(vec![0.0, -0.0, 1.0, f32::NAN, -f32::NAN]).prop_map(Value::F32),
            prop::sample::select(vec![0.0, -0.0, 1.0, f64::NAN, -f64::NAN]).prop_map(Value::F64),
            prop::char::range('0', '2').prop_map(Value::Char),
            "[\\x00-\\x02a]{0,3}".prop_map(Value::Text),
            "a{90,100}".prop_map(Value::Text),
            prop::collection::vec(0..3_u8, 0..3).prop_map(Value::Bytes),
            prop::sample::select(vec!["", "a", "b"]).prop_map(Value::Variant),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let items = || prop::collection::vec(inner.clone(), 0..3);
            let name = || prop::sample::select(vec!["", "a", "b"]);
            prop_oneof![
                inner.clone().prop_map(|v| Value::Some(Box::new(v))),
                (name(), inner.clone()).prop_map(|(name, v)| Value::Newtype(name, Box::new(v))),
                items().prop_map(Value::Seq),
                items().prop_map(Value::Tuple),
                prop::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(Value::Map),
                prop::collection::vec((name(), inner.clone()), 0..3).prop_map(Value::Struct),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn injective(values in prop::collection::vec(value(), 1..12)) {
            let keys: Vec<_> = values.iter().map(|value| (value.canonical().replace("-NaN", "NaN"), key(value))).collect();
            for (one, one_key) in &keys {
                for (other, other_key) in &keys {
                    prop_assert_eq!(one == other, one_key == other_key, "{} {}", one, other);
                }
            }
        }

        #[test]
        fn arguments_do_not_run_together(a in prop::collection::vec(value(), 0..3), b in prop::collection::vec(value(), 0..3)) {
            let whole = |values: &[Value]| parts(|encoder| values.iter().for_each(|value| encoder.part(value)));
            let oracle = |values: &[Value]| Value::Seq(values.to_vec()).canonical();
            prop_assert_eq!(oracle(&a) == oracle(&b), whole(&a) == whole(&b));
        }

        #[test]
        fn maps_have_no_order(value in value(), map in prop::collection::hash_map(any::<u16>(), ".{0,40}", 0..20)) {
            prop_assert_eq!(key(&value), key(&value.reversed()));
            let again: HashMap<_, _> = map.iter().collect();
            let sorted: BTreeMap<_, _> = map.iter().collect();
            prop_assert_eq!(key(&map), key(&again));
            prop_assert_eq!(key(&map), key(&sorted));
        }
    }
}
