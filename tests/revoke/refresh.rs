//! Families of refresh tokens, in both stores.

use std::time::Duration;

use futures_util::future::join_all;
use larder::Cache;
use larder::revoke::{RefreshToken, RefreshTokens, Revocations, Rotation};
use larder::test_util::TestClock;
use support::redis::RedisServer;
use support::stores::{LONG, caches, on, unique};
use support::wait::eventually_async;

const KEY: [u8; 32] = [7; 32];

async fn rotated(refresh: &RefreshTokens, token: &str) -> RefreshToken {
    match refresh.rotate(token).await.expect("an answer") {
        Rotation::Rotated(next) => next,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_rotation_replaces_the_token() {
    for cache in caches().await {
        let refresh = RefreshTokens::new(&cache, KEY);
        let first = refresh.begin("ada").await.expect("a token");
        let second = rotated(&refresh, &first).await;
        let third = rotated(&refresh, &second).await;
        assert!(first != second && second != third);
        assert_eq!((first.user(), third.user()), ("ada", "ada"));
        // A number as a user, and another login.
        let other = refresh.begin(42_u64).await.expect("a token");
        assert_eq!(rotated(&refresh, &other).await.user(), "42");
    }
}

/// Requests of one page that race, and a response that was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_parallel_rotations_give_one_successor() {
    for cache in caches().await {
        let refresh = RefreshTokens::new(&cache, KEY);
        let first = refresh.begin("ada").await.expect("a token");
        let rotations = (0..50).map(|_| {
            let (refresh, first) = (refresh.clone(), first.clone());
            tokio::spawn(async move { rotated(&refresh, &first).await })
        });
        let next: Vec<RefreshToken> =
            join_all(rotations).await.into_iter().map(|next| next.expect("no panic")).collect();
        assert!(next.iter().all(|token| *token == next[0]));
        // The family lives, and the lost response can be repeated.
        assert_eq!(rotated(&refresh, &first).await, next[0]);
        rotated(&refresh, &next[0]).await;
    }
}

#[tokio::test]
async fn a_token_that_is_used_again_after_the_grace_ends_its_family() {
    for cache in caches().await {
        let refresh = RefreshTokens::new(&cache, KEY).grace("50ms");
        let first = refresh.begin("ada").await.expect("a token");
        let second = rotated(&refresh, &first).await;
        // Within the grace a repetition changes nothing.
        let reused = || async { refresh.rotate(&first).await.expect("an answer") == Rotation::Reused };
        eventually_async(LONG, reused).await;
        for token in [&second, &first] {
            assert_eq!(refresh.rotate(token).await.expect("an answer"), Rotation::Unknown);
        }
        // Other families of the user go on.
        let other = refresh.begin("ada").await.expect("a token");
        rotated(&refresh, &other).await;
    }
}

#[tokio::test]
async fn without_a_grace_the_second_use_ends_the_family() {
    for cache in caches().await {
        let refresh = RefreshTokens::new(&cache, KEY).grace("0s");
        let first = refresh.begin("ada").await.expect("a token");
        let second = rotated(&refresh, &first).await;
        assert_eq!(refresh.rotate(&first).await.expect("an answer"), Rotation::Reused);
        assert_eq!(refresh.rotate(&second).await.expect("an answer"), Rotation::Unknown);
        // A token older than the one before, within the grace of a later rotation.
        let patient = RefreshTokens::new(&cache, KEY).grace("1h");
        let first = patient.begin("ada").await.expect("a token");
        let second = rotated(&patient, &first).await;
        rotated(&patient, &second).await;
        assert_eq!(patient.rotate(&first).await.expect("an answer"), Rotation::Reused);
    }
}

#[tokio::test]
async fn a_family_ends_with_its_login_time_its_logout_and_its_generation() {
    for cache in caches().await {
        let (refresh, revocations) = (RefreshTokens::new(&cache, KEY), Revocations::new(&cache));
        let unknown =
            async |token: &RefreshToken| refresh.rotate(token).await.expect("an answer") == Rotation::Unknown;
        let token = refresh.begin("ada").await.expect("a token");
        refresh.end(&token).await.expect("ended");
        assert!(unknown(&token).await);
        refresh.end(&token).await.expect("ended before");
        let (ada, bob) =
            (refresh.begin("ada").await.expect("a token"), refresh.begin("bob").await.expect("a token"));
        revocations.bump("ada").await.expect("a generation");
        assert!(unknown(&ada).await);
        rotated(&refresh, &bob).await;
        let short = refresh.clone().expire("50ms").begin("ada").await.expect("a token");
        eventually_async(LONG, || async { unknown(&short).await }).await;
    }
}

/// Rotations do not move the end.
#[tokio::test]
async fn a_family_ends_a_month_after_its_login() {
    let clock = TestClock::new();
    let builder = Cache::builder().url("memory://").prefix(unique("t")).clock(clock.clone());
    let refresh = RefreshTokens::new(builder.build().await.expect("a cache"), KEY);
    let mut token = refresh.begin("ada").await.expect("a token");
    for _ in 0..29 {
        clock.advance(Duration::from_secs(86_400));
        token = rotated(&refresh, &token).await;
    }
    clock.advance(Duration::from_secs(86_401));
    assert_eq!(refresh.rotate(&token).await.expect("an answer"), Rotation::Unknown);
}

/// Forged tokens are unknown, and Redis is not asked.
#[tokio::test]
async fn a_forged_token_is_unknown_without_a_command() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let refresh = RefreshTokens::new(&cache, KEY);
    let token = refresh.begin("ada").await.expect("a token");
    let parts: Vec<&str> = token.split('.').collect();
    let [family, number, mac] = parts[..] else { panic!("{token}") };
    let scripts = || {
        let stats = server.command(&["INFO", "commandstats"]);
        stats.lines().filter(|line| line.contains("evalsha")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = scripts();
    let (long, other) = ("9".repeat(10_000), RefreshTokens::new(&cache, [8; 32]));
    for forged in [
        format!("{family}.2.{mac}"),
        format!("{family}.{number}.{}", "0".repeat(mac.len())),
        format!("{family}.{number}.{}", mac.to_uppercase()),
        format!("{}.{number}.{mac}", "0".repeat(family.len())),
        format!("{family}.{number}"),
        format!("{family}.{number}.{mac}.{mac}"),
        format!("{family}.{number}.{mac}\r\n"),
        format!("{family}.{long}.{mac}"),
        format!("{family}.+{number}.{mac}"),
        String::new(),
        "null".to_owned(),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.".to_owned(),
    ] {
        assert_ne!(forged, *token);
        assert_eq!(refresh.rotate(&forged).await.expect("an answer"), Rotation::Unknown, "{forged}");
        refresh.end(&forged).await.expect("ignored");
    }
    assert_eq!(other.rotate(&token).await.expect("an answer"), Rotation::Unknown);
    other.end(&token).await.expect("ignored");
    assert_eq!(scripts(), before);
    rotated(&refresh, &token).await;
}

#[test]
fn synchronous_code_has_the_same_calls_and_short_keys_are_refused() {
    let cache = Cache::builder().url("memory://").prefix(unique("t")).build_blocking().expect("a cache");
    let refresh = RefreshTokens::new(&cache, KEY).blocking();
    let token = refresh.begin("ada").expect("a token");
    let next = refresh.rotate(&token).expect("an answer").token().expect("a token");
    refresh.end(&next).expect("ended");
    assert_eq!(refresh.rotate(&next).expect("an answer"), Rotation::Unknown);
    let short =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| RefreshTokens::new(&cache, "secret")));
    let message = *short.expect_err("a panic").downcast::<String>().expect("a text");
    assert!(message.contains("6 bytes") && message.contains("32"), "{message}");
}
