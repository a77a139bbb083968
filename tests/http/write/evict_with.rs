//! Handlers with `#[cache_evict(response)]` whose value names what is evicted.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use larder::cache_evict;
use support::http::Server;
use support::stores::{caches, counts};

use super::shop::{Shop, item, item_entry, tagged};

type Made = Result<(StatusCode, Json<u64>), StatusCode>;

/// Makes an item whose number is one above the one of the request.
#[cache_evict(response, tags_with = |made: &(StatusCode, Json<u64>)| [format!("item:{}", made.1.0)], cache = shop.cache)]
async fn make(Path(id): Path<u64>, shop: State<Shop>) -> Made {
    let status = shop.write(id + 1);
    if status == StatusCode::CONFLICT { Err(status) } else { Ok((status, Json(id + 1))) }
}

#[cache_evict(response, entry_with = |id: &Json<u64>| item_entry(Path(id.0), shop.clone()), cache = shop.cache)]
async fn touch(Path(id): Path<u64>, shop: State<Shop>) -> Json<u64> {
    Json(id + 1)
}

#[cache_evict(response, tags_with = |_: &Json<u64>| -> Vec<String> { panic!("no names") }, cache = shop.cache)]
async fn nameless(Path(id): Path<u64>, shop: State<Shop>) -> Json<u64> {
    Json(id)
}

async fn serve(shop: &Shop) -> Server {
    let app = Router::new()
        .route("/items/{id}", get(item))
        .route("/tagged/{id}", get(tagged))
        .route("/make/{id}", post(make))
        .route("/touch/{id}", post(touch))
        .route("/nameless/{id}", post(nameless))
        .with_state(shop.clone());
    Server::start(app).await
}

#[tokio::test]
async fn what_a_handler_returns_names_what_is_evicted() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let server = serve(&shop).await;
        for path in ["/tagged/1", "/tagged/2", "/items/1", "/items/2"] {
            server.get(path).await;
        }
        let refresh = async |status: u16, path: &str| {
            shop.fails_with(status);
            assert_eq!(server.send("POST", path, &[], "").await.status, status, "{cache:?} {path}");
        };
        // Neither an `Err` nor a value whose status is an error is a success.
        refresh(409, "/make/1").await;
        refresh(418, "/make/1").await;
        assert_eq!(server.get("/tagged/2").await.x_cache(), "HIT", "{cache:?}");
        refresh(201, "/make/1").await;
        assert_eq!(server.get("/tagged/2").await.x_cache(), "MISS", "{cache:?}");
        assert_eq!(server.get("/tagged/1").await.x_cache(), "HIT", "{cache:?}");

        refresh(200, "/touch/1").await;
        assert_eq!(server.get("/items/2").await.x_cache(), "MISS", "{cache:?}");
        assert_eq!(server.get("/items/1").await.x_cache(), "HIT", "{cache:?}");

        refresh(200, "/nameless/1").await;
        assert_eq!(server.get("/tagged/1").await.x_cache(), "HIT", "{cache:?}");
        assert_eq!(counts(cache, "nameless").refusals, 1, "{cache:?}");
    }
}
