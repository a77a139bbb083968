//! Bodies that are passed through: long ones, endless ones, events.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::SizeHint;
use larder::http::ResponseCacheLayer;
use support::stores::{LONG, caches_with, in_time};
use support::wait::eventually_async;
use support::wire::{Origin, Wire, ask, request, response, serve_site, sites};
use tower::ServiceExt;

use super::feed::{Feed, fed, minute};

/// Bytes that are counted until they are dropped.
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

/// Makes a body of twenty megabytes; `held` counts the bytes in memory and `most` their maximum.
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
async fn a_long_stream_passes_unchanged_and_is_never_buffered_beyond_the_limit() {
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
async fn a_body_with_a_content_length_over_the_limit_is_not_buffered() {
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
async fn events_are_delivered_one_by_one_while_the_connection_stays_open() {
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
            // A second listener is not delayed by the first.
            assert_eq!(Wire::to(address).await.exchange("GET", "/", &[]).await.text(), "1");
            feed.end();
            assert_eq!(wire.chunk().await.as_deref(), Some(&b""[..]));
        }
    }
}

#[tokio::test]
async fn requests_that_wait_for_an_endless_body_call_the_service() {
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
async fn a_client_that_does_not_read_delays_no_other() {
    for (site, feed) in fed(minute(), &[], SizeHint::new()).await {
        let lazy = in_time(site.service.clone().oneshot(request("GET", "/", &[]))).await.expect("a response");
        feed.send("all ");
        feed.send("of it");
        feed.end();
        // The first client has read nothing.
        eventually_async(LONG, async || {
            site.get("/").await.brief() == ("HIT".to_owned(), "all of it".to_owned())
        })
        .await;
        let late = in_time(lazy.into_body().collect()).await.expect("a body").to_bytes();
        assert_eq!(late, "all of it");
    }
}
