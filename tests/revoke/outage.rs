//! Redis that does not answer, and Redis that has lost everything.

use std::time::{Duration, Instant};

use larder::Breaker;
use larder::revoke::{RefreshTokens, RevocationOutage, Revocations, Rotation};
use support::redis::RedisServer;
use support::stores::{LONG, hasty, on};
use support::wait::eventually_async;

use crate::{accepts, now};

#[tokio::test]
async fn a_redis_that_hangs_refuses_within_its_limit_and_says_that_it_does_not_know() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let revocations = Revocations::new(&cache);
    let lenient =
        revocations.clone().on_outage(RevocationOutage::AcceptYoungerThan(Duration::from_secs(300)));
    let refresh = RefreshTokens::new(&cache, [7; 32]);
    let generation = revocations.generation("ada").await.expect("a generation");
    let token = refresh.begin("ada").await.expect("a token");
    server.pause();
    let began = Instant::now();
    let refused = revocations.check("ada", "1", generation).await.expect_err("unknown");
    // The limit is 250 ms, and the machine may be busy.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!((refused.is_revoked(), refused.status()), (false, 503), "{refused}");
    eventually_async(LONG, || async { cache.health().await.breaker == Breaker::Open }).await;
    let began = Instant::now();
    for _ in 0..20 {
        assert!(revocations.check("ada", "1", generation).await.is_err());
        lenient.check("ada", "1", generation).issued_at(now() - 10).await.expect("young");
        assert!(lenient.check("ada", "1", generation).issued_at(now() - 400).await.is_err());
        assert!(refresh.rotate(&token).await.is_err());
    }
    assert!(revocations.revoke("1", now() + 60).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    server.resume();
    eventually_async(LONG, || async { refresh.rotate(&token).await.is_ok() }).await;
    assert!(accepts(&revocations, "2", generation).await.expect("known"));
}

/// Revocations are forgotten, so nothing is accepted until the next login.
#[tokio::test]
async fn a_redis_that_lost_everything_accepts_nothing_until_the_next_login() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let (revocations, refresh) = (Revocations::new(&cache), RefreshTokens::new(&cache, [7; 32]));
    let generation = revocations.generation("ada").await.expect("a generation");
    revocations.revoke("1", now() + 60).await.expect("revoked");
    let token = refresh.begin("ada").await.expect("a token");
    server.stop();
    server.restart();
    eventually_async(LONG, || async { accepts(&revocations, "2", generation).await.is_ok() }).await;
    for token in ["1", "2"] {
        assert!(!accepts(&revocations, token, generation).await.expect("known"));
    }
    assert_eq!(refresh.rotate(&token).await.expect("an answer"), Rotation::Unknown);
    let next = revocations.generation("ada").await.expect("a generation");
    assert!(next > generation);
    assert!(accepts(&revocations, "3", next).await.expect("known"));
    assert!(!accepts(&revocations, "1", generation).await.expect("known"));
}
