//! The methods of serde that answer every request with a sample value and record the request.

use serde::de::{self, Visitor};

use super::access::{SampleElements, SampleVariant};
use super::error::Rejected;
use super::sample::Sample;
use super::samples::{BLOBS, TEXTS};

/// Defines the methods of values without parts. The sample is one and not zero, which `NonZero` rejects.
macro_rules! scalars {
    ($($method:ident $visit:ident $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejected> {
            self.recorder.reads += 1;
            self.recorder.record(stringify!($method), "", &[]);
            visitor.$visit($value)
        }
    )*};
}

/// Defines the methods that postcard does not support either.
macro_rules! unsupported {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Rejected> {
            self.recorder.record(stringify!($method), "", &[]);
            Err(Rejected)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Sample<'_> {
    type Error = Rejected;

    scalars! {
        deserialize_bool visit_bool true;
        deserialize_u8 visit_u8 1;
        deserialize_u16 visit_u16 1;
        deserialize_u32 visit_u32 1;
        deserialize_u64 visit_u64 1;
        deserialize_u128 visit_u128 1;
        deserialize_i8 visit_i8 1;
        deserialize_i16 visit_i16 1;
        deserialize_i32 visit_i32 1;
        deserialize_i64 visit_i64 1;
        deserialize_i128 visit_i128 1;
        deserialize_f32 visit_f32 1.0;
        deserialize_f64 visit_f64 1.0;
        deserialize_char visit_char 'a';
    }

    unsupported!(deserialize_any deserialize_identifier deserialize_ignored_any);

    /// Postcard is not human-readable either, so types with a compact form use that one.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Rejected> {
        self.record_read("str", "", &[]);
        let pick = self.recorder.pick();
        visitor.visit_str(TEXTS.get(pick).copied().unwrap_or_default())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejected> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Rejected> {
        self.record_read("bytes", "", &[]);
        let pick = self.recorder.pick();
        visitor.visit_bytes(BLOBS.get(pick).copied().unwrap_or_default())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejected> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Rejected> {
        self.record_read("option", "", &[]);
        if self.must_be_empty() { visitor.visit_none() } else { visitor.visit_some(self.inner()?) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejected> {
        self.recorder.record("unit", "", &[]);
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.recorder.record("unit struct", name, &[]);
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.recorder.record("newtype", name, &[]);
        visitor.visit_newtype_struct(self.inner()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Rejected> {
        self.record_read("seq", "", &[]);
        visitor.visit_seq(SampleElements::at_most_one(self)?)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Rejected> {
        self.record_read("map", "", &[]);
        visitor.visit_map(SampleElements::at_most_one(self)?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Rejected> {
        self.recorder.record("tuple", &len.to_string(), &[]);
        visitor.visit_seq(SampleElements::new(self, len)?)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.recorder.record("tuple struct", name, &[]);
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.recorder.record("struct", name, fields);
        visitor.visit_seq(SampleElements::new(self, fields.len())?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.record_read("enum", name, variants);
        self.recorder.open_enum(self.depth, name, variants);
        visitor.visit_enum(SampleVariant { name, variants, content: self.inner()? })
    }
}
