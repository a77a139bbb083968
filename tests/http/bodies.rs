//! Bodies of every kind: kept whole or passed through as they come, and never half.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use larder::http::ResponseCacheLayer;
use support::tiers::{Gate, LONG, caches_with, in_time};
use support::wait::eventually_async;
use support::wire::{
    Origin, Site, Wire, ask, declared, fields, proxies, request, response, serve_site, sites,
};
use tokio::sync::mpsc;
use tower::ServiceExt;

type Piece = Result<Frame<Bytes>, io::Error>;

/// A body that a test feeds piece by piece.
struct Fed {
    pieces: mpsc::UnboundedReceiver<Piece>,
    size: SizeHint,
}

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.pieces.poll_recv(context)
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

/// The other end of it.
#[derive(Clone, Default)]
struct Feed(Arc<Mutex<Option<mpsc::UnboundedSender<Piece>>>>);

impl Feed {
    /// A body that comes from here on.
    fn body(&self, size: SizeHint) -> Body {
        let (sender, pieces) = mpsc::unbounded_channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Body::new(Fed { pieces, size })
    }

    fn send(&self, text: &'static str) {
        self.give(Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
    }

    fn give(&self, piece: Piece) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever read it may be gone.
        drop(sender.as_ref().expect("it was asked").send(piece));
    }

    fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A site whose origin gives what the test feeds: to the first request only, others get the number of the request.
async fn fed(
    layer: ResponseCacheLayer,
    headers: &'static [(&'static str, &'static str)],
    size: SizeHint,
) -> Vec<(Site, Feed)> {
    let clock = larder::test_util::TestClock::new();
    let mut fed = Vec::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let feed = Feed::default();
        let own = feed.clone();
        let origin = Origin::new(move |n, _| {
            Ok(response(200, headers, if n == 0 { own.body(size) } else { Body::from(n.to_string()) }))
        });
        let service = origin.behind(&layer.clone().cache(&cache));
        fed.push((Site { cache, clock: clock.clone(), origin, service }, feed));
    }
    fed
}

fn minute() -> ResponseCacheLayer {
    ResponseCacheLayer::new().expire("1m")
}

/// The smallest picture: one grey point.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cch\0\0\0\x82\0\x81w\xcdr\xb6\0\0\0\0IEND\xaeB`\x82";

#[tokio::test]
async fn a_picture_is_the_same_on_miss_and_hit() {
    let origin = || Origin::new(|_, _| Ok(response(200, &[("content-type", "image/png")], PNG)));
    for site in declared(origin).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        for x_cache in ["MISS", "HIT"] {
            let got = wire.exchange("GET", "/", &[]).await;
            assert_eq!((got.x_cache().as_str(), got.body.as_slice()), (x_cache, PNG));
            assert_eq!(got.field("content-type").as_deref(), Some("image/png"));
            assert_eq!(got.field("content-length"), Some(PNG.len().to_string()));
        }
    }
}

/// Bytes that are counted while anybody has them.
struct Held(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0.len(), SeqCst);
    }
}

const CHUNK: usize = 64 << 10;
const STREAM: usize = 20 << 20;

/// Twenty megabytes in pieces; `held` is how many bytes of them somebody has, `most` how many that were at once.
fn stream_of(held: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>, waits: bool) -> Body {
    let (held, most) = (Arc::clone(held), Arc::clone(most));
    let pieces = stream::iter(0..STREAM / CHUNK).then(move |n| {
        let (held, most) = (Arc::clone(&held), Arc::clone(&most));
        async move {
            if waits && n % 16 == 0 {
                tokio::task::yield_now().await;
            }
            most.fetch_max(held.fetch_add(CHUNK, SeqCst) + CHUNK, SeqCst);
            Ok::<_, io::Error>(Bytes::from_owner(Held(vec![n as u8; CHUNK], held)))
        }
    });
    Body::from_stream(pieces)
}

