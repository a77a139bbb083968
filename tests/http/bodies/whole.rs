//! Bodies that are stored whole.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use larder::http::ResponseCacheLayer;
use support::stores::{LONG, in_time};
use support::wait::eventually_async;
use support::wire::{Origin, Wire, declared, fields, proxies, request, response, serve_site, sites};
use tower::ServiceExt;

use super::feed::{fed, minute};

/// The smallest picture: one grey pixel.
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

#[tokio::test]
async fn a_chunked_body_is_sent_as_it_arrives_and_stored_whole() {
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
async fn a_slow_body_does_not_extend_the_expiry() {
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
async fn an_empty_body_is_stored() {
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

/// `hello hello hello hello`, compressed by gzip.
const ZIPPED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xe3\x51\x3d\x8d\x17\x00\x00\x00";

/// Makes an origin that compresses on request.
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

/// RFC 9111, 4.1; RFC 9110, 8.4.
#[tokio::test]
async fn each_encoding_is_stored_separately_and_unchanged() {
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
                let varies = got.field("vary").expect("it varies");
                assert!(
                    ["accept-encoding", "accept-encoding, Cookie"].contains(&varies.as_str()),
                    "{varies}"
                );
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

/// RFC 9110, 6.5.
#[tokio::test]
async fn trailers_pass_and_are_never_merged_into_headers() {
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
async fn a_head_response_has_no_body() {
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
