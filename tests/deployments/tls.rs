//! Caches over TLS.

use std::fs;

use larder::{Cache, Error, LocalTier, Tls, cache};
use support::process::{assert_passed, rerun, test_around};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, in_time, on, unique};
use support::tls::{TlsServer, Validity};
use support::wait::eventually_async;

#[cache(expire = "5m", group = "g", tags = ["t:{n}"], cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", cache = cache)]
fn text(cache: &Cache, calls: &Calls, length: usize) -> String {
    calls.add();
    "x".repeat(length)
}

/// Calls, a large value, a group, a walk and notifications.
async fn everything_works(server: &RedisServer, url: &str, settings: impl Fn() -> Tls) {
    let prefix = unique("tls");
    let builder = || {
        let builder = on(server).url(url).prefix(&prefix).require_redis(true).local(LocalTier::new());
        if settings() == Tls::new() { builder } else { builder.tls(settings()) }
    };
    let (cache, other) = (
        in_time(builder().build()).await.expect("a cache"),
        in_time(builder().build()).await.expect("a cache"),
    );
    let calls = Calls::default();
    for cache in [&cache, &other] {
        eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
        assert_eq!(in_time(double(cache, &calls, 1)).await, 2);
        assert_eq!(text(cache, &calls, 1 << 20).len(), 1 << 20);
    }
    assert_eq!(calls.count(), 2, "the other cache hits");
    cache.invalidate_tag("t:1").await.expect("carried out");
    eventually_async(LONG, || async {
        double(&other, &calls, 1).await;
        calls.count() == 3
    })
    .await;
    cache.delete_group("g").await.expect("carried out");
    assert!(in_time(cache.clear()).await.expect("cleared") >= 1);
    assert_eq!(server.command(&["KEYS", &format!("{prefix}:*larger*")]), "");
    let plain =
        server.command(&["CLIENT", "LIST"]).lines().filter(|line| line.contains("lib-name=larder")).count();
    assert_eq!(plain, 0, "Redis 7.0 does not know the name");
}

#[tokio::test]
async fn a_server_with_tls() {
    let server = TlsServer::start();
    everything_works(&server.redis, &server.url(), Tls::new).await;
    let url = |host: &str| format!("rediss://{host}:{}", server.port());
    let ca = || Tls::new().ca(server.authority.pem());
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        everything_works(&server.redis, &url(host), ca).await;
    }
}

#[tokio::test]
async fn a_server_that_requires_a_client_certificate() {
    for versions in ["TLSv1.2", "TLSv1.3"] {
        let args = ["--tls-auth-clients", "yes", "--tls-protocols", versions];
        let server = TlsServer::start_with(&["localhost"], Validity::NOW, &args);
        everything_works(&server.redis, &server.mutual_url(), Tls::new).await;
        let client = server.authority.sign(&["another client"], Validity::NOW);
        let settings = || Tls::new().ca(server.authority.pem()).client_cert(&*client.cert, &*client.key);
        everything_works(&server.redis, &format!("rediss://localhost:{}", server.port()), settings).await;
        // One half in the URL, the other in the builder.
        everything_works(&server.redis, &server.url(), || {
            Tls::new().client_cert(&*client.cert, &*client.key)
        })
        .await;
    }
}

#[tokio::test]
async fn the_name_of_the_certificate_can_be_another() {
    let server = TlsServer::start_with(&["cache.example.com"], Validity::NOW, &["--tls-auth-clients", "no"]);
    everything_works(&server.redis, &format!("{}&sni=cache.example.com", server.url()), Tls::new).await;
    let settings = || Tls::new().server_name("cache.example.com");
    everything_works(&server.redis, &server.url(), settings).await;
}

