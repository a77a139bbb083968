//! Evictions of one call while the store does not answer.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use larder::cache_evict;
use larder::http::ResponseCacheLayer;
use support::stores::caches_with;
use support::wire::{ask, request};

use super::shop::{Shop, item_entry};

const TIMEOUT: Duration = Duration::from_secs(1);

#[cache_evict(
    response,
    entry = [1, 2, 3].map(|id| item_entry(Path(id), shop.clone())),
    tags = ["a", "b"],
    url = "/items/1",
    key = "named:1",
    cache = shop.cache
)]
async fn several(shop: State<Shop>) -> StatusCode {
    StatusCode::OK
}

#[cache_evict(entry = [1, 2].map(|id| item_entry(Path(id), State(shop.clone()))), group = "shelf:1", cache = shop.cache)]
async fn plain(shop: &Shop) {}

#[tokio::test]
async fn a_call_waits_once() {
    // A breaker would end the waiting early.
    for cache in &caches_with(|builder| builder.redis_timeout(TIMEOUT)).await {
        let shop = Shop::new(cache);
        let layer = ResponseCacheLayer::new().expire("1m").cache(cache).hosts([
            "a.example",
            "b.example",
            "c.example",
        ]);
        let written = Router::new()
            .route("/layer", post(async || ([("location", "/items/1")], "written")))
            .layer(layer.clone());
        let app = Router::new()
            .route("/several", get(async || "").post(several))
            .with_state(shop.clone())
            .merge(written);
        for what in ["handler", "function", "layer", "url of a layer", "url"] {
            cache.chaos().hang();
            let began = Instant::now();
            match what {
                "handler" => drop(ask(&app, request("POST", "/several", &[])).await),
                "function" => plain(&shop).await,
                "layer" => drop(ask(&app, request("POST", "/layer", &[("host", "a.example")])).await),
                "url of a layer" => drop(layer.invalidate("/items/1").await),
                _ => drop(cache.invalidate_url("/items/1").await),
            }
            let took = began.elapsed();
            assert!(took < TIMEOUT * 7 / 4, "{cache:?} {what}: {took:?}");
            cache.chaos().heal();
        }
    }
}
