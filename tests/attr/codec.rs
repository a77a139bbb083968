//! `codec = ..` and `compress = ..`: every combination returns the stored value.

use std::collections::BTreeMap;

use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::deployment::shared;
use support::stores::{Calls, caches, on};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Report {
    id: u64,
    ratio: f64,
    title: String,
    tags: BTreeMap<String, Option<i64>>,
    state: State,
    lines: Vec<(u8, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    Draft,
    Signed { by: String, at: u64 },
    Sealed(u8, char),
}

/// A value of `size` bytes; only large ones are compressed.
fn report(id: u64, size: usize) -> Report {
    Report {
        id: u64::MAX - id,
        ratio: 0.1 + 0.2,
        title: "grün \u{0} \" 漢字".to_owned(),
        tags: BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), Some(i64::MIN))]),
        state: match id {
            0 => State::Draft,
            1 => State::Signed { by: "Ann".to_owned(), at: 7 },
            _ => State::Sealed(1, 'ü'),
        },
        lines: (0..size).map(|i| (1, format!("line {}", i % 10))).collect(),
    }
}

macro_rules! stored {
    ($($module:ident: $codec:ident $($compress:ident)?;)*) => {
        $(mod $module {
            use super::*;

            #[cache(codec = $codec, $(compress = $compress,)? cache = cache, entry = read_entry)]
            pub(super) async fn read(cache: &Cache, calls: &Calls, id: u64, size: usize) -> Report {
                calls.add();
                report(id, size)
            }
        })*

        #[tokio::test]
        async fn every_codec_and_compression_returns_what_was_stored() {
            for cache in &caches().await {
                for size in [0, 1000] {
                    for id in 0..3 {
                        $(
                            let calls = Calls::default();
                            for _ in 0..2 {
                                let read = $module::read(cache, &calls, id, size).await;
                                assert_eq!(read, report(id, size), "{} {cache:?}", stringify!($module));
                            }
                            assert_eq!(calls.count(), 1, "{} {cache:?}", stringify!($module));
                            let entry = $module::read_entry(cache, &calls, id, size);
                            assert_eq!(entry.get().await, Some(report(id, size)), "{} {cache:?}", stringify!($module));
                        )*
                    }
                }
                assert_eq!(cache.stats().total.unusable, 0, "{cache:?}");
            }
        }

        /// Returns the stored size for each size of value.
        async fn sizes(size: usize) -> BTreeMap<&'static str, usize> {
            let cache = &on(shared()).build().await.expect("a cache");
            let calls = Calls::default();
            let mut sizes = BTreeMap::new();
            $(
                $module::read(cache, &calls, 0, size).await;
                let length = shared().command(&["STRLEN", $module::read_entry(cache, &calls, 0, size).key()]);
                sizes.insert(stringify!($module), length.parse().expect("a number"));
            )*
            sizes
        }
    };
}

stored! {
    json_plain: json;
    json_lz4: json lz4;
    json_zstd: json zstd;
    msgpack_plain: msgpack;
    msgpack_lz4: msgpack lz4;
    msgpack_zstd: msgpack zstd;
    postcard_plain: postcard;
    postcard_lz4: postcard lz4;
    postcard_zstd: postcard zstd;
}

#[tokio::test]
async fn compression_makes_large_values_smaller_in_redis() {
    let sizes = sizes(1000).await;
    for codec in ["json", "msgpack", "postcard"] {
        let size = |compress: &str| sizes[format!("{codec}_{compress}").as_str()];
        for compress in ["lz4", "zstd"] {
            assert!(size(compress) * 3 < size("plain"), "{codec} {compress}: {sizes:?}");
        }
    }
    assert!(sizes["msgpack_plain"] < sizes["json_plain"], "{sizes:?}");
    assert!(sizes["postcard_plain"] < sizes["msgpack_plain"], "{sizes:?}");
}

#[tokio::test]
async fn small_values_are_not_compressed() {
    let sizes = sizes(0).await;
    // The envelope names the function.
    let without_name = |name: &str| sizes[name] - name.len();
    assert_eq!(without_name("json_plain"), without_name("json_zstd"), "{sizes:?}");
    assert_eq!(without_name("postcard_plain"), without_name("postcard_lz4"), "{sizes:?}");
}

#[tokio::test]
async fn json_can_be_read_in_redis() {
    let cache = &on(shared()).build().await.expect("a cache");
    let calls = Calls::default();
    json_plain::read(cache, &calls, 1, 0).await;
    let stored = shared().command(&["GET", json_plain::read_entry(cache, &calls, 1, 0).key()]);
    assert!(stored.contains(r#""by":"Ann""#), "{stored}");
}

#[cache(codec = json, name = "one", cache = cache)]
async fn as_json(cache: &Cache, calls: &Calls) -> Vec<u64> {
    calls.add();
    vec![1, 2]
}

#[cache(codec = msgpack, compress = zstd, name = "one", cache = cache)]
async fn as_msgpack(cache: &Cache, calls: &Calls) -> Vec<u64> {
    calls.add();
    vec![1, 2]
}

#[tokio::test]
async fn a_change_of_codec_leaves_old_entries_readable() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(as_json(cache, &calls).await, [1, 2], "{cache:?}");
        assert_eq!(as_msgpack(cache, &calls).await, [1, 2], "{cache:?}");
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[cache(cache = cache)]
async fn odd_keys(cache: &Cache, calls: &Calls) -> BTreeMap<(u8, u8), u8> {
    calls.add();
    BTreeMap::from([((1, 2), 3)])
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_returned_and_not_stored() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(odd_keys(cache, &calls).await, BTreeMap::from([((1, 2), 3)]), "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        let counts = *cache.stats().function("odd_keys").expect("it was called");
        assert_eq!((counts.encode_errors, counts.stores), (2, 0), "{cache:?}");
    }
}

/// A policy with a codec that an attribute cannot see.
const BY_POSITION: larder::Policy = larder::Policy::new().codec(larder::Codec::Postcard);

#[cache(policy = BY_POSITION, cache = cache, entry = by_policy_entry)]
async fn by_policy(cache: &Cache, id: u64) -> Result<Option<Report>, std::io::Error> {
    Ok(Some(report(id, 1)))
}

#[cache(codec = postcard, cache = cache, entry = generic_entry)]
async fn generic<T: Default + Serialize + serde::de::DeserializeOwned>(cache: &Cache, id: u64) -> (T, u64) {
    (T::default(), id)
}

struct Reports(Cache);

impl Reports {
    #[cache(codec = postcard, cache = self.0, ignore(self), entry = report_entry)]
    fn report(&self, id: u64) -> Vec<Report> {
        vec![report(id, 1)]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_the_key_of_its_function_where_the_shape_is_part_of_it() {
    for cache in caches().await {
        by_policy(&cache, 1).await.expect("a report");
        assert_eq!(by_policy_entry(&cache, 1).get::<Report>().await, Some(report(1, 1)), "{cache:?}");
        generic::<u8>(&cache, 1).await;
        assert_eq!(generic_entry::<u8>(&cache, 1).get::<(u8, u64)>().await, Some((0, 1)), "{cache:?}");
        assert_eq!(generic_entry::<String>(&cache, 1).get::<(String, u64)>().await, None, "{cache:?}");
        let reports = Reports(cache);
        let found = reports.report_entry(1);
        let made = tokio::task::spawn_blocking(move || reports.report(1)).await.expect("reports");
        assert_eq!(found.get::<Vec<Report>>().await, Some(made));
    }
}
