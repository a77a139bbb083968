//! The expiry of responses, and the headers that announce it.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use larder::{cache, cache_one_day, cache_one_hour, cache_one_minute, cache_one_month};
use larder::{cache_one_week, cache_one_year};
use support::expiry::assert_expiry;
use support::http::{App, Server, is_empty};
use support::stores::caches;

use super::app::{clocked, hour, router, seconds, time, with};

#[tokio::test]
async fn a_hit_reports_the_remaining_lifetime() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::counting(cache);
        let server = Server::start(router(&app)).await;
        let miss = server.get("/plain").await;
        assert_eq!(miss.max_age(), Some(30));
        clock.advance(seconds(1));
        let hit = server.get("/plain").await;
        // A slow machine is later.
        assert!(
            hit.x_cache() == "HIT" && hit.max_age().is_some_and(|left| (20..=29).contains(&left)),
            "{hit:?}"
        );
        assert_eq!(hit.header("expires"), miss.header("expires"), "that is the same moment");
        clock.advance(seconds(29));
        let again = server.get("/plain").await;
        assert_eq!((again.brief(), again.max_age()), (("MISS", "1"), Some(30)), "{cache:?}");
        assert!((29..=35).contains(&(time(&again, "expires") - time(&miss, "expires"))), "{again:?}");
    }
}

#[tokio::test]
async fn a_response_without_expiry_is_announced_for_a_year() {
    for cache in &caches().await {
        let server = Server::start(router(&App::counting(cache))).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/forever").await;
            let is_a_year = answer.max_age().is_some_and(|left| (31_535_980..=31_536_000).contains(&left));
            assert!(answer.x_cache() == from && is_a_year, "{answer:?}");
            time(&answer, "expires");
        }
    }
}

macro_rules! presets {
    ($($preset:ident $name:ident $plain:ident $entry:ident $seconds:literal $tags:tt)*) => {
        $(#[$preset(response, tags = $tags, entry = $entry, cache = app.cache)]
        async fn $name(Path(id): Path<u64>, State(app): State<App>) -> Response {
            let _ = id;
            app.make()
        }

        #[$preset(response, cache = app.cache)]
        async fn $plain(State(app): State<App>) -> Response {
            app.make()
        })*

        #[tokio::test]
        async fn each_preset_announces_its_expiry_and_has_it() {
            for cache in &caches().await {
                let app = App::counting(cache);
                $(let routes = Router::new().route("/{id}", get($name)).route("/plain", get($plain));
                let server = Server::start(routes.with_state(app.clone())).await;
                assert_eq!(server.get("/plain").await.max_age(), Some($seconds), "{cache:?}");
                // What can be taken back is not announced.
                let miss = server.get("/7").await;
                assert_eq!((miss.x_cache(), miss.header("cache-control")), ("MISS", Some("no-cache")));
                let entry = $entry(Path(7), State(app.clone()));
                assert_expiry(&entry, seconds($seconds)).await;
                let hit = server.get("/7").await;
                assert_eq!(hit.brief(), ("HIT", miss.text()), "{cache:?}");
                cache.invalidate_tag("all").await.expect("carried out");
                cache.invalidate_tag("id:7").await.expect("carried out");
                assert_eq!(server.get("/7").await.x_cache(), "MISS", "{cache:?}");)*
            }
        }
    };
}

presets! {
    cache_one_minute one_minute minute_page one_minute_entry 60 ["id:{id}"]
    cache_one_hour one_hour hour_page one_hour_entry 3600 ["id:{id}", "other"]
    cache_one_day one_day day_page one_day_entry 86_400 ["all"]
    cache_one_week one_week week_page one_week_entry 604_800 ["all"]
    cache_one_month one_month month_page one_month_entry 2_592_000 ["all"]
    cache_one_year one_year year_page one_year_entry 31_536_000 ["all"]
}

const TWO_HOURS: u64 = 7200;

#[cache(response, expire = "800d", cache = app.cache)]
async fn very_long(State(app): State<App>) -> Response {
    app.make()
}

#[cache(response, expire = TWO_HOURS, cache = app.cache)]
async fn constant(State(app): State<App>) -> Response {
    app.make()
}

fn nothing() -> u64 {
    0
}

#[cache(response, expire = nothing() * app.calls.count() as u64, cache = app.cache)]
async fn no_time(State(app): State<App>) -> Response {
    app.make()
}

