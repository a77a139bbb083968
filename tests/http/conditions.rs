//! Handlers that answer `304` before they compute, alone, with `#[cache(response)]`, and below a layer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response, Result};
use axum::routing::{any, get};
use larder::http::{Conditions, Etag, NotModified, ResponseCacheLayer};
use larder::test_util::TestClock;
use larder::{Cache, IgnoreInKey, cache};
use support::http::Server;
use support::stores::{Calls, Gate, caches, caches_with, in_time, settle};

/// The state of the handlers: they check a version first, and then compute.
#[derive(Clone)]
struct Pages {
    cache: Cache,
    version: Arc<AtomicUsize>,
    checks: Arc<Calls>,
    calls: Arc<Calls>,
    gate: Arc<Gate>,
}

impl IgnoreInKey for Pages {}

impl Pages {
    fn new(cache: &Cache) -> Self {
        let gate = Arc::new(Gate::default());
        gate.open();
        Self { gate, ..Self::closed(cache) }
    }

    /// The checks wait at the gate.
    fn closed(cache: &Cache) -> Self {
        Self {
            cache: cache.clone(),
            version: Arc::default(),
            checks: Arc::default(),
            calls: Arc::default(),
            gate: Arc::default(),
        }
    }

    async fn respond(&self, conditions: Conditions) -> Result<Response, NotModified> {
        self.checks.add();
        self.gate.pass().await;
        let tag = Etag::weak(self.version.load(SeqCst));
        conditions.fresh_if(&tag)?;
        Ok((tag, self.calls.add().to_string()).into_response())
    }

    fn counts(&self) -> (usize, usize) {
        (self.checks.count(), self.calls.count())
    }
}

async fn plain(conditions: Conditions, State(pages): State<Pages>) -> Result<Response> {
    Ok(pages.respond(conditions).await?)
}

/// The `?` of a handler whose error is a response.
async fn dated(conditions: Conditions) -> Result<String, Response> {
    conditions.fresh_if_modified(UNIX_EPOCH + Duration::from_millis(784_111_777_900))?;
    Ok("computed".to_owned())
}

#[cache(response, expire = 60, cache = pages.cache)]
async fn cached(conditions: Conditions, State(pages): State<Pages>) -> Result<Response, Response> {
    Ok(pages.respond(conditions).await?)
}

#[cache(response, expire = 60, stale_while_revalidate = "1h", cache = pages.cache)]
async fn renewed(State(pages): State<Pages>, conditions: Conditions) -> Result<Response, Response> {
    Ok(pages.respond(conditions).await?)
}

