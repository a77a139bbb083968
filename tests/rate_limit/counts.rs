//! Hits are counted exactly, on every store.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use larder::rate_limit::{DecidedBy, Rate, RateLimit};
use larder::test_util::TestClock;
use larder::{Cache, Error};
use support::redis::RedisServer;
use support::stores::{LONG, caches, in_time, on, unique};
use support::wait::eventually;

use crate::{counted, left};

#[tokio::test]
async fn hits_are_admitted_up_to_the_limit_and_then_refused() {
    for cache in caches().await {
        for limit in [RateLimit::new("3/minute"), RateLimit::new("3/minute").burst(3)] {
            let limit = limit.scope(unique("scope")).cache(&cache);
            let mut verdicts = Vec::new();
            for _ in 0..5 {
                verdicts.push(in_time(limit.hit("ada")).await);
            }
            let lefts: Vec<_> = verdicts.iter().map(left).collect();
            assert_eq!(lefts, [Some(2), Some(1), Some(0), None, None]);
            let refused = &verdicts[3];
            assert!(refused.over_limit && refused.limit == 3 && refused.remaining == 0, "{refused:?}");
            let wait = refused.retry_after.expect("a wait");
            assert!(wait > Duration::from_secs(5) && wait <= Duration::from_secs(60), "{wait:?}");
            assert_eq!(wait, refused.reset_after);
            // Another client, and another scope.
            assert_eq!(left(&limit.hit("bob").await), Some(2));
            assert_eq!(left(&limit.scope("other").hit("ada").await), Some(2));
        }
    }
}

