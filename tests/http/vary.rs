//! Responses with `Vary`: their keys during a refresh, when the `Vary` changes,
//! and when they expire.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, request::Parts};
use axum::response::IntoResponse;
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::test_util::TestClock;
use larder::{Cache, IgnoreInKey, cache};
use support::http::Server;
use support::stores::{Calls, Gate, LONG, caches_with, in_time};
use support::wait::eventually_async;
use support::wire::{Origin, Site, ask, proxies, request, response, sites};

const ALICE: &[(&str, &str)] = &[("x-user", "alice")];
const BOB: &[(&str, &str)] = &[("x-user", "bob")];

fn field(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map_or("-", |value| value.to_str().expect("text")).to_owned()
}

/// Makes an origin whose page expires after ten seconds and is confirmed then,
/// with further headers.
fn renews(first: &'static [(&str, &str)], then: &'static [(&str, &str)]) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |_, parts: &Parts| {
            let tag = ("etag", "\"same\"");
            Ok(match parts.headers.contains_key("if-none-match") {
                true => response(304, &[&[tag], then].concat(), ""),
                false => response(200, &[&[tag], first].concat(), field(&parts.headers, "x-user")),
            })
        })
    }
}

#[tokio::test]
async fn a_page_that_starts_to_vary_at_its_refresh_is_not_stored_for_all() {
    const BRIEF: (&str, &str) = ("cache-control", "max-age=10");
    for (first, then) in [
        (&[BRIEF][..], &[BRIEF, ("vary", "x-user")][..]),
        (&[BRIEF, ("vary", "accept")], &[BRIEF, ("vary", "accept, x-user")]),
        (&[BRIEF, ("vary", "accept")], &[BRIEF, ("vary", "x-user")]),
        (&[BRIEF], &[BRIEF, ("vary", "*")]),
    ] {
        for site in proxies(renews(first, then)).await {
            assert_eq!(site.get_with("/", ALICE).await.text(), "alice");
            site.later(11);
            // The page varies by its user.
            let renewed = site.get_with("/", ALICE).await;
            assert_eq!((renewed.status, renewed.text().as_str()), (200, "alice"), "{then:?}");
            let bobs = site.get_with("/", BOB).await;
            assert_eq!((bobs.status, bobs.brief().1.as_str()), (200, "bob"), "{then:?} {bobs:?}");
            assert!(!site.origin.last().headers.contains_key("if-none-match"), "{then:?}");
        }
    }
}

#[tokio::test]
async fn a_page_that_may_no_longer_be_stored_at_its_refresh_is_removed() {
    const BRIEF: (&str, &str) = ("cache-control", "max-age=10");
    for (first, then) in [
        (&[BRIEF][..], &[("cache-control", "no-store")][..]),
        (&[BRIEF], &[("cache-control", "private, max-age=10")]),
        (&[BRIEF, ("vary", "accept")], &[("cache-control", "no-store")]),
    ] {
        for site in proxies(renews(first, then)).await {
            assert_eq!(site.get_with("/", ALICE).await.text(), "alice");
            assert_eq!(site.get_with("/", BOB).await.brief(), ("HIT".to_owned(), "alice".to_owned()));
            site.later(11);
            let renewed = site.get_with("/", ALICE).await;
            assert_eq!((renewed.status, renewed.text().as_str()), (200, "alice"), "{then:?}");
            let calls = site.origin.calls();
            assert_eq!(site.get_with("/", BOB).await.brief(), ("MISS".to_owned(), "bob".to_owned()));
            assert_eq!(site.origin.calls(), calls + 1, "{then:?}");
            assert!(!site.origin.last().headers.contains_key("if-none-match"), "{then:?}");
        }
    }
}

#[derive(Clone)]
struct App {
    cache: Cache,
    calls: Arc<Calls>,
}

impl IgnoreInKey for App {}

#[cache(response, expire = "2d", refresh_ahead = 0.5, cache = app.cache)]
async fn ahead(State(app): State<App>, #[cache(ignore)] headers: HeaderMap) -> axum::response::Response {
    app.calls.add();
    ([("vary", "accept-language")], field(&headers, "accept-language")).into_response()
}