/// A handler that reads the header itself.
#[cache(response, expire = 60, stale_while_revalidate = "1h", cache = pages.cache)]
async fn explicit(State(pages): State<Pages>, #[cache(ignore)] headers: HeaderMap) -> Response {
    let n = pages.calls.add();
    if headers.get("if-none-match").is_some_and(|known| known == "\"mine\"") {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    n.to_string().into_response()
}

fn routes(pages: &Pages) -> Router {
    let routes = Router::new().route("/plain", any(plain)).route("/dated", get(dated));
    let routes = routes.route("/cached", get(cached)).route("/renewed", get(renewed));
    routes.route("/explicit", get(explicit)).with_state(pages.clone())
}

const KNOWN: &[(&str, &str)] = &[("if-none-match", "W/\"0\"")];

async fn clocked() -> ([Cache; 2], TestClock) {
    let clock = TestClock::new();
    (caches_with(|builder| builder.clock(clock.clone())).await, clock)
}

/// RFC 9110 sections 13.1.2 and 13.1.3.
#[tokio::test]
async fn a_plain_handler_answers_before_it_computes() {
    let [cache, _] = caches().await;
    let pages = Pages::new(&cache);
    let server = Server::start(routes(&pages)).await;
    let first = server.get("/plain").await;
    assert_eq!((first.status, first.text(), first.tag()), (200, "0", "W/\"0\""));
    for known in ["W/\"0\"", "\"0\"", "*", "\"a,b\", W/\"0\""] {
        for method in ["GET", "HEAD"] {
            let same = server.send(method, "/plain", &[("if-none-match", known)], "").await;
            assert_eq!((same.status, same.body.len(), same.tag()), (304, 0, "W/\"0\""), "{known}");
        }
    }
    assert_eq!(pages.calls.count(), 1);
    for other in ["\"1\"", "0", "W/0", "", "\"a\", \"b\""] {
        let answer = server.get_with("/plain", &[("if-none-match", other)]).await;
        assert_eq!(answer.status, 200, "{other}");
    }
    // The condition of another method is not about a response that the client has.
    assert_eq!(server.send("POST", "/plain", KNOWN, "").await.status, 200);
    pages.version.store(1, SeqCst);
    let changed = server.get_with("/plain", KNOWN).await;
    assert_eq!((changed.status, changed.tag()), (200, "W/\"1\""));
}

#[tokio::test]
async fn dates_are_compared_in_seconds_and_only_without_a_tag() {
    let [cache, _] = caches().await;
    let server = Server::start(routes(&Pages::new(&cache))).await;
    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, status) in [
        (&[("if-modified-since", AT)][..], 304),
        (&[("if-modified-since", "Sun Nov  6 08:49:38 1994")], 304),
        (&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")], 200),
        (&[("if-modified-since", "yesterday")], 200),
        (&[("if-modified-since", AT), ("if-none-match", "\"a\"")], 200),
        (&[], 200),
    ] {
        let answer = server.get_with("/dated", headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.header("last-modified"), (status == 304).then_some(AT), "{headers:?}");
    }
}

#[tokio::test]
async fn on_a_miss_the_304_of_a_handler_is_for_its_client_only() {
    for cache in &caches().await {
        let pages = Pages::new(cache);
        let server = Server::start(routes(&pages)).await;
        // The check is cheap, and nothing is computed or cached.
        for n in 1..=2 {
            let same = server.get_with("/cached", KNOWN).await;
            assert_eq!((same.status, same.x_cache(), same.tag()), (304, "BYPASS", "W/\"0\""), "{cache:?}");
            assert_eq!(
                same.header("cache-status"),
                Some("larder; fwd=uri-miss; fwd-status=304; detail=not-modified"),
                "{cache:?}"
            );
            assert_eq!(pages.counts(), (n, 0), "{cache:?}");
        }
        // Others get the page, which is cached.
        let full = server.get("/cached").await;
        assert_eq!((full.status, full.brief()), (200, ("MISS", "0")), "{cache:?}");
        assert_eq!(server.get_with("/cached", &[("if-none-match", "\"old\"")]).await.brief(), ("HIT", "0"));
        // Then larder answers, and the handler is not asked at all.
        let same = server.get_with("/cached", KNOWN).await;
        assert_eq!((same.status, same.x_cache(), same.tag()), (304, "HIT", "W/\"0\""), "{cache:?}");
        assert_eq!(pages.counts(), (3, 1), "{cache:?}");
    }
}

#[tokio::test]
async fn clients_that_wait_for_a_304_of_another_get_the_page() {
    for cache in &caches().await {
        let pages = Pages::closed(cache);
        let server = Server::start(routes(&pages)).await;
        let first = tokio::spawn(async move { server.get_with("/cached", KNOWN).await });
        pages.gate.arrived(1).await;
        let crowd: Vec<_> =
            (0..10).map(|_| tokio::spawn(async move { server.get("/cached").await })).collect();
        settle(cache).await;
        pages.gate.open();
        assert_eq!(in_time(first).await.expect("no panic").status, 304, "{cache:?}");
        for waiting in crowd {
            let answer = in_time(waiting).await.expect("no panic");
            assert_eq!((answer.status, answer.tag()), (200, "W/\"0\""), "{cache:?} {answer:?}");
        }
        assert_eq!(server.get("/cached").await.x_cache(), "HIT", "{cache:?}");
    }
}

#[tokio::test]
async fn a_response_that_replaces_another_is_made_whole() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let pages = Pages::new(cache);
        let server = Server::start(routes(&pages)).await;
        for path in ["/cached", "/renewed"] {
            let before = server.get(path).await;
            // A browser that reloads sends both.
            for control in ["max-age=0", "no-cache"] {
                let (_, calls) = pages.counts();
                let reload = [KNOWN, &[("cache-control", control)]].concat();
                let same = server.get_with(path, &reload).await;
                assert_eq!((same.status, same.x_cache()), (304, "MISS"), "{cache:?} {path} {control}");
                assert_eq!(pages.counts().1, calls + 1, "{cache:?} {path}: it was computed for all");
                let next = server.get(path).await;
                assert_eq!((next.brief(), next.tag()), (("HIT", calls.to_string().as_str()), before.tag()));
            }
        }
        // In the background, too.
        let (_, calls) = pages.counts();
        clock.advance(Duration::from_secs(70));
        let stale = server.get_with("/renewed", KNOWN).await;
        assert_eq!((stale.status, stale.x_cache()), (304, "STALE"), "{cache:?}");
        support::wait::eventually_async(support::stores::LONG, async || {
            server.get("/renewed").await.brief() == ("HIT", calls.to_string().as_str())
        })
        .await;
        assert_eq!(pages.counts().1, calls + 1, "{cache:?}");
    }
}

