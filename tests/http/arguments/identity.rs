//! Arguments that may tell users apart: they count, or the attribute says how the response depends on them.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, request::Parts};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{RequestExt, Router};
use axum_extra::TypedHeader;
use axum_extra::extract::{Cached, CookieJar};
use axum_extra::headers::UserAgent;
use larder::{IgnoreInKey, cache};
use serde::Serialize;
use support::stores::caches;
use support::wire::{Reply, ask, request};

use super::App;

/// The session that a middleware finds by a header of its own, which larder does not know.
#[derive(Clone, Serialize)]
struct Session {
    visitor: String,
}

/// A handle that a middleware attaches to every request.
#[derive(Clone)]
struct Pool(#[expect(dead_code, reason = "a handle holds something")] String);

impl IgnoreInKey for Pool {}

/// A foreign type, or one that the application wants to leave out in one place.
#[derive(Clone)]
struct Trace(#[expect(dead_code, reason = "a handle holds something")] String);

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map_or("-", |value| value.to_str().expect("text")).to_owned()
}

async fn attach(mut request: Request, next: Next) -> Response {
    let visitor = text(request.headers(), "x-visitor");
    if visitor != "nobody" {
        request.extensions_mut().insert(Session { visitor: visitor.clone() });
    }
    request.extensions_mut().insert(Pool(visitor.clone()));
    request.extensions_mut().insert(Trace(visitor));
    next.run(request).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn session(app: State<App>, Extension(session): Extension<Session>) -> String {
    app.page(session.visitor)
}

#[cache(response, expire = "1h", stale_while_revalidate = "1m", vary(accept_language), cache = app.cache)]
async fn session_beside_vary(app: State<App>, session: Extension<Session>) -> String {
    app.page(&session.visitor)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn optional(app: State<App>, session: Option<Extension<Session>>) -> String {
    app.page(session.map_or("nobody".to_owned(), |session| session.0.visitor))
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn checked(
    app: State<App>,
    session: Result<Extension<Session>, axum::extract::rejection::ExtensionRejection>,
) -> String {
    app.page(session.map_or("nobody".to_owned(), |session| session.0.visitor))
}

#[cache(response, expire = "1h", key = "orders:{session.visitor}", cache = app.cache)]
async fn in_text(app: State<App>, Extension(session): Extension<Session>) -> String {
    app.page(session.visitor)
}

#[cache(response, expire = "1h", key = "all", group = "of:{session.visitor}", cache = app.cache)]
async fn in_group(app: State<App>, Extension(session): Extension<Session>) -> String {
    app.page(session.visitor)
}

#[cache(response, expire = "1h", key = (&session.visitor, 1), cache = app.cache)]
async fn in_expression(app: State<App>, Extension(session): Extension<Session>) -> String {
    app.page(session.visitor)
}

#[cache(response, expire = "1h", key = (headers.get("x-visitor").map(HeaderValue::as_bytes),), cache = app.cache)]
async fn by_headers(app: State<App>, headers: HeaderMap) -> String {
    app.page(text(&headers, "x-visitor"))
}

#[cache(response, expire = "1h", vary("X-Visitor"), cache = app.cache)]
async fn varied(app: State<App>, headers: HeaderMap) -> String {
    app.page(text(&headers, "x-visitor"))
}

#[cache(response, expire = "1h", vary("X-Visitor"), cache = app.cache)]
async fn varied_request(app: State<App>, request: Request) -> String {
    app.page(text(request.headers(), "x-visitor"))
}

#[cache(response, expire = "1h", key = text(&parts.headers, "x-visitor"), cache = app.cache)]
async fn by_parts(app: State<App>, parts: Parts) -> String {
    app.page(text(&parts.headers, "x-visitor"))
}

#[tokio::test]
async fn each_user_gets_an_own_page() {
    for cache in &caches().await {
        let app = App::new(cache);
        let router = Router::new()
            .route("/session", get(session))
            .route("/session/vary", get(session_beside_vary))
            .route("/optional", get(optional))
            .route("/checked", get(checked))
            .route("/text", get(in_text))
            .route("/group", get(in_group))
            .route("/expression", get(in_expression))
            .route("/headers", get(by_headers))
            .route("/varied", get(varied))
            .route("/request", get(varied_request))
            .route("/parts", get(by_parts))
            .layer(from_fn(attach))
            .with_state(app.clone());
        let get =
            async |uri: &str, visitor| ask(&router, request("GET", uri, &[("x-visitor", visitor)])).await;
        for uri in [
            "/session",
            "/session/vary",
            "/optional",
            "/checked",
            "/text",
            "/group",
            "/expression",
            "/headers",
            "/varied",
            "/request",
            "/parts",
        ] {
            for x_cache in ["MISS", "HIT"] {
                for visitor in ["ann", "bob"] {
                    let got: Reply = get(uri, visitor).await.expect("a response");
                    assert_eq!(
                        (got.status, got.x_cache().as_str()),
                        (200, x_cache),
                        "{cache:?} {uri} {got:?}"
                    );
                    assert!(got.text().starts_with(visitor), "{cache:?} {uri} {visitor}: {got:?}");
                }
            }
        }
        for (uri, status) in [("/optional", 200), ("/checked", 200), ("/session", 500)] {
            for _ in 0..2 {
                let got = get(uri, "nobody").await.expect("a response");
                assert_eq!(got.status, status, "{cache:?} {uri}");
                assert!(status == 500 || got.text().starts_with("nobody"), "{cache:?} {uri} {got:?}");
            }
        }
    }
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn pooled(app: State<App>, _: Extension<Pool>, Path(id): Path<u64>) -> String {
    app.page(id)
}

#[cache(response, expire = "1h", key = "pooled:{id}", cache = app.cache)]
async fn pooled_by_key(app: State<App>, _: Option<Extension<Pool>>, Path(id): Path<u64>) -> String {
    app.page(id)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn traced(app: State<App>, #[cache(ignore)] _: Extension<Trace>, Path(id): Path<u64>) -> String {
    app.page(id)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn logged(app: State<App>, #[cache(ignore)] _: ConnectInfo<SocketAddr>, Path(id): Path<u64>) -> String {
    app.page(id)
}

#[cache(response, expire = "1h", shared, cache = app.cache)]
async fn shared(
    app: State<App>,
    _: HeaderMap,
    _: TypedHeader<UserAgent>,
    _: CookieJar,
    Path(id): Path<u64>,
) -> String {
    app.page(id)
}

#[tokio::test]
async fn handles_are_left_out() {
    for cache in &caches().await {
        let app = App::new(cache);
        let router = Router::new()
            .route("/pooled/{id}", get(pooled))
            .route("/key/{id}", get(pooled_by_key))
            .route("/traced/{id}", get(traced))
            .route("/logged/{id}", get(logged))
            .route("/shared/{id}", get(shared))
            .layer(from_fn(attach))
            .with_state(app.clone());
        for uri in ["/pooled", "/key", "/traced", "/logged", "/shared"] {
            for (visitor, x_cache) in [("ann", "MISS"), ("bob", "HIT")] {
                for id in [1, 2] {
                    let fields = [("x-visitor", visitor), ("user-agent", visitor)];
                    let mut request = request("GET", &format!("{uri}/{id}"), &fields);
                    let port = if visitor == "ann" { 1 } else { 2 };
                    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], port))));
                    let got = ask(&router, request).await.expect("a response");
                    assert_eq!(
                        (got.status, got.x_cache().as_str()),
                        (200, x_cache),
                        "{cache:?} {uri} {got:?}"
                    );
                    assert!(got.text().starts_with(&id.to_string()), "{cache:?} {uri} {got:?}");
                }
            }
        }
    }
}

#[cache(response, expire = "1h", key = address.ip(), cache = app.cache)]
async fn by_address(app: State<App>, ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
    app.page(address.ip())
}

#[cache(response, expire = "1h", key = (address,), cache = app.cache)]
async fn by_connection(app: State<App>, address: ConnectInfo<SocketAddr>) -> String {
    app.page(address.0.ip())
}

#[tokio::test]
async fn an_address_in_the_expressions_of_a_key_counts() {
    for cache in &caches().await {
        let app = App::new(cache);
        let router =
            Router::new().route("/address", get(by_address)).route("/connection", get(by_connection));
        let router = router.with_state(app.clone());
        for uri in ["/address", "/connection"] {
            for x_cache in ["MISS", "HIT"] {
                for host in [1, 2] {
                    let mut request = request("GET", uri, &[]);
                    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, host], 9))));
                    let got = ask(&router, request).await.expect("a response");
                    assert_eq!(got.x_cache(), x_cache, "{cache:?} {uri} {got:?}");
                    assert!(got.text().starts_with(&format!("10.0.0.{host}")), "{cache:?} {uri} {got:?}");
                }
            }
        }
    }
}

