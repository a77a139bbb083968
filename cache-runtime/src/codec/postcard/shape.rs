//! The shape of a type, found by letting it deserialize itself from a source that writes down what it asks for.
//!
//! Postcard stores values by position, so it would read the bytes of `{a: u32, b: u32}` as `{b: u32, a: u32}`
//! without noticing. The names that `Deserialize` gives away are enough to notice.
//!
//! Each pass feeds made-up values: one element per sequence, every `Option` filled, and of each enum the next
//! variant, until all have had their turn. Text that a type refuses is tried in other forms (a date, an
//! address), as a refusal would hide what comes after it. Where nothing helps, the recording ends there: less
//! is compared, but always the same.

use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};

use crate::codec::fingerprint::Fnv;

/// Deeper than this, sequences are empty and options are `None`; recursive types end here.
const DEEPEST: usize = 12;
/// Twice as deep, the recording ends: the type cannot be finite without a sequence, an option or a variant.
const TOO_DEEP: usize = 2 * DEEPEST;
/// After this many requests a pass comes to its end in the same way, so that wide recursive types do.
const REQUESTS: usize = 1024;
/// The most passes over the variants of enums, and the most tries of other text in each.
const PASSES: usize = 64;

/// What is fed as text, the first that is accepted.
const TEXTS: [&str; 10] = [
    "a",
    "1",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "http://a.b/",
    "127.0.0.1:1",
    "127.0.0.1",
    "00000000-0000-0000-0000-000000000001",
];
/// What is fed as bytes: identifiers of 16 bytes are the common case that minds.
const BLOBS: [&[u8]; 2] = [&[], &[1; 16]];

/// A hash of the kinds, names and order of everything in `T`.
pub(in crate::codec) fn shape_of<T: DeserializeOwned>() -> u64 {
    let mut hash = Fnv::new();
    let mut turns = Vec::new();
    for _ in 0..PASSES {
        let probe = pass::<T>(&turns);
        hash.write(&probe.hash.finish().to_le_bytes());
        turns = probe.turns;
        if turns.iter().all(|turn| turn.next >= turn.variants.len()) {
            break;
        }
    }
    hash.finish()
}

/// One pass, repeated with other text while that is what fails.
fn pass<T: DeserializeOwned>(turns: &[Turn]) -> Probe {
    let mut picks = Vec::new();
    let mut tries = 0;
    loop {
        let mut probe = Probe::new(turns.to_vec(), picks);
        let done = T::deserialize(Feed::new(&mut probe)).is_ok();
        tries += 1;
        // The last text asked for is the one that was refused.
        probe.picks.truncate(probe.texts);
        let more = probe.picks.last_mut().is_some_and(|pick| {
            *pick += 1;
            *pick < TEXTS.len()
        });
        if done || !more || tries == PASSES {
            return probe;
        }
        picks = probe.picks;
    }
}

/// Which variant of an enum is next.
#[derive(Clone)]
struct Turn {
    name: &'static str,
    variants: &'static [&'static str],
    next: usize,
}

/// What has been written down, and what is to be fed.
struct Probe {
    hash: Fnv,
    turns: Vec<Turn>,
    /// Which of `TEXTS` each text is, in the order in which they are asked for.
    picks: Vec<usize>,
    /// How many texts were asked for.
    texts: usize,
    requests: usize,
}

impl Probe {
    fn new(turns: Vec<Turn>, picks: Vec<usize>) -> Self {
        Self { hash: Fnv::new(), turns, picks, texts: 0, requests: 0 }
    }

    /// Writes down a kind and its names, each behind its length.
    fn note(&mut self, kind: &str, name: &str, parts: &[&str]) {
        self.requests += 1;
        for text in [kind, name].iter().chain(parts) {
            self.hash.write(&(text.len() as u64).to_le_bytes());
            self.hash.write(text.as_bytes());
        }
        self.hash.write(&(parts.len() as u64).to_le_bytes());
    }

    /// Which form the next text has.
    fn pick(&mut self) -> usize {
        let at = self.texts;
        self.texts += 1;
        if at == self.picks.len() {
            self.picks.push(0);
        }
        self.picks.get(at).copied().unwrap_or(0)
    }

