//! Parts of the URL that are left out: host, path and query of the request are part of the key then.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{MatchedPath, OriginalUri, Path, Query, RawQuery, Request, State};
use axum::http::Uri;
use axum::routing::get;
use larder::cache;
use serde::Deserialize;
use support::stores::{caches, caches_with};
use support::wire::{Reply, ask, request};

use super::App;

/// A type that is not `Serialize`, which is why an application ignores it.
#[derive(Deserialize)]
struct Page {
    page: Option<u64>,
}

#[cache(response, expire = "1h", ignore(Query), cache = app.cache)]
async fn by_type(app: State<App>, Query(page): Query<Page>) -> String {
    app.page(page.page.unwrap_or_default())
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_attribute(app: State<App>, #[cache(ignore)] Query(page): Query<Page>) -> String {
    app.page(page.page.unwrap_or_default())
}

#[cache(response, expire = "1h", ignore(page), cache = app.cache)]
async fn optional(app: State<App>, page: axum_extra::extract::OptionalQuery<Page>) -> String {
    app.page(page.0.and_then(|page| page.page).unwrap_or_default())
}

#[cache(response, expire = "1h", ignore(path), cache = app.cache)]
async fn path(app: State<App>, path: Path<String>) -> String {
    app.page(&path.0)
}

#[cache(response, expire = "1h", ignore(path), cache = app.cache)]
async fn checked(app: State<App>, path: Result<Path<String>, PathRejection>) -> String {
    app.page(path.expect("a path").0)
}

#[cache(response, expire = "1h", ignore(uri), cache = app.cache)]
async fn uri(app: State<App>, uri: Uri) -> String {
    app.page(uri)
}

#[cache(response, expire = "1h", ignore(uri), cache = app.cache)]
async fn original(app: State<App>, uri: OriginalUri) -> String {
    app.page(&uri.0)
}

#[cache(response, expire = "1h", ignore(query), cache = app.cache)]
async fn raw(app: State<App>, query: RawQuery) -> String {
    app.page(query.0.unwrap_or_default())
}

#[cache(response, expire = "1h", ignore(request), cache = app.cache)]
async fn whole(app: State<App>, request: Request) -> String {
    app.page(request.uri())
}

#[cache(response, expire = "1h", shared, cache = app.cache)]
async fn declared(app: State<App>, request: Request) -> String {
    app.page(request.uri())
}

#[cache(response, expire = "1h", ignore(route), cache = app.cache)]
async fn counted(app: State<App>, Path(text): Path<String>, route: MatchedPath) -> String {
    let _ = route;
    app.page(text)
}

fn routes(app: &App) -> Router {
    Router::new()
        .route("/type", get(by_type))
        .route("/attribute", get(by_attribute))
        .route("/optional", get(optional))
        .route("/path/{text}", get(path))
        .route("/checked/{text}", get(checked))
        .route("/uri/{*rest}", get(uri))
        .route("/original/{*rest}", get(original))
        .route("/raw", get(raw))
        .route("/whole/{*rest}", get(whole))
        .route("/declared/{*rest}", get(declared))
        .route("/counted/{text}", get(counted))
        .with_state(app.clone())
}

#[tokio::test]
async fn what_is_ignored_of_the_url_is_in_the_key_with_all_of_it() {
    for cache in &caches().await {
        let router = routes(&App::new(cache));
        for (first, second) in [
            ("/type?page=1", "/type?page=2"),
            ("/attribute?page=1", "/attribute?page=2"),
            ("/optional?page=1", "/optional"),
            ("/path/a", "/path/b"),
            ("/checked/a", "/checked/b"),
            ("/uri/a", "/uri/a?x"),
            ("/original/a", "/original/b"),
            ("/raw?a", "/raw?b"),
            ("/whole/a", "/whole/b"),
            ("/declared/a", "/declared/a?x"),
            ("/counted/a", "/counted/b"),
        ] {
            let mut pages = Vec::new();
            for x_cache in ["MISS", "HIT"] {
                for uri in [first, second] {
                    for host in ["a.example", "b.example"] {
                        let got =
                            ask(&router, request("GET", uri, &[("host", host)])).await.expect("a response");
                        assert_eq!(
                            (got.status, got.x_cache().as_str()),
                            (200, x_cache),
                            "{cache:?} {uri} {host}"
                        );
                        pages.push(got.text());
                    }
                }
            }
            let (missed, hit) = pages.split_at(4);
            assert_eq!(missed, hit, "{cache:?} {first}");
        }
    }
}

#[tokio::test]
async fn a_host_has_one_spelling() {
    for cache in &caches().await {
        let router = routes(&App::new(cache));
        let get = async |uri: &str, hosts: &[(&str, &str)]| -> Reply {
            ask(&router, request("GET", uri, hosts)).await.expect("a response")
        };
        assert_eq!(get("/path/a", &[("host", "a.example")]).await.x_cache(), "MISS", "{cache:?}");
        assert_eq!(get("/path/a", &[("host", "A.Example")]).await.x_cache(), "HIT", "{cache:?}");
        assert_eq!(get("http://a.example/path/a", &[]).await.x_cache(), "HIT", "{cache:?}");
        assert_eq!(get("/path/a", &[]).await.x_cache(), "MISS", "{cache:?}");
        // Two hosts are no host: the handler may read either.
        let two = [("host", "a.example"), ("host", "b.example")];
        assert_eq!(get("/path/a", &two).await.x_cache(), "BYPASS", "{cache:?}");
    }
}

#[expect(deprecated, reason = "applications use it as long as it is there")]
mod host {
    use axum_extra::extract::Host;

    use super::*;

    #[cache(response, expire = "1h", cache = app.cache)]
    async fn counted(app: State<App>, Host(host): Host) -> String {
        app.page(host)
    }

    #[cache(response, expire = "1h", ignore(host), cache = app.cache)]
    async fn ignored(app: State<App>, host: Host) -> String {
        app.page(host.0)
    }

    #[tokio::test]
    async fn two_hosts_have_two_pages() {
        for cache in &caches().await {
            let app = App::new(cache);
            let router = Router::new().route("/counted", get(counted)).route("/ignored", get(ignored));
            let router = router.with_state(app);
            for uri in ["/counted", "/ignored"] {
                for name in ["host", "x-forwarded-host"] {
                    for x_cache in ["MISS", "HIT"] {
                        for host in ["a", "b"] {
                            let host = format!("{host}.{name}");
                            // The server before the application names itself.
                            let fields = [("host", "proxy"), (name, host.as_str())];
                            let fields = if name == "host" { &fields[1..] } else { &fields[..] };
                            let got = ask(&router, request("GET", uri, fields)).await.expect("a response");
                            assert_eq!(got.x_cache(), x_cache, "{cache:?} {uri} {fields:?}");
                            assert!(got.text().starts_with(&host), "{cache:?} {uri} {got:?}");
                        }
                    }
                }
            }
        }
    }
}

#[cache(response, expire = "1h", key = "one", ignore(path), cache = app.cache)]
async fn keyed(app: State<App>, path: Path<String>) -> String {
    app.page(path.0)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_builder(app: State<App>, path: Path<String>) -> String {
    app.page(path.0)
}

#[cache(response, expire = "1h", entry = named_entry, cache = app.cache)]
async fn named(app: State<App>, path: Path<String>) -> String {
    app.page(path.0)
}

#[tokio::test]
async fn a_key_is_what_it_says_and_the_builder_ignores_like_the_attribute() {
    for cache in &caches_with(|builder| builder.ignore_arg_type::<Path<String>>()).await {
        let app = App::new(cache);
        let router = Router::new()
            .route("/keyed/{text}", get(keyed))
            .route("/builder/{text}", get(by_builder))
            .route("/named/{text}", get(named))
            .with_state(app.clone());
        let get = async |uri: &str| ask(&router, request("GET", uri, &[])).await.expect("a response").brief();
        let hit = |x_cache: &str, text: &str| (x_cache.to_owned(), text.to_owned());
        assert_eq!(get("/keyed/a").await, hit("MISS", "a 0"), "{cache:?}");
        assert_eq!(get("/keyed/b").await, hit("HIT", "a 0"), "{cache:?}");
        assert_eq!(get("/builder/a").await, hit("MISS", "a 1"), "{cache:?}");
        assert_eq!(get("/builder/b").await, hit("MISS", "b 2"), "{cache:?}");
        assert_eq!(get("/builder/a").await, hit("HIT", "a 1"), "{cache:?}");
        // The entry function knows no URL, so nothing can be cached.
        assert_eq!(get("/named/a").await, hit("BYPASS", "a 3"), "{cache:?}");
        assert_eq!(get("/named/b").await, hit("BYPASS", "b 4"), "{cache:?}");
        drop(named_entry(State(app), Path("a".to_owned())));
    }
}
