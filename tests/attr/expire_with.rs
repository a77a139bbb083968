//! `expire_with = ..`: the expiry depends on the value.

use std::time::Duration;

use larder::{Cache, Expire, cache};
use serde::{Deserialize, Serialize};
use support::expiry::assert_expiry;
use support::log::Log;
use support::stores::{Calls, caches};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Token {
    valid_for: u64,
}

impl Token {
    fn life(&self) -> Duration {
        Duration::from_secs(self.valid_for)
    }
}

#[cache(expire_with = |token: &Token| token.valid_for, cache = cache, entry = plain_entry)]
async fn plain(cache: &Cache, valid_for: u64) -> Token {
    Token { valid_for }
}

#[cache(expire_with = Token::life, expire = "2h", cache = cache, entry = result_entry)]
async fn result(cache: &Cache, calls: &Calls, valid_for: u64) -> Result<Token, String> {
    calls.add();
    if valid_for == 13 { Err("refused".to_owned()) } else { Ok(Token { valid_for }) }
}

#[cache(expire_with = |token| token.valid_for, none_expire = "3m", cache = cache, entry = option_entry)]
async fn option(cache: &Cache, valid_for: u64) -> Result<Option<Token>, String> {
    Ok((valid_for > 0).then_some(Token { valid_for }))
}

#[cache(expire_with = |_| Expire::Never, cache = cache, entry = sync_entry)]
fn sync(cache: &Cache) -> u8 {
    1
}

#[tokio::test]
async fn the_value_decides_its_expiry() {
    for cache in &caches().await {
        for valid_for in [60, 600] {
            assert_eq!(plain(cache, valid_for).await, Token { valid_for }, "{cache:?}");
            assert_expiry(&plain_entry(cache, valid_for), Duration::from_secs(valid_for)).await;
        }
        let calls = Calls::default();
        assert_eq!(result(cache, &calls, 100).await, Ok(Token { valid_for: 100 }), "{cache:?}");
        assert_expiry(&result_entry(cache, &calls, 100), Duration::from_secs(100)).await;
        assert_eq!(option(cache, 500).await, Ok(Some(Token { valid_for: 500 })), "{cache:?}");
        assert_expiry(&option_entry(cache, 500), Duration::from_secs(500)).await;
    }
}

#[tokio::test]
async fn none_has_the_expiry_of_none_expire() {
    for cache in &caches().await {
        assert_eq!(option(cache, 0).await, Ok(None), "{cache:?}");
        assert_expiry(&option_entry(cache, 0), Duration::from_secs(180)).await;
    }
}

#[tokio::test]
async fn expire_with_is_not_run_for_an_error() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert!(result(cache, &calls, 13).await.is_err(), "{cache:?}");
        assert!(result(cache, &calls, 13).await.is_err(), "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn a_value_that_is_over_already_is_not_stored() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(result(cache, &calls, 0).await, Ok(Token { valid_for: 0 }), "{cache:?}");
            assert_eq!(negative(cache, -5).await, -5, "{cache:?}");
        }
        let total = cache.stats().total;
        assert_eq!((total.misses, total.refusals, total.stores), (4, 4, 0), "{cache:?}");
        assert!(log.take().is_empty(), "a token with a safety margin is no mistake");
    }
}

#[cache(expire_with = |seconds| *seconds, cache = cache)]
async fn negative(cache: &Cache, seconds: i64) -> i64 {
    seconds
}

#[cache(expire_with = String::clone, cache = cache)]
async fn text(cache: &Cache, text: &str) -> String {
    text.to_owned()
}

#[tokio::test]
async fn a_value_with_an_expiry_that_is_no_time_is_not_stored() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in &caches().await {
        for _ in 0..2 {
            text(cache, "soon").await;
        }
        let total = cache.stats().total;
        assert_eq!((total.misses, total.refusals, total.stores), (2, 2, 0), "{cache:?}");
        let warnings = log.take();
        assert!(
            warnings.len() == 1 && warnings[0].contains("`expire_with`: expire = \"soon\""),
            "{warnings:?}"
        );
    }
}

#[tokio::test]
async fn a_year_is_the_longest() {
    for cache in &caches().await {
        plain(cache, u64::MAX).await;
        assert_expiry(&plain_entry(cache, u64::MAX), Duration::from_secs(31_536_000)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_functions_have_expire_with_too() {
    for cache in caches().await {
        let entry = sync_entry(&cache);
        let name = format!("{cache:?}");
        let value = tokio::task::spawn_blocking(move || sync(&cache)).await;
        assert_eq!(value.ok(), Some(1));
        assert_eq!((entry.get::<u8>().await, entry.ttl().await), (Some(1), None), "{name}");
    }
}
