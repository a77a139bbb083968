//! Bodies that fail, and clients that disconnect.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::SizeHint;
use larder::http::ResponseCacheLayer;
use support::stores::{Gate, LONG, in_time};
use support::wait::eventually_async;
use support::wire::{Origin, Wire, declared, request, response, serve_site};
use tower::ServiceExt;

use super::feed::{fed, minute};

/// RFC 9111, 3.3.
#[tokio::test]
async fn half_a_body_reaches_its_own_client_only() {
    for layer in [minute(), ResponseCacheLayer::new().obey_origin()] {
        for (site, feed) in fed(layer, &[("cache-control", "max-age=60")], SizeHint::new()).await {
            let mut wire = Wire::to(serve_site(site.service.clone()).await).await;
            wire.request("GET", "/", &[]).await;
            wire.head().await.expect("a head");
            feed.send("half of it");
            assert_eq!(wire.chunk().await.as_deref(), Some(&b"half of it"[..]));
            feed.give(Err(io::Error::other("the origin went away")));
            // The connection reports the failure to the client.
            assert_eq!(wire.chunk().await, None);
            assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "1".to_owned()));
        }
    }
}

/// RFC 9111, 3.3.
#[tokio::test]
async fn a_body_that_fails_at_once_fails_for_its_client_and_is_not_stored() {
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

/// RFC 9111, 3.3.
#[tokio::test]
async fn a_body_that_is_longer_than_announced_is_not_stored() {
    let origin = || {
        Origin::new(|n, _| {
            let body = Body::from_stream(stream::iter([Ok::<_, io::Error>("four")]));
            Ok(if n == 0 {
                response(200, &[("content-length", "3")], body)
            } else {
                response(200, &[], "whole")
            })
        })
    };
    for site in declared(origin).await {
        assert_eq!(site.get("/").await.text(), "four");
        assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "whole".to_owned()));
    }
}

/// RFC 9111, 3.3.
#[tokio::test]
async fn a_client_that_disconnects_during_the_body_does_no_damage() {
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
        // The rest was collected without the client, or nothing was stored.
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

/// RFC 9111, 3.3.
#[tokio::test]
async fn a_client_that_disconnects_before_the_head_does_no_damage() {
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
