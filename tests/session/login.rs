//! Logins, logouts, and the sessions of a user, in both stores.

use std::time::Duration;

use larder::Cache;
use larder::test_util::TestClock;
use support::deployment::shared;
use support::stores::{LONG, caches, on, unique};
use support::wait::eventually_async;

use crate::app::{App, Browser};

#[tokio::test]
async fn a_login_changes_the_id_and_keeps_the_values() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        browser.send(&app, "POST", "/set/cart/7").await;
        let before = browser.clone();
        browser.login(&app, "ada").await;
        assert_ne!(browser.cookie, before.cookie);
        assert_eq!(
            (browser.read(&app, "/me").await.as_str(), browser.read(&app, "/get/cart").await.as_str()),
            ("ada", "\"7\"")
        );
        // A request that was on its way, with the id before: the same session, for reads and writes.
        assert_eq!(before.ask(&app, "GET", "/me").await.text(), "ada");
        before.ask(&app, "POST", "/set/late/1").await;
        assert_eq!(browser.read(&app, "/get/late").await, "\"1\"");
        // Another login in the same browser, and a new id alone.
        browser.login(&app, "bob").await;
        assert_eq!(browser.read(&app, "/me").await, "bob");
        let before = browser.cookie.clone();
        browser.send(&app, "POST", "/rotate").await;
        assert!(browser.cookie != before && browser.read(&app, "/me").await == "bob");
    }
}

#[tokio::test]
async fn the_id_before_a_login_is_good_for_ten_seconds() {
    let clock = TestClock::new();
    let builder = Cache::builder().url("memory://").prefix(unique("t")).clock(clock.clone());
    let app = App::start(&builder.build().await.expect("a cache")).await;
    let mut browser = Browser::default();
    browser.send(&app, "POST", "/set/cart/7").await;
    let before = browser.clone();
    browser.login(&app, "ada").await;
    clock.advance(Duration::from_secs(9));
    assert_eq!(before.ask(&app, "GET", "/me").await.text(), "ada");
    clock.advance(Duration::from_secs(2));
    assert_eq!(before.ask(&app, "GET", "/me").await.text(), "");
    assert_eq!(browser.read(&app, "/me").await, "ada");
}

#[tokio::test]
async fn a_login_that_is_refused_leaves_nothing_behind() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        for status in [401, 403, 500] {
            let refused = browser.send(&app, "POST", &format!("/login/ada?status={status}")).await;
            assert_eq!((refused.status, refused.header("set-cookie")), (status, None));
            assert_eq!(browser.read(&app, "/me").await, "");
        }
        assert!(app.sessions.list("ada").await.expect("a list").is_empty());
        assert!(browser.send(&app, "POST", "/login/ada?status=303").await.header("set-cookie").is_some());
    }
}

#[tokio::test]
async fn a_logout_removes_the_session_and_its_cookie() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        browser.send(&app, "POST", "/set/cart/7").await;
        browser.login(&app, "ada").await;
        let before = browser.clone();
        let logout = browser.send(&app, "POST", "/logout").await;
        let cookie = logout.header("set-cookie").expect("a cookie");
        for attribute in ["__Host-id=; ", "; Max-Age=0;", "Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert_eq!(browser.cookie, None);
        for path in ["/me", "/get/cart"] {
            assert!(["", "null"].contains(&before.ask(&app, "GET", path).await.text()));
        }
        assert!(app.sessions.list("ada").await.expect("a list").is_empty());
        // Without a session there is nothing to remove.
        assert_eq!(browser.send(&app, "POST", "/logout").await.header("set-cookie"), None);
    }
}

/// The slow request has read the session before the logout, and writes after it.
#[tokio::test]
async fn a_slow_request_does_not_undo_a_logout() {
    for cache in caches().await {
        let (app, mut browser) = (App::start(&cache).await, Browser::default());
        browser.login(&app, "ada").await;
        let slow = browser.clone();
        let (answer, ()) = tokio::join!(slow.ask(&app, "POST", "/slow/cart/7"), async {
            app.gate.arrived(1).await;
            browser.send(&app, "POST", "/logout").await;
            app.gate.open();
        });
        assert_eq!((answer.status, answer.text(), answer.header("set-cookie")), (200, "ada", None));
        for path in ["/me", "/get/cart"] {
            assert!(["", "null"].contains(&slow.ask(&app, "GET", path).await.text()), "{path}");
        }
    }
}

#[tokio::test]
async fn the_sessions_of_a_user_are_listed_and_ended_one_by_one() {
    for cache in caches().await {
        let app = App::start(&cache).await;
        let (mut phone, mut laptop, mut stranger) =
            (Browser::default(), Browser::default(), Browser::default());
        phone.login(&app, "ada").await;
        laptop.login(&app, "ada").await;
        stranger.login(&app, "eve").await;
        let (of_phone, of_laptop) = (phone.read(&app, "/handle").await, laptop.read(&app, "/handle").await);
        let list = app.sessions.list("ada").await.expect("a list");
        let handles: Vec<_> = list.iter().map(|info| info.handle.as_str()).collect();
        assert!(
            handles.len() == 2
                && handles.contains(&of_laptop.as_str())
                && handles.contains(&of_phone.as_str())
        );
        // The newest first.
        assert!(list[0].began >= list[1].began);
        assert!(list.iter().all(|info| info.seen >= info.began));
        // A handle is no id.
        let mut thief = Browser { cookie: Some(of_phone.clone()) };
        assert_eq!(thief.read(&app, "/me").await, "");
        assert!(!app.sessions.revoke("eve", &of_phone).await.expect("an answer"));
        assert!(!app.sessions.revoke("ada", "nothing").await.expect("an answer"));
        assert!(app.sessions.revoke("ada", &of_phone).await.expect("an answer"));
        assert_eq!(
            (phone.read(&app, "/me").await.as_str(), laptop.read(&app, "/me").await.as_str()),
            ("", "ada")
        );
        assert_eq!(app.sessions.list("ada").await.expect("a list").len(), 1);
    }
}

/// One process ends all sessions while another one answers requests with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_sessions_of_a_user_end_in_all_processes_at_once() {
    let prefix = unique("t");
    let build = || on(shared()).prefix(&prefix).require_redis(true).build();
    let (one, two) = (build().await.expect("a cache"), build().await.expect("a cache"));
    let (here, there) = (App::start(&one).await, App::start(&two).await);
    let (mut phone, mut laptop, mut other) = (Browser::default(), Browser::default(), Browser::default());
    phone.login(&here, "ada").await;
    laptop.login(&there, "ada").await;
    other.login(&here, "bob").await;
    assert_eq!(laptop.read(&here, "/me").await, "ada");
    let slow = laptop.clone();
    let (answer, ()) = tokio::join!(slow.ask(&there, "POST", "/slow/cart/7"), async {
        there.gate.arrived(1).await;
        here.sessions.revoke_all("ada").await.expect("revoked");
        for browser in [&phone, &laptop] {
            assert_eq!(browser.ask(&there, "GET", "/me").await.text(), "");
        }
        there.gate.open();
    });
    assert_eq!(answer.status, 200);
    assert_eq!(
        (laptop.read(&there, "/me").await, other.read(&there, "/me").await),
        (String::new(), "bob".to_owned())
    );
    assert!(there.sessions.list("ada").await.expect("a list").is_empty());
    // A login after it is a new session.
    phone.login(&there, "ada").await;
    eventually_async(LONG, || async { phone.clone().read(&here, "/me").await == "ada" }).await;
}