#[tokio::test]
async fn rfc_h61_a_long_stream_passes_untouched_and_is_never_held_beyond_the_limit() {
    const LIMIT: usize = 1 << 20;
    for waits in [false, true] {
        let (held, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counted, peak) = (Arc::clone(&held), Arc::clone(&most));
        let origin = move || {
            let (counted, peak) = (Arc::clone(&counted), Arc::clone(&peak));
            Origin::new(move |_, _| Ok(response(200, &[], stream_of(&counted, &peak, waits))))
        };
        for site in sites(minute().max_body(LIMIT), origin).await {
            for _ in 0..2 {
                let response =
                    site.service.clone().oneshot(request("GET", "/", &[])).await.expect("a response");
                let mut body = response.into_body();
                let mut got = 0;
                while let Some(frame) = in_time(body.frame()).await {
                    let data = frame.expect("a piece").into_data().expect("data");
                    assert_eq!(usize::from(data[0]), got / CHUNK % 256);
                    got += data.len();
                }
                assert_eq!(got, STREAM);
            }
            assert_eq!(site.origin.calls(), 2);
        }
        eventually_async(LONG, async || held.load(SeqCst) == 0).await;
        let most = most.load(SeqCst);
        assert!(most <= LIMIT + 2 * CHUNK, "{most} bytes were held at once");
    }
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_long_is_not_collected_at_all() {
    let (held, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (counted, peak) = (Arc::clone(&held), Arc::clone(&most));
    let origin = move || {
        let (counted, peak) = (Arc::clone(&counted), Arc::clone(&peak));
        let length = STREAM.to_string();
        Origin::new(move |_, _| {
            Ok(response(200, &[("content-length", &length)], stream_of(&counted, &peak, false)))
        })
    };
    for site in sites(minute().max_body(4 << 20), origin).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        assert_eq!(wire.exchange("GET", "/", &[]).await.body.len(), STREAM);
    }
    let most = most.load(SeqCst);
    assert!(most < 3 << 20, "{most} bytes were held at once");
}

#[tokio::test]
async fn rfc_h61_events_are_delivered_one_by_one_while_the_connection_stays_open() {
    const EVENTS: &[(&str, &str)] =
        &[("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "max-age=60")];
    for layer in [minute(), ResponseCacheLayer::new().obey_origin()] {
        for (site, feed) in fed(layer, EVENTS, SizeHint::new()).await {
            let address = serve_site(site.service.clone()).await;
            let mut wire = Wire::to(address).await;
            wire.request("GET", "/", &[]).await;
            assert_eq!(wire.head().await.expect("a head").x_cache(), "BYPASS");
            for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
                feed.send(event);
                assert_eq!(wire.chunk().await.as_deref(), Some(event.as_bytes()));
            }
            // Another listener is not held up by the first.
            assert_eq!(Wire::to(address).await.exchange("GET", "/", &[]).await.text(), "1");
            feed.end();
            assert_eq!(wire.chunk().await.as_deref(), Some(&b""[..]));
        }
    }
}

#[tokio::test]
async fn a_body_in_chunks_goes_out_as_it_comes_and_is_kept_whole() {
    for (site, feed) in fed(minute(), &[], SizeHint::new()).await {
        let address = serve_site(site.service.clone()).await;
        let mut wire = Wire::to(address).await;
        wire.request("GET", "/", &[]).await;
        let head = wire.head().await.expect("a head");
        assert_eq!((head.status, head.x_cache().as_str()), (200, "MISS"));
        for piece in ["first ", "second ", "third"] {
            feed.send(piece);
            assert_eq!(wire.chunk().await.as_deref(), Some(piece.as_bytes()));
        }
        feed.end();
        assert_eq!(wire.chunk().await.as_deref(), Some(&b""[..]));
        eventually_async(LONG, async || {
            let got = Wire::to(address).await.exchange("GET", "/", &[]).await;
            assert_eq!(got.text(), "first second third");
            got.x_cache() == "HIT"
        })
        .await;
        let hit = wire.exchange("GET", "/", &[]).await;
        assert_eq!(hit.field("content-length").as_deref(), Some("18"));
        assert_eq!(site.origin.calls(), 1);
    }
}

#[tokio::test]
async fn who_waits_for_a_body_without_end_is_answered_by_the_service() {
    let settings = |builder: larder::Builder| builder.max_wait(Duration::from_millis(200));
    for cache in caches_with(settings).await {
        let feed = Feed::default();
        let own = feed.clone();
        let origin = Origin::new(move |n, _| {
            Ok(response(200, &[], if n == 0 { own.body(SizeHint::new()) } else { Body::from("short") }))
        });
        let service = origin.behind(&minute().cache(&cache));
        let endless = in_time(service.clone().oneshot(request("GET", "/", &[]))).await.expect("a response");
        feed.send("on and on");
        let mut body = endless.into_body();
        assert_eq!(
            in_time(body.frame()).await.expect("a piece").expect("data").into_data().expect("data"),
            "on and on"
        );
        assert_eq!(ask(&service, request("GET", "/", &[])).await.expect("a response").text(), "short");
    }
}

#[tokio::test]
async fn a_slow_body_does_not_lengthen_a_life() {
    for (layer, headers) in [
        (minute(), &[][..]),
        (ResponseCacheLayer::new().obey_origin(), &[("cache-control", "max-age=60")][..]),
    ] {
        for (site, feed) in fed(layer, headers, SizeHint::new()).await {
            let slow = async {
                eventually_async(LONG, async || site.origin.calls() == 1).await;
                feed.send("slow");
                site.later(40);
                feed.end();
            };
            tokio::join!(site.get("/"), slow);
            eventually_async(LONG, async || site.get("/").await.x_cache() == "HIT").await;
            site.later(21);
            assert_eq!(site.get("/").await.x_cache(), "MISS");
        }
    }
}

#[tokio::test]
async fn rfc_h63_a_body_of_nothing_is_a_body() {
    for site in declared(|| Origin::new(|_, _| Ok(response(200, &[("x-a", "b")], "")))).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        for x_cache in ["MISS", "HIT"] {
            let got = wire.exchange("GET", "/", &[]).await;
            assert_eq!(
                (got.x_cache().as_str(), got.status, got.field("content-length").as_deref()),
                (x_cache, 200, Some("0"))
            );
        }
    }
    let layer = minute().expire_status(StatusCode::NO_CONTENT, "1m");
    for site in sites(layer, || Origin::new(|_, _| Ok(response(204, &[("x-a", "b")], "")))).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        for x_cache in ["MISS", "HIT"] {
            let got = wire.exchange("GET", "/", &[]).await;
            assert_eq!(
                (got.x_cache().as_str(), got.status, got.field("x-a").as_deref()),
                (x_cache, 204, Some("b"))
            );
            assert_eq!((got.field("content-length"), got.field("transfer-encoding")), (None, None));
        }
    }
}

