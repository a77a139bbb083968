//! Paths in keys: the whole one that the client sent, and the one that a middleware makes of it.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::Uri;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use futures_util::TryStreamExt;
use larder::cache;
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use support::deployment::shared;
use support::stores::{Calls, caches, counts, on, unique};
use support::wire::{Reply, ask, request};
use tower::ServiceExt;

tokio::task_local! {
    static TENANT: String;
}

#[derive(Clone)]
struct App {
    cache: Cache,
    calls: Arc<Calls>,
}

impl IgnoreInKey for App {}

impl App {
    fn new(cache: &Cache) -> Self {
        Self { cache: cache.clone(), calls: Arc::default() }
    }
}

/// Puts the tenant of the path where no argument shows it.
async fn know_tenant(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<OriginalUri>().map_or(request.uri(), |uri| &uri.0).path();
    let tenant = path.split('/').nth(1).unwrap_or_default().to_owned();
    TENANT.scope(tenant, next.run(request)).await
}

/// The parameter that the handler reads of the two in the path.
#[derive(Deserialize, Serialize)]
struct OnlyId {
    id: u64,
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn items(app: State<App>) -> String {
    app.calls.add();
    TENANT.with(Clone::clone)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn item(app: State<App>, Path(only): Path<OnlyId>) -> String {
    app.calls.add();
    format!("{} {}", TENANT.with(Clone::clone), only.id)
}

#[cache(response, expire = "1h", key = "terms", cache = app.cache)]
async fn terms(app: State<App>) -> String {
    app.calls.add().to_string()
}

fn tenants(app: &App) -> Router {
    let routes = || {
        Router::new().route("/items", get(items)).route("/items/{id}", get(item)).route("/terms", get(terms))
    };
    let twice = Router::new().nest("/{section}", routes());
    let routes = Router::new().nest("/{tenant}", routes()).nest("/{tenant}/in", twice);
    routes.layer(from_fn(know_tenant)).with_state(app.clone())
}

async fn get_of(app: &Router, uri: &str, headers: &[(&str, &str)]) -> Reply {
    ask(app, request("GET", uri, headers)).await.expect("a response")
}

#[tokio::test]
async fn a_path_parameter_that_no_argument_takes_separates_entries() {
    for cache in caches().await {
        let state = App::new(&cache);
        let app = tenants(&state);
        for x_cache in ["MISS", "HIT"] {
            for (uri, page) in [
                ("/acme/items", "acme"),
                ("/other/items", "other"),
                ("/acme/items/7", "acme 7"),
                ("/other/items/7", "other 7"),
                ("/acme/in/a/items", "acme"),
                ("/acme/in/b/items", "acme"),
                ("/other/in/a/items", "other"),
            ] {
                let page = (x_cache.to_owned(), page.to_owned());
                assert_eq!(get_of(&app, uri, &[]).await.brief(), page, "{cache:?} {uri}");
            }
        }
        // The query and the host are for arguments.
        let got = get_of(&app, "/acme/items?page=2", &[("host", "b.example")]).await;
        assert_eq!(got.brief(), ("HIT".to_owned(), "acme".to_owned()), "{cache:?}");
        // A key of its own has no path.
        let pages = ["/acme/terms", "/other/terms"].map(|uri| get_of(&app, uri, &[]));
        let [first, second] = pages;
        assert_eq!((first.await.x_cache(), second.await.x_cache()), ("MISS".to_owned(), "HIT".to_owned()));
        assert_eq!(state.calls.count(), 8, "{cache:?}");
    }
}

#[tokio::test]
async fn another_process_finds_the_entries_and_no_label_has_a_path() {
    let prefix = unique("paths");
    for x_cache in ["MISS", "HIT"] {
        let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
        let app = tenants(&App::new(&cache));
        for uri in ["/canary/items", "/canary/items/7", "/canary/in/a/items"] {
            assert_eq!(get_of(&app, uri, &[]).await.x_cache(), x_cache, "{uri}");
        }
        let stats = cache.stats();
        assert!(!format!("{stats:?} {stats}").contains("canary"), "{stats}");
        let counted = counts(&cache, "items");
        assert_eq!(counted.hits + counted.misses, 2, "{stats}");
        let keys: Vec<String> = cache.keys("*").try_collect().await.expect("the store is there");
        assert!(keys.len() == 3 && keys.iter().all(|key| !key.contains("canary")), "{keys:?}");
    }
}

/// The URI of a tenant, as a middleware makes it from a header.
fn of_tenant(mut request: Request) -> Request {
    if let Some(tenant) = request.headers().get("x-tenant") {
        let tenant = tenant.to_str().expect("text");
        let uri = format!("/{tenant}{}", request.uri());
        *request.uri_mut() = uri.parse().expect("a URI");
    }
    request
}

/// The URI that a service sees.
async fn seen(app: State<App>, uri: Uri) -> String {
    app.calls.add();
    uri.to_string()
}

/// A router whose nested one is rewritten for each tenant, in front of `inner`.
fn rewritten(inner: Router) -> Router {
    let inner = inner.into_service::<axum::body::Body>().map_request(of_tenant);
    Router::new().nest_service("/api", inner)
}

#[tokio::test]
async fn a_uri_that_is_rewritten_above_a_layer_is_in_its_key() {
    let minute = || ResponseCacheLayer::new().expire("1m");
    let tagged = minute().when(|_| true).tags(|parts| [parts.uri.path().to_owned()]);
    for layer in
        [minute(), minute().authority(false), minute().shared(), tagged, minute().hosts(["a.example"])]
    {
        for cache in caches().await {
            let state = App::new(&cache);
            let inner = Router::new().fallback(seen).with_state(state.clone());
            let app = rewritten(inner.layer(layer.clone().cache(&cache)));
            let get = async |uri: &str, tenant: &[(&str, &str)]| {
                get_of(&app, uri, &[&[("host", "a.example")], tenant].concat()).await.brief()
            };
            let tenants = [&[("x-tenant", "a")][..], &[("x-tenant", "b")], &[("x-tenant", "a/x")], &[]];
            let pages = ["/a/x", "/b/x", "/a/x/x", "/x"];
            for x_cache in ["MISS", "HIT"] {
                for (tenant, page) in tenants.into_iter().zip(pages) {
                    for query in ["", "?q=1"] {
                        let page = (x_cache.to_owned(), format!("{page}{query}"));
                        assert_eq!(
                            get(&format!("/api/x{query}"), tenant).await,
                            page,
                            "{layer:?} {tenant:?}"
                        );
                    }
                }
            }
            // A rewritten URI is no other request's own one.
            let long = get("/api/a/x", &[]).await;
            assert_eq!(long, ("MISS".to_owned(), "/a/x".to_owned()), "{layer:?}");
            // A write removes the page of its own tenant alone.
            let write = request("POST", "/api/x", &[("host", "a.example"), ("x-tenant", "a")]);
            assert_eq!(ask(&app, write).await.expect("a response").status, 200);
            let left: Vec<String> = {
                let mut left = Vec::new();
                for tenant in &tenants[..2] {
                    left.push(get("/api/x", tenant).await.0);
                }
                left
            };
            assert_eq!(left, ["MISS", "HIT"], "{layer:?}");
        }
    }
}

#[tokio::test]
async fn a_nested_router_has_the_keys_of_whole_urls() {
    for cache in caches().await {
        let state = App::new(&cache);
        let layer = ResponseCacheLayer::new().expire("1m").cache(&cache);
        let inner = || Router::new().fallback(seen).with_state(state.clone()).layer(layer.clone());
        let routes =
            Router::new().route("/x", get(seen)).route("/{*rest}", get(seen)).with_state(state.clone());
        let routes = routes.layer(layer.clone());
        let app = Router::new()
            .nest("/a", routes.clone())
            .nest("/b/{n}", routes)
            .nest_service("/c", inner())
            .nest("/d", Router::new().nest_service("/{n}/e", inner()));
        for uri in ["/a/x", "/a/y/z?q=1", "/b/7/x", "/c/x", "/c", "/c/", "/d/7/e/x", "/d/7/e"] {
            for x_cache in ["MISS", "HIT"] {
                assert_eq!(get_of(&app, uri, &[]).await.x_cache(), x_cache, "{cache:?} {uri}");
            }
            assert_eq!(cache.invalidate_url(uri).await.ok(), Some(true), "{cache:?} {uri}");
            assert_eq!(get_of(&app, uri, &[]).await.x_cache(), "MISS", "{cache:?} {uri}");
            assert_eq!(layer.invalidate(uri).await.ok(), Some(true), "{cache:?} {uri}");
        }
    }
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn page(app: State<App>) -> String {
    app.calls.add().to_string()
}

#[tokio::test]
async fn a_uri_that_is_rewritten_above_a_handler_is_in_its_key() {
    for cache in caches().await {
        let state = App::new(&cache);
        let routes = Router::new().route("/{*rest}", get(page)).with_state(state.clone());
        let app = rewritten(routes);
        for x_cache in ["MISS", "HIT"] {
            for tenant in [&[("x-tenant", "a")][..], &[("x-tenant", "b")], &[]] {
                assert_eq!(get_of(&app, "/api/x", tenant).await.x_cache(), x_cache, "{cache:?} {tenant:?}");
            }
        }
        assert_eq!(state.calls.count(), 3, "{cache:?}");
    }
}

/// A middleware of tower that removes a part of the path for some clients only.
#[tokio::test]
async fn a_prefix_that_is_removed_for_some_clients_separates_entries() {
    for cache in caches().await {
        let state = App::new(&cache);
        let layer = ResponseCacheLayer::new().expire("1m").cache(&cache);
        let inner = Router::new().fallback(seen).with_state(state.clone()).layer(layer);
        let inner = inner.into_service::<axum::body::Body>().map_request(|mut request: Request| {
            if request.headers().contains_key("x-old") {
                let path = request.uri().path().strip_prefix("/v1").unwrap_or("/").to_owned();
                *request.uri_mut() = path.parse().expect("a URI");
            }
            request
        });
        let app = Router::new().nest_service("/api", inner.map_err(|never: Infallible| match never {}));
        for x_cache in ["MISS", "HIT"] {
            for (headers, page) in [(&[("x-old", "1")][..], "/x"), (&[], "/v1/x")] {
                let got = get_of(&app, "/api/v1/x", headers).await.brief();
                assert_eq!(got, (x_cache.to_owned(), page.to_owned()), "{cache:?} {headers:?}");
            }
        }
    }
}
