//! Values come back unchanged in every stored form, and a value that cannot be stored still reaches its caller.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use larder::{Cache, cache};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use support::stores::{Calls, caches, caches_with, counts};

/// One cached function for each codec.
macro_rules! in_each_codec {
    ($name:ident($id:ident: $arg:ty) -> $ty:ty = $body:expr) => {
        mod $name {
            use super::*;

            #[cache(expire = "1m", cache = cache)]
            pub(crate) async fn json(cache: &Cache, calls: &Calls, $id: $arg) -> $ty {
                calls.add();
                $body
            }

            #[cache(expire = "1m", codec = msgpack, cache = cache)]
            pub(crate) async fn msgpack(cache: &Cache, calls: &Calls, $id: $arg) -> $ty {
                calls.add();
                $body
            }

            #[cache(expire = "1m", codec = postcard, cache = cache)]
            pub(crate) async fn postcard(cache: &Cache, calls: &Calls, $id: $arg) -> $ty {
                calls.add();
                $body
            }
        }
    };
}

/// Calls the function three times in each codec, and asserts `same` each time and one computation.
macro_rules! round_trips {
    ($cache:expr, $name:ident($id:expr), $same:expr) => {
        let one =
            |calls: &Calls, codec| assert_eq!(calls.count(), 1, "{:?} {codec} {}", $cache, stringify!($name));
        let calls = Calls::default();
        for _ in 0..3 {
            ($same)($name::json($cache, &calls, $id).await);
        }
        one(&calls, "json");
        {
            let calls = Calls::default();
            for _ in 0..3 {
                ($same)($name::msgpack($cache, &calls, $id).await);
            }
            one(&calls, "msgpack");
        }
        {
            let calls = Calls::default();
            for _ in 0..3 {
                ($same)($name::postcard($cache, &calls, $id).await);
            }
            one(&calls, "postcard");
        }
    };
}

const WHOLE: [i128; 7] =
    [0, -1, i64::MIN as i128, u64::MAX as i128, u64::MAX as i128 + 1, i128::MIN, i128::MAX];
const FLOATS: [f64; 9] =
    [0.0, -0.0, 0.1, 1.0 / 3.0, f64::MIN_POSITIVE, f64::MAX, f64::MIN, f64::EPSILON, 9_007_199_254_740_993.0];
const NARROW: [f32; 6] = [0.1, -0.0, f32::MAX, f32::MIN_POSITIVE, 1.0 / 3.0, 16_777_217.0];
const TEXTS: [&str; 6] = ["", "\0", "\u{feff}a\r\n\t\"\\", "grün 漢字 🦀", "ldr\u{1}", "null"];

in_each_codec!(whole(id: usize) -> (i128, u128) = (WHOLE[id], WHOLE[id].unsigned_abs()));
in_each_codec!(float(id: usize) -> f64 = FLOATS[id]);
in_each_codec!(narrow(id: usize) -> f32 = NARROW[id]);
in_each_codec!(text(id: usize) -> String = TEXTS[id].to_owned());
in_each_codec!(bytes(id: usize) -> Vec<u8> = (0..=255).cycle().take(id).collect());

