//! Cookies that nobody set, and nobody can use.

use support::redis::RedisServer;
use support::stores::{caches, on};

use crate::COOKIE;
use crate::app::{App, Browser};

/// The cookies of attackers, scanners and broken clients.
fn cookies() -> Vec<String> {
    let well_formed = "0123456789abcdef".repeat(5);
    let mut cookies = vec![
        format!("{COOKIE}={well_formed}"),
        format!("{COOKIE}={}", well_formed.to_uppercase()),
        format!("{COOKIE}={}", &well_formed[1..]),
        format!("{COOKIE}=\"{well_formed}\""),
        format!("{COOKIE}={well_formed}; {COOKIE}={}", "f".repeat(80)),
        format!("{COOKIE}="),
        COOKIE.to_owned(),
        format!("{COOKIE}=%0d%0aSet-Cookie:%20a=b"),
        format!("{COOKIE}=../../etc/passwd"),
        format!("{COOKIE}={}", "x".repeat(10_000)),
        format!("{COOKIE}={{}}{{}}:*"),
        ";".repeat(5_000),
    ];
    cookies.push(cookies.join("; "));
    cookies
}

#[tokio::test]
async fn an_id_that_was_not_given_out_is_never_adopted() {
    for cache in caches().await {
        let app = App::start(&cache).await;
        for cookie in cookies() {
            let headers = [("cookie", cookie.as_str())];
            let read = app.server.send("GET", "/get/count", &headers, "").await;
            assert_eq!(
                (read.status, read.text(), read.header("set-cookie")),
                (200, "null", None),
                "{cookie}"
            );
            let set = app.server.send("POST", "/set/count/1", &headers, "").await;
            let given = set.header("set-cookie").expect("a new id").to_owned();
            let (_, value) = given.split_once('=').expect("a value");
            let id = value.split(';').next().expect("an id");
            assert!(id.len() == 80 && !cookie.contains(id), "{given}");
            let again = app.server.send("GET", "/get/count", &headers, "").await;
            assert_eq!(again.text(), "null", "{cookie}");
        }
    }
}

/// A cookie with a line break does not reach a server; one that has bytes beyond ASCII does.
#[tokio::test]
async fn bytes_that_no_cookie_has_are_ignored() {
    for cache in caches().await {
        let app = App::start(&cache).await;
        let cookie = format!("{COOKIE}=é\u{202e}");
        let read = app.server.send("GET", "/get/count", &[("cookie", cookie.as_str())], "").await;
        assert_eq!((read.status, read.text()), (200, "null"));
    }
}

/// Neither ids nor anything that a client made up; every key has a life.
#[tokio::test]
async fn the_database_has_no_id_and_no_key_of_a_client() {
    let server = RedisServer::start();
    let cache = on(&server).prefix("t").require_redis(true).build().await.expect("a cache");
    let (app, mut browser) = (App::start(&cache).await, Browser::default());
    for cookie in cookies() {
        app.server.send("GET", "/get/count", &[("cookie", cookie.as_str())], "").await;
    }
    assert_eq!(server.command(&["DBSIZE"]), "0");
    browser.send(&app, "POST", "/set/cart/7").await;
    let anonymous = browser.cookie.clone().expect("an id");
    browser.login(&app, "ada").await;
    let id = browser.cookie.clone().expect("an id");
    let keys = server.command(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 4, "{keys}");
    for key in keys.lines() {
        let value = match server.command(&["TYPE", key]).as_str() {
            "hash" => server.command(&["HGETALL", key]),
            "zset" => server.command(&["ZRANGE", key, "0", "-1"]),
            _ => server.command(&["GET", key]),
        };
        for id in [&anonymous, &id] {
            // The first part is the secret.
            assert!(!format!("{key} {value}").contains(&id[..48]), "{key} {value}");
        }
        let life: i64 = server.command(&["PTTL", key]).parse().expect("a number");
        assert!(life > 0, "{key}");
    }
    cache.clear().await.expect("cleared");
    assert_eq!(browser.read(&app, "/me").await, "ada");
}