#[tokio::test]
async fn limits_of_one_scope_share_their_counts_if_they_have_the_same_rates() {
    for cache in caches().await {
        let scope = unique("shared");
        let limit = |rate: &str| RateLimit::new(rate).scope(scope.as_str()).cache(&cache);
        assert_eq!(left(&limit("2/minute").hit(7).await), Some(1));
        assert_eq!(left(&limit("2/minute").hit("7").await), Some(0));
        assert_eq!(left(&limit("2/hour").hit(7).await), Some(1));
        assert_eq!(left(&limit("2/minute").smooth().hit(7).await), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hits_at_the_same_instant_are_each_counted() {
    for cache in caches().await {
        for limit in [RateLimit::new("20/minute"), RateLimit::new("20/minute").burst(20)] {
            let limit = limit.scope(unique("parallel")).cache(&cache);
            let hits = (0..200).map(|_| {
                let limit = limit.clone();
                tokio::spawn(async move { limit.hit("ada").await.allowed })
            });
            let allowed = join_all(hits).await.into_iter().filter(|hit| *hit.as_ref().expect("no panic"));
            assert_eq!(allowed.count(), 20);
        }
    }
}

/// Twenty hits a second at two a second for three seconds: a client that goes on is admitted as often as one that waits.
#[tokio::test]
async fn a_client_that_hammers_is_admitted_at_the_rate_of_the_limit() {
    for cache in caches().await {
        let limit = RateLimit::new("2/second").scope(unique("steady")).cache(&cache);
        let (mut ticks, mut times) = (tokio::time::interval(Duration::from_millis(50)), Vec::new());
        for _ in 0..60 {
            ticks.tick().await;
            let verdict = limit.hit("ada").await;
            if verdict.allowed {
                times.push(verdict.at_micros);
            }
        }
        // A busy machine may take longer than three seconds.
        let most = 2 + 2 * (times.last().expect("a hit") - times[0]).div_ceil(1_000_000);
        assert!(times.len() >= 5 && times.len() as u64 <= most.max(7), "{times:?}");
        for three in times.windows(3) {
            assert!(three[2] - three[0] >= 1_000_000, "{times:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_waits_as_long_as_it_is_told_is_admitted() {
    for cache in caches().await {
        for limit in [
            RateLimit::new("1/second"),
            RateLimit::new("3/second").and("4/2s"),
            RateLimit::new("2/second").smooth(),
            RateLimit::new("3/2s").burst(2),
        ] {
            let limit = limit.scope(unique("waits")).cache(&cache);
            for _ in 0..4 {
                let verdict = loop {
                    let verdict = limit.hit("ada").await;
                    if !verdict.allowed {
                        break verdict;
                    }
                };
                let wait = verdict.retry_after.expect("a wait");
                assert!(!wait.is_zero() && wait <= Duration::from_secs(2), "{wait:?}");
                tokio::time::sleep(wait).await;
                let after = limit.hit("ada").await;
                assert!(after.allowed, "{verdict:?}\n{after:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_window_that_is_full_does_not_use_up_the_others() {
    for cache in caches().await {
        let limit = RateLimit::new("100/minute").and("3/day").scope(unique("windows")).cache(&cache);
        for _ in 0..3 {
            assert!(limit.hit("ada").await.allowed);
        }
        for _ in 0..10 {
            let refused = limit.hit("ada").await;
            assert_eq!((refused.allowed, refused.limit), (false, 3));
            assert_eq!(refused.windows[0].remaining, 97);
            assert!(refused.retry_after.is_some_and(|wait| wait > Duration::from_secs(86_000)));
        }
        let peeked = limit.peek("ada").await;
        assert_eq!((peeked.windows[0].remaining, peeked.windows[1].remaining), (97, 0));
    }
}

#[tokio::test]
async fn after_the_window_nothing_is_left_in_redis() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    for limit in [RateLimit::new("2/second").and("3/2s"), RateLimit::new("2/second").smooth()] {
        let limit = limit.scope(unique("ends")).cache(&cache);
        for _ in 0..4 {
            limit.hit("ada").await;
            limit.peek("bob").await;
        }
        assert_eq!(server.command(&["DBSIZE"]), "1");
        let began = Instant::now();
        eventually(LONG, || server.command(&["DBSIZE"]) == "0");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn peeks_take_nothing_and_refunds_give_back_what_was_taken() {
    for cache in caches().await {
        for limit in
            [RateLimit::new("5/minute").and("8/hour"), RateLimit::new("5/minute").and("8/hour").burst(5)]
        {
            let limit = limit.scope(unique("refund")).cache(&cache);
            for _ in 0..3 {
                assert_eq!(left(&limit.peek("ada").await), Some(5));
            }
            assert_eq!(left(&limit.hit_n("ada", 4).await.expect("a verdict")), Some(1));
            assert_eq!(left(&limit.hit_n("ada", 2).await.expect("a verdict")), None);
            assert_eq!(left(&limit.hit("ada").await), Some(0));
            assert_eq!(left(&limit.hit("ada").await), None);
            assert_eq!(left(&limit.peek("ada").await), None);
            // At once, although the process remembers that the client is refused.
            assert_eq!(left(&limit.refund("ada", 2).await.expect("a verdict")), Some(2));
            assert_eq!(left(&limit.hit("ada").await), Some(1));
            // More than was taken.
            assert_eq!(left(&limit.refund("ada", 1_000).await.expect("a verdict")), Some(5));
            assert_eq!(left(&limit.refund("ada", u64::MAX).await.expect("a verdict")), Some(5));
            for left_after in (0..5).rev() {
                assert_eq!(left(&limit.hit("ada").await), Some(left_after));
            }
            limit.reset("ada").await.expect("a reset");
            assert_eq!(left(&limit.hit("ada").await), Some(4));
        }
    }
}

#[tokio::test]
async fn a_refund_takes_back_the_newest_hits_only() {
    let clock = TestClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().await.expect("a cache");
    let limit = RateLimit::new("3/minute").scope("newest").cache(&cache);
    limit.hit("ada").await;
    clock.advance(Duration::from_secs(40));
    limit.hit("ada").await;
    limit.refund("ada", 1).await.expect("a verdict");
    clock.advance(Duration::from_secs(21));
    assert_eq!(left(&limit.peek("ada").await), Some(3));
}

#[tokio::test]
async fn costs_of_nothing_and_above_the_limit_are_refused() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let limit = RateLimit::new("10/minute").and("4/s").scope("costs").cache(&cache);
    for hits in [0, 5, 11, u64::MAX] {
        let error = limit.hit_n("ada", hits).await.expect_err("no verdict");
        assert!(matches!(error, Error::Config { setting: "cost", .. }), "{error}");
    }
    assert!(limit.refund("ada", 0).await.is_err());
    assert_eq!(limit.hit_n("ada", 4).await.expect("a verdict").remaining, 0);
    // A smooth limit admits less at once.
    let smooth = RateLimit::new("100/minute").smooth().cache(&cache);
    assert!(smooth.hit_n("ada", 10).await.expect("a verdict").allowed);
    let error = smooth.hit_n("ada", 11).await.expect_err("no verdict").to_string();
    assert!(error.contains("at most 10 hits are admitted at once"), "{error}");
    // Two ledgers: nothing was stored for what was refused.
    assert_eq!(server.command(&["DBSIZE"]), "2");
}

#[tokio::test]
async fn verdicts_count_down_with_the_window_and_say_who_decided() {
    let clock = TestClock::new();
    let cache = Cache::builder().clock(clock.clone()).build().await.expect("a cache");
    let limit = RateLimit::new(("2/minute".parse::<Rate>()).expect("a rate")).cache(&cache);
    let first = limit.hit("ada").await;
    assert_eq!((first.decided_by, first.reset_after), (DecidedBy::Memory, Duration::from_secs(60)));
    clock.advance(Duration::from_secs(20));
    let second = limit.hit("ada").await;
    assert!(second.reset_after <= Duration::from_secs(40) && second.reset_after > Duration::from_secs(30));
    clock.advance(Duration::from_secs(20));
    let third = limit.hit("ada").await;
    assert!(third.retry_after.is_some_and(|wait| wait <= Duration::from_secs(20)), "{third:?}");
    clock.advance(Duration::from_secs(20));
    assert_eq!(left(&limit.hit("ada").await), Some(0));
    assert_eq!(counted(&cache, "default"), (3, 1, 0));
    let [_, redis] = caches().await;
    assert_eq!(RateLimit::new("2/minute").cache(&redis).hit("ada").await.decided_by, DecidedBy::Redis);
}

#[test]
fn synchronous_code_has_the_same_calls() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(caches()) {
        let limit = RateLimit::new("2/minute").scope(unique("sync")).cache(&cache).blocking();
        assert_eq!(left(&limit.peek("ada")), Some(2));
        assert_eq!(left(&limit.hit("ada")), Some(1));
        assert_eq!(left(&limit.hit_n("ada", 1).expect("a verdict")), Some(0));
        assert_eq!(left(&limit.hit("ada")), None);
        assert_eq!(left(&limit.refund("ada", 1).expect("a verdict")), Some(1));
        limit.reset("ada").expect("a reset");
        assert_eq!(left(&limit.hit("ada")), Some(1));
    }
}