#[tokio::test]
async fn numbers_text_and_bytes_come_back_bit_for_bit() {
    for cache in &caches().await {
        for (id, expected) in WHOLE.into_iter().enumerate() {
            round_trips!(cache, whole(id), |value| assert_eq!(value, (expected, expected.unsigned_abs())));
        }
        for (id, expected) in FLOATS.into_iter().enumerate() {
            round_trips!(cache, float(id), |value: f64| assert_eq!(value.to_bits(), expected.to_bits()));
        }
        for (id, expected) in NARROW.into_iter().enumerate() {
            round_trips!(cache, narrow(id), |value: f32| assert_eq!(value.to_bits(), expected.to_bits()));
        }
        for (id, expected) in TEXTS.into_iter().enumerate() {
            round_trips!(cache, text(id), |value| assert_eq!(value, expected));
        }
        for size in [0, 1, 256, 100_000] {
            round_trips!(cache, bytes(size), |value: Vec<u8>| assert!(
                value.iter().copied().eq((0..=255).cycle().take(size))
            ));
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Status {
    Idle,
    Busy(u8, String),
    Gone { since: DateTime<Utc>, day: NaiveDate },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Amount(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    id: u128,
    amount: Amount,
    states: Vec<Status>,
    by_number: HashMap<u32, Option<bool>>,
    letter: char,
    nothing: (),
}

fn record() -> Record {
    let since = DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("a time");
    let day = NaiveDate::from_ymd_opt(2019, 5, 9).expect("a day");
    Record {
        id: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
        amount: Amount("1.10".to_owned()),
        states: vec![Status::Idle, Status::Busy(7, "x".to_owned()), Status::Gone { since, day }],
        by_number: HashMap::from([(1, None), (2, Some(true))]),
        letter: '漢',
        nothing: (),
    }
}

in_each_codec!(nested(_id: u8) -> Record = record());

#[tokio::test]
async fn dates_enums_and_maps_keep_their_types() {
    for cache in &caches().await {
        round_trips!(cache, nested(0), |value| assert_eq!(value, record()));
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shy {
    seen: u8,
    #[serde(skip)]
    hidden: u8,
    #[serde(default)]
    late: u8,
}

in_each_codec!(shy(_id: u8) -> Shy = Shy { seen: 1, hidden: 2, late: 3 });

#[tokio::test]
async fn a_skipped_field_has_its_default_on_a_hit() {
    for cache in &caches().await {
        let mut seen = Vec::new();
        round_trips!(cache, shy(0), |value: Shy| seen.push(value));
        for three in seen.chunks(3) {
            assert_eq!(three[0], Shy { seen: 1, hidden: 2, late: 3 });
            for hit in &three[1..] {
                assert_eq!(*hit, Shy { seen: 1, hidden: 0, late: 3 });
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(u64),
    Pair(String, String),
    Named { name: String },
}

fn loose() -> Vec<Loose> {
    let text = || "x".to_owned();
    vec![Loose::Number(1), Loose::Pair(text(), text()), Loose::Named { name: text() }]
}

#[cache(expire = "1m", cache = cache)]
async fn loose_json(cache: &Cache, calls: &Calls) -> Vec<Loose> {
    calls.add();
    loose()
}

#[cache(expire = "1m", codec = msgpack, cache = cache)]
async fn loose_msgpack(cache: &Cache, calls: &Calls) -> Vec<Loose> {
    calls.add();
    loose()
}

#[cache(expire = "1m", codec = postcard, cache = cache)]
async fn loose_postcard(cache: &Cache, calls: &Calls) -> Vec<Loose> {
    calls.add();
    loose()
}

#[tokio::test]
async fn untagged_enums_come_back_or_are_refused() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(loose_json(cache, &calls).await, loose());
            assert_eq!(loose_msgpack(cache, &calls).await, loose());
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        // Postcard cannot distinguish the variants, and the value still arrives each time.
        for _ in 0..3 {
            assert_eq!(loose_postcard(cache, &calls).await, loose());
        }
    }
}

/// A value that shares its content, as `bytes::Bytes` and `Arc<str>` do.
#[derive(Debug, Clone, PartialEq)]
struct Shared(Arc<str>);

impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Shared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

in_each_codec!(shared(_id: u8) -> Shared = Shared("shared".into()));
in_each_codec!(boxed_text(_id: u8) -> Box<str> = "boxed".into());
in_each_codec!(boxed_slice(_id: u8) -> Box<[u64]> = [1, 2, 3].into());
in_each_codec!(boxed_value(_id: u8) -> Box<Record> = Box::new(record()));
in_each_codec!(cow(_id: u8) -> Cow<'static, str> = Cow::Borrowed("cow"));

#[tokio::test]
async fn owning_pointers_are_stored_as_their_content() {
    for cache in &caches().await {
        round_trips!(cache, shared(0), |value| assert_eq!(value, Shared("shared".into())));
        round_trips!(cache, boxed_text(0), |value: Box<str>| assert_eq!(&*value, "boxed"));
        round_trips!(cache, boxed_slice(0), |value: Box<[u64]>| assert_eq!(*value, [1, 2, 3]));
        round_trips!(cache, boxed_value(0), |value: Box<Record>| assert_eq!(*value, record()));
        round_trips!(cache, cow(0), |value: Cow<'static, str>| assert_eq!(value, "cow"));
    }
}

/// A value that is neither `Send` nor `Clone`.
#[derive(Debug, PartialEq)]
struct Local(Rc<str>);

impl Serialize for Local {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Local {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

#[cache(expire = "1m", cache = cache)]
async fn local(cache: &Cache, calls: &Calls) -> Local {
    calls.add();
    Local("here".into())
}

#[tokio::test]
async fn a_value_need_not_be_send_nor_clone() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(local(cache, &calls).await, Local("here".into()));
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn tuple_keys(cache: &Cache, calls: &Calls) -> HashMap<(u8, u8), u8> {
    calls.add();
    HashMap::from([((1, 2), 3)])
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_reaches_its_caller_each_time() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(tuple_keys(cache, &calls).await, HashMap::from([((1, 2), 3)]));
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        let counts = counts(cache, "tuple_keys");
        assert_eq!((counts.encode_errors, counts.stores, counts.hits), (3, 0, 0), "{cache:?}");
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Stubborn;

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

#[cache(expire = "1m", cache = cache)]
async fn stubborn(cache: &Cache, calls: &Calls) -> Result<Stubborn, String> {
    calls.add();
    Ok(Stubborn)
}

#[tokio::test]
async fn a_failing_serialize_does_not_fail_the_call() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(stubborn(cache, &calls).await, Ok(Stubborn));
        }
        assert_eq!((calls.count(), counts(cache, "stubborn").encode_errors), (2, 2), "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn not_a_number(cache: &Cache, calls: &Calls) -> f64 {
    calls.add();
    f64::NAN
}

#[cache(expire = "1m", codec = postcard, cache = cache)]
async fn not_a_number_postcard(cache: &Cache, calls: &Calls) -> (f64, f64) {
    calls.add();
    (f64::NAN, f64::INFINITY)
}

#[tokio::test]
async fn json_has_no_nan_so_it_is_computed_each_time() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert!(not_a_number(cache, &calls).await.is_nan());
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        {
            let calls = Calls::default();
            for _ in 0..3 {
                let (nan, infinite) = not_a_number_postcard(cache, &calls).await;
                assert!(nan.is_nan() && infinite == f64::INFINITY);
            }
            assert_eq!(calls.count(), 1, "{cache:?}");
        }
    }
}

#[cache(expire = "1m", cache = cache)]
async fn of_size(cache: &Cache, calls: &Calls, size: usize) -> String {
    calls.add();
    "x".repeat(size)
}

#[tokio::test]
async fn a_value_over_the_limit_is_returned_and_not_stored() {
    for cache in &caches_with(|builder| builder.max_value(100)).await {
        // The JSON form adds two quotes.
        for (size, computed) in [(98, 1), (99, 3), (100_000, 3)] {
            let calls = Calls::default();
            for _ in 0..3 {
                assert_eq!(of_size(cache, &calls, size).await.len(), size);
            }
            assert_eq!(calls.count(), computed, "{cache:?} {size}");
        }
        let counts = counts(cache, "of_size");
        assert_eq!((counts.refusals, counts.stores, counts.encode_errors), (6, 1, 0), "{cache:?}");
        assert!(matches!(cache.set("big", &"x".repeat(200), 60).await, Err(larder::Error::TooLarge { .. })));
    }
}

#[tokio::test]
async fn a_large_value_within_the_limit_is_stored() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(of_size(cache, &calls, 4 << 20).await.len(), 4 << 20);
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
