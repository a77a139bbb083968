//! Values, ends, and responses, in both stores.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use larder::Cache;
use larder::http::ResponseCacheLayer;
use larder::session::{SameSite, Session, SessionLayer};
use larder::test_util::TestClock;
use support::http::Server;
use support::stores::{LONG, caches, unique};
use support::wait::eventually_async;

use crate::COOKIE;
use crate::app::{App, Browser};

#[tokio::test]
async fn a_request_that_leaves_the_session_alone_has_no_cookie_and_no_header_of_it() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        let plain = browser.send(&app, "GET", "/plain").await;
        assert_eq!(
            (plain.header("set-cookie"), plain.header("vary"), plain.header("cache-control")),
            (None, None, None)
        );
        // An empty session is read: the response depends on it, and nothing is stored.
        let read = browser.send(&app, "GET", "/get/count").await;
        assert_eq!((read.text(), read.header("set-cookie")), ("null", None));
        assert_eq!((read.header("vary"), read.header("cache-control")), (Some("Cookie"), Some("private")));
        browser.send(&app, "POST", "/set/count/1").await;
        let plain = browser.send(&app, "GET", "/plain").await;
        assert_eq!(
            (plain.header("set-cookie"), plain.header("vary"), plain.header("cache-control")),
            (None, None, None)
        );
    }
}

#[tokio::test]
async fn a_value_is_there_for_the_next_request_and_no_data_is_in_the_cookie() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        let set = browser.send(&app, "POST", "/set/secret-name/secret-value").await;
        let cookie = set.header("set-cookie").expect("a cookie").to_owned();
        assert!(!cookie.contains("secret"), "{cookie}");
        assert_eq!((set.header("cache-control"), set.header("vary")), (Some("no-store"), Some("Cookie")));
        for attribute in ["; Path=/", "; Max-Age=28800", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(cookie.starts_with(&format!("{COOKIE}=")) && !cookie.contains("Domain"), "{cookie}");
        assert_eq!(browser.read(&app, "/get/secret-name").await, "\"secret-value\"");
        // An ordinary write keeps the id, and sends none.
        let id = browser.cookie.clone();
        let again = browser.send(&app, "POST", "/set/other/1").await;
        assert_eq!((again.header("set-cookie"), browser.cookie.clone()), (None, id));
        browser.send(&app, "POST", "/remove/secret-name").await;
        assert_eq!(browser.read(&app, "/get/secret-name").await, "null");
        assert_eq!(browser.read(&app, "/get/other").await, "\"1\"");
        // Another browser has another session.
        assert_eq!(Browser::default().read(&app, "/get/other").await, "null");
    }
}

#[tokio::test]
async fn requests_at_the_same_time_keep_the_values_of_each_other() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        browser.send(&app, "POST", "/set/first/1").await;
        // All of them have read the session before any of them has stored its value.
        let slow = (0..8).map(|number| {
            let (app, browser) = (&app, &browser);
            async move { browser.ask(app, "POST", &format!("/slow/value-{number}/{number}")).await.status }
        });
        let (statuses, ()) = tokio::join!(join_all(slow), async {
            app.gate.arrived(8).await;
            app.gate.open();
        });
        assert_eq!(statuses, [200; 8]);
        assert_eq!(browser.read(&app, "/get/first").await, "\"1\"");
        for number in 0..8 {
            assert_eq!(browser.read(&app, &format!("/get/value-{number}")).await, format!("\"{number}\""));
        }
    }
}

#[tokio::test]
async fn an_error_of_the_server_stores_nothing() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        let failed = browser.send(&app, "POST", "/set/count/1?status=500").await;
        assert_eq!((failed.status, failed.header("set-cookie")), (500, None));
        browser.send(&app, "POST", "/set/count/1").await;
        browser.send(&app, "POST", "/set/count/2?status=503").await;
        assert_eq!(browser.read(&app, "/get/count").await, "\"1\"");
        browser.send(&app, "POST", "/set/count/3?status=404").await;
        assert_eq!(browser.read(&app, "/get/count").await, "\"3\"");
    }
}

