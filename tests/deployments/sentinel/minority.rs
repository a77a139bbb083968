//! A sentinel that is cut off from the others and goes on naming the primary that they replaced.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use larder::{Builder, Cache, Error};
use support::redis::RedisServer;
use support::sentinel::{MASTER, SentinelDeployment, set_user};
use support::stores::{LONG, in_time, unique};
use support::wait::{eventually, eventually_async};

use super::failover::{Data, NOTICED, address, invalidate, server_of, version};

/// The time in which every sentinel is asked several times.
const QUESTIONS: Duration = Duration::from_secs(4);

fn on(url: &str, prefix: &str) -> Builder {
    Cache::builder().url(url).prefix(prefix).require_redis(true)
}

/// The URL of a host that was told of one sentinel only.
fn url_of(sentinel: &RedisServer) -> String {
    format!("redis+sentinel://127.0.0.1:{}/{MASTER}", sentinel.port())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_leads_nobody_to_a_primary_that_others_replaced() {
    let deployment = SentinelDeployment::start();
    let (prefix, minority) = (unique("minority"), &deployment.sentinels()[2]);
    let [reader, writer] = [on(&deployment.url(), &prefix), on(&deployment.url(), &prefix)];
    let (reader, writer) = (reader.build().await.expect("a cache"), writer.build().await.expect("a cache"));
    let data = Data::default();
    data.version.store(1, SeqCst);
    assert_eq!(version(&reader, &data, 1).await, 1_001);
    let (old, new, named) = tokio::task::block_in_place(|| deployment.partition());
    data.version.store(2, SeqCst);
    invalidate(&writer, 1).await;
    // A host that begins now and is told of nobody but the sentinel on the wrong side.
    let late = in_time(on(&url_of(minority), &prefix).build()).await.expect("a cache");
    let began = Instant::now();
    let hosts = [("reader", &reader, named), ("writer", &writer, named), ("late", &late, began)];
    while began.elapsed() < QUESTIONS {
        for (name, host, since) in hosts {
            let asked = Instant::now();
            let found = version(host, &data, 1).await;
            let is_new = found == 1_002 || asked < since + NOTICED;
            assert!(is_new, "{name}: {found}, {:?} after it could know", since.elapsed());
        }
        tokio::task::yield_now().await;
    }
    for (name, host, _) in hosts {
        assert_eq!(server_of(host).await, address(new), "{name}");
    }
    // All this time the other side was as it had been.
    assert_eq!(SentinelDeployment::named_by(minority), Some(old.port()));
    assert!(old.command(&["ROLE"]).starts_with("master"));
    assert!(old.command(&["KEYS", "*"]).contains("version"), "the old primary has the old value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_alone_answers_the_known_primary_is_used_and_a_replica_is_not() {
    let deployment = SentinelDeployment::start();
    let (prefix, minority) = (unique("minority"), &deployment.sentinels()[2]);
    let host = on(&deployment.url(), &prefix).build().await.expect("a cache");
    let data = Data::default();
    let (old, new, _) = tokio::task::block_in_place(|| deployment.partition());
    invalidate(&host, 1).await;
    assert_eq!(server_of(&host).await, address(new));
    deployment.sentinels()[..2].iter().for_each(RedisServer::stop);
    set_user(old, &["+slaveof", "+replicaof"]);
    assert_eq!(old.command(&["REPLICAOF", "127.0.0.1", &new.port().to_string()]), "OK");
    eventually(LONG, || old.command(&["INFO", "replication"]).contains("master_link_status:up"));
    assert_eq!(version(&host, &data, 1).await, 1_000);
    let (reads, began) = (data.reads.load(SeqCst), Instant::now());
    eventually_async(LONG, || async {
        assert_eq!(version(&host, &data, 1).await, 1_000);
        began.elapsed() > QUESTIONS
    })
    .await;
    assert_eq!(data.reads.load(SeqCst), reads, "every call was a hit");
    assert_eq!(server_of(&host).await, address(new));
    // A host that begins now knows nothing but a server that is no primary.
    assert_eq!(SentinelDeployment::named_by(minority), Some(old.port()));
    let error = in_time(on(&url_of(minority), &prefix).build()).await.expect_err("a replica");
    assert!(
        matches!(error, Error::Unavailable { .. }) && error.to_string().contains("not a primary"),
        "{error}"
    );
}