#[cache(response, expire = "1h", vary("User-Agent"), cache = app.cache)]
async fn agent(app: State<App>, TypedHeader(agent): TypedHeader<UserAgent>) -> String {
    app.page(agent)
}

#[cache(response, expire = "1h", vary("User-Agent"), cache = app.cache)]
async fn cached_agent(app: State<App>, agent: Cached<Option<TypedHeader<UserAgent>>>) -> String {
    app.page(agent.0.map_or("-".to_owned(), |agent| agent.0.to_string()))
}

#[cache(response, expire = "1h", vary(cookie), cache = app.cache)]
async fn jar(app: State<App>, jar: CookieJar) -> String {
    app.page(jar.get("theme").map_or("-", |theme| theme.value()))
}

#[cache(response, expire = "1h", private, cache = app.cache)]
async fn private_jar(app: State<App>, jar: CookieJar) -> String {
    app.page(jar.get("theme").map_or("-", |theme| theme.value()))
}

#[tokio::test]
async fn typed_headers_and_cookies_are_declared() {
    for cache in &caches().await {
        let app = App::new(cache);
        let router = Router::new()
            .route("/agent", get(agent))
            .route("/agent/cached", get(cached_agent))
            .route("/jar", get(jar))
            .route("/jar/private", get(private_jar))
            .with_state(app.clone());
        for (uri, name, prefix) in [
            ("/agent", "user-agent", ""),
            ("/agent/cached", "user-agent", ""),
            ("/jar", "cookie", "theme="),
            ("/jar/private", "cookie", "theme="),
        ] {
            for x_cache in ["MISS", "HIT"] {
                for value in ["dark", "light"] {
                    let field = format!("{prefix}{value}");
                    let got = ask(&router, request("GET", uri, &[(name, &field)])).await.expect("a response");
                    assert_eq!(got.x_cache(), x_cache, "{cache:?} {uri} {got:?}");
                    assert!(got.text().starts_with(value), "{cache:?} {uri} {got:?}");
                }
            }
        }
    }
}

