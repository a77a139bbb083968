//! Credentials.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use larder::http::{ResponseCache, ResponseCacheLayer};
use larder::{Cache, cache};
use support::stores::caches_with;
use support::wire::{Origin, ask, request};

use super::send::send;
use support::log::Log;

const SECRET: &str = "hunter2-correct-horse";

#[cache(response, expire = "1h", cache = cache.0)]
async fn plain(cache: State<Cache>, Path(n): Path<u8>) -> String {
    n.to_string()
}

#[cache(response, expire = "1h", cache = cache.0)]
async fn other(cache: State<Cache>, Path(n): Path<u8>) -> String {
    n.to_string()
}

#[cache(response, expire = "1h", private, cache = cache.0)]
async fn private(cache: State<Cache>, Path(n): Path<u8>) -> String {
    n.to_string()
}

#[tokio::test]
async fn a_handler_is_reported_once_after_a_hundred_bypasses_without_a_hit() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    let cache = Cache::builder().build().await.expect("a cache");
    let routes = Router::new().route("/plain/{n}", get(plain)).route("/other/{n}", get(other));
    let app = routes.route("/private/{n}", get(private)).with_state(cache);
    let token = [("authorization", SECRET)];
    // Hits start the count again, and requests without credentials or with another method are not counted.
    send(&app, "/plain/1", 99, &token).await;
    send(&app, "/plain/1", 2, &[]).await;
    send(&app, "/plain/2", 99, &token).await;
    send(&app, "/plain/3", 1, &[("cache-control", "no-store")]).await;
    assert_eq!(log.take(), [""; 0]);
    send(&app, "/plain/2", 1, &token).await;
    let warned = log.take();
    assert_eq!(warned.len(), 1, "{warned:?}");
    for part in ["plain", "100 times", "`authorization`", "`private`", "`shared`", "vary(\"authorization\")"]
    {
        assert!(warned[0].contains(part), "{part}: {warned:?}");
    }
    assert!(!warned[0].contains("hunter2") && !warned[0].contains("harmless"), "{warned:?}");
    // It is said once, whatever comes later.
    send(&app, "/plain/1", 300, &token).await;
    send(&app, "/plain/1", 1, &[]).await;
    send(&app, "/plain/1", 300, &token).await;
    assert_eq!(log.take(), [""; 0]);

    let cookie = format!("track={SECRET}; theme={SECRET}");
    send(&app, "/other/1", 100, &[("cookie", &cookie)]).await;
    let warned = log.take();
    assert_eq!(warned.len(), 1, "{warned:?}");
    for part in [
        "other",
        "the cookie `track`",
        "`private`",
        "`shared`",
        "vary(\"cookie\")",
        "Builder::harmless_cookies",
    ] {
        assert!(warned[0].contains(part), "{part}: {warned:?}");
    }
    assert!(!warned[0].contains("hunter2"), "{warned:?}");

    send(&app, "/private/1", 100, &[("x-unknown", SECRET)]).await;
    let warned = log.take();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].contains("Builder::credential_headers") && !warned[0].contains("hunter2"),
        "{warned:?}"
    );
}

#[tokio::test]
async fn each_layer_is_reported_for_itself() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in caches_with(|builder| builder.credential_headers(["X-Seat"])).await {
        let layer = ResponseCacheLayer::new().expire("1m").cache(&cache);
        let origin = Origin::says(200, &[]);
        let (hits, never) = (origin.behind(&layer.clone().group("a")), origin.behind(&layer.group("b")));
        let get = async |service: &ResponseCache<Origin>, fields: &[(&str, &str)]| {
            ask(service, request("GET", "/", fields)).await.expect("a response")
        };
        for _ in 0..60 {
            // A layer beside it has hits, and one that was cloned for a connection counts with its original.
            get(&hits, &[]).await;
            get(&hits, &[("x-seat", SECRET)]).await;
            let never = never.clone();
            get(&never, &[("x-seat", SECRET)]).await;
        }
        assert_eq!(log.take(), [""; 0], "{cache:?}");
        for _ in 0..60 {
            get(&hits, &[("x-seat", SECRET)]).await;
            get(&hits, &[]).await;
            let never = never.clone();
            get(&never, &[("x-seat", SECRET)]).await;
        }
        let warned = log.take();
        assert_eq!(warned.len(), 1, "{cache:?} {warned:?}");
        assert!(warned[0].contains("`x-seat`") && !warned[0].contains("hunter2"), "{warned:?}");
        // A name that a client made up is shown as text, and a cookie without a name is not shown.
        let odd = ResponseCacheLayer::new().expire("1m").cache(&cache).group("c");
        let odd = [odd.clone(), odd.version(1)].map(|layer| origin.behind(&layer));
        for (service, cookie) in odd.iter().zip([format!("a\\\t`b{}=1", "c".repeat(500)), SECRET.to_owned()])
        {
            for _ in 0..100 {
                get(service, &[("cookie", &cookie)]).await;
            }
            let warned = log.take();
            assert!(warned.len() == 1 && warned[0].len() < 600, "{warned:?}");
            assert!(!warned[0].contains("hunter2") && !warned[0].contains('\t'), "{warned:?}");
        }
    }
}
