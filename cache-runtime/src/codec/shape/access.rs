//! The parts of sample values: elements, map entries and variants.

use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::error::Rejected;
use super::sample::Sample;

/// A number of sample elements, or of entries for a map.
pub(super) struct SampleElements<'a> {
    element: Sample<'a>,
    left: usize,
    /// Each element has to take bytes, so that the number of them is limited.
    is_sequence: bool,
}

impl<'a> SampleElements<'a> {
    /// Descends to `left` values inside `outer`.
    pub(super) fn new(outer: Sample<'a>, left: usize) -> Result<Self, Rejected> {
        Ok(Self { element: outer.inner()?, left, is_sequence: false })
    }

    /// Descends to one value inside `outer`, or to none where the pass must end.
    pub(super) fn at_most_one(mut outer: Sample<'a>) -> Result<Self, Rejected> {
        let left = usize::from(!outer.must_be_empty());
        Ok(Self { is_sequence: true, ..Self::new(outer, left)? })
    }

    fn element(&mut self) -> Sample<'_> {
        self.element.recorder.close_enums(self.element.depth);
        Sample { recorder: self.element.recorder, depth: self.element.depth }
    }
}

impl<'de> de::SeqAccess<'de> for SampleElements<'_> {
    type Error = Rejected;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Rejected> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let reads = self.element.recorder.reads;
        let element = seed.deserialize(self.element()).map(Some);
        self.element.recorder.is_unbounded |= self.is_sequence && self.element.recorder.reads == reads;
        element
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::MapAccess<'de> for SampleElements<'_> {
    type Error = Rejected;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Rejected> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Rejected> {
        seed.deserialize(self.element())
    }
}

/// The next variant of an enum.
pub(super) struct SampleVariant<'a> {
    pub(super) name: &'static str,
    pub(super) variants: &'static [&'static str],
    pub(super) content: Sample<'a>,
}

impl<'a, 'de> de::EnumAccess<'de> for SampleVariant<'a> {
    type Error = Rejected;
    type Variant = Sample<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Sample<'a>), Rejected> {
        let next = self.content.recorder.variant(self.name, self.variants);
        let index: U32Deserializer<Rejected> = u32::try_from(next).unwrap_or(0).into_deserializer();
        Ok((seed.deserialize(index)?, self.content))
    }
}

impl<'de> de::VariantAccess<'de> for Sample<'_> {
    type Error = Rejected;

    fn unit_variant(self) -> Result<(), Rejected> {
        self.recorder.record("unit variant", "", &[]);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Rejected> {
        self.recorder.record("newtype variant", "", &[]);
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Rejected> {
        de::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
