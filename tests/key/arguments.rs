//! Arguments in the key: equal ones share an entry, and no others.

use std::collections::{BTreeMap, HashMap, HashSet};

use larder::{Cache, cache};
use serde::Serialize;
use support::stores::{Calls, caches};

#[cache(expire = "1m", cache = cache)]
async fn two_texts(cache: &Cache, a: &str, b: &str) -> String {
    format!("{a}|{b}")
}

#[tokio::test]
async fn separators_inside_values_do_not_move_a_border() {
    let pairs = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc", ""),
        ("", "abc"),
        ("x:y", "z"),
        ("x", "y:z"),
        ("x%3Ay", "z"),
        ("x", "y%3Az"),
        ("1,b=2", "3"),
        ("1", "2,b=3"),
        ("{a}", "*"),
        ("{", "a}*"),
        ("a|b", "c"),
        ("a", "b|c"),
        ("a\0b", "c"),
        ("a", "b\0c"),
        ("grün", "漢字 *[x]?"),
    ];
    for cache in caches().await {
        for _ in 0..2 {
            for (a, b) in pairs {
                assert_eq!(two_texts(&cache, a, b).await, format!("{a}|{b}"), "{cache:?}");
            }
        }
        let counts = *cache.stats().function("two_texts").expect("it was called");
        assert_eq!((counts.misses, counts.hits), (pairs.len() as u64, pairs.len() as u64), "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn maybe(cache: &Cache, q: Option<&str>) -> String {
    format!("{q:?}")
}

#[cache(expire = "1m", cache = cache)]
async fn nested(cache: &Cache, q: Option<Option<u8>>, list: Option<Vec<u8>>) -> String {
    format!("{q:?}{list:?}")
}

#[tokio::test]
async fn none_is_neither_empty_nor_its_name() {
    for cache in caches().await {
        for _ in 0..2 {
            for q in [None, Some(""), Some("none"), Some("None"), Some("null")] {
                assert_eq!(maybe(&cache, q).await, format!("{q:?}"), "{cache:?}");
            }
            for q in [None, Some(None), Some(Some(0))] {
                for list in [None, Some(vec![]), Some(vec![0])] {
                    assert_eq!(nested(&cache, q, list.clone()).await, format!("{q:?}{list:?}"), "{cache:?}");
                }
            }
        }
    }
}

#[cache(expire = "1m", cache = cache)]
async fn show<T: Serialize + std::fmt::Debug + ?Sized>(cache: &Cache, calls: &Calls, value: &T) -> String {
    calls.add();
    format!("{value:?}")
}

#[tokio::test]
async fn equal_maps_share_an_entry_in_any_order() {
    for cache in caches().await {
        let calls = Calls::default();
        for round in 0..20 {
            // A new `HashMap` has new random keys, so each has its own order.
            let names = |i: u32| format!("name {i}");
            let map: HashMap<String, u32> = if round % 2 == 0 {
                (0..50).map(|i| (names(i), i)).collect()
            } else {
                (0..50).rev().map(|i| (names(i), i)).collect()
            };
            show(&cache, &calls, &map).await;
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        show(&cache, &calls, &HashMap::from([("name 1".to_owned(), 1_u32)])).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn count_set(cache: &Cache, calls: &Calls, set: HashSet<u32>) -> usize {
    calls.add();
    set.len()
}

#[cache(expire = "1m", cache = cache)]
async fn count_borrowed_set(cache: &Cache, calls: &Calls, set: &HashSet<String>) -> usize {
    calls.add();
    set.len()
}

#[tokio::test]
async fn equal_sets_share_an_entry_in_any_order() {
    for cache in caches().await {
        let calls = Calls::default();
        for _ in 0..20 {
            assert_eq!(count_set(&cache, &calls, (0..50).collect()).await, 50, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(count_set(&cache, &calls, (1..51).collect()).await, 50, "{cache:?}");
        assert_eq!(count_set(&cache, &calls, HashSet::new()).await, 0, "{cache:?}");
        assert_eq!(calls.count(), 3, "{cache:?}");

        let calls = Calls::default();
        for _ in 0..20 {
            let set = (0..50).map(|i| i.to_string()).collect();
            assert_eq!(count_borrowed_set(&cache, &calls, &set).await, 50, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn float(cache: &Cache, calls: &Calls, x: f64) -> u64 {
    calls.add();
    x.to_bits()
}

#[tokio::test]
async fn there_is_one_zero_and_one_nan() {
    for cache in caches().await {
        let calls = Calls::default();
        for x in [0.0, -0.0, 0.0] {
            float(&cache, &calls, x).await;
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        for x in [f64::NAN, -f64::NAN, f64::from_bits(f64::NAN.to_bits() ^ 1)] {
            assert!(x.is_nan());
            float(&cache, &calls, x).await;
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        for x in [1.0, 1.0_f64.next_up(), -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE] {
            assert_eq!(float(&cache, &calls, x).await, x.to_bits(), "{cache:?}");
        }
        assert_eq!(calls.count(), 8, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn number(cache: &Cache, n: u64) -> u64 {
    n
}

#[cache(expire = "1m", cache = cache)]
async fn big_number(cache: &Cache, n: i128) -> String {
    n.to_string()
}

#[tokio::test]
async fn numbers_that_a_double_cannot_distinguish_differ() {
    for cache in caches().await {
        for n in [1 << 53, (1 << 53) + 1, u64::MAX, u64::MAX - 1, 0, 1] {
            assert_eq!(number(&cache, n).await, n, "{cache:?}");
        }
        for n in [i128::MIN, i128::MAX, 0, -1, 1, i128::from(u64::MAX)] {
            assert_eq!(big_number(&cache, n).await, n.to_string(), "{cache:?}");
        }
    }
}

#[derive(Serialize)]
struct Id(u64);

#[derive(Serialize)]
struct Nothing;

#[derive(Serialize)]
struct Page {
    offset: u64,
    limit: u64,
}

#[derive(Serialize)]
struct Renamed {
    start: u64,
    limit: u64,
}

mod before {
    #[derive(serde::Serialize)]
    pub(super) enum Level {
        Low,
        High,
    }
}

mod after {
    #[derive(serde::Serialize)]
    pub(super) enum Level {
        High,
        Low,
    }
}

/// Returns the key of a value under a shared name, so that keys differ by the argument only.
macro_rules! key_of {
    ($cache:expr, $ty:ty, $value:expr) => {{
        #[cache(name = "typed", cache = cache, entry = typed_entry)]
        #[expect(dead_code, reason = "only its entry is asked for")]
        fn typed(cache: &Cache, _value: $ty) -> u8 {
            0
        }
        typed_entry($cache, $value).key().to_owned()
    }};
}

#[tokio::test]
async fn values_of_other_types_differ() {
    for cache in &caches().await {
        let keys = [
            key_of!(cache, &str, "1"),
            key_of!(cache, u64, 1),
            key_of!(cache, i64, 1),
            key_of!(cache, bool, true),
            key_of!(cache, char, '1'),
            key_of!(cache, f32, 1.0),
            key_of!(cache, f64, 1.0),
            key_of!(cache, (), ()),
            key_of!(cache, (u64,), (1,)),
            key_of!(cache, ((u64,),), ((1,),)),
            key_of!(cache, Vec<u64>, vec![1]),
            key_of!(cache, Vec<u64>, vec![]),
            key_of!(cache, Vec<Vec<u64>>, vec![vec![1], vec![2]]),
            key_of!(cache, Vec<Vec<u64>>, vec![vec![1, 2]]),
            key_of!(cache, (u64, u64), (1, 2)),
            key_of!(cache, Vec<u64>, vec![1, 2]),
            key_of!(cache, Option<u64>, Some(1)),
            key_of!(cache, Option<u64>, None),
            key_of!(cache, &str, "None"),
            key_of!(cache, HashSet<u64>, HashSet::from([1])),
            key_of!(cache, Nothing, Nothing),
            key_of!(cache, &str, "Nothing"),
            key_of!(cache, before::Level, before::Level::Low),
            key_of!(cache, before::Level, before::Level::High),
            key_of!(cache, &str, "Low"),
            key_of!(cache, Page, Page { offset: 1, limit: 2 }),
            key_of!(cache, Renamed, Renamed { start: 1, limit: 2 }),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(key), "{at}: {key}");
        }
    }
}

#[tokio::test]
async fn values_that_mean_the_same_share_an_entry() {
    for cache in &caches().await {
        // The width of an unsigned integer is not in the key, so that widening an argument keeps the entries.
        assert_eq!(key_of!(cache, u8, 1), key_of!(cache, u64, 1));
        assert_eq!(key_of!(cache, i8, -1), key_of!(cache, i128, -1));
        // A newtype equals its content.
        assert_eq!(key_of!(cache, Id, Id(1)), key_of!(cache, u64, 1));
        // Borrowed and owned values are equal.
        assert_eq!(key_of!(cache, &str, "a"), key_of!(cache, String, "a".to_owned()));
        assert_eq!(key_of!(cache, &[u8], &[1, 2]), key_of!(cache, Vec<u8>, vec![1, 2]));
        assert_eq!(key_of!(cache, &&Option<Box<str>>, &&None), key_of!(cache, Option<String>, None));
        // The order of the variants of an enum does not matter.
        assert_eq!(
            key_of!(cache, before::Level, before::Level::High),
            key_of!(cache, after::Level, after::Level::High)
        );
        assert_eq!(
            key_of!(cache, before::Level, before::Level::Low),
            key_of!(cache, after::Level, after::Level::Low)
        );
        // The type of a map does not matter.
        let pairs = [("a", 1_u8), ("b", 2)];
        assert_eq!(
            key_of!(cache, HashMap<&str, u8>, HashMap::from(pairs)),
            key_of!(cache, BTreeMap<&str, u8>, BTreeMap::from(pairs))
        );
    }
}

#[tokio::test]
async fn the_order_of_arguments_is_in_the_key_and_their_names_are_not() {
    #[cache(name = "args", cache = cache, entry = one_entry)]
    #[expect(dead_code, reason = "only its entry is asked for")]
    fn one(cache: &Cache, id: u64, page: u64) -> u64 {
        id + page
    }
    #[cache(name = "args", cache = cache, entry = two_entry)]
    #[expect(dead_code, reason = "only its entry is asked for")]
    fn two(cache: &Cache, user: u64, offset: u64) -> u64 {
        user + offset
    }
    for cache in &caches().await {
        assert_eq!(one_entry(cache, 1, 2).key(), two_entry(cache, 1, 2).key());
        assert_ne!(one_entry(cache, 1, 2).key(), one_entry(cache, 2, 1).key());
    }
}

#[cache(expire = "1m", cache = cache)]
async fn fetch(cache: &Cache, calls: &Calls, id: u64, refresh: bool) -> u64 {
    let _ = refresh;
    calls.add();
    id
}

#[cache(expire = "1m", cache = cache)]
async fn fetch_ignoring(cache: &Cache, calls: &Calls, id: u64, #[cache(ignore)] refresh: bool) -> u64 {
    let _ = refresh;
    calls.add();
    id
}

#[tokio::test]
async fn a_flag_is_in_the_key_unless_ignored() {
    for cache in caches().await {
        let calls = Calls::default();
        fetch(&cache, &calls, 1, true).await;
        fetch(&cache, &calls, 1, false).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
        let calls = Calls::default();
        fetch_ignoring(&cache, &calls, 1, true).await;
        fetch_ignoring(&cache, &calls, 1, false).await;
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
