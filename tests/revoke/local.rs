//! Answers that a process gives again, while Redis tells of changes.

use std::time::{Duration, Instant};

use larder::revoke::Revocations;
use larder::{Cache, LocalTier};
use support::acl::{PASSWORD, allow};
use support::deployment::{Deployment, shared};
use support::redis::RedisServer;
use support::stores::{LONG, on, unique};
use support::wait::eventually_async;

use crate::{accepts, now};

async fn local(server: &dyn Deployment, prefix: &str) -> Cache {
    let builder = on(server).prefix(prefix).local(LocalTier::new().expire("1h")).require_redis(true);
    builder.build().await.expect("a cache")
}

/// The reads of tokens that a server has carried out.
fn reads(server: &RedisServer) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_mget:calls="));
    line.map_or(0, |line| line.split(',').next().expect("a number").parse().expect("a number"))
}

/// Checks until an answer of this process is given again.
async fn warm(server: &RedisServer, revocations: &Revocations, token: &str, generation: u64) {
    eventually_async(LONG, || async {
        assert!(accepts(revocations, token, generation).await.expect("known"));
        let before = reads(server);
        assert!(accepts(revocations, token, generation).await.expect("known"));
        reads(server) == before
    })
    .await;
}

#[tokio::test]
async fn an_accepted_token_is_checked_without_a_command() {
    let server = RedisServer::start();
    let cache = local(&server, "t").await;
    let revocations = Revocations::new(&cache);
    let generation = revocations.generation("ada").await.expect("a generation");
    warm(&server, &revocations, "1", generation).await;
    let before = reads(&server);
    for _ in 0..1_000 {
        assert!(accepts(&revocations, "1", generation).await.expect("known"));
    }
    assert_eq!(reads(&server), before);
    // Another generation and another user are other questions.
    assert!(!accepts(&revocations, "1", generation - 1).await.expect("known"));
    assert!(revocations.check("bob", "1", generation).await.is_err());
    assert_eq!(reads(&server), before + 2);
    // The process that revokes knows at once.
    revocations.revoke("1", now() + 60).await.expect("revoked");
    assert!(!accepts(&revocations, "1", generation).await.expect("known"));
    warm(&server, &revocations, "2", generation).await;
    revocations.bump("ada").await.expect("a generation");
    assert!(!accepts(&revocations, "2", generation).await.expect("known"));
}

/// The whole way through Redis takes milliseconds; a busy machine is given more, and its best round counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_in_one_process_is_noticed_by_another() {
    let prefix = unique("t");
    let (one, two) = (local(shared(), &prefix).await, local(shared(), &prefix).await);
    let (here, there) = (Revocations::new(&one), Revocations::new(&two));
    let mut best = Duration::MAX;
    for round in 0..20 {
        let generation = here.generation("ada").await.expect("a generation");
        let token = format!("token-{round}");
        for _ in 0..50 {
            assert!(accepts(&there, &token, generation).await.expect("known"));
        }
        let began = Instant::now();
        if round % 2 == 0 {
            here.revoke(&token, now() + 60).await.expect("revoked");
        } else {
            here.bump("ada").await.expect("a generation");
        }
        eventually_async(LONG, || async { !accepts(&there, &token, generation).await.expect("known") }).await;
        best = best.min(began.elapsed());
        // For good.
        for _ in 0..50 {
            assert!(!accepts(&there, &token, generation).await.expect("known"));
        }
    }
    assert!(best < Duration::from_millis(50), "{best:?}");
}

/// The connection that tells of changes is cut, and a token is revoked before it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_outlives_the_connection_that_tells_of_changes() {
    let server = RedisServer::start();
    let (one, two) = (local(&server, "t").await, on(&server).prefix("t").build().await.expect("a cache"));
    let (here, there) = (Revocations::new(&one), Revocations::new(&two));
    for round in 0..5 {
        let generation = here.generation("ada").await.expect("a generation");
        let token = format!("token-{round}");
        warm(&server, &here, &token, generation).await;
        // The whole of it in one step, so that the process is told of neither.
        server.command(&["CLIENT", "PAUSE", "50", "ALL"]);
        server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        there.revoke(&token, now() + 60).await.expect("revoked");
        eventually_async(LONG, || async { !accepts(&here, &token, generation).await.expect("known") }).await;
        for _ in 0..20 {
            assert!(!accepts(&here, &token, generation).await.expect("known"));
        }
    }
}

/// A user who may not ask for notifications: every check asks Redis.
#[tokio::test]
async fn without_notifications_every_check_asks_redis() {
    let server = RedisServer::start();
    allow(&server, "deaf", &["+@all", "-client|tracking"], "~*");
    let url = format!("redis://deaf:{PASSWORD}@127.0.0.1:{}", server.port());
    let builder = on(&server).url(url).local(LocalTier::new()).require_redis(true);
    let cache = builder.build().await.expect("a cache");
    let revocations = Revocations::new(&cache);
    let generation = revocations.generation("ada").await.expect("a generation");
    let before = reads(&server);
    for _ in 0..20 {
        assert!(accepts(&revocations, "1", generation).await.expect("known"));
    }
    assert_eq!(reads(&server), before + 20);
}
