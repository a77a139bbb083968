//! Writes whose client hangs up: the handler is dropped, and the database may make the change all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use futures_util::future::join_all;
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey, cache, cache_evict, cache_put};
use support::http::Server;
use support::stores::{Calls, Gate, LONG, caches_with};
use support::wait::eventually_async;

/// A page in a database whose writes end although their handlers are dropped.
#[derive(Clone)]
struct Page(Arc<Shared>);

struct Shared {
    cache: Cache,
    version: AtomicU64,
    reads: Calls,
    gate: Gate,
}

impl IgnoreInKey for Page {}

impl std::ops::Deref for Page {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Page {
    fn read(&self) -> String {
        self.reads.add();
        format!("v{}", self.version.load(SeqCst))
    }

    async fn write(&self) -> &'static str {
        let page = self.clone();
        let write = tokio::spawn(async move {
            page.gate.pass().await;
            page.version.store(2, SeqCst);
        });
        write.await.expect("no panic");
        "v2"
    }
}

#[cache(response, expire = "1h", entry = page_entry, tags = ["page"], group = "pages", cache = page.cache)]
async fn page(page: State<Page>) -> String {
    page.read()
}

#[cache_evict(response, entry = page_entry(page.clone()), cache = page.cache)]
async fn evict_entry(page: State<Page>) -> &'static str {
    page.write().await
}

#[cache_evict(response, tags = ["page"], cache = page.cache)]
async fn evict_tag(page: State<Page>) -> &'static str {
    page.write().await
}

#[cache_evict(response, group = "pages", before, cache = page.cache)]
async fn evict_group(page: State<Page>) -> &'static str {
    page.write().await
}

#[cache_put(response, entry = page_entry(page.clone()), cache = page.cache)]
async fn put(page: State<Page>) -> &'static str {
    page.write().await
}

async fn plain(page: State<Page>) -> String {
    page.read()
}

async fn plain_write(page: State<Page>) -> &'static str {
    page.write().await
}

/// A write that names the URL which a layer caches.
#[cache_evict(response, url = "/layer", cache = page.cache)]
async fn evict_url(page: State<Page>) -> &'static str {
    page.write().await
}

fn router(page: &Page) -> Router {
    let layer = ResponseCacheLayer::new().expire("1h").cache(&page.cache);
    let grouped = ResponseCacheLayer::new().expire("1h").group("g").hosts(["example.com", "example.org"]);
    let writes = || get(plain).post(plain_write).put(plain_write).patch(plain_write).delete(plain_write);
    Router::new()
        .route("/layer", writes())
        .layer(layer)
        .merge(Router::new().route("/grouped", writes()).layer(grouped.cache(&page.cache)))
        .route("/page", get(self::page).post(evict_entry).put(put).patch(evict_tag).delete(evict_group))
        .route("/other", get(plain).post(evict_url))
        .with_state(page.clone())
}

/// The write, and the path where the page is read.
const WRITES: [(&str, &str, &str); 11] = [
    ("POST", "/page", "/page"),
    ("PUT", "/page", "/page"),
    ("PATCH", "/page", "/page"),
    ("DELETE", "/page", "/page"),
    ("POST", "/layer", "/layer"),
    ("PUT", "/layer", "/layer"),
    ("PATCH", "/layer", "/layer"),
    ("DELETE", "/layer", "/layer"),
    ("POST", "/other", "/layer"),
    ("POST", "/grouped", "/grouped"),
    ("DELETE", "/grouped", "/grouped"),
];

async fn client_hangs_up(cache: Cache, (method, path, read): (&str, &str, &str)) {
    let case = format!("{cache:?} {method} {path}");
    let page = Page(Arc::new(Shared {
        cache,
        version: AtomicU64::new(1),
        reads: Calls::default(),
        gate: Gate::default(),
    }));
    let server = Server::start(router(&page)).await;
    server.get(read).await;
    assert_eq!(server.get(read).await.brief(), ("HIT", "v1"), "{case}");
    let client = server.open(method, path, &[], "").await;
    page.gate.arrived(1).await;
    drop(client);
    // The old page is removed at once, and cached again, because the change has not been made yet.
    eventually_async(LONG, || async { server.get(read).await.x_cache() != "HIT" }).await;
    eventually_async(LONG, || async { server.get(read).await.brief() == ("HIT", "v1") }).await;
    page.gate.open();
    eventually_async(LONG, || async { server.get(read).await.text() == "v2" }).await;
    eventually_async(LONG, || async { server.get(read).await.brief() == ("HIT", "v2") }).await;
}

#[tokio::test]
async fn the_old_page_is_not_served_after_its_client_has_gone() {
    let mut cases = Vec::new();
    for write in WRITES {
        for cache in caches_with(|builder| builder.redis_timeout(Duration::from_secs(1))).await {
            cases.push(client_hangs_up(cache, write));
        }
    }
    join_all(cases).await;
}