/// The same types where a function is no handler.
#[tokio::test]
async fn functions_name_what_counts() {
    #[cache(expire = "1h", key = text(headers, "x-visitor"), cache = app.cache)]
    async fn greeting(app: &App, headers: &HeaderMap) -> String {
        app.page(text(headers, "x-visitor"))
    }
    #[cache(expire = "1h", cache = app.cache)]
    async fn uncounted(app: &App, #[cache(ignore)] headers: &HeaderMap, id: u64) -> String {
        let _ = headers;
        app.page(id)
    }
    #[cache(expire = "1h", key = request.uri().path(), cache = app.cache)]
    fn path_of(app: &App, request: &mut Request) -> String {
        app.page(request.uri())
    }
    for cache in &caches().await {
        let app = App::new(cache);
        let of = |visitor| request("GET", "/", &[("x-visitor", visitor)]).headers().clone();
        for _ in 0..2 {
            assert_eq!(greeting(&app, &of("ann")).await, "ann 0", "{cache:?}");
            assert_eq!(uncounted(&app, &of("ann"), 7).await, "7 1", "{cache:?}");
        }
        assert_eq!(greeting(&app, &of("bob")).await, "bob 2", "{cache:?}");
        assert_eq!(uncounted(&app, &of("bob"), 7).await, "7 1", "{cache:?}");
        let path_at = async |uri: &'static str| {
            let app = app.clone();
            tokio::task::spawn_blocking(move || path_of(&app, &mut request("GET", uri, &[])))
                .await
                .expect("a text")
        };
        assert_eq!(path_at("/a?x").await, "/a?x 3", "{cache:?}");
        assert_eq!(path_at("/a?y").await, "/a?x 3", "{cache:?}");
        assert_eq!(path_at("/b").await, "/b 4", "{cache:?}");
    }
}

/// A request that was taken apart still has its body.
#[tokio::test]
async fn a_key_of_a_request_leaves_the_request_whole() {
    #[cache(response, expire = "1h", key = request.uri().to_string(), cache = app.cache)]
    async fn whole(app: State<App>, request: Request) -> String {
        let limited = request.with_limited_body();
        let sent = axum::body::to_bytes(limited.into_body(), 64).await.expect("a body");
        app.page(String::from_utf8_lossy(&sent))
    }
    for cache in &caches().await {
        let app = App::new(cache);
        let router = Router::new().route("/", get(whole).post(whole)).with_state(app.clone());
        let mut sent = request("POST", "/", &[]);
        *sent.body_mut() = Body::from("sent");
        assert_eq!(ask(&router, sent).await.expect("a response").text(), "sent 0", "{cache:?}");
        assert_eq!(
            ask(&router, request("GET", "/", &[])).await.expect("a response").text(),
            " 1",
            "{cache:?}"
        );
        assert_eq!(
            ask(&router, request("GET", "/", &[])).await.expect("a response").text(),
            " 1",
            "{cache:?}"
        );
    }
}