#[cache(response, expire = "40s", refresh_ahead = 0.25, stale_while_revalidate = "10s", cache = app.cache)]
async fn ahead_soon(State(app): State<App>, #[cache(ignore)] request: Request) -> axum::response::Response {
    app.calls.add();
    ([("vary", "accept-language")], field(request.headers(), "accept-language")).into_response()
}

#[tokio::test]
async fn a_variant_is_served_while_its_refresh_ahead_runs() {
    let clock = TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        for (uri, step) in [("/ahead", 3 * 3600), ("/soon", 6)] {
            cache.clear().await.expect("cleared");
            let app = App { cache: cache.clone(), calls: Arc::default() };
            let router = Router::new().route("/ahead", get(ahead)).route("/soon", get(ahead_soon));
            let server = Server::start(router.with_state(app.clone())).await;
            let mut missed = 0;
            for n in 0..40 {
                for language in ["de", "en"] {
                    let answer = server.get_with(uri, &[("accept-language", language)]).await;
                    assert_eq!((answer.status, answer.text()), (200, language), "{cache:?} {uri} {n}");
                    let is_served = ["HIT", "STALE"].contains(&answer.x_cache());
                    // One request sees that the index has expired.
                    assert!(is_served || n == 0 || n >= 12, "{cache:?} {uri} {n} {answer:?}");
                    missed += usize::from(!is_served);
                }
                clock.advance(Duration::from_secs(step));
            }
            assert!(missed <= 8, "{cache:?} {uri}: {missed}");
            eventually_async(LONG, async || app.calls.count() > missed).await;
        }
    }
}

#[tokio::test]
async fn a_response_in_progress_at_the_close_reaches_its_client() {
    for vary in [&[][..], &[("vary", "accept-language")], &[("vary", "accept-language, cookie")]] {
        for layer in [ResponseCacheLayer::new().expire("1m"), ResponseCacheLayer::new().obey_origin()] {
            let origin = || {
                let headers = [vary, &[("cache-control", "max-age=60")]].concat();
                Origin::new(move |n, _| Ok(response(200, &headers, n.to_string())))
            };
            for Site { cache, origin, service, .. } in sites(layer.clone(), origin).await {
                let gate = Arc::new(Gate::default());
                origin.stops_at(&gate);
                let client = tokio::spawn(async move { ask(&service, request("GET", "/", &[])).await });
                gate.arrived(1).await;
                in_time(cache.close()).await;
                gate.open();
                let got = in_time(client).await.expect("no panic").expect("a response");
                assert_eq!((got.status, got.text().as_str()), (200, "0"), "{vary:?} {got:?}");
            }
        }
    }
}

const WEEK: u64 = 7 * 86_400;

/// Makes an origin with responses for a week that vary by the header of their request.
fn of_a_week() -> Origin {
    Origin::new(|n, parts| {
        let by = if parts.headers.contains_key("accept-language") { "accept-language" } else { "accept" };
        Ok(response(200, &[("vary", by)], Body::from(n.to_string())))
    })
}

const GERMAN: &[(&str, &str)] = &[("accept-language", "de")];
const JSON: &[(&str, &str)] = &[("accept", "application/json")];
const HTML: &[(&str, &str)] = &[("accept", "text/html")];

#[tokio::test]
async fn variants_stored_for_a_week_are_found_for_a_week() {
    for site in sites(ResponseCacheLayer::new().expire("7d"), of_a_week).await {
        for asks in [JSON, HTML] {
            assert_eq!(site.get_with("/", asks).await.x_cache(), "MISS");
        }
        for later in [86_400 + 1, 2 * 86_400, 3 * 86_400] {
            site.later(later);
            for asks in [JSON, HTML] {
                assert_eq!(site.get_with("/", asks).await.x_cache(), "HIT", "{later}");
            }
        }
        site.later(86_400);
        assert_eq!(site.get_with("/", JSON).await.x_cache(), "MISS");
        assert_eq!(site.origin.calls(), 3);
    }
}

