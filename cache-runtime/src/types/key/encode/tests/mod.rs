use std::collections::{HashMap, HashSet};

use serde::ser::{self, Serialize, SerializeTuple, Serializer};

use super::arg_key::ArgKey;
use super::sink::{INLINE, Sink};
use super::{ArgBytes, KeyEncoder, hex, salt};
use crate::types::error::Error;

mod golden;
mod properties;
mod value;

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
struct Wrapped(u64);

#[test]
fn different_values_differ() {
    let table = golden::table();
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
fn the_first_failure_is_returned() {
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
        assert_eq!(whole.padded().is_some(), len <= INLINE);
        assert_eq!(pieces.padded().is_some(), len <= INLINE);
    }
}

#[test]
fn short_encodings_begin_with_the_same_numbers_as_their_bytes() {
    let text = "x".repeat(INLINE);
    for len in 0..INLINE {
        for number in [0, 1, 255, 256, u64::MAX] {
            let mut encoder = KeyEncoder::new();
            encoder.part(&text[..len]);
            encoder.part(&number);
            encoder.part(&-1);
            if let Some(args) = encoder.short() {
                assert_eq!(args.head, ArgBytes::new(args.bytes).head, "{number} behind {len} characters");
            }
        }
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
