//! Input that is wrong, and what a limit makes of it.

use std::panic::catch_unwind;

use larder::rate_limit::{By, Rate, RateLimit};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{caches, on, unique};

use crate::left;

/// The message of a panic while a limit is made.
#[track_caller]
fn refusal<T>(make: impl FnOnce() -> T + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(make).map(drop).expect_err("it is refused");
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn limits_that_can_never_work_are_refused_where_they_are_made() {
    for rate in
        ["5/ms", "0/minute", "-5/minute", "", "100", "1.5/s", "5/0s", "5/fortnight", "5/400d", "9999999999/s"]
    {
        let text = refusal(move || RateLimit::new(rate));
        assert!(text.starts_with(&format!("rate_limit = {rate:?}: ")), "{text}");
        assert!(rate.parse::<Rate>().is_err());
    }
    let unit = refusal(|| RateLimit::new("5/ms"));
    assert!(unit.contains("a unit that is not known; write `s`, `m`, `h`"), "{unit}");
    assert!(refusal(|| RateLimit::new("5/60s").and("9/minute")).contains("the window of another rate"));
    assert!(refusal(|| RateLimit::new("5/s").cost(0)).contains("counts nothing"));
    assert!(refusal(|| RateLimit::new("5/s").cost(6)).contains("the limit is 5"));
    assert!(refusal(|| RateLimit::new("5/s").cost(5).and("4/m")).contains("the limit is 4"));
    assert!(
        refusal(|| RateLimit::new("50/s").cost(6).smooth()).contains("at most 5 hits are admitted at once")
    );
    assert!(refusal(|| RateLimit::new("1000000/day").burst(1_000_000)).contains("more than ten years"));
    assert!(refusal(|| RateLimit::new("2000000/s").smooth()).contains("more than one hit a microsecond"));
}

#[test]
fn identities_that_can_never_work_are_refused_where_they_are_made() {
    assert!(refusal(|| By::ip().trust(["10.0.0.0/33"])).contains("is not a network"));
    assert!(refusal(|| By::ip().trust(["proxy.internal"])).contains("is not a network"));
    assert!(refusal(|| By::header("x api key")).contains("is not the name of a header"));
    assert!(refusal(|| By::header("x-key").trust(["10.0.0.0/8"])).contains("write it after `By::ip()`"));
    for bits in [0, 129] {
        assert!(refusal(move || By::ip().ipv6_prefix(bits)).contains("from 1 to 128"));
    }
}

/// The keys are as long for every identity, and hold nothing that a client sent.
#[tokio::test]
async fn long_and_strange_identities_are_stored_as_hashes() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let limit = RateLimit::new("2/minute").scope("{strange}:*?[x]").cache(&cache);
    let long = "secret-".repeat(1_500);
    let identities =
        [long.as_str(), "secret\r\nDEL *\r\n", "secret{}", "secret\0", "", " ", "secret*?[]", "sécret"];
    for identity in identities {
        assert_eq!(left(&limit.hit(identity).await), Some(1), "{identity:?}");
        assert_eq!(left(&limit.hit(identity).await), Some(0), "{identity:?}");
        assert_eq!(left(&limit.hit(identity).await), None, "{identity:?}");
    }
    let keys = server.command(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), identities.len(), "{keys}");
    let first = keys.lines().map(str::len).max().expect("a key");
    assert!(keys.lines().all(|key| key.len() == first && key.len() < 120 && !key.contains("cret")), "{keys}");
    for key in keys.lines() {
        let members = server.command(&["ZRANGE", key, "0", "-1"]);
        assert!(
            members.lines().all(|member| member.bytes().all(|b| b.is_ascii_digit() || b == b'-')),
            "{members}"
        );
    }
}

/// A long scope is cut, and its limit is its own all the same.
#[tokio::test]
async fn scopes_of_any_length_are_limits_of_their_own() {
    for cache in caches().await {
        let scope = unique(&"long".repeat(300));
        let limits =
            ["a", "b"].map(|end| RateLimit::new("1/minute").scope(scope.clone() + end).cache(&cache));
        for limit in &limits {
            assert!(limit.hit("ada").await.allowed);
        }
        for limit in &limits {
            assert!(!limit.hit("ada").await.allowed);
        }
    }
}

#[tokio::test]
async fn a_log_that_takes_much_memory_is_reported_once() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let [_, cache] = caches().await;
    let large = RateLimit::new("10/minute").and("2000/day").cache(&cache);
    for limit in [&large, &large.clone(), &RateLimit::new("2000/day").smooth().cache(&cache)] {
        limit.hit("ada").await;
        limit.hit("bob").await;
    }
    RateLimit::new("1000/day").cache(&cache).hit("ada").await;
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("2000/day") && warnings[0].contains("260 kB"), "{warnings:?}");
    assert!(warnings[0].contains("`.smooth()`"), "{warnings:?}");
}

#[tokio::test]
async fn a_limit_in_memory_says_once_that_it_is_one_for_each_process() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let [cache, _] = caches().await;
    for scope in ["a", "b"] {
        RateLimit::new("2/minute").scope(scope).cache(&cache).hit("ada").await;
    }
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("count in this process alone"), "{warnings:?}");
}
