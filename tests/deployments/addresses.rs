//! Sockets in the file system, IPv6, and names with several addresses.

use larder::{Cache, Error, LocalTier, cache};
use support::log::Log;
use support::redis::RedisServer;
use support::socket::SocketServer;
use support::stores::{Calls, LONG, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", group = "g", tags = ["t:{n}"], cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// Calls, invalidations and notifications of two caches.
async fn everything_works(server: &RedisServer, url: &str) {
    let prefix = unique("address");
    let builder = || on(server).url(url).prefix(&prefix).require_redis(true).local(LocalTier::new());
    let cache = in_time(builder().build()).await.expect("a cache");
    let other = in_time(builder().build()).await.expect("a cache");
    let calls = Calls::default();
    for cache in [&cache, &other] {
        eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
        assert_eq!(in_time(double(cache, &calls, 1)).await, 2);
    }
    assert_eq!(calls.count(), 1, "the other cache hits");
    cache.invalidate_tag("t:1").await.expect("carried out");
    eventually_async(LONG, || async {
        double(&other, &calls, 1).await;
        calls.count() == 2
    })
    .await;
    assert!(in_time(cache.clear()).await.expect("cleared") >= 1);
}

#[tokio::test]
async fn a_socket_in_the_file_system() {
    let socket = SocketServer::start();
    let (server, url) = (&socket.redis, socket.url());
    everything_works(server, &url).await;
    let sockets =
        server.command(&["CLIENT", "LIST"]).lines().filter(|line| line.contains("redis.sock")).count();
    assert!(sockets > 0, "the connections are those of the socket");
    assert_eq!(server.command(&["ACL", "SETUSER", "app", "on", ">a b+c", "~*", "&*", "+@all"]), "OK");
    everything_works(server, &format!("{url}?user=app&pass=a%20b+c&db=3")).await;
    let error = on(server).url(format!("{url}?user=app&pass=a")).build().await.expect_err("rejected");
    assert!(matches!(error, Error::Auth { .. }), "{error:?}");
}

#[tokio::test]
async fn a_socket_that_is_not_there() {
    if !support::isolated!() {
        return;
    }
    let socket = SocketServer::start();
    let (server, missing) = (&socket.redis, format!("{}.missing", socket.url()));
    let (log, _guard) = Log::start();
    let cache = in_time(on(server).url(&missing).build()).await.expect("the process starts");
    assert_eq!(in_time(double(&cache, &Calls::default(), 1)).await, 2);
    let warnings = log.take();
    assert!(
        warnings.len() == 1 && warnings[0].contains("redis.sock.missing is not reachable"),
        "{warnings:#?}"
    );
    // It may come later.
    let path = |name: &str| server.dir().join(name);
    std::os::unix::fs::symlink(path("redis.sock"), path("redis.sock.missing")).expect("a link");
    eventually_async(LONG, || async { cache.set("k", &1, "5m").await.is_ok() }).await;
}

#[tokio::test]
async fn an_address_of_ipv6() {
    let server = RedisServer::start_with(&["--bind", "127.0.0.1", "::1"]);
    everything_works(&server, &format!("redis://[::1]:{}", server.port())).await;
}
