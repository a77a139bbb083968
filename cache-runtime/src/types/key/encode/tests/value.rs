//! Arbitrary values, and an oracle for their equality.

use proptest::prelude::*;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};

use super::*;

/// Every value that serde can express.
#[derive(Debug, Clone)]
pub(super) enum Value {
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
    /// Returns a text that is the same for equal values and no others.
    pub(super) fn canonical(&self) -> String {
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

    /// Returns the same value with its maps in reverse order.
    pub(super) fn reversed(&self) -> Self {
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

/// Few different leaves, so that almost equal values are common.
pub(super) fn value() -> impl Strategy<Value = Value> {
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
