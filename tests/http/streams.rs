//! Endless bodies: no request waits for their end, and they are dropped with their clients.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use larder::cache;
use larder::http::ResponseCacheLayer;
use larder::test_util::TestClock;
use support::http::App;
use support::stores::{LONG, caches, caches_with, in_time};
use support::wait::eventually_async;
use support::wire::{Origin, Reply, Wire, response, serve, serve_site, sites};
use tokio::sync::watch;

/// The limit for a head that does not wait for the end of its body.
const SOON: Duration = Duration::from_secs(5);

/// The number of open bodies.
#[derive(Clone, Default)]
struct Open(Arc<AtomicUsize>);

/// An open body.
struct One(Open);

impl Open {
    fn one(&self) -> One {
        self.0.fetch_add(1, SeqCst);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Makes a body of one line that never ends.
    fn endless(&self) -> Body {
        let one = self.one();
        let line = Bytes::from_static(b"{\"n\":1}\n");
        let lines = stream::iter([Ok::<_, io::Error>(line)]).chain(stream::pending());
        Body::from_stream(lines.inspect(move |_| {
            let _ = &one;
        }))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

const LINES: &[(&str, &str)] = &[("content-type", "application/x-ndjson")];

fn minute() -> ResponseCacheLayer {
    ResponseCacheLayer::new().expire("1m")
}

/// Sends a request, and reads the head and the first line in time.
async fn begin(address: std::net::SocketAddr, uri: &str) -> (Wire, Reply) {
    let mut wire = Wire::to(address).await;
    wire.request("GET", uri, &[]).await;
    let head = tokio::time::timeout(SOON, wire.head()).await.expect("the head is there soon");
    assert_eq!(wire.chunk().await.as_deref(), Some(&b"{\"n\":1}\n"[..]));
    (wire, head.expect("a head"))
}

#[tokio::test]
async fn no_request_waits_for_the_end_of_a_stream_and_streams_end_with_their_clients() {
    let (layers, open) = ([minute(), minute().max_body(4)], Open::default());
    let mut addresses = Vec::new();
    for layer in layers {
        let open = open.clone();
        let origin = move || {
            let open = open.clone();
            Origin::new(move |_, _| Ok(response(200, LINES, open.endless())))
        };
        for site in sites(layer, origin).await {
            addresses.push(serve_site(site.service.clone()).await);
        }
    }
    let clients = addresses.iter().map(|address| async {
        let first = begin(*address, "/").await;
        // Right away, and after the first stream has run for a while.
        let second = begin(*address, "/").await;
        let third = begin(*address, "/").await;
        [first, second, third].map(|(wire, head)| {
            assert_eq!(head.status, 200, "{head:?}");
            wire
        })
    });
    let clients = in_time(join_all(clients)).await;
    assert!(open.count() >= 12, "{}", open.count());
    let gone = Instant::now();
    drop(clients);
    eventually_async(LONG, async || open.count() == 0).await;
    assert!(gone.elapsed() < Duration::from_secs(15), "{:?}", gone.elapsed());
}

#[cache(response, expire = "1m", unless = |page| page.body().is_empty(), cache = app.cache)]
async fn looked_at(app: State<App>) -> Response<Body> {
    app.make()
}

#[cache(response, expire = "1m", expire_with = |page| page.body().len(), cache = app.cache)]
async fn timed(app: State<App>) -> Response<Body> {
    app.make()
}

#[cache(response, expire = "1m", cache = app.cache)]
async fn plain(app: State<App>) -> Response<Body> {
    app.make()
}

#[tokio::test]
async fn the_head_of_a_stream_is_sent_soon_even_if_options_need_the_whole_response() {
    for cache in caches().await {
        let open = Open::default();
        let own = open.clone();
        let app = App::new(&cache, move |_| response(200, LINES, own.endless()));
        let router = Router::new()
            .route("/unless", get(looked_at))
            .route("/expire_with", get(timed))
            .route("/plain", get(plain))
            .with_state(app.clone());
        let address = serve(router).await;
        for (uri, x_cache) in [("/unless", "BYPASS"), ("/expire_with", "BYPASS"), ("/plain", "MISS")] {
            let (_first, head) = begin(address, uri).await;
            assert_eq!((head.status, head.x_cache().as_str()), (200, x_cache), "{uri}");
            let (_second, head) = begin(address, uri).await;
            assert_eq!(head.status, 200, "{uri}");
        }
    }
}

#[tokio::test]
async fn refreshes_run_while_many_streams_are_open() {
    let clock = TestClock::new();
    let layer = minute().stale_while_revalidate("1h");
    for cache in caches_with(|builder| builder.clock(clock.clone()).max_background(1)).await {
        let open = Open::default();
        let own = open.clone();
        let origin = Origin::new(move |n, parts| {
            Ok(match parts.uri.path() {
                "/page" => response(200, &[], n.to_string()),
                _ => response(200, LINES, own.endless()),
            })
        });
        let address = serve_site(origin.behind(&layer.clone().cache(&cache))).await;
        let mut streams = Vec::new();
        for n in 0..8 {
            streams.push(begin(address, &format!("/streams/{n}")).await);
        }
        let page = async || Wire::to(address).await.exchange("GET", "/page", &[]).await;
        assert_eq!(page().await.brief(), ("MISS".to_owned(), "8".to_owned()));
        clock.advance(Duration::from_secs(61));
        assert_eq!(page().await.brief(), ("STALE".to_owned(), "8".to_owned()));
        eventually_async(LONG, async || page().await.brief() == ("HIT".to_owned(), "9".to_owned())).await;
        assert_eq!(open.count(), streams.len());
    }
}

#[tokio::test]
async fn a_matching_tag_of_a_stream_is_a_304_at_once_and_others_are_served_from_the_cache() {
    let ends = watch::Sender::new(false);
    let origin = || {
        let ends = ends.clone();
        Origin::new(move |n, _| {
            let mut end = ends.subscribe();
            let last = async move {
                end.wait_for(|ends| *ends).await.expect("the test goes on");
                Ok::<_, io::Error>(Bytes::from_static(b"last"))
            };
            let first = stream::iter([Ok(Bytes::from(format!("{n} and ")))]);
            Ok(response(200, &[("etag", "\"own\"")], Body::from_stream(first.chain(stream::once(last)))))
        })
    };
    for site in sites(minute(), origin).await {
        ends.send_replace(false);
        let address = serve_site(site.service.clone()).await;
        let knows = [("if-none-match", "\"own\"")];
        let got = Wire::to(address).await.exchange("GET", "/", &knows).await;
        assert_eq!((got.status, got.x_cache().as_str()), (304, "MISS"), "{got:?}");
        assert_eq!(got.field("etag").as_deref(), Some("\"own\""));
        assert_eq!(got.field("cache-status").as_deref(), Some("larder; fwd=uri-miss; fwd-status=200"));
        ends.send_replace(true);
        eventually_async(LONG, async || {
            let got = Wire::to(address).await.exchange("GET", "/", &[]).await;
            assert_eq!(got.text(), "0 and last");
            got.x_cache() == "HIT"
        })
        .await;
        assert_eq!(site.origin.calls(), 1);
    }
}
