use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::budget::MAX_DEPTH;
use crate::codec::Codec;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List {
    next: Option<Box<List>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Expression {
    Number(u64),
    Not(Box<Expression>),
    Both { left: Box<Expression>, right: Box<Expression> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

/// Returns the codecs with names and without, whose feature is on.
fn binary() -> impl Iterator<Item = Codec> {
    [Codec::MsgPack, Codec::Postcard].into_iter().filter(|codec| codec.available().is_ok())
}

fn reason<T: serde::de::DeserializeOwned>(codec: Codec, bytes: &[u8]) -> String {
    match codec.decode::<T>(bytes) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn deep_bytes_are_an_error() {
    let deep = format!("nested deeper than {MAX_DEPTH} levels");
    if Codec::Postcard.available().is_ok() {
        let million = vec![1; 1_000_000];
        assert_eq!(reason::<List>(Codec::Postcard, &million), "Serde Deserialization Error");
        assert_eq!(reason::<Tree>(Codec::Postcard, &million), "Serde Deserialization Error");
        assert_eq!(reason::<Chain>(Codec::Postcard, &million), "Serde Deserialization Error");
        assert_eq!(reason::<Expression>(Codec::Postcard, &million), "Serde Deserialization Error");
    }
    if Codec::MsgPack.available().is_ok() {
        let lists: Vec<u8> = [&[0x81, 0xa4][..], b"next"].concat().repeat(100_000);
        assert!(!reason::<List>(Codec::MsgPack, &lists).is_empty());
        assert!(!reason::<Tree>(Codec::MsgPack, &[0x91; 100_000]).is_empty());
        assert!(!reason::<serde_json::Value>(Codec::MsgPack, &[0x91; 100_000]).is_empty());
        assert!(!reason::<List>(Codec::MsgPack, &[&b"\x81\xa1x"[..], &[0x91; 100_000]].concat()).is_empty());
        assert_eq!(reason::<Chain>(Codec::MsgPack, &[1]), deep);
        let nots: Vec<u8> = [&[0x81, 0xa3][..], b"Not"].concat().repeat(100_000);
        assert_eq!(reason::<Expression>(Codec::MsgPack, &nots), deep);
    }
    assert!(reason::<List>(Codec::Json, "{\"next\":".repeat(100_000).as_bytes()).contains("recursion"));
}

#[test]
fn a_hundred_levels_are_read() {
    for codec in binary() {
        let list = (0..100).fold(List { next: None }, |list, _| List { next: Some(Box::new(list)) });
        let not = (0..100).fold(Expression::Number(1), |inner, _| Expression::Not(Box::new(inner)));
        let both = Expression::Both { left: Box::new(not), right: Box::new(Expression::Number(2)) };
        let (mut lists, mut expressions) = (Vec::new(), Vec::new());
        codec.encode(&list, &mut lists).unwrap();
        codec.encode(&both, &mut expressions).unwrap();
        assert_eq!(codec.decode::<List>(&lists), Ok(list));
        assert_eq!(codec.decode::<Expression>(&expressions), Ok(both));
    }
}

#[test]
fn json_that_cannot_be_read_is_not_written() {
    let nested = |depth| (0..depth).fold(Tree(Vec::new()), |tree, _| Tree(vec![tree]));
    let mut out = Vec::new();
    Codec::Json.encode(&nested(126), &mut out).unwrap();
    assert_eq!(Codec::Json.decode::<Tree>(&out), Ok(nested(126)));
    let refused = Codec::Json.encode(&nested(127), &mut Vec::new()).unwrap_err();
    assert!(refused.to_string().contains("nested deeper than 127 levels"), "{refused}");
}

#[cfg(feature = "postcard")]
#[test]
fn elements_without_bytes_are_limited() {
    use std::collections::HashMap;

    use super::budget::MAX_EMPTY;

    let claimed = |len: u64| {
        let mut out = Vec::new();
        Codec::Postcard.encode(&len, &mut out).unwrap();
        out
    };
    assert!(Codec::Postcard.decode::<Vec<()>>(&claimed(u64::from(MAX_EMPTY))).is_ok());
    assert!(Codec::Postcard.decode::<Vec<()>>(&claimed(u64::from(MAX_EMPTY) + 1)).is_err());
    assert!(Codec::Postcard.decode::<Vec<()>>(&claimed(1 << 62)).is_err());
    assert!(Codec::Postcard.decode::<HashMap<(), ()>>(&claimed(1 << 62)).is_err());
    assert!(Codec::Postcard.decode::<Vec<((), [(); 3])>>(&claimed(1 << 62)).is_err());
    assert!(Codec::Postcard.decode::<Vec<u8>>(&claimed(1 << 62)).is_err());
}

/// An ordinary value.
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    state: Option<State>,
    earlier: Vec<Option<State>>,
    lines: BTreeMap<String, (u32, f64)>,
    note: Result<String, State>,
    marks: [(); 3],
}

#[derive(Serialize, Deserialize)]
enum State {
    Open,
    Paid { at: u64 },
    Sent(String, u8),
}

#[test]
fn only_types_without_a_bound_are_decoded_with_limits() {
    for codec in binary() {
        assert!(codec.is_bounded::<Order>(), "{codec:?}");
        assert!(codec.is_bounded::<Vec<Option<String>>>(), "{codec:?}");
        assert!(codec.is_bounded::<std::net::IpAddr>(), "{codec:?}");
        for is_bounded in [
            codec.is_bounded::<List>(),
            codec.is_bounded::<Tree>(),
            codec.is_bounded::<Chain>(),
            codec.is_bounded::<Expression>(),
            codec.is_bounded::<Vec<()>>(),
            codec.is_bounded::<serde_json::Value>(),
        ] {
            assert!(!is_bounded, "{codec:?}");
        }
    }
    assert!(Codec::Json.is_bounded::<List>());
}
