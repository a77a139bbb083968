//! Failures of TLS: each is told apart in the warning and in the error, and functions run uncached.

use std::time::{Duration, Instant};

use larder::{Cache, Error, cache};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{Calls, in_time};
use support::tls::{Authority, TlsServer, Validity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// Asserts that a cache at `url` starts with one warning that has all of `texts`, runs uncached, and is an error with
/// `require_redis`.
async fn told(url: &str, texts: &[&str]) {
    let (log, _guard) = Log::start();
    let patient = || Cache::builder().url(url).connect_timeout(Duration::from_secs(5));
    let cache = in_time(patient().build()).await.expect("a cache");
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(in_time(double(&cache, &calls, 1)).await, 2);
    }
    assert_eq!(calls.count(), 2, "{url}");
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{url}: {warnings:#?}");
    assert!(texts.iter().all(|text| warnings[0].contains(text)), "{url}: {texts:?} {warnings:#?}");
    assert!(!warnings[0].contains("not reachable"), "{warnings:#?}");
    let error = cache.set("k", &1, "5m").await.expect_err("no Redis").to_string();
    assert!(error.contains(texts[0]), "{url}: {error}");
    let error = in_time(patient().require_redis(true).build()).await.expect_err("no Redis");
    assert!(matches!(&error, Error::Unavailable { message, .. } if message.contains(texts[0])), "{error:?}");
}

const FAILS: &str = "is reachable and the TLS connection fails";

#[tokio::test]
async fn an_unknown_authority() {
    if !support::isolated!() {
        return;
    }
    let server = TlsServer::start();
    let other = Authority::new("another one");
    std::fs::write(server.file("other.pem"), other.pem()).expect("written");
    let url = format!("rediss://localhost:{}?ca={}", server.port(), server.file("other.pem"));
    told(&url, &["the certificate of the server is not signed by `ca`", FAILS]).await;
}

#[tokio::test]
async fn a_certificate_of_another_time_or_name() {
    if !support::isolated!() {
        return;
    }
    let open = ["--tls-auth-clients", "no"];
    for (names, validity, texts) in [
        ("localhost", Validity(2000, 2001), ["the certificate of the server has expired", " days ago"]),
        (
            "localhost",
            Validity(3999, 4000),
            ["the certificate of the server is not valid yet", "it will be in "],
        ),
        (
            "cache.example.com",
            Validity::NOW,
            ["the certificate of the server is for another name", "cache.example.com"],
        ),
    ] {
        let server = TlsServer::start_with(&[names], validity, &open);
        told(&server.url(), &[texts[0], texts[1], FAILS]).await;
    }
}

#[tokio::test]
async fn a_client_certificate_that_is_missing_or_unknown() {
    if !support::isolated!() {
        return;
    }
    for version in ["TLSv1.2", "TLSv1.3"] {
        let args = ["--tls-auth-clients", "yes", "--tls-protocols", version];
        let server = TlsServer::start_with(&["localhost"], Validity::NOW, &args);
        told(&server.url(), &["the server requires a client certificate", FAILS]).await;
        let stranger = Authority::new("another one").sign(&["client"], Validity::NOW);
        std::fs::write(server.file("stranger.pem"), stranger.cert).expect("written");
        std::fs::write(server.file("stranger.key"), stranger.key).expect("written");
        let files = format!("cert={}&key={}", server.file("stranger.pem"), server.file("stranger.key"));
        let url = format!("{}&{files}", server.url());
        told(&url, &["the server rejects the client certificate", FAILS]).await;
    }
}

#[tokio::test]
async fn tls_on_one_side_only() {
    if !support::isolated!() {
        return;
    }
    let server = TlsServer::start();
    let ca = server.file("ca.pem");
    let url = format!("rediss://localhost:{}?ca={ca}", server.redis.port());
    told(&url, &["the server does not speak TLS; write `redis://`", FAILS]).await;
    // A server that talks first.
    let full = RedisServer::start_with(&["--maxclients", "1"]);
    let _held =
        redis::Client::open(full.url()).and_then(|client| client.get_connection()).expect("a connection");
    told(&format!("rediss://localhost:{}?ca={ca}", full.port()), &["the server does not speak TLS"]).await;
    // A server that hangs up.
    let web = web_server().await;
    told(&format!("rediss://localhost:{web}?ca={ca}"), &["the server does not speak TLS"]).await;
    let url = format!("redis://localhost:{}", server.port());
    told(&url, &["write `rediss://`", "does not speak the protocol of Redis"]).await;
}

/// A port that answers to whatever it is sent with an error of HTTP.
async fn web_server() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut buffer = [0; 1024];
            drop(connection.read(&mut buffer).await);
            drop(connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    port
}

#[tokio::test]
async fn the_handshake_ends_within_connect_timeout() {
    if !support::isolated!() {
        return;
    }
    let server = TlsServer::start();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let url = format!("rediss://localhost:{port}?ca={}", server.file("ca.pem"));
    let (log, _guard) = Log::start();
    let started = Instant::now();
    let limit = Duration::from_millis(300);
    let cache = in_time(Cache::builder().url(&url).connect_timeout(limit).build()).await.expect("a cache");
    assert!(started.elapsed() < limit * 5, "{:?}", started.elapsed());
    assert_eq!(in_time(double(&cache, &Calls::default(), 1)).await, 2);
    let warnings = log.take();
    assert!(warnings.len() == 1 && warnings[0].contains("no answer within 300ms"), "{warnings:#?}");
    drop(listener);
}