    /// The variant of an enum whose turn it is.
    fn turn(&mut self, name: &'static str, variants: &'static [&'static str]) -> usize {
        let same = |turn: &&mut Turn| turn.name == name && turn.variants == variants;
        if let Some(turn) = self.turns.iter_mut().find(same) {
            turn.next += 1;
            return (turn.next - 1) % variants.len().max(1);
        }
        self.turns.push(Turn { name, variants, next: 1 });
        0
    }
}

/// A deserializer that feeds one made-up value.
struct Feed<'a> {
    probe: &'a mut Probe,
    depth: usize,
}

impl<'a> Feed<'a> {
    fn new(probe: &'a mut Probe) -> Self {
        Self { probe, depth: 0 }
    }

    /// Whether what may be empty must be, to come to an end.
    fn must_end(&self) -> bool {
        self.depth >= DEEPEST || self.probe.requests >= REQUESTS
    }

    /// The value below this one.
    fn below(self) -> Result<Self, Refused> {
        if self.depth >= TOO_DEEP || self.probe.requests >= 2 * REQUESTS {
            return Err(Refused);
        }
        Ok(Self { depth: self.depth + 1, probe: self.probe })
    }

    /// `left` values below this one.
    fn items(self, left: usize) -> Result<Items<'a>, Refused> {
        let Self { probe, depth } = self.below()?;
        Ok(Items { probe, depth, left })
    }

    /// One value, or none where it is time to end.
    fn one(self) -> Result<Items<'a>, Refused> {
        let count = usize::from(!self.must_end());
        self.items(count)
    }
}

/// The end of the recording.
#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not with made-up values")
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Defines the methods of values that have no parts. One and not zero, for the sake of `NonZero`.
macro_rules! scalars {
    ($($method:ident $visit:ident $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            self.probe.note(stringify!($method), "", &[]);
            visitor.$visit($value)
        }
    )*};
}

/// Defines the methods of what postcard cannot read either.
macro_rules! unreadable {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused> {
            self.probe.note(stringify!($method), "", &[]);
            Err(Refused)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Feed<'_> {
    type Error = Refused;

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

    unreadable!(deserialize_any deserialize_identifier deserialize_ignored_any);

    /// As postcard: types with a short form give that one.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.probe.note("str", "", &[]);
        let pick = self.probe.pick();
        visitor.visit_str(TEXTS.get(pick).copied().unwrap_or_default())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.probe.note("bytes", "", &[]);
        let pick = self.probe.pick();
        visitor.visit_bytes(BLOBS.get(pick).copied().unwrap_or_default())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.probe.note("option", "", &[]);
        if self.must_end() { visitor.visit_none() } else { visitor.visit_some(self.below()?) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.probe.note("unit", "", &[]);
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.probe.note("unit struct", name, &[]);
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.probe.note("newtype", name, &[]);
        visitor.visit_newtype_struct(self.below()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.probe.note("seq", "", &[]);
        visitor.visit_seq(self.one()?)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.probe.note("map", "", &[]);
        visitor.visit_map(self.one()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refused> {
        self.probe.note("tuple", &len.to_string(), &[]);
        visitor.visit_seq(self.items(len)?)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.probe.note("tuple struct", name, &[]);
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.probe.note("struct", name, fields);
        visitor.visit_seq(self.items(fields.len())?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.probe.note("enum", name, variants);
        visitor.visit_enum(Variant { name, variants, feed: self.below()? })
    }
}

/// So many made-up values, or pairs of them for a map.
struct Items<'a> {
    probe: &'a mut Probe,
    depth: usize,
    left: usize,
}

impl Items<'_> {
    fn feed(&mut self) -> Feed<'_> {
        Feed { probe: self.probe, depth: self.depth }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(self.feed()).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::MapAccess<'de> for Items<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        seed.deserialize(self.feed())
    }
}

/// The variant whose turn it is.
struct Variant<'a> {
    name: &'static str,
    variants: &'static [&'static str],
    feed: Feed<'a>,
}

impl<'a, 'de> de::EnumAccess<'de> for Variant<'a> {
    type Error = Refused;
    type Variant = Feed<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Feed<'a>), Refused> {
        let turn = self.feed.probe.turn(self.name, self.variants);
        let index: U32Deserializer<Refused> = u32::try_from(turn).unwrap_or(0).into_deserializer();
        Ok((seed.deserialize(index)?, self.feed))
    }
}

