//! Values for a type: their parts are limited, too.

use std::fmt;

use serde::de::{Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::access::LimitedMap;
use super::limited::DepthLimited;

/// Passes values without parts on.
macro_rules! scalars {
    ($($method:ident $scalar:ty;)*) => {$(
        fn $method<E: Error>(self, value: $scalar) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for DepthLimited<'_, V> {
    type Value = V::Value;

    scalars! {
        visit_bool bool;
        visit_i8 i8;
        visit_i16 i16;
        visit_i32 i32;
        visit_i64 i64;
        visit_i128 i128;
        visit_u8 u8;
        visit_u16 u16;
        visit_u32 u32;
        visit_u64 u64;
        visit_u128 u128;
        visit_f32 f32;
        visit_f64 f64;
        visit_char char;
        visit_str &str;
        visit_borrowed_str &'de str;
        visit_string String;
        visit_bytes &[u8];
        visit_borrowed_bytes &'de [u8];
        visit_byte_buf Vec<u8>;
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let Self { inner, budget } = self;
        budget.descend(|| inner.visit_some(DepthLimited::new(value, budget)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let Self { inner, budget } = self;
        budget.descend(|| inner.visit_newtype_struct(DepthLimited::new(value, budget)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<V::Value, A::Error> {
        let Self { inner, budget } = self;
        budget.descend(|| inner.visit_seq(DepthLimited::new(parts, budget)))
    }

    fn visit_map<A: MapAccess<'de>>(self, parts: A) -> Result<V::Value, A::Error> {
        let Self { inner, budget } = self;
        let reads = budget.reads();
        budget.descend(|| inner.visit_map(LimitedMap { inner: parts, budget, reads }))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let Self { inner, budget } = self;
        budget.descend(|| inner.visit_enum(DepthLimited::new(variant, budget)))
    }
}
