//! The keys of handlers.

use axum::Router;
use axum::extract::{OriginalUri, Path, Query, RawQuery, Request, State};
use axum::http::Uri;
use axum::routing::get;
use larder::cache;
use support::http::Server;
use support::stores::caches;

use super::shop::{Filter, Shop, item};

#[cache(response, expire = "1h", cache = shop.cache)]
async fn listed(Query(pairs): Query<Vec<(String, String)>>, shop: State<Shop>) -> String {
    format!("{pairs:?}{}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn filtered(Query(filter): Query<Filter>, shop: State<Shop>) -> String {
    format!("{filter:?}{}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn texts(Path(text): Path<String>, shop: State<Shop>) -> String {
    format!("{text}{}", shop.calls.add())
}

#[cache(response, expire = "1h", key = "one", cache = shop.cache)]
async fn keyed(shop: State<Shop>) -> String {
    shop.calls.add().to_string()
}

/// Requests of which only `/list?a=` and `/list?a` are equal.
const DIFFERENT: [&str; 21] = [
    "/list?a=1&a=2",
    "/list?a=2&a=1",
    "/list?z=2&a=1",
    "/list?a=",
    "/list?a",
    "/list",
    "/filter?z=2&a=1",
    "/filter?a=",
    "/filter",
    "/i/a:b",
    "/i/a/b",
    "/i/a%3Ab%3A",
    "/i/*",
    "/i/[a]",
    "/i/?",
    "/i/%3F",
    "/i/%C3%BC",
    "/i/a%00b",
    "/other/a:b",
    "/texts",
    "/texts/",
];

#[tokio::test]
async fn different_requests_have_separate_entries() {
    let long = format!("/i/{}", "x".repeat(2000));
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router = Router::new()
            .route("/list", get(listed))
            .route("/filter", get(filtered))
            .route("/i/{*text}", get(texts))
            .route("/other/{*text}", get(texts))
            .route("/texts", get(listed))
            .route("/texts/", get(listed))
            .with_state(shop.clone());
        let server = Server::start(router).await;
        let mut bodies = Vec::new();
        for path in DIFFERENT.into_iter().chain([long.as_str()]) {
            let answer = server.get(path).await;
            if answer.status == 404 {
                // A wildcard does not match an empty rest.
                assert_eq!(path, "/i/?");
                continue;
            }
            assert_eq!(
                (answer.status, answer.x_cache()),
                (200, if path == "/list?a" { "HIT" } else { "MISS" }),
                "{cache:?} {path}"
            );
            assert_eq!(server.get(path).await.brief(), ("HIT", answer.text()), "{cache:?} {path}");
            bodies.push(answer.body);
        }
        let mut unique = bodies.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), bodies.len() - 1, "{cache:?}");
        for same in ["/filter?a=1&z=2", "/filter?a=1&z=2&unknown=3"] {
            assert_eq!(server.get(same).await.x_cache(), "HIT", "{cache:?} {same}");
        }
        // The path is in the key as it was sent: a middleware may read it without decoding.
        assert_eq!(server.get("/i/a%3Ab").await.x_cache(), "MISS", "{cache:?}");
    }
}

#[tokio::test]
async fn an_escaped_slash_is_part_of_a_segment() {
    async fn two() -> &'static str {
        "two"
    }
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let router =
            Router::new().route("/i/{text}", get(texts)).route("/i/a/b", get(two)).with_state(shop.clone());
        let server = Server::start(router).await;
        for (path, text) in [("/i/a:b", "a:b0"), ("/i/a/b", "two"), ("/i/a%2Fb", "a/b1"), ("/i/a", "a2")] {
            for _ in 0..2 {
                assert_eq!(server.get(path).await.text(), text, "{cache:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_handler_mounted_twice_has_two_entries_unless_it_has_a_key() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let nested = Router::new().route("/x/{id}", get(item));
        let router = Router::new()
            .route("/a/{id}", get(item))
            .route("/b/{id}", get(item))
            .nest("/nested", nested)
            .route("/k1", get(keyed))
            .route("/k2", get(keyed))
            .with_state(shop.clone());
        let server = Server::start(router).await;
        // `item` has an entry function, which knows no route, so its routes share an entry.
        assert_eq!(server.get("/a/1").await.x_cache(), "MISS", "{cache:?}");
        for path in ["/b/1", "/nested/x/1"] {
            assert_eq!(server.get(path).await.x_cache(), "HIT", "{cache:?} {path}");
        }
        assert_eq!(server.get("/k1").await.brief(), ("MISS", "1"), "{cache:?}");
        assert_eq!(server.get("/k2").await.brief(), ("HIT", "1"), "{cache:?}");
    }
}

async fn url_of(uri: &Uri, shop: &Shop) -> String {
    format!("{uri} {}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_request(State(shop): State<Shop>, #[cache(ignore)] request: Request) -> String {
    url_of(request.uri(), &shop).await
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_uri(State(shop): State<Shop>, uri: Uri) -> String {
    url_of(&uri, &shop).await
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_original(State(shop): State<Shop>, uri: OriginalUri) -> String {
    url_of(&uri, &shop).await
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn of_query(State(shop): State<Shop>, RawQuery(query): RawQuery) -> String {
    format!("{query:?} {}", shop.calls.add())
}

#[cache(response, expire = "1h", cache = shop.cache)]
async fn lost(State(shop): State<Shop>) -> String {
    format!("lost {}", shop.calls.add())
}

/// A fallback handler sees the URL implicitly: its pages differ by URL.
#[tokio::test]
async fn a_handler_that_sees_the_url_has_an_entry_for_each_url() {
    for cache in &caches().await {
        let shop = Shop::new(cache);
        let nested =
            Router::new().route("/{b}/request", get(of_request)).route("/{b}/original", get(of_original));
        let router = Router::new()
            .route("/request/{*rest}", get(of_request))
            .route("/uri/{*rest}", get(of_uri))
            .route("/original/{*rest}", get(of_original))
            .route("/query", get(of_query))
            .nest("/nested/{a}", nested)
            .fallback(lost)
            .with_state(shop.clone());
        let server = Server::start(router).await;
        let paths = [
            "/request/a",
            "/request/b",
            "/request/b?x=1",
            "/uri/a",
            "/uri/b",
            "/uri/b?x=1",
            "/original/a",
            "/original/b",
            "/query?a",
            "/query?b",
            "/query",
            "/nested/1/2/request",
            "/nested/3/2/request",
            "/nested/1/3/request",
            "/nested/1/2/original",
            "/nested/3/2/original",
            "/lost/a",
            "/lost/b",
        ];
        for path in paths {
            let miss = server.get(path).await;
            assert_eq!((miss.status, miss.x_cache()), (200, "MISS"), "{cache:?} {path}");
            assert_eq!(server.get(path).await.brief(), ("HIT", miss.text()), "{cache:?} {path}");
        }
        assert_eq!(shop.calls.count(), paths.len(), "{cache:?}");
    }
}