#[tokio::test]
async fn a_304_that_a_handler_makes_itself_removes_nothing() {
    for cache in &caches().await {
        let pages = Pages::new(cache);
        let server = Server::start(routes(&pages)).await;
        let known = [("if-none-match", "\"mine\"")];
        assert_eq!(server.get_with("/explicit", &known).await.status, 304, "{cache:?}");
        assert_eq!(server.get("/explicit").await.brief(), ("MISS", "1"), "{cache:?}");
        let reload = [&known[..], &[("cache-control", "no-cache")]].concat();
        let same = server.get_with("/explicit", &reload).await;
        assert_eq!((same.status, same.x_cache()), (304, "BYPASS"), "{cache:?}");
        assert_eq!(server.get("/explicit").await.brief(), ("HIT", "1"), "{cache:?}");
    }
}

#[tokio::test]
async fn below_a_layer_a_handler_sees_the_conditions_when_nothing_is_cached() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        for path in ["/plain", "/cached"] {
            cache.clear().await.expect("cleared");
            let pages = Pages::new(cache);
            let layer = ResponseCacheLayer::new().cache(cache).expire("1m").stale_while_revalidate("1h");
            let server = Server::start(routes(&pages).layer(layer)).await;
            let same = server.get_with(path, KNOWN).await;
            assert_eq!(
                (same.status, same.x_cache(), pages.counts()),
                (304, "BYPASS", (1, 0)),
                "{cache:?} {path}"
            );
            let full = server.get(path).await;
            assert_eq!((full.status, full.brief()), (200, ("MISS", "0")), "{cache:?} {path}");
            let same = server.get_with(path, KNOWN).await;
            assert_eq!(
                (same.status, same.x_cache(), pages.counts()),
                (304, "HIT", (2, 1)),
                "{cache:?} {path}"
            );
            if path == "/plain" {
                let reload = [KNOWN, &[("cache-control", "no-cache")]].concat();
                let same = server.get_with(path, &reload).await;
                assert_eq!((same.status, same.x_cache(), pages.counts()), (304, "MISS", (3, 2)), "{cache:?}");
                clock.advance(Duration::from_secs(70));
                let stale = server.get_with(path, KNOWN).await;
                assert_eq!((stale.status, stale.x_cache()), (304, "STALE"), "{cache:?}");
                support::wait::eventually_async(support::stores::LONG, async || {
                    server.get(path).await.brief() == ("HIT", "2")
                })
                .await;
            }
        }
    }
}
