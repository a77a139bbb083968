use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU8;

use serde::{Deserialize, de};

use super::shape_of;

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
        (shape_of::<old::T>().hash, shape_of::<new::T>().hash)
    }};
}

/// A type that accepts only a date, as those of chrono and time do.
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
    #[expect(dead_code, reason = "only its shape is used")]
    a: u32,
    #[expect(dead_code, reason = "only its shape is used")]
    b: u32,
}

#[test]
fn order_of_fields() {
    let (old, new) = versions!(
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) struct T { a: u32, b: u32 } /
        #[expect(dead_code, reason = "only its shape is used")]
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
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) struct T { id: NonZeroU8, at: Date, from: IpAddr, rest: Vec<Option<Inner>> }
        /
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) struct T { id: NonZeroU8, at: Date, from: IpAddr, rest: Vec<Option<Other>> }
    );
    assert_ne!(old, new);
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its shape is used")]
pub(super) struct Inner {
    a: u32,
    b: u32,
}

#[derive(Deserialize)]
#[serde(rename = "Inner")]
#[expect(dead_code, reason = "only its shape is used")]
pub(super) struct Other {
    b: u32,
    a: u32,
}

#[test]
fn every_variant() {
    let (old, new) = versions!(
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) enum T { Unit, Pair(u8, Inner), Fields { a: u32, b: u32 } } /
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) enum T { Unit, Pair(u8, Inner), Fields { b: u32, a: u32 } }
    );
    assert_ne!(old, new);
    let (old, new) = versions!(
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) enum T { Unit, Pair(u8, Inner) } /
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) enum T { Unit, Pair(u8, Other) }
    );
    assert_ne!(old, new);
}

#[test]
fn recursive_types_end() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Tree {
        left: Option<Box<Tree>>,
        right: Option<Box<Tree>>,
        more: Vec<Tree>,
        by_name: BTreeMap<String, Tree>,
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    enum Expr {
        Add(Box<Expr>, Box<Expr>),
        Not(Box<Expr>),
        Call { name: Date, arguments: Vec<Expr> },
        Number(f64),
    }
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Endless(Box<Endless>);

    assert_eq!(shape_of::<Tree>(), shape_of::<Tree>());
    assert_eq!(shape_of::<Expr>(), shape_of::<Expr>());
    assert_eq!(shape_of::<Endless>(), shape_of::<Endless>());
    assert_eq!(shape_of::<serde_json::Value>(), shape_of::<serde_json::Value>());
}

/// Frozen: with another shape, stored entries of the type are misses.
#[test]
fn frozen() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is used")]
    enum Sample {
        Unit,
        One(Option<Date>),
        Two(u8, char),
        Fields { ab: Ab, by_name: BTreeMap<String, Vec<f64>>, from: IpAddr, unit: () },
    }
    assert_eq!(shape_of::<Sample>().hash, 5_808_591_610_604_287_524);
}