#[tokio::test]
async fn a_computed_expiry_of_zero_stores_nothing() {
    for cache in &caches().await {
        let routes = Router::new().route("/", get(no_time)).with_state(App::counting(cache));
        let server = Server::start(routes).await;
        for body in ["0", "1"] {
            let answer = server.get("/").await;
            assert_eq!((answer.status, answer.brief()), (200, ("BYPASS", body)), "{cache:?}");
            assert_eq!(answer.header("cache-control"), None, "{cache:?}");
        }
        assert!(is_empty(cache).await, "{cache:?}");
    }
}

#[tokio::test]
async fn default_very_long_and_constant_expiries() {
    for cache in &caches().await {
        let routes = Router::new().route("/long", get(very_long)).route("/constant", get(constant));
        let app = App::counting(cache);
        let server = Server::start(routes.with_state(app.clone()).merge(router(&app))).await;
        // An expiry that nobody wrote is not announced.
        for from in ["MISS", "HIT"] {
            let answer = server.get("/default").await;
            let told = (answer.header("cache-control"), answer.header("expires"));
            assert_eq!((answer.x_cache(), told), (from, (Some("no-cache"), None)), "{cache:?}");
        }
        assert_eq!(server.get("/constant").await.max_age(), Some(7200), "{cache:?}");
        // A year at most is announced (RFC 2616, 14.21, which is still common practice).
        assert_eq!(server.get("/long").await.max_age(), Some(31_536_000), "{cache:?}");
    }
}

#[cache(response, expire = "1h", expire_with = |page| 3600 + page.body().len(), cache = app.cache)]
async fn timed(State(app): State<App>) -> Response {
    app.make()
}

/// Fails in the way that the body names.
fn judged(page: &larder::http::CachedResponse, way: &str) {
    assert_ne!(page.body(), way, "as the test wants");
}

#[cache(
    response,
    expire_with = |page| {
        judged(page, "expire_with");
        if page.body() == "over" { 0 } else { 60 }
    },
    unless = |page| {
        judged(page, "unless");
        false
    },
    cache = app.cache,
)]
async fn judged_page(State(app): State<App>) -> Response {
    app.make()
}

#[tokio::test]
async fn a_closure_that_panics_and_a_page_that_is_over_cost_the_entry_and_no_request() {
    for cache in &caches().await {
        for body in ["expire_with", "unless", "over"] {
            let app = App::new(cache, move |_| with(&[], body));
            let server =
                Server::start(Router::new().route("/", get(judged_page)).with_state(app.clone())).await;
            let answers = futures_util::future::join_all((0..20).map(|_| server.get("/"))).await;
            for answer in answers.into_iter().chain([server.get("/").await]) {
                assert_eq!((answer.status, answer.brief()), (200, ("BYPASS", body)), "{cache:?}");
            }
        }
        assert!(is_empty(cache).await, "{cache:?}");
    }
}

#[tokio::test]
async fn clients_are_not_given_a_longer_time_than_the_handler_sends() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let app = App::new(cache, |_| with(&[("cache-control", "max-age=10, s-maxage=60")], "text"));
        let server = Server::start(Router::new().route("/", get(hour)).with_state(app.clone())).await;
        for (later, from, left) in
            [(0, "MISS", 10), (0, "HIT", 10), (4, "HIT", 6), (10, "HIT", 0), (40, "HIT", 0), (7, "MISS", 10)]
        {
            clock.advance(seconds(later));
            let answer = server.get("/").await;
            assert_eq!((answer.x_cache(), answer.max_age()), (from, Some(left)), "{cache:?} {later}");
        }
    }
}

#[tokio::test]
async fn a_computed_expiry_is_no_longer_than_the_response_allows() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        for control in ["max-age=10", "max-age=600, s-maxage=10", "max-age=10, s-maxage=600"] {
            cache.clear().await.expect("cleared");
            let app = App::new(cache, move |_| with(&[("cache-control", control)], "text"));
            let server = Server::start(Router::new().route("/", get(timed)).with_state(app.clone())).await;
            let miss = server.get("/").await;
            assert_eq!(miss.x_cache(), "MISS", "{cache:?} {control}");
            assert!(miss.max_age().is_some_and(|left| left <= 10), "{cache:?} {control} {miss:?}");
            clock.advance(seconds(9));
            assert_eq!(server.get("/").await.x_cache(), "HIT", "{cache:?} {control}");
            clock.advance(seconds(2));
            let long = control.contains("s-maxage=600");
            let answer = server.get("/").await;
            assert_eq!(answer.x_cache(), if long { "HIT" } else { "MISS" }, "{cache:?} {control}");
            clock.advance(seconds(600));
            assert_eq!(server.get("/").await.x_cache(), "MISS", "{cache:?} {control}");
        }
    }
}
