//! Warnings about a Redis that cannot be used or refuses a command: each says what is wrong, once, from the first one on.

use larder::{Cache, Error, cache};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, hasty, in_time};
use support::wait::eventually_async;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", group = "g", tags = ["t"], cache = cache, entry = labelled_entry)]
async fn labelled(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

/// Serves connections that get this reply to whatever they send, and are closed.
async fn port(reply: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("redis://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                if connection.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    drop(connection.write_all(reply).await);
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_port_that_is_not_redis() {
    if !support::isolated!() {
        return;
    }
    let greetings: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "`HTTP/1.1 400 Bad Request`"),
        (b"<!DOCTYPE HTML>\n<html>", "`<!DOCTYPE HTML>`"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "`SSH-2.0-OpenSSH_9.2`"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "the server speaks TLS; write `rediss://`"),
    ];
    for (greeting, shown) in greetings {
        let (log, _guard) = Log::start();
        let url = port(greeting).await;
        let cache = in_time(Cache::builder().url(&url).build()).await.expect("a cache");
        let calls = Calls::default();
        assert_eq!(in_time(double(&cache, &calls, 1)).await, 2);
        let told = log.take();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(
            told[0].contains("does not speak the protocol of Redis") && told[0].contains(shown),
            "{told:?}"
        );
        assert!(!told[0].contains("not reachable"), "{told:?}");
        let error = cache.set("k", &1, "5m").await.expect_err("no Redis").to_string();
        assert!(error.contains("the server is not Redis") || error.contains("speaks TLS"), "{error}");
        assert!(!error.contains("not reachable"), "{error}");
        let error =
            in_time(Cache::builder().url(&url).require_redis(true).build()).await.expect_err("no Redis");
        assert!(matches!(&error, Error::Unavailable { message, .. } if message.contains(shown)), "{error:?}");
    }
}

#[tokio::test]
async fn credentials_and_databases_that_are_wrong() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let at = format!("127.0.0.1:{}", server.port());
    for (url, said) in [
        (format!("redis://:wrong@{at}"), "rejects the credentials"),
        (format!("redis://nobody:wrong@{at}"), "rejects the credentials"),
        (format!("redis://{at}"), "rejects the credentials"),
        (format!("redis://:secret@{at}/99"), "does not have the database"),
    ] {
        let (log, _guard) = Log::start();
        let error = in_time(Cache::builder().url(&url).build()).await.expect_err("it is wrong");
        assert!(matches!(error, Error::Auth { .. } | Error::Config { .. }), "{error:?}");
        let told = log.take();
        assert!(told.len() == 1 && told[0].contains(said), "{url}: {told:#?}");
        assert!(!told[0].contains("not reachable") && !told[0].contains("wrong"), "{told:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_more_clients_or_is_silent() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start_with(&["--maxclients", "1"]);
    let mut held =
        redis::Client::open(server.url()).and_then(|client| client.get_connection()).expect("a connection");
    let (log, _guard) = Log::start();
    let _cache = in_time(hasty(&server).build()).await.expect("a cache");
    let told = log.take();
    assert!(told.len() == 1 && told[0].contains("refuses the connection"), "{told:#?}");
    let answer: redis::RedisResult<()> =
        redis::cmd("CONFIG").arg("SET").arg("maxclients").arg(100).query(&mut held);
    answer.expect("raised");
    server.pause();
    let _silent = in_time(hasty(&server).build()).await.expect("a cache");
    server.resume();
    let told = log.take();
    assert!(told.len() == 1 && told[0].contains("is not reachable (no answer within"), "{told:#?}");
}

#[tokio::test]
async fn a_cache_that_is_dropped_says_nothing() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start();
    let (log, _guard) = Log::start();
    for _ in 0..20 {
        let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
        double(&cache, &Calls::default(), 1).await;
        drop(cache);
        tokio::task::yield_now().await;
    }
    // The server drops the connections of caches that are gone.
    eventually_async(LONG, || async { server.command(&["CLIENT", "LIST"]).lines().count() <= 2 }).await;
    assert_eq!(log.take(), Vec::<String>::new());
}

/// A user who may run scripts, and not this command in them.
async fn without(server: &RedisServer, command: &str) -> Cache {
    let may = ["on", ">pw", "~*", "&*", "+@all", &format!("-{command}")];
    let answer = server.command(&[&["ACL", "SETUSER", &format!("no-{command}")][..], &may[..]].concat());
    assert_eq!(answer, "OK");
    let url = format!("redis://no-{command}:pw@127.0.0.1:{}", server.port());
    hasty(server).url(url).require_redis(true).build().await.expect("a cache")
}

#[tokio::test]
async fn a_user_who_lacks_a_command_of_the_scripts() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start();
    for command in ["getrange", "set", "evalsha"] {
        let (log, _guard) = Log::start();
        let cache = without(&server, command).await;
        let calls = Calls::default();
        for _ in 0..3 {
            assert_eq!(in_time(double(&cache, &calls, 1)).await, 2);
            assert_eq!(in_time(labelled(&cache, &calls, 1)).await, 3);
        }
        assert_eq!(calls.count(), 6, "{command}: nothing is stored");
        for function in ["double", "labelled"] {
            let made = counts(&cache, function);
            assert_eq!(
                (made.store_errors, made.stores, made.misses),
                (3, 0, 3),
                "{command} {function}: {made:?}"
            );
        }
        let error = cache.set("k", &1, "5m").await.expect_err("a script is refused");
        assert!(
            matches!(&error, Error::Script { command: named, .. } if named == command),
            "{command}: {error:?}"
        );
        let error = labelled_entry(&cache, &calls, 1).put(&5_u64).await.expect_err("a script is refused");
        assert!(
            matches!(&error, Error::Script { command: named, .. } if named == command),
            "{command}: {error:?}"
        );
        let told = log.take();
        let named = told.iter().filter(|line| line.contains(&format!("`{command}`"))).count();
        assert_eq!(named, 1, "{told:#?}");
        assert!(told.iter().all(|line| !line.contains("not reachable")), "{told:#?}");
        assert!(cache.health().await.connected);
    }
}

