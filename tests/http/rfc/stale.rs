//! Stale responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};

use futures_util::future::join_all;
use larder::http::ResponseCacheLayer;
use support::stores::{Gate, LONG};
use support::wait::eventually_async;
use support::wire::{Origin, Unreachable, ask, proxies, request, response, sites};

/// Makes an origin that fails after its first response.
fn gone(control: &'static str) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |n, _| match n {
            0 => Ok(response(200, &[("cache-control", control), ("etag", "\"a\"")], "old")),
            _ => Err(Unreachable),
        })
    }
}

/// RFC 9111, 5.2.2.2, 5.2.2.8 and 5.2.2.10.
#[tokio::test]
async fn must_revalidate_responses_are_never_served_stale() {
    for (control, is_served) in [
        ("max-age=60", true),
        ("max-age=60, must-revalidate", false),
        ("max-age=60, proxy-revalidate", false),
        ("s-maxage=60", false),
        ("max-age=60, no-cache", false),
        ("max-age=60, must-revalidate, stale-if-error=999", false),
    ] {
        for site in proxies(gone(control)).await {
            site.get("/").await;
            site.later(61);
            let got = ask(&site.service, request("GET", "/", &[])).await;
            assert_eq!(got.is_ok_and(|got| got.x_cache() == "STALE"), is_served, "{control}");
        }
    }
    let layer = ResponseCacheLayer::new().expire("1m").stale_if_error("1h").stale_while_revalidate("1h");
    let strict = || {
        Origin::new(|n, _| {
            Ok(response(if n == 0 { 200 } else { 500 }, &[("cache-control", "must-revalidate")], ""))
        })
    };
    for site in sites(layer, strict).await {
        site.get("/").await;
        site.later(61);
        assert_eq!(site.get("/").await.status, 500);
    }
}

/// RFC 5861, 3.
#[tokio::test]
async fn stale_while_revalidate_serves_stale_during_one_refresh() {
    const WINDOW: &[(&str, &str)] = &[("cache-control", "max-age=60, stale-while-revalidate=60")];
    for site in proxies(|| Origin::says(200, WINDOW)).await {
        site.get("/").await;
        site.later(90);
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let all = join_all((0..20).map(|_| site.get("/"))).await;
        assert!(all.iter().all(|got| got.brief() == ("STALE".to_owned(), "0".to_owned())), "{all:?}");
        assert_eq!(all[0].field("age").as_deref(), Some("90"));
        gate.arrived(1).await;
        gate.open();
        eventually_async(LONG, async || site.get("/").await.text() == "1").await;
        assert_eq!(site.origin.calls(), 2);
        // After the window requests wait.
        site.later(121);
        assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "2".to_owned()));
    }
}

/// RFC 5861, 4.
#[tokio::test]
async fn stale_if_error_serves_stale_within_its_window() {
    let layer = ResponseCacheLayer::new().expire("1m").stale_if_error("1m");
    let status = Arc::new(AtomicU16::new(200));
    let reported = Arc::clone(&status);
    let origin = move || {
        let reported = Arc::clone(&reported);
        Origin::new(move |n, _| match reported.load(SeqCst) {
            0 => Err(Unreachable),
            status => {
                Ok(response(status, &[("cache-control", "max-age=60, stale-if-error=60")], n.to_string()))
            }
        })
    };
    for site in sites(layer, &origin).await.into_iter().chain(proxies(&origin).await) {
        for failure in [500, 502, 503, 504, 0] {
            status.store(200, SeqCst);
            let uri = format!("/{failure}");
            let fresh = site.get(&uri).await;
            status.store(failure, SeqCst);
            site.later(90);
            let old = site.get(&uri).await;
            assert_eq!(old.brief(), ("STALE".to_owned(), fresh.text()), "{failure}");
        }
        status.store(200, SeqCst);
        site.get("/late").await;
        status.store(503, SeqCst);
        site.later(121);
        assert_eq!(site.get("/late").await.status, 503);
    }
}

#[tokio::test]
async fn a_background_refresh_follows_the_same_rules() {
    let layer = ResponseCacheLayer::new().expire("1m").stale_while_revalidate("1h");
    let origin = || {
        Origin::new(|n, _| {
            let headers: &[_] = if n == 0 { &[] } else { &[("set-cookie", "session=secret")] };
            Ok(response(200, headers, n.to_string()))
        })
    };
    for site in sites(layer, origin).await {
        site.get("/").await;
        site.later(61);
        let old = site.get("/").await;
        assert_eq!((old.brief(), old.field("set-cookie")), (("STALE".to_owned(), "0".to_owned()), None));
        // The refresh found a private response, so the stored one is dropped.
        eventually_async(LONG, async || site.get("/").await.x_cache() == "BYPASS").await;
    }
}
