//! The cached part of a result, by its type under any alias.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

use larder::{Cache, cache};
use support::stores::{Calls, caches, counts};

/// An error that is neither `Clone` nor `Serialize` nor `std::error::Error`.
#[derive(Debug)]
struct Refused;

type Fallible<T> = Result<T, Refused>;
type Maybe<T> = Option<T>;
type Found<T> = Fallible<Maybe<T>>;

/// An error like `anyhow::Error`: made of every error, and not an error itself.
struct AnyError(Box<dyn std::error::Error + Send + Sync>);
type AnyResult<T, E = AnyError> = Result<T, E>;

impl<E: std::error::Error + Send + Sync + 'static> From<E> for AnyError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

mod outcome {
    pub(crate) type Result<T> = std::result::Result<T, super::Refused>;
}

/// Fails at the first call only.
fn second_time(calls: &Calls) -> Result<u32, Refused> {
    match calls.add() {
        0 => Err(Refused),
        n => Ok(n.try_into().expect("few calls")),
    }
}

#[cache(expire = "1m", cache = cache)]
async fn aliased(cache: &Cache, calls: &Calls) -> Fallible<u32> {
    second_time(calls)
}

#[cache(expire = "1m", cache = cache)]
async fn alias_of_a_module(cache: &Cache, calls: &Calls) -> outcome::Result<u32> {
    second_time(calls)
}

#[cache(expire = "1m", cache = cache)]
async fn of_io(cache: &Cache, calls: &Calls) -> io::Result<u32> {
    second_time(calls).map_err(|Refused| io::ErrorKind::NotFound.into())
}

#[cache(expire = "1m", cache = cache)]
async fn of_anything(cache: &Cache, calls: &Calls) -> AnyResult<u32> {
    let text = if calls.add() == 0 { "no number" } else { "1" };
    Ok(text.parse()?)
}

#[cache(expire = "1m", cache = cache)]
async fn boxed(cache: &Cache, calls: &Calls) -> Result<u32, Box<dyn std::error::Error>> {
    let text = if calls.add() == 0 { "no number" } else { "1" };
    Ok(text.parse()?)
}

#[cache(expire = "1m", cache = cache)]
fn sync(cache: &Cache, calls: &Calls) -> Fallible<u32> {
    second_time(calls)
}

#[tokio::test]
async fn an_error_is_not_cached_and_the_next_success_is() {
    for cache in caches().await {
        macro_rules! thrice {
            ($name:ident $(.$wait:tt)?) => {
                let calls = Calls::default();
                assert!($name(&cache, &calls)$(.$wait)?.is_err(), "{cache:?} {}", stringify!($name));
                assert_eq!($name(&cache, &calls)$(.$wait)?.ok(), Some(1), "{cache:?} {}", stringify!($name));
                assert_eq!($name(&cache, &calls)$(.$wait)?.ok(), Some(1), "{cache:?} {}", stringify!($name));
                assert_eq!(calls.count(), 2, "{cache:?} {}", stringify!($name));
                assert_eq!(counts(&cache, stringify!($name)).refusals, 1);
            };
        }
        thrice!(aliased.await);
        thrice!(alias_of_a_module.await);
        thrice!(of_io.await);
        thrice!(of_anything.await);
        thrice!(boxed.await);
        thrice!(sync);
    }
}

#[cache(expire = "1m", cache = cache)]
async fn maybe(cache: &Cache, calls: &Calls, value: Option<u32>) -> Option<u32> {
    calls.add();
    value
}

#[cache(expire = "1m", none_expire = "1m", cache = cache)]
async fn maybe_kept(cache: &Cache, calls: &Calls, value: Option<u32>) -> Maybe<u32> {
    calls.add();
    value
}

#[tokio::test]
async fn none_is_cached_only_with_none_expire() {
    for cache in caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(maybe(&cache, &calls, None).await, None);
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        for _ in 0..3 {
            assert_eq!(maybe(&cache, &calls, Some(0)).await, Some(0));
        }
        assert_eq!(calls.count(), 4, "{cache:?}");

        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(maybe_kept(&cache, &calls, None).await, None);
            assert_eq!(maybe_kept(&cache, &calls, Some(0)).await, Some(0));
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        let counts = counts(&cache, "maybe_kept");
        assert_eq!((counts.none_hits, counts.hits, counts.misses), (2, 2, 2), "{cache:?}");
    }
}