/// `hello hello hello hello`, as gzip has it.
const ZIPPED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xe3\x51\x3d\x8d\x17\x00\x00\x00";

/// An inner layer that compresses for those who want it.
fn compressing() -> Origin {
    Origin::new(|_, parts| {
        let wants = parts
            .headers
            .get("accept-encoding")
            .is_some_and(|accepts| accepts.as_bytes().starts_with(b"gzip"));
        Ok(match wants {
            true => response(
                200,
                &[("content-encoding", "gzip"), ("vary", "accept-encoding"), ("cache-control", "max-age=60")],
                ZIPPED,
            ),
            false => response(
                200,
                &[("vary", "accept-encoding"), ("cache-control", "max-age=60")],
                "hello hello hello hello",
            ),
        })
    })
}

#[tokio::test]
async fn rfc_h31_h68_each_encoding_is_kept_apart_and_as_it_is() {
    for site in declared(compressing).await.into_iter().chain(proxies(compressing).await) {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        let zip = [("accept-encoding", "gzip, br")];
        let mut tags = Vec::new();
        for x_cache in ["MISS", "HIT"] {
            let zipped = wire.exchange("GET", "/", &zip).await;
            let plain = wire.exchange("GET", "/", &[]).await;
            assert_eq!((zipped.x_cache(), plain.x_cache()), (x_cache.to_owned(), x_cache.to_owned()));
            assert_eq!(
                (zipped.body.as_slice(), zipped.field("content-encoding").as_deref()),
                (ZIPPED, Some("gzip"))
            );
            assert_eq!(
                (plain.text().as_str(), plain.field("content-encoding")),
                ("hello hello hello hello", None)
            );
            for got in [&zipped, &plain] {
                assert_eq!(got.field("content-length"), Some(got.body.len().to_string()));
                assert_eq!(got.field("vary").as_deref(), Some("accept-encoding"));
            }
            tags.push((zipped.field("etag"), plain.field("etag")));
        }
        assert_eq!(tags[0], tags[1]);
        let (zipped, plain) = &tags[0];
        assert!(zipped.is_none() || zipped != plain);
        let head = wire.exchange("HEAD", "/", &zip).await;
        assert_eq!(
            (head.field("content-length"), head.field("content-encoding").as_deref()),
            (Some(ZIPPED.len().to_string()), Some("gzip"))
        );
        assert_eq!(site.origin.calls(), 2);
    }
}

#[tokio::test]
async fn rfc_h64_trailers_pass_and_are_never_merged_into_headers() {
    for (site, feed) in fed(minute(), &[("trailer", "x-sum")], SizeHint::new()).await {
        let feeds = async {
            eventually_async(LONG, async || site.origin.calls() == 1).await;
            feed.send("body");
            feed.give(Ok(Frame::trailers(fields(&[("x-sum", "7"), ("set-cookie", "a=b")]))));
            feed.end();
        };
        let asked = site.service.clone().oneshot(request("GET", "/", &[]));
        let (response, ()) = in_time(async { tokio::join!(asked, feeds) }).await;
        let response = response.expect("a response");
        assert!(!response.headers().contains_key("x-sum"));
        let collected = in_time(response.into_body().collect()).await.expect("a body");
        let trailers: HeaderMap = collected.trailers().cloned().expect("trailers");
        assert_eq!((trailers["x-sum"].as_bytes(), collected.to_bytes()), (&b"7"[..], Bytes::from("body")));
        let next = site.get("/").await;
        assert!(!next.headers.contains_key("x-sum") && !next.headers.contains_key("set-cookie"), "{next:?}");
        assert_eq!(next.text(), "1");
    }
}

