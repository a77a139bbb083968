//! Sentinels with TLS and with credentials of their own.

use larder::{Builder, Cache, Error, Tls, cache};
use support::sentinel::{MASTER, Passwords, SentinelDeployment, TlsSentinel};
use support::stores::{Calls, LONG, in_time, unique};
use support::tls::Authority;
use support::wait::eventually_async;

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

async fn assert_cached(builder: Builder) -> Cache {
    let builder = builder.prefix(unique("tls")).connect_timeout(LONG).require_redis(true);
    let (cache, calls) = (in_time(builder.build()).await.expect("a cache"), Calls::default());
    for _ in 0..3 {
        assert_eq!(in_time(double(&cache, &calls, 1)).await, 2);
    }
    assert_eq!(calls.count(), 1, "cached");
    cache
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_and_sentinels_use_tls() {
    let deployment = TlsSentinel::start();
    let (ca, pem) = (deployment.sentinel.dir().join("ca.pem"), deployment.authority.pem().to_owned());
    let (ca, plain) = (ca.display(), deployment.sentinel.port());
    let at = |port: u16, query: &str| {
        Cache::builder().url(format!("rediss+sentinel://127.0.0.1:{port}/{MASTER}{query}"))
    };
    let port = deployment.port;
    // Sentinels have the settings of the servers, or some of their own.
    let cache = assert_cached(at(port, &format!("?ca={ca}"))).await;
    assert_cached(at(port, "").tls(Tls::new().ca(&*pem))).await;
    assert_cached(at(port, &format!("?ca={ca}&sentinel_ca={ca}"))).await;
    assert_cached(at(port, "").tls(Tls::new().ca(&*pem)).sentinel_tls(Tls::new().ca(&*pem))).await;
    assert_cached(at(plain, &format!("?ca={ca}&sentinel_tls=off"))).await;
    let other = Authority::new("another").pem().to_owned();
    for (builder, part) in [
        (at(port, &format!("?ca={ca}")).sentinel_tls(Tls::new().ca(other)), "certificate"),
        (at(plain, &format!("?ca={ca}")), "TLS"),
        (at(port, &format!("?ca={ca}&sentinel_tls=off")), "TLS"),
    ] {
        let error = in_time(builder.connect_timeout(LONG).require_redis(true).build()).await.expect_err(part);
        assert!(matches!(&error, Error::Unavailable { message, .. } if message.contains(part)), "{error:?}");
    }
    // A switch is followed over TLS as well.
    assert_eq!(deployment.sentinel.command(&["SENTINEL", "FAILOVER", MASTER]), "OK");
    let replica = &deployment.servers[1];
    eventually_async(LONG, || async {
        let is_stored = cache.set("switched", &1, "5m").await.is_ok();
        is_stored
            && replica.command(&["ROLE"]).starts_with("master")
            && !replica.command(&["KEYS", "*:switched"]).is_empty()
    })
    .await;
}

#[tokio::test]
async fn credentials_of_sentinels_come_from_a_closure() {
    let passwords = Passwords { servers: Some("open"), sentinels: Some("sesame") };
    let deployment = SentinelDeployment::start_with(1, passwords);
    let builder = || {
        let url = deployment.url();
        Cache::builder().url(url).credentials(|| async { Ok(("default", "open")) })
    };
    assert_cached(builder().sentinel_credentials(|| async { Ok(("default", "sesame")) })).await;
    let refused = builder().sentinel_credentials(|| async { Ok(("default", "secret")) }).build();
    let error = in_time(refused).await.expect_err("rejected");
    assert!(matches!(error, Error::Auth { .. }) && !error.to_string().contains("secret"), "{error:?}");
}

#[tokio::test]
async fn settings_of_sentinels_need_sentinels() {
    let none = || async { Ok(("user", "secret")) };
    let url = |url: &str| Cache::builder().url(url);
    for (builder, setting) in [
        (url("redis://127.0.0.1:1").sentinel_credentials(none), "sentinel_credentials"),
        (url("redis+sentinel://a/m?sentinel_pass=secret").sentinel_credentials(none), "sentinel_credentials"),
        (url("redis://127.0.0.1:1").sentinel_tls(Tls::new()), "sentinel_tls"),
        (url("redis+sentinel://a/m").sentinel_tls(Tls::new()), "sentinel_tls"),
        (url("redis+sentinel://a/m").tls(Tls::new()), "tls"),
        (url("rediss+sentinel://a/m?sentinel_ca=/nowhere.pem"), "url"),
    ] {
        match builder.build().await {
            Err(Error::Config { setting: refused, reason, .. }) => {
                assert_eq!(refused, setting, "{reason}");
                assert!(!reason.contains("secret"), "{reason}");
            }
            other => panic!("{setting}: {other:?}"),
        }
    }
}
