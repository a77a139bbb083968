//! Methods other than GET, in front of cached URLs.

use std::sync::Arc;

use futures_util::future::join_all;
use larder::http::EtagKind;
use support::stores::{Gate, in_time};
use support::wire::{Origin, declared, response, sites};

use super::minute::minute;

#[tokio::test]
async fn a_successful_change_invalidates_its_url_and_no_other() {
    let origin = || {
        Origin::new(|n, parts| {
            let status = if parts.method == "GET" {
                200
            } else {
                parts.headers["x-status"].to_str().expect("text").parse().expect("a status")
            };
            Ok(response(status, &[], n.to_string()))
        })
    };
    for site in declared(origin).await {
        for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE"] {
            for (status, x_cache) in [("204", "MISS"), ("303", "MISS"), ("400", "HIT"), ("500", "HIT")] {
                site.get("/a?x=1").await;
                site.get("/b").await;
                assert_eq!(site.send(method, "/a?x=1", &[("x-status", status)]).await.x_cache(), "BYPASS");
                assert_eq!(site.get("/a?x=1").await.x_cache(), x_cache, "{method} {status}");
                assert_eq!(site.get("/b").await.x_cache(), "HIT", "{method} {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_change_with_credentials_invalidates_for_everybody() {
    let alice = [("authorization", "Bearer alice")];
    for (layer, user) in [
        (minute(), &[][..]),
        (minute().private(), &alice),
        (minute().shared(), &alice),
        (minute().group("g"), &[]),
    ] {
        for site in sites(layer, || Origin::says(200, &[])).await {
            site.get_with("/", user).await;
            site.send("POST", "/", &[("authorization", "Bearer admin"), ("cookie", "a=b")]).await;
            assert_eq!(site.get_with("/", user).await.x_cache(), "MISS");
        }
    }
}

#[tokio::test]
async fn a_response_requested_before_a_change_is_not_stored_after_it() {
    for site in declared(|| Origin::says(200, &[])).await {
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let (old, ()) = in_time(async {
            tokio::join!(site.get("/"), async {
                gate.arrived(1).await;
                let change = site.send("PUT", "/", &[]);
                let opened = async {
                    gate.arrived(2).await;
                    gate.open();
                };
                tokio::join!(change, opened);
            })
        })
        .await;
        // Both continued concurrently; the next reader sees the state after the change in any case.
        let next = site.get("/").await;
        assert!(next.text() != old.text() || next.x_cache() == "HIT" && site.origin.calls() == 2, "{next:?}");
    }
}

#[tokio::test]
async fn options_trace_and_upgrades_pass_and_invalidate_nothing() {
    for site in declared(|| Origin::says(200, &[])).await {
        site.get("/").await;
        for method in ["OPTIONS", "TRACE"] {
            assert_eq!(site.send(method, "/", &[]).await.x_cache(), "BYPASS");
        }
        let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
        assert_eq!(site.get_with("/", &upgrade).await.x_cache(), "BYPASS");
        assert_eq!(site.get("/").await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn a_head_or_range_request_delays_and_repeats_no_other_request() {
    for (method, headers) in [("HEAD", &[][..]), ("GET", &[("range", "bytes=0-0")])] {
        for site in declared(|| Origin::says(200, &[])).await {
            let gate = Arc::new(Gate::default());
            site.origin.stops_at(&gate);
            let crowd = async {
                gate.arrived(1).await;
                join_all((0..50).map(|_| site.get("/"))).await
            };
            let opened = async {
                gate.arrived(2).await;
                gate.open();
            };
            let (first, crowd, ()) =
                in_time(async { tokio::join!(site.send(method, "/", headers), crowd, opened) }).await;
            assert_eq!(first.status, 200);
            assert!(crowd.iter().all(|got| got.text() == "1"), "{crowd:?}");
            assert_eq!(site.origin.calls(), 2);
        }
    }
}

#[tokio::test]
async fn a_head_or_range_request_gets_the_stale_response_while_it_is_served() {
    let layer = minute().stale_while_revalidate("1m").stale_if_error("1h").etag(EtagKind::Strong);
    let origin = || Origin::new(|n, _| Ok(response(if n == 0 { 200 } else { 503 }, &[], "0123")));
    for site in sites(layer, origin).await {
        site.get("/").await;
        for (later, calls) in [(61, 1), (60, 2)] {
            site.later(later);
            let head = site.send("HEAD", "/", &[]).await;
            assert_eq!(
                (head.x_cache().as_str(), head.field("content-length").as_deref()),
                ("STALE", Some("4"))
            );
            assert_eq!(site.origin.calls(), calls);
        }
        let part = site.get_with("/", &[("range", "bytes=1-2")]).await;
        assert_eq!((part.status, part.brief()), (206, ("STALE".to_owned(), "12".to_owned())));
    }
}

#[tokio::test]
async fn only_if_cached_is_504_without_a_call() {
    for site in declared(|| Origin::says(200, &[])).await {
        let only = [("cache-control", "only-if-cached")];
        let got = site.get_with("/", &only).await;
        assert_eq!(
            (got.status, got.x_cache().as_str(), got.field("x-cache").as_deref()),
            (504, "MISS", Some("MISS"))
        );
        assert_eq!(got.field("cache-status").as_deref(), Some("larder; detail=only-if-cached"));
        assert_eq!(site.origin.calls(), 0);
        site.get("/").await;
        assert_eq!(site.get_with("/", &only).await.brief(), ("HIT".to_owned(), "0".to_owned()));
    }
    let varied = minute().vary(["x-a"]);
    for site in sites(varied, || Origin::says(200, &[])).await {
        site.get_with("/", &[("x-a", "1")]).await;
        let other = [("cache-control", "only-if-cached"), ("x-a", "2")];
        assert_eq!(site.get_with("/", &other).await.status, 504);
        assert_eq!(site.origin.calls(), 1);
    }
}