#[tokio::test]
async fn rfc_h62_half_a_body_is_for_its_own_client_alone() {
    for layer in [minute(), ResponseCacheLayer::new().obey_origin()] {
        for (site, feed) in fed(layer, &[("cache-control", "max-age=60")], SizeHint::new()).await {
            let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
            wire.request("GET", "/", &[]).await;
            wire.head().await.expect("a head");
            feed.send("half of it");
            assert_eq!(wire.chunk().await.as_deref(), Some(&b"half of it"[..]));
            feed.give(Err(io::Error::other("the origin went away")));
            // The client is told by the connection.
            assert_eq!(wire.chunk().await, None);
            assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "1".to_owned()));
        }
    }
}

#[tokio::test]
async fn rfc_h62_a_body_that_fails_at_once_fails_for_its_client_and_is_not_kept() {
    for (site, feed) in fed(minute(), &[], SizeHint::new()).await {
        let feeds = async {
            eventually_async(LONG, async || site.origin.calls() == 1).await;
            feed.send("half");
            feed.give(Err(io::Error::other("the origin went away")));
        };
        let asked = site.service.clone().oneshot(request("GET", "/", &[]));
        let (response, ()) = in_time(async { tokio::join!(asked, feeds) }).await;
        assert!(in_time(response.expect("a response").into_body().collect()).await.is_err());
        assert_eq!(site.get("/").await.text(), "1");
    }
}

#[tokio::test]
async fn rfc_h62_a_body_of_another_length_than_it_says_is_not_kept() {
    for said in ["3", "5"] {
        let origin = move || {
            Origin::new(move |n, _| {
                let body = Body::from_stream(stream::iter([Ok::<_, io::Error>("four")]));
                Ok(if n == 0 {
                    response(200, &[("content-length", said)], body)
                } else {
                    response(200, &[], "whole")
                })
            })
        };
        for site in declared(origin).await {
            assert_eq!(site.get("/").await.text(), "four");
            assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "whole".to_owned()), "{said}");
        }
    }
}

#[tokio::test]
async fn rfc_h62_a_client_that_goes_in_the_middle_spoils_nothing() {
    for (site, feed) in fed(minute(), &[], SizeHint::new()).await {
        let address = serve_site(site.service.clone()).await;
        let mut wire = Wire::to(address).await;
        wire.request("GET", "/", &[]).await;
        wire.head().await.expect("a head");
        feed.send("first ");
        wire.chunk().await.expect("a piece");
        drop(wire);
        feed.send("second");
        feed.end();
        // The rest was collected without it, or nothing was kept; never half.
        eventually_async(LONG, async || {
            let got = site.get("/").await;
            assert!(
                got.text() == "first second"
                    || got.text() == site.origin.calls().saturating_sub(1).to_string(),
                "{got:?}"
            );
            got.x_cache() == "HIT"
        })
        .await;
    }
}

#[tokio::test]
async fn rfc_h62_a_client_that_goes_before_the_head_spoils_nothing() {
    for site in declared(|| Origin::says(200, &[])).await {
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let address = serve_site(site.service.clone()).await;
        let mut wire = Wire::to(address).await;
        wire.request("GET", "/", &[]).await;
        gate.arrived(1).await;
        drop(wire);
        gate.open();
        assert!(in_time(site.get("/")).await.text().parse::<usize>().is_ok());
        assert_eq!(site.get("/").await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nobody_up() {
    for (site, feed) in fed(minute(), &[], SizeHint::new()).await {
        let lazy = in_time(site.service.clone().oneshot(request("GET", "/", &[]))).await.expect("a response");
        feed.send("all ");
        feed.send("of it");
        feed.end();
        // The first client has not read a byte.
        eventually_async(LONG, async || {
            site.get("/").await.brief() == ("HIT".to_owned(), "all of it".to_owned())
        })
        .await;
        let late = in_time(lazy.into_body().collect()).await.expect("a body").to_bytes();
        assert_eq!(late, "all of it");
    }
}

#[tokio::test]
async fn a_head_has_no_body_and_takes_none() {
    for (site, _) in fed(minute(), &[("content-length", "9")], SizeHint::with_exact(9)).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        let head = wire.exchange("HEAD", "/", &[]).await;
        assert_eq!((head.status, head.field("content-length").as_deref()), (200, Some("9")));
    }
    for site in declared(|| Origin::new(|_, _| Ok(response(200, &[], "123456789")))).await {
        let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
        assert_eq!(wire.exchange("GET", "/", &[]).await.text(), "123456789");
        for _ in 0..2 {
            let head = wire.exchange("HEAD", "/", &[]).await;
            assert_eq!(
                (head.x_cache().as_str(), head.field("content-length").as_deref()),
                ("HIT", Some("9"))
            );
        }
        assert_eq!(wire.exchange("GET", "/", &[]).await.text(), "123456789");
    }
}