#[tokio::test]
async fn other_refusals_of_a_script_are_told_once() {
    if !support::isolated!() {
        return;
    }
    let server = RedisServer::start();
    let (log, _guard) = Log::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    let refusals: [(&[&str], &[&str], &str); 2] = [
        (&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"], "OOM"),
        (&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"], "READONLY"),
    ];
    for (begin, end, code) in refusals {
        assert_eq!(server.command(begin), "OK");
        let before = counts(&cache, "labelled").store_errors;
        for n in 0..3 {
            assert_eq!(in_time(labelled(&cache, &calls, n)).await, n * 3);
        }
        assert_eq!(counts(&cache, "labelled").store_errors, before + 3, "{code}");
        let error = cache.set("k", &1, "5m").await.expect_err("it is refused");
        assert!(matches!(&error, Error::Redis { message, .. } if message.starts_with(code)), "{error:?}");
        assert!(!error.to_string().contains('['), "{error}");
        assert_eq!(server.command(end), "OK");
        let told = log.take();
        assert_eq!(told.iter().filter(|line| line.contains(code)).count(), 1, "{code}: {told:#?}");
    }
    // Of another type: replaced, as any foreign value under a key of larder.
    let prefix = labelled_entry(&cache, &calls, 7).key().to_owned();
    assert_eq!(server.command(&["LPUSH", &prefix, "x"]), "1");
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
    let (before, errors) = (calls.count(), counts(&cache, "labelled").store_errors);
    for _ in 0..2 {
        assert_eq!(in_time(labelled(&cache, &calls, 7)).await, 21);
    }
    assert_eq!((calls.count(), counts(&cache, "labelled").store_errors), (before + 1, errors));
}