impl<'de> de::VariantAccess<'de> for Feed<'_> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        self.probe.note("unit variant", "", &[]);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refused> {
        self.probe.note("newtype variant", "", &[]);
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refused> {
        de::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;
    use std::num::NonZeroU8;

    use serde::Deserialize;

    use super::*;

    /// Two versions of a type, in modules of their own so that their names are the same.
    macro_rules! versions {
        ($old:item / $new:item) => {{
            mod old {
                use super::*;
                #[derive(Deserialize)]
                $old
            }
            mod new {
                use super::*;
                #[derive(Deserialize)]
                $new
            }
            (shape_of::<old::T>(), shape_of::<new::T>())
        }};
    }

    /// Accepts a date only, as the types of chrono and time do.
    pub(super) struct Date;

    impl<'de> Deserialize<'de> for Date {
        fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match String::deserialize(deserializer)?.as_str() {
                "1970-01-01T00:00:00Z" => Ok(Self),
                _ => Err(de::Error::custom("not a date")),
            }
        }
    }

    #[derive(Deserialize)]
    pub(super) struct Ab {
        #[expect(dead_code, reason = "only its shape is looked at")]
        a: u32,
        #[expect(dead_code, reason = "only its shape is looked at")]
        b: u32,
    }

    #[test]
    fn order_of_fields() {
        let (old, new) = versions!(
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) struct T { a: u32, b: u32 } /
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) struct T { b: u32, a: u32 }
        );
        assert_ne!(old, new);
        assert_ne!(shape_of::<Vec<Ab>>(), shape_of::<Ab>());
        assert_eq!(shape_of::<Ab>(), shape_of::<Ab>());
        assert_eq!(shape_of::<Box<Ab>>(), shape_of::<Ab>());
    }

    #[test]
    fn types_and_names() {
        let all = [
            shape_of::<Ab>(),
            shape_of::<(u32, u32)>(),
            shape_of::<(u32, u64)>(),
            shape_of::<(u32, i32)>(),
            shape_of::<(u32, Option<u32>)>(),
            shape_of::<((u32, u32),)>(),
            shape_of::<[u32; 3]>(),
            shape_of::<Vec<u32>>(),
            shape_of::<BTreeMap<u32, u32>>(),
            shape_of::<Option<Option<u32>>>(),
            shape_of::<String>(),
            shape_of::<Result<u32, String>>(),
            shape_of::<Result<String, u32>>(),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
        }
    }

    #[test]
    fn nested_behind_picky_values() {
        let (old, new) = versions!(
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) struct T { id: NonZeroU8, at: Date, from: IpAddr, rest: Vec<Option<Inner>> }
            /
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) struct T { id: NonZeroU8, at: Date, from: IpAddr, rest: Vec<Option<Other>> }
        );
        assert_ne!(old, new);
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    pub(super) struct Inner {
        a: u32,
        b: u32,
    }

    #[derive(Deserialize)]
    #[serde(rename = "Inner")]
    #[expect(dead_code, reason = "only its shape is looked at")]
    pub(super) struct Other {
        b: u32,
        a: u32,
    }

    #[test]
    fn every_variant() {
        let (old, new) = versions!(
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) enum T { Unit, Pair(u8, Inner), Fields { a: u32, b: u32 } } /
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) enum T { Unit, Pair(u8, Inner), Fields { b: u32, a: u32 } }
        );
        assert_ne!(old, new);
        let (old, new) = versions!(
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) enum T { Unit, Pair(u8, Inner) } /
            #[expect(dead_code, reason = "only its shape is looked at")]
            pub(super) enum T { Unit, Pair(u8, Other) }
        );
        assert_ne!(old, new);
    }

    #[test]
    fn recursive_types_end() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its shape is looked at")]
        struct Tree {
            left: Option<Box<Tree>>,
            right: Option<Box<Tree>>,
            more: Vec<Tree>,
            by_name: BTreeMap<String, Tree>,
        }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its shape is looked at")]
        enum Expr {
            Add(Box<Expr>, Box<Expr>),
            Not(Box<Expr>),
            Call { name: Date, arguments: Vec<Expr> },
            Number(f64),
        }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its shape is looked at")]
        struct Endless(Box<Endless>);

        assert_eq!(shape_of::<Tree>(), shape_of::<Tree>());
        assert_eq!(shape_of::<Expr>(), shape_of::<Expr>());
        assert_eq!(shape_of::<Endless>(), shape_of::<Endless>());
        assert_eq!(shape_of::<serde_json::Value>(), shape_of::<serde_json::Value>());
    }
}