#[cache(expire = "1m", none_expire = "1m", cache = cache)]
async fn found(cache: &Cache, calls: &Calls, id: u32) -> Found<u32> {
    calls.add();
    match id {
        0 => Err(Refused),
        1 => Ok(None),
        id => Ok(Some(id)),
    }
}

#[tokio::test]
async fn a_result_of_an_option_follows_both_rules() {
    for cache in caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert!(found(&cache, &calls, 0).await.is_err());
            assert_eq!(found(&cache, &calls, 1).await.ok(), Some(None));
            assert_eq!(found(&cache, &calls, 2).await.ok(), Some(Some(2)));
        }
        assert_eq!(calls.count(), 3 + 1 + 1, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn nested(cache: &Cache, calls: &Calls, id: u32) -> Option<Option<u32>> {
    calls.add();
    [None, Some(None), Some(Some(7))][id as usize]
}

#[cache(expire = "1m", cache = cache)]
async fn nested_result(cache: &Cache, calls: &Calls, id: u32) -> Result<Result<u32, String>, Refused> {
    calls.add();
    [Ok(Ok(7)), Ok(Err("cached".to_owned())), Err(Refused)].into_iter().nth(id as usize).expect("three")
}

#[tokio::test]
async fn only_the_outermost_layer_decides() {
    for cache in caches().await {
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(nested(&cache, &calls, 0).await, None);
            assert_eq!(nested(&cache, &calls, 1).await, Some(None));
            assert_eq!(nested(&cache, &calls, 2).await, Some(Some(7)));
        }
        assert_eq!(calls.count(), 3 + 1 + 1, "{cache:?}");

        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(nested_result(&cache, &calls, 0).await.ok(), Some(Ok(7)));
            assert_eq!(nested_result(&cache, &calls, 1).await.ok(), Some(Err("cached".to_owned())));
            assert!(nested_result(&cache, &calls, 2).await.is_err());
        }
        assert_eq!(calls.count(), 1 + 1 + 3, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache)]
async fn unit(cache: &Cache, calls: &Calls) -> () {
    calls.add();
}

#[cache(expire = "1m", cache = cache)]
async fn unit_result(cache: &Cache, calls: &Calls) -> Fallible<()> {
    calls.add();
    Ok(())
}

#[cache(expire = "1m", cache = cache)]
async fn some_unit(cache: &Cache, calls: &Calls) -> Option<()> {
    calls.add();
    Some(())
}

#[tokio::test]
async fn unit_is_a_value() {
    for cache in caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            unit(&cache, &calls).await;
            assert!(unit_result(&cache, &calls).await.is_ok());
            assert_eq!(some_unit(&cache, &calls).await, Some(()));
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

/// Empty values, which expire by `expire` and not by `none_expire`.
macro_rules! empty {
    ($($name:ident $entry:ident $(none_expire $none:literal)?: $ty:ty = $value:expr;)*) => {
        $(#[cache(expire = "1h", $(none_expire = $none,)? ignore(calls), cache = cache, entry = $entry)]
        async fn $name(cache: &Cache, calls: &Calls) -> $ty {
            calls.add();
            $value
        })*

        #[tokio::test]
        async fn empty_values_are_data() {
            for cache in caches().await {
                $(
                    let (calls, expected): (_, $ty) = (Calls::default(), $value);
                    for _ in 0..3 {
                        assert_eq!($name(&cache, &calls).await, expected, "{cache:?}");
                    }
                    assert_eq!(calls.count(), 1, "{cache:?} {}", stringify!($name));
                    let left = $entry(&cache).ttl().await.expect("it is stored");
                    assert!(left > Duration::from_secs(3000), "{cache:?} {}: {left:?}", stringify!($name));
                )*
            }
        }
    };
}

empty! {
    no_items no_items_entry: Vec<u8> = Vec::new();
    no_text no_text_entry: String = String::new();
    zero zero_entry: i64 = 0;
    no no_entry: bool = false;
    no_pairs no_pairs_entry: BTreeMap<String, u8> = BTreeMap::new();
    no_members no_members_entry: serde_json::Value = serde_json::json!({});
    null null_entry: serde_json::Value = serde_json::Value::Null;
    some_empty some_empty_entry none_expire "1s": Option<Vec<u8>> = Some(Vec::new());
}