#[tokio::test]
async fn responses_that_vary_by_different_headers_are_all_stored_eventually() {
    for site in sites(ResponseCacheLayer::new().expire("7d"), of_a_week).await {
        for _ in 0..2 {
            for asks in [JSON, GERMAN, HTML] {
                assert_eq!(site.get_with("/", asks).await.status, 200);
            }
        }
        let calls = site.origin.calls();
        let mut bodies = Vec::new();
        for asks in [JSON, GERMAN, HTML, GERMAN, JSON, HTML] {
            let got = site.get_with("/", asks).await;
            assert_eq!(got.x_cache(), "HIT", "{asks:?}");
            bodies.push(got.text());
        }
        assert_eq!(site.origin.calls(), calls);
        assert_eq!((&bodies[0], &bodies[1], &bodies[2]), (&bodies[4], &bodies[3], &bodies[5]));
        assert!(bodies[0] != bodies[1] && bodies[1] != bodies[2] && bodies[0] != bodies[2], "{bodies:?}");
        // The variants are found until they expire.
        site.later(WEEK - 60);
        for asks in [JSON, GERMAN, HTML] {
            assert_eq!(site.get_with("/", asks).await.x_cache(), "HIT", "{asks:?}");
        }
    }
}

/// Counts the calls for requests with each of these values, one after the other.
async fn calls_for(site: &Site, name: &str, values: &[&str]) -> usize {
    let before = site.origin.calls();
    for value in values {
        assert_eq!(site.get_with("/", &[(name, value)]).await.status, 200);
    }
    site.origin.calls() - before
}

/// RFC 9110, 12.5.3 and 12.5.4; RFC 9111, 4.1.
#[tokio::test]
async fn requests_that_accept_the_same_share_a_response_and_others_do_not() {
    const VARIES: &[(&str, &str)] =
        &[("vary", "accept-encoding, accept-language"), ("cache-control", "max-age=60")];
    const CODINGS: &str = "accept-encoding";
    const LANGUAGES: &str = "accept-language";
    let layer = ResponseCacheLayer::new().expire("1m");
    for site in sites(layer, || Origin::says(200, VARIES)).await {
        assert_eq!(calls_for(&site, CODINGS, &["gzip", "gzip;q=0.5", "deflate, gzip", "x-gzip"]).await, 1);
        // Without a coding it is the response for all of these, but not the other way round.
        assert_eq!(
            calls_for(&site, CODINGS, &["gzip, br, zstd", "zstd,br,gzip,deflate", "br", "br, gzip"]).await,
            1
        );
        assert_eq!(
            calls_for(&site, CODINGS, &["br, gzip;q=0.5", "br;q=0.9, gzip;q=0.1", "gzip, br;q=0.5"]).await,
            2
        );
        assert_eq!(
            calls_for(&site, CODINGS, &["", "identity", "gzip;q=0", "identity;q=0", "*;q=0"]).await,
            2
        );
        let same = ["en-US,en;q=0.9", "en-us, en;q=0.5", "en;q=0.1, EN-us"];
        assert_eq!(calls_for(&site, LANGUAGES, &same).await, 1);
        assert_eq!(calls_for(&site, LANGUAGES, &["en, de", "de, en", "en, de;q=0.9", "en, de;q=0"]).await, 4);
        assert_eq!(calls_for(&site, LANGUAGES, &["en;q=2", "en;q=3"]).await, 2);
    }
    for site in proxies(|| Origin::says(200, VARIES)).await {
        assert_eq!(
            calls_for(&site, CODINGS, &["gzip, br;q=0.5", "BR;q=0.500 ,GZIP", "gzip;q=1.0,br; q=0.5"]).await,
            1
        );
        assert_eq!(calls_for(&site, CODINGS, &["gzip", "gzip, deflate", "gzip;q=0.5", "br"]).await, 4);
        assert_eq!(calls_for(&site, LANGUAGES, &["en, de;q=0.5", "de;q=0.50, EN"]).await, 1);
        assert_eq!(calls_for(&site, LANGUAGES, &["en, de;q=0.4", "en", "en, de"]).await, 3);
    }
}
