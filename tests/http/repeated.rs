//! Hits that follow one another: each has the headers that it would have alone.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::test_util::TestClock;
use larder::{Cache, cache};
use support::http::{Answer, App, Server};
use support::stores::caches_with;

const HOUR: u64 = 3600;
/// The seconds that a slow machine may lose.
const SLACK: u64 = 60;

#[cache(response, expire = "1h", local = "1h", cache = app.cache)]
async fn handler(State(app): State<App>) -> Response {
    app.make()
}

async fn plain(State(app): State<App>) -> Response {
    app.make()
}

fn layer(cache: &Cache) -> ResponseCacheLayer {
    ResponseCacheLayer::new().cache(cache).expire("1h").local("1h")
}

async fn serve(cache: &Cache, layer: ResponseCacheLayer) -> Server {
    let app = App::new(cache, |n| {
        (AppendHeaders([("x-n", n.to_string()), ("link", "<a>".into()), ("link", "<b>".into())]), "page")
            .into_response()
    });
    let routes = Router::new().route("/handler", get(handler)).route("/layer", get(plain).layer(layer));
    Server::start(routes.with_state(app)).await
}

async fn clocked() -> ([Cache; 2], TestClock) {
    let clock = TestClock::new();
    (caches_with(|builder| builder.clock(clock.clone())).await, clock)
}

/// The headers that do not count the time, in their order.
fn constant(answer: &Answer) -> Vec<(String, String)> {
    let counts = |name: &str| ["cache-control", "cache-status", "date"].contains(&name);
    let named = |(name, value): &(String, String)| {
        (name.clone(), if counts(name) { String::new() } else { value.clone() })
    };
    answer.headers.iter().map(named).collect()
}

/// The seconds that a hit says are left.
#[track_caller]
fn left(hit: &Answer) -> u64 {
    assert_eq!(hit.brief(), ("HIT", "page"), "{hit:?}");
    let left = hit.max_age().expect("an age");
    assert_eq!(hit.header("cache-status"), Some(format!("larder; hit; ttl={left}").as_str()), "{hit:?}");
    left
}

#[tokio::test]
async fn every_hit_has_the_headers_of_the_first() {
    let (caches, clock) = clocked().await;
    for cache in caches {
        let server = serve(&cache, layer(&cache)).await;
        for path in ["/handler", "/layer"] {
            assert_eq!(server.get(path).await.x_cache(), "MISS", "{cache:?} {path}");
            let first = server.get(path).await;
            assert_eq!(
                (first.all("link"), first.header("vary")),
                (vec!["<a>", "<b>"], Some("Cookie")),
                "{first:?}"
            );
            let mut passed = 0;
            for step in [0, 100, 1, 1, 700] {
                clock.advance(Duration::from_secs(step));
                passed += step;
                for _ in 0..4 {
                    let hit = server.get(path).await;
                    assert_eq!(constant(&hit), constant(&first), "{cache:?} {path} after {passed} s");
                    let most = HOUR - passed;
                    assert!((most - SLACK..=most).contains(&left(&hit)), "{cache:?} {path} {hit:?}");
                }
                let known = server.get_with(path, &[("if-none-match", first.tag())]).await;
                assert_eq!((known.status, known.x_cache()), (304, "HIT"), "{known:?}");
                let head = server.send("HEAD", path, &[], "").await;
                assert_eq!(
                    (head.status, head.x_cache(), head.header("content-length")),
                    (200, "HIT", Some("4"))
                );
            }
        }
    }
}

#[tokio::test]
async fn each_of_two_layers_tells_the_clients_of_one_entry_its_own() {
    let (caches, _) = clocked().await;
    for cache in caches {
        let shared = serve(&cache, layer(&cache).shared()).await;
        let brief = serve(&cache, layer(&cache).client_max_age("5s")).await;
        assert_eq!(shared.get("/layer").await.x_cache(), "MISS");
        for n in 0..5 {
            for _ in 0..3 {
                let hit = shared.get("/layer").await;
                assert_eq!((hit.x_cache(), hit.header("vary")), ("HIT", None), "{cache:?} {n}");
                assert!(hit.max_age() > Some(HOUR - SLACK), "{cache:?} {n} {hit:?}");
            }
            for _ in 0..3 {
                let hit = brief.get("/layer").await;
                let (vary, age) = (hit.header("vary"), hit.max_age());
                assert_eq!((hit.x_cache(), vary, age), ("HIT", Some("Cookie"), Some(5)), "{cache:?} {n}");
            }
        }
    }
}

#[tokio::test]
async fn a_new_response_has_none_of_the_headers_of_the_old_one() {
    let (caches, _) = clocked().await;
    for cache in caches {
        let server = serve(&cache, layer(&cache)).await;
        for path in ["/handler", "/layer"] {
            for _ in 0..3 {
                cache.clear().await.expect("cleared");
                let made = server.get(path).await;
                assert_eq!(made.x_cache(), "MISS", "{cache:?} {path}");
                for _ in 0..4 {
                    let hit = server.get(path).await;
                    assert_eq!(
                        (hit.x_cache(), hit.header("x-n")),
                        ("HIT", made.header("x-n")),
                        "{cache:?} {path}"
                    );
                }
            }
        }
    }
}
