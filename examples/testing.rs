//! Tests of a program that uses larder: a cache and a database for each. `cargo run --example testing --features "axum test-util"`
//! runs them one after the other; as tests: `cargo test -p larder-examples --example testing --features "axum test-util"`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::Request;
use axum::routing::get;
use larder::{Cache, IgnoreInKey, cache, cache_evict};
use tower::ServiceExt as _;

/// The program under test. It knows nothing of its tests, and uses the process-wide cache.
mod shop {
    use super::*;

    /// A database that counts its queries.
    #[derive(Clone, IgnoreInKey)]
    pub(crate) struct Db {
        pub(crate) names: Arc<[&'static str]>,
        pub(crate) queries: Arc<AtomicUsize>,
    }

    impl Db {
        pub(crate) fn new(names: &[&'static str]) -> Self {
            Self { names: names.into(), queries: Arc::default() }
        }
    }

    #[cache(expire = "1h", tags = ["item:{id}"])]
    pub(crate) async fn name(db: &Db, id: usize) -> Option<String> {
        db.queries.fetch_add(1, SeqCst);
        db.names.get(id).map(ToString::to_string)
    }

    #[cache_evict(tags = ["item:{id}"])]
    pub(crate) async fn rename(_db: &Db, id: usize) {}

    #[cache(response, expire = "30s")]
    async fn page(State(db): State<Db>, Path(id): Path<usize>) -> String {
        name(&db, id).await.unwrap_or_else(|| "no such item".to_owned())
    }

    pub(crate) fn app(db: Db) -> Router {
        Router::new().route("/items/{id}", get(page)).with_state(db)
    }
}

/// Each test has a cache of its own, and so the values of its own database.
async fn a_service(first: &'static str) {
    let db = shop::Db::new(&[first]);
    let cache = Cache::for_test();
    cache
        .scope(async {
            assert_eq!(shop::name(&db, 0).await.as_deref(), Some(first));
            assert_eq!(shop::name(&db, 0).await.as_deref(), Some(first));
            assert_eq!(db.queries.load(SeqCst), 1, "the second call is a hit");
            shop::rename(&db, 0).await;
            shop::name(&db, 0).await;
            assert_eq!(db.queries.load(SeqCst), 2);
        })
        .await;
    println!("a service whose database begins with {first}: {} hit", cache.stats().total.hits);
}

async fn an_application() {
    let cache = Cache::for_test();
    let app = shop::app(shop::Db::new(&["chair"])).layer(larder::http::scope(&cache));
    for expected in ["MISS", "HIT"] {
        let request = Request::get("/items/0").body(Body::empty()).expect("a request");
        let response = app.clone().oneshot(request).await.expect("a response");
        assert_eq!(response.headers()["x-cache"], expected);
        assert_eq!(to_bytes(response.into_body(), usize::MAX).await.expect("a body"), "chair");
        println!("an application: {expected}");
    }
}

async fn time_and_failures() {
    let (cache, db) = (Cache::for_test(), shop::Db::new(&["chair"]));
    cache
        .scope(async {
            shop::name(&db, 0).await;
            cache.clock().advance(Duration::from_secs(3600));
            shop::name(&db, 0).await;
            assert_eq!(db.queries.load(SeqCst), 2, "the entry has expired");
            cache.chaos().refuse();
            assert_eq!(shop::name(&db, 0).await.as_deref(), Some("chair"), "without a store it is computed");
            assert_eq!(db.queries.load(SeqCst), 3);
        })
        .await;
    println!("time and failures: {} queries", db.queries.load(SeqCst));
}

#[tokio::main]
async fn main() {
    tokio::join!(a_service("chair"), a_service("table"));
    an_application().await;
    time_and_failures().await;
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn one_database() {
        super::a_service("chair").await;
    }

    #[tokio::test]
    async fn another_database() {
        super::a_service("table").await;
    }

    #[tokio::test]
    async fn an_application() {
        super::an_application().await;
    }

    #[tokio::test]
    async fn time_and_failures() {
        super::time_and_failures().await;
    }
}
