//! Stale responses of handlers.

use std::time::Duration;

use larder::Cache;
use larder::test_util::TestClock;
use support::stores::{LONG, caches_with};
use support::wait::eventually_async;

use super::app::{App, answers, crowd, serve};

async fn clocked() -> ([Cache; 2], TestClock) {
    let clock = TestClock::new();
    (caches_with(|builder| builder.clock(clock.clone())).await, clock)
}

#[tokio::test]
async fn head_and_range_requests_for_stale_responses() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::free(cache);
        let server = serve(&app).await;
        server.get("/swr").await;
        server.get("/sie").await;
        server.get("/1").await;
        clock.advance(Duration::from_secs(61));
        app.fails_with(500);
        for (path, from, status) in [("/swr", "STALE", 200), ("/sie", "STALE", 200), ("/1", "BYPASS", 500)] {
            let head = server.send("HEAD", path, &[], "").await;
            assert_eq!((head.status, head.x_cache()), (status, from), "{cache:?} {path}");
            let part = server.get_with(path, &[("range", "bytes=0-0")]).await;
            // Under a weak tag there are no ranges.
            assert_eq!((part.status, part.x_cache()), (status, from), "{cache:?} {path}");
        }
        app.fails_with(200);
        let head = server.send("HEAD", "/sie", &[], "").await;
        assert_eq!((head.status, head.x_cache()), (200, "BYPASS"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_stale_response_is_served_at_once_and_refreshed_once() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::new(cache);
        app.first.open();
        let server = serve(&app).await;
        let miss = server.get("/swr").await;
        assert_eq!(miss.brief(), ("MISS", "0"), "{cache:?}");
        assert_eq!(
            miss.header("cache-control"),
            Some("max-age=60, stale-while-revalidate=3600"),
            "{cache:?}"
        );
        assert_eq!(server.get("/swr").await.brief(), ("HIT", "0"), "{cache:?}");
        clock.advance(Duration::from_secs(61));
        for answer in answers(crowd(server, "/swr", 50)).await {
            assert_eq!((answer.status, answer.brief()), (200, ("STALE", "0")), "{cache:?}");
            assert_eq!((answer.max_age(), answer.tag()), (Some(0), miss.tag()), "{cache:?}");
        }
        app.others.arrived(1).await;
        assert_eq!(server.get("/swr").await.brief(), ("STALE", "0"), "{cache:?}");
        let same = server.get_with("/swr", &[("if-none-match", miss.tag())]).await;
        assert_eq!((same.status, same.x_cache()), (304, "STALE"), "{cache:?}");
        assert_eq!(app.calls.count(), 2, "{cache:?}");
        app.others.open();
        eventually_async(LONG, || async { server.get("/swr").await.brief() == ("HIT", "1") }).await;
        assert_eq!(app.calls.count(), 2, "{cache:?}");
        // A no-cache request gets a new response.
        clock.advance(Duration::from_secs(61));
        let asked = server.get_with("/swr", &[("cache-control", "max-age=10")]).await;
        assert_eq!(asked.brief(), ("MISS", "2"), "{cache:?}");
        assert_eq!(server.get("/swr").await.brief(), ("HIT", "2"), "{cache:?}");
        // The same holds after the stale window.
        clock.advance(Duration::from_secs(3700));
        assert_eq!(server.get("/swr").await.brief(), ("MISS", "3"), "{cache:?}");
    }
}

#[tokio::test]
async fn a_stale_response_stays_when_its_refresh_fails() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::free(cache);
        let server = serve(&app).await;
        server.get("/swr").await;
        clock.advance(Duration::from_secs(61));
        app.fails_with(500);
        assert_eq!(server.get("/swr").await.brief(), ("STALE", "0"), "{cache:?}");
        eventually_async(LONG, || async { app.calls.count() == 2 && cache.health().await.background == 0 })
            .await;
        let answer = server.get("/swr").await;
        assert_eq!((answer.status, answer.brief()), (200, ("STALE", "0")), "{cache:?}");
        assert_eq!(app.calls.count(), 2, "{cache:?}: it is left in peace for a while");
        app.fails_with(200);
        let renewed = server.get_with("/swr", &[("cache-control", "no-cache")]).await;
        assert_eq!(renewed.brief(), ("MISS", "2"), "{cache:?}");
        assert_eq!(server.get("/swr").await.brief(), ("HIT", "2"), "{cache:?}");
    }
}

#[tokio::test]
async fn server_errors_are_hidden_while_there_is_a_stale_response() {
    for path in ["/sie", "/says-sie"] {
        let (caches, clock) = clocked().await;
        for cache in &caches {
            let app = App::free(cache);
            let server = serve(&app).await;
            let miss = server.get(path).await;
            assert_eq!(miss.brief(), ("MISS", "0"), "{cache:?}");
            assert_eq!(
                miss.header("cache-control"),
                Some("max-age=60, stale-if-error=3600"),
                "{cache:?} {path}"
            );
            clock.advance(Duration::from_secs(61));
            app.fails_with(503);
            for _ in 0..3 {
                let answer = server.get(path).await;
                assert_eq!((answer.status, answer.brief()), (200, ("STALE", "0")), "{cache:?} {path}");
            }
            // After a failure the handler pauses.
            assert_eq!(app.calls.count(), 2, "{cache:?} {path}");
            app.fails_with(200);
            // On Redis the pause follows the server's clock, so the test insists by a no-cache request.
            let renewed = server.get_with(path, &[("cache-control", "no-cache")]).await;
            assert_eq!(renewed.brief(), ("MISS", "2"), "{cache:?} {path}");
            assert_eq!(server.get(path).await.brief(), ("HIT", "2"), "{cache:?} {path}");
            // A client error is a normal response.
            clock.advance(Duration::from_secs(61));
            app.fails_with(404);
            let answer = server.get(path).await;
            assert_eq!((answer.status, answer.x_cache()), (404, "BYPASS"), "{cache:?} {path}");
            app.fails_with(500);
            assert_eq!(server.get(path).await.status, 500, "{cache:?} {path}: what was there is gone");
        }
    }
}

#[tokio::test]
async fn a_must_revalidate_response_is_not_served_stale() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::free(cache);
        let server = serve(&app).await;
        assert_eq!(server.get("/strict").await.header("cache-control"), Some("max-age=60, must-revalidate"));
        clock.advance(Duration::from_secs(61));
        app.fails_with(500);
        assert_eq!(server.get("/strict").await.status, 500, "{cache:?}");
    }
}
