//! The methods of serde that write a value's encoding.

use serde::ser::{self, Serialize};

use super::compound::{Map, Sequence, Tuple};
use super::error::EncodeError;
use super::marker;
use super::sink::Sink;

/// Defines the methods of the unsigned and the signed integers.
macro_rules! integers {
    ($($unsigned:ident $u:ty, $signed:ident $i:ty;)*) => {$(
        #[inline]
        fn $unsigned(self, v: $u) -> Result<(), EncodeError> {
            self.magnitude(&[marker::UNSIGNED], u128::from(v));
            Ok(())
        }

        #[inline]
        fn $signed(self, v: $i) -> Result<(), EncodeError> {
            let v = i128::from(v);
            self.magnitude(&[marker::SIGNED, u8::from(v < 0)], v.unsigned_abs());
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for &'a mut Sink {
    type Ok = ();
    type Error = EncodeError;
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

    fn serialize_bool(self, v: bool) -> Result<(), EncodeError> {
        self.put(&[if v { marker::TRUE } else { marker::FALSE }]);
        Ok(())
    }

    fn serialize_f32(self, v: f32) -> Result<(), EncodeError> {
        // Equal numbers are equal keys: there is one zero and one `NaN`.
        let v = if v.is_nan() { f32::NAN } else { v + 0.0 };
        self.put(&[marker::F32]);
        self.put(&v.to_bits().to_be_bytes());
        Ok(())
    }

    fn serialize_f64(self, v: f64) -> Result<(), EncodeError> {
        let v = if v.is_nan() { f64::NAN } else { v + 0.0 };
        self.put(&[marker::F64]);
        self.put(&v.to_bits().to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), EncodeError> {
        self.put(&[marker::CHAR]);
        self.put(&u32::from(v).to_be_bytes());
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), EncodeError> {
        self.put(&[marker::STR]);
        self.blob(v.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), EncodeError> {
        self.put(&[marker::BYTES]);
        self.blob(v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.put(&[marker::NONE]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.put(&[marker::SOME]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.put(&[marker::UNIT]);
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), EncodeError> {
        // The name is the only content of such a value.
        self.put(&[marker::UNIT_STRUCT]);
        self.blob(name.as_bytes());
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        // By name, so that a reordered enum has the same keys.
        self.put(&[marker::UNIT_VARIANT]);
        self.blob(variant.as_bytes());
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.put(&[marker::NEWTYPE_VARIANT]);
        self.blob(variant.as_bytes());
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, EncodeError> {
        self.put(&[marker::SEQ]);
        Ok(Sequence { sink: self })
    }

    fn serialize_tuple(self, len: usize) -> Result<Tuple<'a>, EncodeError> {
        self.put(&[marker::TUPLE]);
        Ok(Tuple::new(self, len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Tuple<'a>, EncodeError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Tuple<'a>, EncodeError> {
        self.put(&[marker::TUPLE_VARIANT]);
        self.blob(variant.as_bytes());
        Ok(Tuple::new(self, len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Map<'a>, EncodeError> {
        self.put(&[marker::MAP]);
        Ok(Map::new(self, len))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Sequence<'a>, EncodeError> {
        self.put(&[marker::STRUCT]);
        Ok(Sequence { sink: self })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Sequence<'a>, EncodeError> {
        self.put(&[marker::STRUCT_VARIANT]);
        self.blob(variant.as_bytes());
        Ok(Sequence { sink: self })
    }
}
