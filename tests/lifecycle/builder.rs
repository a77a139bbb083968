//! Invalid settings are errors at once, which name the wrong part and never a password.

use std::time::Duration;

use larder::{Builder, Cache, Error, Expire};
use support::stores::LONG;

/// A password that must appear nowhere.
const SECRET: &str = "hunter2";

async fn refused(builder: Builder) -> (&'static str, String, String) {
    match tokio::time::timeout(LONG, builder.build()).await.expect("at once") {
        Err(Error::Config { setting, value, reason, .. }) => (setting, value, reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bad_url_names_the_part_that_is_wrong() {
    for (url, part) in [
        ("http://h", "http"),
        ("redis://h:99999", "99999"),
        ("redis://u:hunter2@h:99999", "99999"),
        ("redis://u:hunter2@h/x", "x"),
        ("redis://h/-1", "-1"),
        ("redis://h/0?protocol=resp3", "protocol"),
        ("redis+unix:///s?user=u&pass=hunter2&db=x", "x"),
        ("redis+unix:///s?pass=hunter2&timeout=1", "timeout"),
        ("rediss://u:hunter2@h?protocol=resp3", "protocol"),
        ("redis+cluster://a:1,u:hunter2@b:99999", "99999"),
        ("redis+sentinel://a:1,b:99999/m/0", "99999"),
        ("redis+sentinel://u:hunter2@a,b/m?sentinel_pass=hunter2&db=1", "db"),
        ("redis+sentinel://u:hunter2@a,b", ""),
        ("redis://", ""),
        ("redis://u:hunter2@/0", ""),
        ("redis://u:hunter2", ""),
        ("redis://u:1#hunter2@h", "#"),
        ("localhost:6379", ""),
        ("", ""),
    ] {
        let (setting, value, reason) = refused(Cache::builder().url(url)).await;
        assert_eq!((setting, value.as_str()), ("url", part), "{url}: {reason}");
        assert!(!reason.is_empty() && !reason.contains(SECRET), "{url}: {reason}");
    }
}

#[tokio::test]
async fn a_memory_url_has_nothing_after_the_scheme() {
    for url in ["memory://name", "memory://?max=1", "memory:x"] {
        assert_eq!(refused(Cache::builder().url(url)).await.0, "url", "{url}");
    }
    let (setting, value, reason) = refused(Cache::builder().url("memory")).await;
    assert_eq!((setting, value.as_str()), ("url", "memory"), "{reason}");
    assert!(reason.contains("without `://`; write `memory://`"), "{reason}");
    for url in ["memory://", "memory:"] {
        assert!(Cache::builder().url(url).build().await.is_ok(), "{url}");
    }
}

#[tokio::test]
async fn a_password_is_in_no_text() {
    let urls = [
        format!("redis://u:{SECRET}@127.0.0.1:1"),
        format!("redis://:{SECRET}@127.0.0.1:1/3"),
        format!("redis://u:{SECRET}/{SECRET}@h"),
        format!("redis://u:1?{SECRET}@h=1"),
        format!("redis://u:%zz{SECRET}@h"),
        format!("redis+unix:///nowhere?pass={SECRET}"),
        format!("redis+unix:///nowhere?pass={SECRET}%"),
        format!("u:{SECRET}@h"),
        format!("memory://{SECRET}@x"),
    ];
    for url in urls {
        let builder = || Cache::builder().url(&url).redis_timeout(Duration::from_millis(50));
        assert!(!format!("{:?}", builder()).contains(SECRET), "{url}");
        let mut said = Vec::new();
        match builder().build().await {
            Ok(cache) => {
                said.push(format!("{cache:?} {:?} {:?}", cache.stats(), cache.health().await));
                said.push(format!("{:?} {:?}", cache.set("k", &1, 1).await, cache.blocking()));
            }
            Err(error) => said.push(format!("{error} {error:?}")),
        }
        if let Err(error) = builder().require_redis(true).build().await {
            said.push(format!("{error} {error:?}"));
        }
        for text in said {
            assert!(url.starts_with("memory") || !text.contains(SECRET), "{url}: {text}");
        }
    }
}

#[tokio::test]
async fn a_prefix_holds_no_braces_and_no_control_characters() {
    for prefix in ["a{b", "a}b", "{}", "a\nb", "a\0", "\u{85}", "\t"] {
        let (setting, value, reason) = refused(Cache::builder().prefix(prefix)).await;
        assert_eq!((setting, value.as_str()), ("prefix", prefix), "{reason}");
    }
    for prefix in ["", "a", "my api", "a:b", "a*b?[c]\\", "漢字"] {
        assert!(Cache::builder().prefix(prefix).build().await.is_ok(), "{prefix}");
    }
}

#[tokio::test]
async fn zero_is_refused_for_every_setting() {
    let new = Cache::builder;
    for (setting, builder) in [
        ("connections", new().connections(0)),
        ("redis_timeout", new().redis_timeout(Duration::ZERO)),
        ("connect_timeout", new().connect_timeout(Duration::ZERO)),
        ("max_memory", new().max_memory(0)),
        ("max_value", new().max_value(0)),
        ("max_wait", new().max_wait(Duration::ZERO)),
        ("max_waiters", new().max_waiters(0)),
        ("max_background", new().max_background(0)),
        ("max_pending_invalidations", new().max_pending_invalidations(0)),
        ("outage_local", new().outage_local(Duration::ZERO)),
        ("default_expire", new().default_expire(Duration::ZERO)),
        ("default_expire", new().default_expire(0)),
        ("default_expire", new().default_expire(-1)),
        ("default_expire", new().default_expire("soon")),
        ("response_header", new().response_header("")),
        ("response_header", new().response_header("X Cache")),
        ("response_header", new().response_header("X-Cache\r\nSet-Cookie")),
    ] {
        assert_eq!(refused(builder).await.0, setting);
    }
}

#[tokio::test]
async fn settings_can_be_given_in_every_form() {
    for builder in [
        Cache::builder().default_expire(30),
        Cache::builder().default_expire("1h30m"),
        Cache::builder().default_expire(Duration::from_millis(1)),
        Cache::builder().default_expire(Expire::Never),
        Cache::builder().response_header("X-MyAPI-Cache"),
        Cache::builder().connections(4).max_memory(1).max_value(1).max_waiters(1),
    ] {
        assert!(builder.build().await.is_ok());
    }
    let cache = Cache::builder().response_header("X-MyAPI-Cache").build().await.expect("a cache");
    assert_eq!(cache.response_header(), "X-MyAPI-Cache");
    assert_eq!(Cache::builder().build().await.expect("a cache").response_header(), "X-Cache");
}

#[test]
fn the_same_without_async() {
    assert!(Cache::builder().build_blocking().is_ok());
    assert!(matches!(
        Cache::builder().url("http://h").build_blocking(),
        Err(Error::Config { setting: "url", .. })
    ));
    assert!(matches!(
        Cache::builder().url("http://h").init_blocking(),
        Err(Error::Config { setting: "url", .. })
    ));
    assert!(matches!(Cache::global(), Err(Error::NotInitialised)), "what failed was not installed");
}