#[tokio::test]
async fn the_idle_end_slides_and_the_absolute_end_does_not() {
    let clock = TestClock::new();
    let builder = Cache::builder().url("memory://").prefix(unique("t")).clock(clock.clone());
    let cache = builder.build().await.expect("a cache");
    let app = App::start_with(&cache, |sessions| sessions.idle("30m").absolute("8h")).await;
    let mut browser = Browser::default();
    browser.send(&app, "POST", "/set/count/0").await;
    // Reads and writes for eight hours less a little.
    for step in 1..24 {
        clock.advance(Duration::from_secs(20 * 60));
        assert_ne!(browser.read(&app, "/get/count").await, "null", "{step}");
        if step % 5 == 0 {
            browser.send(&app, "POST", &format!("/set/count/{step}")).await;
        }
    }
    // Another id moves no end.
    browser.send(&app, "POST", "/rotate").await;
    assert_ne!(browser.read(&app, "/get/count").await, "null");
    clock.advance(Duration::from_secs(20 * 60));
    assert_eq!(browser.read(&app, "/get/count").await, "null");
    // Half an hour of nothing.
    browser.cookie = None;
    browser.send(&app, "POST", "/set/count/0").await;
    clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(browser.read(&app, "/get/count").await, "null");
}

#[tokio::test]
async fn a_session_ends_in_redis_and_a_late_write_does_not_revive_it() {
    for cache in caches().await {
        let app = App::start_with(&cache, |sessions| sessions.idle("300ms").absolute("1h")).await;
        let mut browser = Browser::default();
        browser.login(&app, "ada").await;
        let late = browser.clone();
        let (answer, ()) = tokio::join!(late.ask(&app, "POST", "/slow/count/2"), async {
            app.gate.arrived(1).await;
            // The list moves no end.
            eventually_async(LONG, || async { app.sessions.list("ada").await.expect("a list").is_empty() })
                .await;
            app.gate.open();
        });
        assert_eq!(answer.status, 200);
        assert_eq!(browser.read(&app, "/get/count").await, "null");
    }
}

/// Larder's own cache of responses around it and below it.
#[tokio::test]
async fn a_response_with_a_session_is_not_shared() {
    for cache in caches().await {
        let sessions = SessionLayer::new(&cache);
        let handler = |session: Session| async move {
            session.set("seen", &true).expect("JSON");
            session.user().unwrap_or_else(|| unique("anonymous"))
        };
        for is_outside in [true, false] {
            let responses = ResponseCacheLayer::new().expire("1m").cache(&cache);
            let router = Router::new().route(&format!("/{is_outside}"), get(handler));
            let router = if is_outside {
                router.layer(sessions.clone()).layer(responses)
            } else {
                router.layer(responses).layer(sessions.clone())
            };
            let server = Server::start(router).await;
            let path = format!("/{is_outside}");
            let (one, two) = (server.get(&path).await, server.get(&path).await);
            assert_ne!(one.text(), two.text());
            assert_ne!(one.header("set-cookie"), two.header("set-cookie"));
            assert!(one.header("set-cookie").is_some());
        }
    }
}

#[tokio::test]
async fn a_handler_without_a_layer_says_what_to_write() {
    let server = Server::start(Router::new().route("/", get(|_: Session| async { "ok" }))).await;
    let answer = server.get("/").await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("SessionLayer::new(&cache)"), "{}", answer.text());
    let optional = |session: Option<Session>| async move { session.is_none().to_string() };
    let server = Server::start(Router::new().route("/", get(optional))).await;
    assert_eq!(server.get("/").await.text(), "true");
}

#[test]
fn a_cookie_that_browsers_refuse_panics_where_it_is_made() {
    let cache = Cache::builder().url("memory://").build_blocking().expect("a cache");
    let message = |make: fn(SessionLayer) -> SessionLayer| {
        let sessions = SessionLayer::new(&cache);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| make(sessions)));
        *caught.expect_err("a panic").downcast::<String>().expect("a text")
    };
    assert!(message(|sessions| sessions.insecure("__Host-id")).contains("Secure"));
    assert!(message(|sessions| sessions.domain("example.com")).contains("__Secure-id"));
    assert!(message(|sessions| sessions.cookie("a b")).contains("cookie"));
    assert!(message(|sessions| sessions.idle("soon")).contains("idle"));
    assert!(message(|sessions| sessions.absolute(0)).contains("absolute"));
    assert!(message(|sessions| sessions.insecure("id").same_site(SameSite::None)).contains("insecure"));
    let _ = SessionLayer::new(&cache).insecure("id").domain("example.com").same_site(SameSite::Strict);
}
