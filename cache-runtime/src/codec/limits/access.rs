//! The parts of a value: elements, map entries and variants.

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::budget::Budget;
use super::limited::DepthLimited;

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for DepthLimited<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let reads = self.budget.reads();
        let element = self.inner.next_element_seed(DepthLimited::new(seed, self.budget))?;
        if element.is_some() {
            self.budget.count_element(reads)?;
        }
        Ok(element)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// The entries of a map.
pub(super) struct LimitedMap<'b, A> {
    pub(super) inner: A,
    pub(super) budget: &'b Budget,
    /// The reads before the entry.
    pub(super) reads: u64,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for LimitedMap<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.reads = self.budget.reads();
        self.inner.next_key_seed(DepthLimited::new(seed, self.budget))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.inner.next_value_seed(DepthLimited::new(seed, self.budget))?;
        self.budget.count_element(self.reads)?;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'b, 'de, A: EnumAccess<'de>> EnumAccess<'de> for DepthLimited<'b, A> {
    type Error = A::Error;
    type Variant = DepthLimited<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, content) = self.inner.variant_seed(seed)?;
        Ok((name, DepthLimited::new(content, self.budget)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for DepthLimited<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(DepthLimited::new(seed, self.budget))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, DepthLimited::new(visitor, self.budget))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, DepthLimited::new(visitor, self.budget))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for DepthLimited<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(DepthLimited::new(deserializer, self.budget))
    }
}
