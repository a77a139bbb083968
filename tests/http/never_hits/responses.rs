//! Responses that are not cached, or never found again.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::redis::RedisServer;
use support::stores::{caches, caches_with, hasty};
use support::wire::{Origin, ask, request};

use super::send::send;
use support::log::Log;

/// The responses that a handler makes by its path.
fn made(kind: &str) -> Response {
    match kind {
        "cookie" => ([("set-cookie", "lang=de; Path=/")], "page").into_response(),
        "no-store" => ([("cache-control", "no-store")], "page").into_response(),
        "private" => ([("cache-control", "private")], "page").into_response(),
        "no-cache" => ([("cache-control", "no-cache")], "page").into_response(),
        "created" => (StatusCode::ACCEPTED, "page").into_response(),
        "failed" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "any" => ([("vary", "*")], "page").into_response(),
        _ => "page".into_response(),
    }
}

const KINDS: [(&str, &[&str]); 8] = [
    ("cookie", &["`Set-Cookie` (`lang`)", "layer outside"]),
    ("no-store", &["`no-store`", "client_max_age"]),
    ("private", &["`private`", "one entry per credential"]),
    ("no-cache", &["`no-cache`", "s-maxage"]),
    ("created", &["the status 202", "statuses(200, 202)", "expire_status"]),
    ("any", &["`Vary: *`"]),
    // A failure is no setting.
    ("failed", &[]),
    ("page", &[]),
];

/// Handlers of their own, each with one count.
macro_rules! handlers {
    ($($name:ident)*) => {
        [$({
            #[cache(response, expire = "1h", cache = cache.0)]
            async fn $name(cache: State<Cache>, Path(kind): Path<String>) -> Response {
                made(&kind)
            }
            get($name)
        }),*]
    };
}

#[tokio::test]
async fn responses_that_are_never_cached() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    let caches = caches().await;
    let of_memory = handlers!(a b c d e f g h);
    let of_redis = handlers!(i j k l m n o p);
    for (cache, handlers) in caches.iter().zip([of_memory, of_redis]) {
        for ((kind, parts), handler) in KINDS.into_iter().zip(handlers) {
            let layer = ResponseCacheLayer::new().expire("1m").cache(cache);
            let plain = get(async move || made(kind));
            let layered = Router::new().route("/layer/{kind}", plain).layer(layer);
            let app = layered.route("/handler/{kind}", handler).with_state(cache.clone());
            for way in ["layer", "handler"] {
                let uri = format!("/{way}/{kind}");
                send(&app, &uri, 99, &[]).await;
                assert_eq!(log.take(), [""; 0], "{cache:?} {uri}");
                send(&app, &uri, 101, &[]).await;
                let warned = log.take();
                assert_eq!(warned.len(), usize::from(!parts.is_empty()), "{cache:?} {uri} {warned:?}");
                for part in parts {
                    assert!(
                        warned[0].contains(part) && warned[0].contains("none of 100"),
                        "{part}: {warned:?}"
                    );
                }
            }
        }
    }
}

#[derive(Deserialize, Serialize)]
struct Search {
    nonce: Option<u32>,
}

#[cache(response, expire = "1h", vary(x_nonce), cache = cache.0)]
async fn searched(cache: State<Cache>, Path(n): Path<u8>, search: Query<Search>) -> String {
    format!("{n} {:?}", search.nonce)
}

#[cache(response, expire = "1h", private, cache = cache.0)]
async fn signed(cache: State<Cache>, Path(n): Path<u8>) -> String {
    n.to_string()
}

#[tokio::test]
async fn responses_that_are_stored_and_never_found() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for (at, cache) in
        caches_with(|builder| builder.credential_headers(["X-Proof"])).await.into_iter().enumerate()
    {
        let layer = ResponseCacheLayer::new().expire("1m").cache(&cache).name("shop").vary(["x-nonce"]);
        let app = Router::new().route("/shop", get(async || "page")).layer(layer);
        let routes = app.route("/searched/{n}", get(searched)).route("/signed/{n}", get(signed));
        let app = routes.with_state(cache.clone());
        let send = async |uri: &str, fields: &[(&str, &str)]| {
            let got = ask(&app, request("GET", uri, fields)).await.expect("a response");
            assert_eq!(got.x_cache(), "MISS", "{cache:?} {uri}");
        };
        for n in 0..100 {
            let nonce = format!("nonce-{n}");
            send(&format!("/shop?nonce={n}"), &[]).await;
            send("/searched/1", &[("x-nonce", &nonce)]).await;
            send("/signed/1", &[("authorization", "Bearer hunter2"), ("x-proof", &nonce)]).await;
            let warned = log.take();
            if n < 99 {
                assert_eq!(warned, [""; 0], "{cache:?} {n}");
                continue;
            }
            // The handlers were reported for the first cache.
            let wanted: &[&[&str]] = &[
                &["`shop`", "host, path and query", "`x-nonce`"],
                &["searched`", "the path", "`cache`, `n`, `search`", "`x-nonce`"],
                &["signed`", "`authorization`, `x-proof`"],
            ];
            let wanted = if at == 0 { wanted } else { &wanted[..1] };
            assert_eq!(warned.len(), wanted.len(), "{cache:?} {warned:?}");
            for (warned, parts) in warned.iter().zip(wanted) {
                for part in parts.iter().chain(&["stored 100 responses"]) {
                    assert!(warned.contains(part), "{part}: {warned}");
                }
                assert!(!warned.contains("hunter2") && !warned.contains("nonce-99"), "{warned}");
            }
        }
    }
}

#[tokio::test]
async fn a_hit_or_an_outage_is_no_mistake_in_the_key() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in caches().await {
        let layer = ResponseCacheLayer::new().expire("1m").cache(&cache);
        let shop = Origin::says(200, &[]).behind(&layer);
        for n in 0..150 {
            // The last one was stored sixty requests before.
            for n in if n % 60 == 59 { vec![n, n - 59] } else { vec![n] } {
                ask(&shop, request("GET", &format!("/{n}"), &[])).await.expect("a response");
            }
        }
        // A request that asks for a new response could not be a hit.
        for _ in 0..150 {
            ask(&shop, request("GET", "/new", &[("cache-control", "no-cache")])).await.expect("a response");
        }
        assert_eq!(log.take(), [""; 0], "{cache:?}");
    }
    let redis = RedisServer::start();
    let cache = hasty(&redis).build().await.expect("a cache");
    let shop = Origin::says(200, &[]).behind(&ResponseCacheLayer::new().expire("1m").cache(&cache));
    redis.stop();
    for _ in 0..150 {
        ask(&shop, request("GET", "/", &[])).await.expect("a response");
    }
    let warned = log.take();
    assert!(warned.iter().all(|warned| !warned.contains("stored 100")), "{warned:?}");
}
