//! Start-up: what the sentinels say decides between an error, and a warning and uncached calls.

use std::time::Duration;

use larder::{Cache, Error, cache};
use support::log::Log;
use support::redis::RedisServer;
use support::sentinel::{MASTER, Passwords, SentinelDeployment};
use support::stores::{Calls, LONG, in_time, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

async fn build(url: &str) -> Result<Cache, Error> {
    in_time(Cache::builder().url(url).prefix(unique("start")).connect_timeout(Duration::from_secs(5)).build())
        .await
}

async fn assert_cached(cache: &Cache) {
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!(double(cache, &calls, 1).await, 2);
    }
    assert_eq!(calls.count(), 1, "cached");
}

#[tokio::test]
async fn sentinels_lead_to_the_primary_whichever_of_them_runs() {
    let deployment = SentinelDeployment::start();
    assert_cached(&build(&deployment.url()).await.expect("a cache")).await;
    assert_ne!(deployment.servers()[0].command(&["DBSIZE"]), "0", "the entry is there");
    // One of them does not run, and one address is nobody's.
    deployment.sentinels()[0].stop();
    let url = deployment.url().replace("redis+sentinel://", "redis+sentinel://127.0.0.1:1,localhost:1,");
    assert_cached(&build(&url).await.expect("a cache")).await;
    // A database of its own.
    assert_cached(&build(&format!("{url}/3")).await.expect("a cache")).await;
    assert!(deployment.servers()[0].command(&["INFO", "keyspace"]).contains("db3:"));
}

#[tokio::test]
async fn a_name_that_the_sentinels_do_not_know_is_an_error() {
    let deployment = SentinelDeployment::start();
    deployment.sentinels()[0].stop();
    let url = deployment.url().replace(MASTER, "nobody");
    match build(&url).await {
        Err(Error::Config { setting: "url", value, reason, .. }) => {
            assert_eq!(value, "nobody");
            assert!(reason.contains(&format!("`{MASTER}`")), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_no_sentinel_is_an_error() {
    let server = RedisServer::start();
    let address = format!("127.0.0.1:{}", server.port());
    match build(&format!("redis+sentinel://{address}/{MASTER}")).await {
        Err(Error::Config { setting: "url", value, reason, .. }) => {
            assert_eq!(value, address);
            assert!(reason.contains(&format!("redis://{address}")), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sentinel_that_is_no_server_is_an_error() {
    let sentinel = RedisServer::start_sentinel("", |_| Vec::new());
    match build(&sentinel.url()).await {
        Err(Error::Config { setting: "url", reason, .. }) => {
            assert!(reason.contains(&format!("redis+sentinel://127.0.0.1:{}", sentinel.port())), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_any_sentinel_calls_run_uncached_until_one_answers() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let deployment = SentinelDeployment::start();
    deployment.sentinels().iter().for_each(RedisServer::stop);
    let url = deployment.url();
    let error = in_time(Cache::builder().url(&url).require_redis(true).build()).await.expect_err("nobody");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    drop(log.take());
    let cache = build(&url).await.expect("a cache");
    let calls = Calls::default();
    for n in 1..=10 {
        assert_eq!(in_time(double(&cache, &calls, 1)).await, 2);
        assert_eq!(calls.count(), n, "uncached");
    }
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("no sentinel answers") && warnings[0].contains(MASTER), "{warnings:?}");
    deployment.sentinels()[1].restart();
    eventually_async(LONG, || async { cache.health().await.connected }).await;
    assert_cached(&cache).await;
}

#[tokio::test]
async fn servers_and_sentinels_have_credentials_of_their_own() {
    let passwords = Passwords { servers: Some("open"), sentinels: Some("sesame") };
    let deployment = SentinelDeployment::start_with(1, passwords);
    let url = deployment.url().replace("//", "//:open@");
    assert_cached(&build(&format!("{url}?sentinel_pass=sesame")).await.expect("a cache")).await;
    let user = format!("{url}?sentinel_user=default&sentinel_pass=sesame");
    assert_cached(&build(&user).await.expect("a cache")).await;
    for wrong in [
        url.clone(),
        format!("{url}?sentinel_pass=wrong-secret"),
        format!("{}?sentinel_pass=sesame", url.replace("open", "wrong-secret")),
        format!("{}?sentinel_pass=sesame", deployment.url()),
    ] {
        let error = build(&wrong).await.expect_err(&wrong);
        assert!(matches!(error, Error::Auth { .. }), "{wrong}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}
