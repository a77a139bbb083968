//! Other attributes beside `#[cache(response)]`, and the handler without it.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Json, Router};
use larder::http::{CacheHandle, RedisConnection};
use larder::{Cache, cache, cache_put};
use support::stores::caches;
use support::wire::{ask, request};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::with_default;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use utoipa::OpenApi;

use super::App;

#[axum::debug_handler]
#[cache(response, expire = "1h", uncached = item_plain, cache = app.cache)]
async fn item(State(app): State<App>, Path(id): Path<u64>) -> String {
    app.page(id)
}

#[cache(response, expire = "1h", uncached = below_plain, cache = app.cache)]
#[axum::debug_handler]
async fn below(Path(id): Path<u64>, #[cache(ignore)] State(app): State<App>, body: String) -> String {
    app.page(format!("{id}{body}"))
}

#[tokio::test]
async fn the_plain_handler_is_called_like_any_function() {
    for cache in &caches().await {
        let app = App::new(cache);
        let router = Router::new()
            .route("/{id}", get(item))
            .route("/below/{id}", get(below))
            .route("/plain/{id}", get(item_plain))
            .with_state(app.clone());
        for uri in ["/1", "/below/1"] {
            for x_cache in ["MISS", "HIT"] {
                let got = ask(&router, request("GET", uri, &[])).await.expect("a response");
                assert_eq!(got.x_cache(), x_cache, "{cache:?}");
            }
        }
        assert_eq!(item_plain(State(app.clone()), Path(1)).await, "1 2", "{cache:?}");
        assert_eq!(below_plain(Path(1), State(app.clone()), "a".to_owned()).await, "1a 3", "{cache:?}");
        for calls in [4, 5] {
            let got = ask(&router, request("GET", "/plain/1", &[])).await.expect("a response");
            assert_eq!(got.brief(), (String::new(), format!("1 {calls}")), "{cache:?}");
        }
    }
}

#[cache(response, expire = "1h", cache = app.cache)]
#[tracing::instrument(skip(app), fields(%slug))]
async fn post(Path(slug): Path<String>, State(app): State<App>) -> String {
    app.page(slug)
}

#[tracing::instrument(skip_all, fields(%slug))]
#[cache(response, expire = "1h", cache = app.cache)]
async fn post_above(Path(slug): Path<String>, State(app): State<App>) -> String {
    app.page(slug)
}

/// Collects the fields of spans.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attributes.metadata().target().starts_with("http::arguments") {
            let mut text = attributes.metadata().name().to_owned();
            attributes.record(&mut Text(&mut text));
            self.0.lock().expect("no panic").push(text);
        }
    }
}

#[test]
fn a_span_has_the_fields_of_the_function_as_it_was_written() {
    let spans = Spans::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    with_default(Registry::default().with(spans.clone()), || {
        runtime.block_on(async {
            for cache in &caches().await {
                let router =
                    Router::new().route("/below/{slug}", get(post)).route("/above/{slug}", get(post_above));
                let router = router.with_state(App::new(cache));
                for (uri, name) in [("/below/first", "post"), ("/above/first", "post_above")] {
                    for x_cache in ["MISS", "HIT"] {
                        let got = ask(&router, request("GET", uri, &[])).await.expect("a response");
                        assert_eq!(got.x_cache(), x_cache, "{cache:?} {uri}");
                    }
                    // One computation, one span.
                    let found = std::mem::take(&mut *spans.0.lock().expect("no panic"));
                    assert_eq!(found, [format!("{name} slug=first")], "{cache:?}");
                }
            }
        });
    });
}

/// An item.
#[cache(response, expire = "1h", cache = app.cache)]
#[utoipa::path(get, path = "/below/{id}", responses((status = 200, body = u64)))]
async fn described(Path(id): Path<u64>, State(app): State<App>) -> Json<u64> {
    app.calls.add();
    Json(id)
}

/// Another item.
#[utoipa::path(get, path = "/above/{id}", responses((status = 200, body = u64)))]
#[cache(response, expire = "1h", uncached = described_plain, cache = app.cache)]
async fn described_above(Path(id): Path<u64>, State(app): State<App>) -> Json<u64> {
    app.calls.add();
    Json(id)
}

#[derive(OpenApi)]
#[openapi(paths(described, described_above))]
struct Api;

#[tokio::test]
async fn the_description_has_the_parameters_of_the_function_as_it_was_written() {
    let api = Api::openapi();
    for (path, summary) in [("/below/{id}", "An item."), ("/above/{id}", "Another item.")] {
        let operation = api.paths.paths[path].get.as_ref().expect("an operation");
        assert_eq!(operation.summary.as_deref(), Some(summary));
        let names: Vec<_> = operation.parameters.iter().flatten().map(|parameter| &parameter.name).collect();
        assert_eq!(names, ["id"], "{path}");
    }
    for cache in &caches().await {
        let app = App::new(cache);
        let router =
            Router::new().route("/below/{id}", get(described)).route("/above/{id}", get(described_above));
        let router = router.with_state(app.clone());
        for uri in ["/below/7", "/above/7"] {
            for x_cache in ["MISS", "HIT"] {
                let got = ask(&router, request("GET", uri, &[])).await.expect("a response");
                assert_eq!(got.brief(), (x_cache.to_owned(), "7".to_owned()), "{cache:?}");
            }
        }
        assert_eq!(described_plain(Path(8), State(app)).await.0, 8);
    }
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn handled(
    State(app): State<App>,
    handle: Option<CacheHandle>,
    checked: Result<CacheHandle, larder::http::CacheRejection>,
    redis: Option<RedisConnection>,
) -> String {
    app.page(format!("{} {} {}", handle.is_some(), checked.is_ok(), redis.is_some()))
}

#[cache_put(response, key = "handled", cache = app.cache)]
async fn unhandled(State(app): State<App>, handle: Option<CacheHandle>) -> String {
    app.page(handle.is_some())
}

#[tokio::test]
async fn a_cache_may_be_absent() {
    for cache in &caches().await {
        let app = App::new(cache);
        let router = Router::new().route("/", get(handled).put(unhandled)).with_state(app.clone());
        let got = ask(&router, request("GET", "/", &[])).await.expect("a response");
        assert_eq!(got.brief(), ("MISS".to_owned(), "false false false 0".to_owned()), "{cache:?}");
        let got = ask(&router, request("PUT", "/", &[])).await.expect("a response");
        assert_eq!((got.status, got.text().as_str()), (200, "false 1"), "{cache:?}");
        cache.clear().await.expect("cleared");
        let present: Cache = cache.clone();
        let router = router.layer(Extension(present));
        let has_redis = format!("{cache:?}").contains("redis");
        for x_cache in ["MISS", "HIT"] {
            let got = ask(&router, request("GET", "/", &[])).await.expect("a response");
            assert_eq!(got.brief(), (x_cache.to_owned(), format!("true true {has_redis} 2")), "{cache:?}");
        }
    }
}
