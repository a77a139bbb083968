//! Types that change between two versions of a program.

use std::any::type_name;

use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::stores::{Calls, caches, counts, unique};

/// Declares two versions of one type under one name, as before and after a deployment: items of two blocks have the
/// same path. Evaluates to the number of computations of the new version after the old one stored.
macro_rules! redeployed {
    ($codec:ident, $old:ident { $($before:tt)* } $was:tt, $new:ident { $($after:tt)* } $is:tt) => {
        async {
            let mut found = Vec::new();
            for cache in &caches().await {
                let (calls, key) = (Calls::default(), unique("deployed"));
                let before = {
                    #[derive(Debug, Serialize, Deserialize)]
                    struct Kept { $($before)* }
                    #[cache(expire = "1m", key = "{key}", codec = $codec, cache = cache)]
                    async fn $old(cache: &Cache, calls: &Calls, key: &str) -> Kept {
                        calls.add();
                        Kept $was
                    }
                    $old(cache, &calls, &key).await;
                    type_name::<Kept>()
                };
                #[derive(Debug, PartialEq, Serialize, Deserialize)]
                struct Kept { $($after)* }
                #[cache(expire = "1m", key = "{key}", codec = $codec, cache = cache)]
                async fn $new(cache: &Cache, calls: &Calls, key: &str) -> Kept {
                    calls.add();
                    Kept $is
                }
                assert_eq!(before, type_name::<Kept>(), "the two must be one to the fingerprint");
                let first = $new(cache, &calls, &key).await;
                let computed = calls.count() - 1;
                assert_eq!($new(cache, &calls, &key).await, first, "{cache:?}");
                assert_eq!(calls.count() - 1, computed, "the second call is a hit on {cache:?}");
                assert_eq!(first, Kept $is, "{cache:?}");
                found.push(computed);
            }
            assert!(found.windows(2).all(|two| two[0] == two[1]), "all stores agree");
            found[0]
        }
    };
}

#[tokio::test]
async fn fields_in_another_order_never_change_places() {
    let json = redeployed!(json, json_ab { a: u32, b: u32 } { a: 1, b: 2 }, json_ba { b: u32, a: u32 } { b: 2, a: 1 });
    assert_eq!(json.await, 0, "fields go by name");
    {
        let msgpack = redeployed!(msgpack, pack_ab { a: u32, b: u32 } { a: 1, b: 2 }, pack_ba { b: u32, a: u32 } { b: 2, a: 1 });
        assert_eq!(msgpack.await, 0, "fields go by name");
    }
    {
        let postcard = redeployed!(postcard, card_ab { a: u32, b: u32 } { a: 1, b: 2 }, card_ba { b: u32, a: u32 } { b: 2, a: 1 });
        assert_eq!(postcard.await, 1, "fields go by place");
    }
}

#[tokio::test]
async fn a_new_field_is_a_miss_unless_it_has_a_default() {
    let json = redeployed!(json, json_a { a: u32 } { a: 1 }, json_more { a: u32, b: u32 } { a: 1, b: 0 });
    assert_eq!(json.await, 1);
    let json = redeployed!(json, json_one { a: u32 } { a: 1 }, json_default { a: u32, #[serde(default)] b: u32 } { a: 1, b: 0 });
    assert_eq!(json.await, 0);
    {
        let postcard = redeployed!(postcard, card_a { a: u32 } { a: 1 }, card_more { a: u32, #[serde(default)] b: u32 } { a: 1, b: 0 });
        assert_eq!(postcard.await, 1);
    }
}

#[tokio::test]
async fn a_field_of_another_type_is_a_miss() {
    let json =
        redeployed!(json, json_text { a: String } { a: "1".to_owned() }, json_number { a: u32 } { a: 1 });
    assert_eq!(json.await, 1);
    {
        let postcard = redeployed!(postcard, card_u8 { a: u8 } { a: 1 }, card_u64 { a: u64 } { a: 1 });
        assert_eq!(postcard.await, 1);
    }
}

/// Two functions of different types under one key: each finds its own type or a miss.
#[cache(expire = "1m", key = "{key}", cache = cache)]
async fn as_number(cache: &Cache, calls: &Calls, key: &str) -> u64 {
    calls.add();
    1
}

#[cache(expire = "1m", key = "{key}", cache = cache)]
async fn as_wide_number(cache: &Cache, calls: &Calls, key: &str) -> i64 {
    calls.add();
    2
}

#[tokio::test]
async fn a_value_of_another_type_is_replaced() {
    for cache in &caches().await {
        let (calls, key) = (Calls::default(), unique("typed"));
        assert_eq!(as_number(cache, &calls, &key).await, 1);
        assert_eq!(as_wide_number(cache, &calls, &key).await, 2);
        assert_eq!(as_wide_number(cache, &calls, &key).await, 2);
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(as_number(cache, &calls, &key).await, 1);
        assert_eq!(counts(cache, "as_number").unusable, 1, "{cache:?}");
    }
}