/// A cluster of one node, which announces its port for TLS to clients with TLS.
#[tokio::test]
async fn a_cluster_with_tls() {
    let args = ["--tls-auth-clients", "yes", "--tls-cluster", "yes", "--cluster-enabled", "yes"];
    let server = TlsServer::start_with(&["localhost", "127.0.0.1"], Validity::NOW, &args);
    assert_eq!(server.redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
    eventually_async(LONG, || async {
        server.redis.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
    })
    .await;
    let url = server.mutual_url().replace("rediss://", "rediss+cluster://");
    everything_works(&server.redis, &url, Tls::new).await;
}

/// The system's certificates are those of the file in `SSL_CERT_FILE`.
#[tokio::test]
async fn the_root_certificates_of_the_system() {
    fn here() {}
    const URL: &str = "LARDER_TEST_TLS_URL";
    if let Ok(url) = std::env::var(URL) {
        let built =
            in_time(Cache::builder().url(url).connect_timeout(LONG).require_redis(true).build()).await;
        match std::env::var("LARDER_TEST_EXPECTED").as_deref() {
            Ok("built") => drop(built.expect("a cache")),
            _ => {
                let error = built.expect_err("no root certificates");
                assert!(matches!(&error, Error::Config { setting: "url", .. }), "{error:?}");
                assert!(error.to_string().contains("the system has no root certificates"), "{error}");
            }
        }
        return;
    }
    let server = TlsServer::start();
    let plain = format!("rediss://localhost:{}", server.port());
    let (good, missing) = (server.file("ca.pem"), server.file("missing.pem"));
    for (url, file, expected) in [
        (&plain, &good, "built"),
        (&plain, &missing, "refused"),
        // Where `ca` is given, it does not matter.
        (&server.url(), &missing, "built"),
    ] {
        let test = test_around(&here);
        let mut process = rerun(&test);
        process.env(URL, url).env("SSL_CERT_FILE", file).env("LARDER_TEST_EXPECTED", expected);
        process.env_remove("SSL_CERT_DIR");
        let output = tokio::task::spawn_blocking(move || process.output()).await.expect("no panic");
        assert_passed(&test, &output.expect("a process"));
    }
}

/// Files that were replaced are read again when a connection fails for them.
#[tokio::test]
async fn certificates_are_replaced() {
    for versions in ["TLSv1.2", "TLSv1.3"] {
        let args = ["--tls-auth-clients", "yes", "--tls-protocols", versions];
        let mut server = TlsServer::start_with(&["localhost"], Validity::NOW, &args);
        let url = server.mutual_url();
        let cache = on(&server.redis).url(&url).local(LocalTier::new()).require_redis(true).build().await;
        let cache = cache.expect("a cache");
        cache.set("k", &1, "5m").await.expect("stored");
        server.rotate(&["localhost"]);
        // A set that failed may be retried as a removal after the next one.
        eventually_async(LONG, || async {
            cache.set("k", &2, "5m").await.is_ok() && cache.get::<i32>("k").await == Some(2)
        })
        .await;
        eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
    }
}

/// The files are read when the cache is opened, and not for each connection.
#[tokio::test]
async fn connections_are_replaced_when_the_files_are_gone() {
    let server = TlsServer::start_mutual();
    let cache =
        on(&server.redis).url(server.mutual_url()).require_redis(true).build().await.expect("a cache");
    cache.set("k", &1, "5m").await.expect("stored");
    for name in ["ca.pem", "client.pem", "client.key"] {
        fs::remove_file(server.file(name)).expect("removed");
    }
    let mut killed = server.redis.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert_ne!(std::mem::take(&mut killed), "0");
    eventually_async(LONG, || async { cache.get::<i32>("k").await == Some(1) }).await;
}

#[tokio::test]
async fn parameters_of_the_url_that_cannot_be_used() {
    let server = TlsServer::start();
    let (authority, dir) = (&server.authority, server.redis.dir());
    let other = authority.sign(&["b"], Validity::NOW);
    let damaged = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
    for (name, text) in [("text.pem", "no certificate"), ("damaged.pem", damaged), ("other.key", &other.key)]
    {
        fs::write(dir.join(name), text).expect("written");
    }
    let with = |parameters: &str| format!("rediss://localhost:{}?{parameters}", server.port());
    let file = |name: &str| server.file(name);
    let client = |cert: &str, key: &str| format!("{}&cert={}&key={}", server.url(), file(cert), file(key));
    for (url, part, reason) in [
        (with(&format!("ca={}", file("missing.pem"))), "ca=", "cannot be read"),
        (with(&format!("ca={}", dir.display())), "ca=", "cannot be read"),
        (with(&format!("ca={}", file("text.pem"))), "ca=", "has no certificate in PEM"),
        (with(&format!("ca={}", file("damaged.pem"))), "ca=", "is not valid PEM"),
        (with(&format!("ca={}", file("server.key"))), "ca=", "has no certificate in PEM"),
        (format!("{}&cert={}", server.url(), file("client.pem")), "cert=", "needs `key`"),
        (format!("{}&key={}", server.url(), file("client.key")), "key=", "needs `cert`"),
        (client("client.pem", "client.pem"), "key=", "has no private key in PEM"),
        (client("client.pem", "other.key"), "key=", "cannot be used with `cert`"),
        (format!("{}&sni=a_b%20c", server.url()), "sni=", "is not the name of a host"),
        (with("insecure=true"), "insecure", "unknown parameter"),
    ] {
        let error = in_time(Cache::builder().url(&url).build()).await.expect_err(&url);
        let Error::Config { setting: "url", value, reason: given, .. } = &error else {
            panic!("{url}: {error:?}")
        };
        assert!(value.starts_with(part) && given.contains(reason), "{url}: {error}");
    }
}

#[tokio::test]
async fn settings_of_the_builder_that_cannot_be_used() {
    let server = TlsServer::start();
    let ca = || Tls::new().ca(server.authority.pem());
    let sign = |name: &str| server.authority.sign(&[name], Validity::NOW);
    let (client, other) = (sign("a"), sign("b"));
    let with_client = |tls: Tls| tls.client_cert(&*client.cert, &*client.key);
    let plain = format!("rediss://localhost:{}", server.port());
    for (url, tls, part, reason) in [
        (server.url(), ca(), "ca", "the URL has this setting, too"),
        (server.mutual_url(), with_client(Tls::new()), "client_cert", "the URL has this setting, too"),
        (plain.clone(), Tls::new().ca("no certificate"), "ca", "has no certificate in PEM"),
        (plain.clone(), ca().client_cert(&*client.cert, &*other.key), "key", "cannot be used with `cert`"),
        (plain, ca().server_name("a b"), "server_name a b", "is not the name of a host"),
        (server.redis.url(), Tls::new(), "", "has a scheme without TLS"),
        ("redis+unix:///s".to_owned(), Tls::new(), "", "has a scheme without TLS"),
    ] {
        let error = in_time(Cache::builder().url(&url).tls(tls.clone()).build()).await.expect_err(&url);
        let Error::Config { setting: "tls", value, reason: given, .. } = &error else {
            panic!("{url}: {error:?}")
        };
        assert!(value == part && given.contains(reason), "{url}: {error}");
        let said = format!("{tls:?} {error:?} {error}");
        let line = other.key.lines().nth(1).expect("a line");
        assert!(!said.contains(line), "{said}");
    }
    let memory = Cache::builder().url("memory://").tls(Tls::new().ca("no certificate")).build().await;
    memory.expect("memory has no connections");
}
