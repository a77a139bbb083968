//! Bodies that end before they are complete: those that panic, those whose task is stopped, those that are too short.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::SizeHint;
use larder::http::{IncompleteBody, ResponseCacheLayer};
use larder::{Cache, cache};
use support::connection::Http1;
use support::deployment::shared;
use support::http::App;
use support::stores::{Gate, LONG, caches, in_time, unique};
use support::wait::eventually_async;
use support::wire::{Origin, Site, Wire, request, response, serve, serve_site, sites};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::feed::{Feed, minute};

const FIRST: &[u8] = b"half of it";
const MINUTE: &[(&str, &str)] = &[("cache-control", "max-age=60")];

/// Makes a body that sends one piece, and panics once the gate is open.
fn panicking(gate: &Arc<Gate>) -> Body {
    let gate = Arc::clone(gate);
    let rest = stream::once(async move {
        gate.pass().await;
        panic!("the body panics")
    });
    Body::from_stream(stream::iter([Ok::<_, io::Error>(Bytes::from_static(FIRST))]).chain(rest))
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn page(app: State<App>) -> Response<Body> {
    app.make()
}

/// The servers of pages whose first body panics, on each store: behind a layer, behind a proxy, and of a handler.
async fn servers() -> Vec<(SocketAddr, Arc<Gate>, Cache)> {
    let mut servers = Vec::new();
    for layer in [minute(), ResponseCacheLayer::new().obey_origin()] {
        for cache in caches().await {
            let gate = Arc::<Gate>::default();
            let own = Arc::clone(&gate);
            let origin = Origin::new(move |n, _| {
                let body = if n == 0 { panicking(&own) } else { Body::from(n.to_string()) };
                Ok(response(200, MINUTE, body))
            });
            let address = serve_site(origin.behind(&layer.clone().cache(&cache))).await;
            servers.push((address, gate, cache));
        }
    }
    for cache in caches().await {
        let gate = Arc::<Gate>::default();
        let own = Arc::clone(&gate);
        let app = App::new(&cache, move |n| {
            response(200, MINUTE, if n == 0 { panicking(&own) } else { Body::from(n.to_string()) })
        });
        let address = serve(Router::new().route("/", get(page)).with_state(app)).await;
        servers.push((address, gate, cache));
    }
    servers
}

/// Returns the connection of a client that has read the first piece.
async fn begun(address: SocketAddr, gate: &Gate) -> Wire {
    let mut wire = Wire::to(address).await;
    wire.request("GET", "/", &[]).await;
    let head = wire.head().await.expect("a head");
    assert_eq!((head.status, head.x_cache().as_str()), (200, "MISS"));
    assert_eq!(wire.chunk().await.as_deref(), Some(FIRST));
    gate.arrived(1).await;
    wire
}

#[tokio::test]
async fn a_body_that_panics_half_way_breaks_off_and_nothing_is_cached() {
    for (address, gate, cache) in servers().await {
        let mut wire = begun(address, &gate).await;
        gate.open();
        // Neither a piece nor the end of the body.
        assert_eq!(wire.chunk().await, None, "{cache:?}");
        let next = Wire::to(address).await.exchange("GET", "/", &[]).await;
        assert_eq!(next.brief(), ("MISS".to_owned(), "1".to_owned()), "{cache:?}");
        let next = Wire::to(address).await.exchange("GET", "/", &[]).await;
        assert_eq!(next.brief(), ("HIT".to_owned(), "1".to_owned()), "{cache:?}");
    }
}

#[tokio::test]
async fn clients_that_wait_for_a_body_that_panics_get_their_own_response() {
    for (address, gate, cache) in servers().await {
        let mut wire = begun(address, &gate).await;
        let waiting = (0..5).map(|_| async {
            let mut wire = Wire::to(address).await;
            wire.request("GET", "/", &[]).await;
            wire
        });
        let waiting = join_all(waiting).await;
        gate.open();
        assert_eq!(wire.chunk().await, None, "{cache:?}");
        for mut wire in waiting {
            let got = wire.response("GET").await.expect("a response");
            assert!(got.status == 200 && got.text().parse::<usize>().is_ok_and(|n| n > 0), "{got:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_panics_at_once_is_no_response_and_nothing_is_cached() {
    let origin = || {
        Origin::new(|n, _| {
            let panics = stream::once(async { panic!("the body panics at once") });
            Ok(response(
                200,
                MINUTE,
                match n {
                    0 => Body::from_stream(panics.map(Ok::<Bytes, io::Error>)),
                    _ => Body::from(n.to_string()),
                },
            ))
        })
    };
    for layer in [minute(), ResponseCacheLayer::new().obey_origin()] {
        for site in sites(layer, origin).await {
            let address = serve_site(site.service.clone()).await;
            let mut wire = Wire::to(address).await;
            wire.request("GET", "/", &[]).await;
            assert_eq!(wire.response("GET").await, None);
            assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "1".to_owned()));
        }
    }
}

#[test]
fn a_body_whose_runtime_ends_is_an_error() {
    for url in ["memory://".to_owned(), shared().url()] {
        let (first, second) = (Runtime::new().expect("a runtime"), Runtime::new().expect("a runtime"));
        let feed = Feed::default();
        let own = feed.clone();
        let mut body = first.block_on(async {
            let cache = Cache::builder().url(url).prefix(unique("t")).build().await.expect("a cache");
            let origin = Origin::new(move |_, _| Ok(response(200, &[], own.body(SizeHint::new()))));
            let asked = origin.behind(&minute().cache(&cache)).oneshot(request("GET", "/", &[]));
            in_time(asked).await.expect("a response").into_body()
        });
        feed.send("half of it");
        let piece = first.block_on(in_time(body.frame())).expect("a piece").expect("data");
        assert_eq!(piece.into_data().expect("data"), FIRST);
        // The task that collects the body is dropped with its runtime.
        drop(first);
        let error = second.block_on(in_time(body.frame())).expect("no end").expect_err("an error");
        assert_eq!(error.downcast_ref::<IncompleteBody>().map(ToString::to_string), Some(error.to_string()));
        assert!(second.block_on(in_time(body.frame())).is_none());
    }
}

/// Makes sites whose first response has these headers and the fed body; others have the number of the request.
async fn announcing(
    layer: &ResponseCacheLayer,
    headers: &'static [(&'static str, &'static str)],
    size: SizeHint,
) -> Vec<(Site, Feed)> {
    let mut announcing = Vec::new();
    for site in sites(layer.clone(), || Origin::says(200, MINUTE)).await {
        let feed = Feed::default();
        let own = feed.clone();
        let origin = Origin::new(move |n, _| {
            Ok(match n {
                0 => response(200, &[MINUTE, headers].concat(), own.body(size)),
                n => response(200, MINUTE, n.to_string()),
            })
        });
        let service = origin.behind(&layer.clone().cache(&site.cache));
        announcing.push((Site::new(site.cache, site.clock, origin, service), feed));
    }
    announcing
}

/// RFC 9111, 3.3; RFC 9112, 8.
#[tokio::test]
async fn a_body_that_is_shorter_than_announced_breaks_off_and_is_not_cached() {
    const NINE: &[(&str, &str)] = &[("content-length", "9")];
    let announced =
        [(NINE, SizeHint::new()), (&[][..], SizeHint::with_exact(9)), (NINE, SizeHint::with_exact(9))];
    for (headers, size) in announced {
        for (layer, waits) in [minute(), ResponseCacheLayer::new().obey_origin()]
            .into_iter()
            .flat_map(|layer| [(layer.clone(), false), (layer, true)])
        {
            for (site, feed) in announcing(&layer, headers, size).await {
                let mut wire = Http1::to(serve_site(site.service.clone()).await).await;
                wire.request("GET", "/", &[]).await;
                eventually_async(LONG, async || site.origin.calls() == 1).await;
                // The head is sent before there is a body, or with it.
                let early = if waits { wire.head().await } else { None };
                feed.send("four");
                feed.end();
                let head = if waits { early } else { wire.head().await };
                assert_eq!(head.expect("a head").field("content-length").as_deref(), Some("9"));
                let got = wire.exactly(9).await;
                assert!(b"four".starts_with(&got), "{headers:?} {size:?} {got:?}");
                assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "1".to_owned()), "{headers:?}");
            }
        }
    }
}

/// RFC 9112, 6.3.
#[tokio::test]
async fn a_body_that_is_longer_than_announced_is_not_cached_and_nothing_of_it_follows() {
    for (site, feed) in announcing(&minute(), &[("content-length", "3")], SizeHint::new()).await {
        let mut wire = Http1::to(serve_site(site.service.clone()).await).await;
        wire.request("GET", "/", &[]).await;
        eventually_async(LONG, async || site.origin.calls() == 1).await;
        feed.send("four");
        feed.end();
        assert_eq!(wire.head().await.expect("a head").field("content-length").as_deref(), Some("3"));
        assert_eq!(wire.exactly(3).await, b"fou");
        // A connection that stays open goes on with the next head.
        wire.request("GET", "/", &[]).await;
        assert!(wire.head().await.is_none_or(|head| (head.status, head.x_cache().as_str()) == (200, "MISS")));
        assert!(["1", "2"].contains(&site.get("/").await.text().as_str()));
    }
}
