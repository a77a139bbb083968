//! Clients are told `private` where the key of a response holds the user, and which of their credentials it is for.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, FromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::TypedHeader;
use axum_extra::headers::UserAgent;
use futures_util::{StreamExt, stream};
use larder::http::{CachedResponse, ResponseCacheLayer};
use larder::{Cache, IgnoreInKey, cache};
use serde::Serialize;
use std::collections::BTreeMap;
use support::stores::{caches, caches_with};
use support::wire::{Origin, Reply, Site, ask, request, response, sites};

/// A header that larder does not know.
const WHO: &str = "x-who";

/// The session that a middleware finds.
#[derive(Clone, Serialize)]
struct Session(String);

/// An extractor of the application.
#[derive(Serialize)]
struct Visitor(String);

/// A handle that is the same for everybody.
#[derive(Clone, IgnoreInKey)]
struct Pool;

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(who(&parts.headers)))
    }
}

fn who(headers: &HeaderMap) -> String {
    headers.get(WHO).map_or("-", |who| who.to_str().expect("text")).to_owned()
}

/// Attaches what a middleware finds out about a client.
async fn know(mut request: Request, next: Next) -> Response {
    let user = who(request.headers());
    let port = u16::from(user.as_bytes()[0]);
    let extensions = request.extensions_mut();
    extensions.insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    extensions.insert(Session(user));
    extensions.insert(Pool);
    next.run(request).await
}

/// Handlers of one user, by their names, options and arguments.
macro_rules! handlers {
    ($routes:ident: $($name:ident($($option:tt)*) ($($argument:tt)*) $page:expr;)*) => {
        $(
            #[cache(response, expire = "1m", cache = cache.0, $($option)*)]
            async fn $name(cache: State<Cache>, $($argument)*) -> Response {
                let _ = cache;
                $page.into_response()
            }
        )*

        fn $routes(cache: &Cache) -> (Router, &'static [&'static str]) {
            let routes = Router::new()$(.route(concat!("/", stringify!($name)), get($name)))*;
            (routes.layer(from_fn(know)).with_state(cache.clone()), &[$(concat!("/", stringify!($name))),*])
        }
    };
}

handlers! { personal:
    attached() (Extension(user): Extension<Session>) user.0;
    attached_optionally() (user: Option<Extension<Session>>) user.expect("it is attached").0.0;
    attached_to_all(shared) (user: Extension<Session>) user.0.0;
    attached_briefly(client_max_age = "10s") (user: Extension<Session>) user.0.0;
    extracted() (visitor: Visitor) visitor.0;
    extracted_for_all(shared) (visitor: Visitor) visitor.0;
    in_text(key = "personal:{user.0}") (Extension(user): Extension<Session>) user.0;
    in_expression(key = (1, &user.0)) (Extension(user): Extension<Session>) user.0;
    of_extractor(key = &visitor.0) (visitor: Visitor) visitor.0;
    of_ignored(key = &visitor.0, ignore(visitor)) (visitor: Visitor) visitor.0;
    of_headers(key = (2, headers.get(WHO).map(HeaderValue::as_bytes))) (headers: HeaderMap) who(&headers);
    of_headers_for_all(shared, key = (3, headers.get(WHO).map(HeaderValue::as_bytes))) (headers: HeaderMap) who(&headers);
    of_parts(key = (4, who(&parts.headers))) (parts: request::Parts) who(&parts.headers);
    of_request(key = (5, who(request.headers()))) (request: Request) who(request.headers());
    of_address(key = (6, address.0)) (address: ConnectInfo<SocketAddr>) char::from(address.0.port() as u8).to_string();
    attached_by_language(vary(accept, accept_language, "Sec-CH-UA", origin, user_agent)) (user: Extension<Session>) user.0.0;
    of_typed(key = (7, agent.as_str())) (TypedHeader(agent): TypedHeader<UserAgent>) agent.as_str().to_owned();
}

handlers! { of_all:
    nothing() () "page";
    pool() (pool: Extension<Pool>) { let Pool = pool.0; "page" };
    ignored(ignore(user)) (user: Extension<Session>) { drop(user); "page" };
    declared(shared) (headers: HeaderMap) { drop(headers); "page" };
    by_url() (uri: Uri, query: Query<BTreeMap<String, String>>, method: Method) { drop((uri, query, method)); "page" };
    by_url_in_text(key = "all:{uri}") (uri: Uri) { drop(uri); "page" };
    by_body() (body: String) { drop(body); "page" };
    named_by_vary(vary("X-Who")) (user: Extension<Session>) { drop(user); "page" };
    says_so() (user: Extension<Session>) { drop(user); ([("cache-control", "public")], "page") };
}

async fn get_as(app: &Router, uri: &str, user: &str, more: &[(&str, &str)]) -> Reply {
    let own = [(WHO, user), ("user-agent", user)];
    ask(app, request("GET", uri, &[&own, more].concat())).await.expect("a response")
}

#[tokio::test]
async fn a_key_that_holds_the_user_is_told_as_private() {
    for cache in caches().await {
        let (app, uris) = personal(&cache);
        for &uri in uris {
            for x_cache in ["MISS", "HIT"] {
                for user in ["a", "b"] {
                    let got = get_as(&app, uri, user, &[]).await;
                    let page = (x_cache.to_owned(), user.to_owned());
                    assert_eq!((got.status, got.brief()), (200, page), "{cache:?} {uri}");
                    let control = got.field("cache-control").expect("it is told");
                    let seconds =
                        if uri == "/attached_briefly" { "private, max-age=10" } else { "private, max-age=" };
                    assert!(control.starts_with(seconds), "{cache:?} {uri} {control}");
                }
            }
            let tag = get_as(&app, uri, "a", &[]).await.field("etag").expect("a tag");
            let same = get_as(&app, uri, "a", &[("if-none-match", &tag)]).await;
            let control = same.field("cache-control").expect("it is told");
            assert!(
                same.status == 304 && control.starts_with("private, max-age="),
                "{cache:?} {uri} {same:?}"
            );
        }
    }
}

#[tokio::test]
async fn other_keys_are_told_as_before() {
    for cache in caches().await {
        let (app, uris) = of_all(&cache);
        for &uri in uris {
            for user in ["a", "b", "a"] {
                let got = get_as(&app, uri, user, &[]).await;
                assert_eq!((got.status, got.text().as_str()), (200, "page"), "{cache:?} {uri}");
                let control = got.field("cache-control").expect("it is told");
                let start = if uri == "/says_so" { "public, max-age=" } else { "max-age=" };
                assert!(control.starts_with(start), "{cache:?} {uri} {control}");
            }
            assert_eq!(get_as(&app, uri, "a", &[]).await.x_cache(), "HIT", "{cache:?} {uri}");
        }
        let got = get_as(&app, "/named_by_vary", "a", &[]).await;
        assert_eq!(got.field("vary").as_deref(), Some("x-who, Cookie"));
    }
}

#[cache(response, expire = "1m", group = "pages-{user.0}", cache = cache.0)]
async fn grouped(cache: State<Cache>, Extension(user): Extension<Session>) -> String {
    user.0
}

#[cache(response, expire = "1m", stale_while_revalidate = "1h", cache = cache.0)]
async fn streamed(cache: State<Cache>, Extension(user): Extension<Session>) -> Body {
    let pieces = stream::iter([user.0, "!".to_owned()]).then(async |piece| {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(piece)
    });
    Body::from_stream(pieces.boxed())
}

#[tokio::test]
async fn revocable_streamed_and_stale_responses_are_private_as_well() {
    let clock = larder::test_util::TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let app = Router::new().route("/grouped", get(grouped)).route("/streamed", get(streamed));
        let app = app.layer(from_fn(know)).with_state(cache.clone());
        for user in ["a", "b"] {
            let got = get_as(&app, "/grouped", user, &[]).await;
            assert_eq!(got.field("cache-control").as_deref(), Some("private, no-cache"), "{cache:?}");
            let control = || async {
                let got = get_as(&app, "/streamed", user, &[]).await;
                assert_eq!(got.text(), format!("{user}!"), "{cache:?}");
                format!("{} {}", got.x_cache(), got.field("cache-control").unwrap_or_default())
            };
            let told = control().await;
            assert_eq!(told, "MISS private, max-age=60, stale-while-revalidate=3600", "{cache:?}");
        }
        clock.advance(std::time::Duration::from_secs(61));
        for user in ["a", "b"] {
            let got = get_as(&app, "/streamed", user, &[]).await;
            let told = got.field("cache-control");
            assert_eq!((got.x_cache(), got.text()), ("STALE".to_owned(), format!("{user}!")), "{cache:?}");
            assert_eq!(told.as_deref(), Some("private, max-age=0, stale-while-revalidate=3600"), "{cache:?}");
        }
    }
}

#[tokio::test]
async fn a_layer_in_front_stores_no_page_of_one_user() {
    for cache in caches().await {
        let (app, uris) = personal(&cache);
        for layer in [ResponseCacheLayer::new().expire("1m"), ResponseCacheLayer::new().obey_origin()] {
            let app = app.clone().layer(layer.cache(&cache));
            for &uri in uris {
                for user in ["a", "b"] {
                    assert_eq!(get_as(&app, uri, user, &[]).await.text(), user, "{cache:?} {uri}");
                }
            }
        }
    }
}

/// An origin whose page is about the client.
fn greeter(own: &'static [(&'static str, &'static str)]) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |_, parts| match parts.uri.path() {
            "/streamed" => {
                let pieces = stream::iter(["a", "b"]).map(Ok::<_, Infallible>);
                Ok(response(200, own, Body::from_stream(pieces)))
            }
            _ => Ok(response(200, own, who(&parts.headers))),
        })
    }
}

#[tokio::test]
async fn a_layer_whose_key_is_a_closure_is_told_as_private() {
    let layer =
        ResponseCacheLayer::new().expire("1m").key(|parts| format!("{} {}", parts.uri, who(&parts.headers)));
    let public: &[(&str, &str)] = &[("cache-control", "public")];
    for (layer, own, start) in [
        (layer.clone(), &[][..], "private, max-age="),
        (layer.clone().shared(), &[], "private, max-age="),
        (layer.clone().tag("pages"), &[], "private, no-cache"),
        (layer.clone().vary([WHO]), &[], "max-age="),
        (layer.clone().vary(["accept"]), &[], "private, max-age="),
        (layer.clone(), public, "public, max-age="),
        (ResponseCacheLayer::new().expire("1m").vary([WHO]), &[], "max-age="),
    ] {
        for site in sites(layer.clone(), greeter(own)).await {
            for x_cache in ["MISS", "HIT"] {
                for user in ["a", "b"] {
                    let got = site.get_with("/", &[(WHO, user)]).await;
                    assert_eq!(got.brief(), (x_cache.to_owned(), user.to_owned()), "{layer:?}");
                    let control = got.field("cache-control").expect("it is told");
                    assert!(control.starts_with(start), "{layer:?} {control}");
                }
            }
        }
    }
}

/// The names in `Vary`, in their order.
fn varies(got: &Reply) -> String {
    got.field("vary").unwrap_or_default().to_ascii_lowercase()
}

/// The credentials of clients, and the names that they are told.
const CLIENTS: [(&[(&str, &str)], &str); 7] = [
    (&[("authorization", "Bearer a")], "cookie, authorization"),
    (&[("x-api-key", "a")], "cookie, x-api-key"),
    (&[("X-Seat", "a")], "cookie, x-seat"),
    (&[("cookie", "session=a")], "cookie"),
    (&[("cookie", "_ga=1"), ("x-api-key", "b")], "cookie, x-api-key"),
    (&[("cookie", "session=b"), ("authorization", "Bearer a"), ("x-other", "1")], "cookie, authorization"),
    (&[("x-other", "1")], "cookie"),
];

#[cache(response, expire = "1m", private, unless = |page: &CachedResponse| page.headers().contains_key("vary"), cache = cache.0)]
async fn own(cache: State<Cache>) -> &'static str {
    "own"
}

#[cache(response, expire = "1m", cache = cache.0)]
async fn undeclared(cache: State<Cache>) -> &'static str {
    "undeclared"
}

#[tokio::test]
async fn private_responses_name_the_credentials_that_the_request_has() {
    for cache in caches_with(|builder| builder.credential_headers(["X-Seat"])).await {
        let app = Router::new().route("/", get(own).post(own)).route("/undeclared", get(undeclared));
        let app = app.with_state(cache.clone());
        for (shows, told) in CLIENTS {
            let is_credential = shows != [("x-other", "1")];
            for (n, (method, more)) in [
                ("GET", &[][..]),
                ("GET", &[]),
                ("HEAD", &[]),
                ("GET", &[("if-none-match", "*")]),
                ("GET", &[("cache-control", "no-store")]),
                ("POST", &[]),
            ]
            .into_iter()
            .enumerate()
            {
                let got = ask(&app, request(method, "/", &[shows, more].concat())).await.expect("a response");
                assert_eq!(varies(&got), told, "{cache:?} {shows:?} {method} {more:?}");
                // The names are not in the stored response, which `unless` would refuse.
                let x_cache = if is_credential {
                    ["MISS", "HIT", "HIT", "HIT", "BYPASS", "BYPASS"][n]
                } else {
                    "BYPASS"
                };
                assert_eq!(got.x_cache(), x_cache, "{cache:?} {shows:?} {method} {more:?}");
            }
            // Where responses do not differ by credentials, their names say nothing.
            let got = ask(&app, request("GET", "/undeclared", shows)).await.expect("a response");
            assert_eq!(varies(&got), "cookie", "{cache:?} {shows:?}");
        }
    }
}

#[tokio::test]
async fn a_private_layer_names_the_credentials_that_the_request_has() {
    let minute = ResponseCacheLayer::new().expire("1m");
    let own: &[(&str, &str)] = &[("vary", "accept"), ("vary", "Authorization")];
    for (layer, own, told) in [
        (minute.clone().private(), &[][..], ["cookie, x-api-key", "cookie, authorization"]),
        (
            minute.clone().private(),
            own,
            ["accept, cookie, x-api-key, authorization", "accept, cookie, authorization"],
        ),
        (
            minute.clone().private().vary(["x-api-key"]),
            &[],
            ["x-api-key, cookie", "x-api-key, cookie, authorization"],
        ),
        (minute.clone().shared(), &[], ["", ""]),
    ] {
        for site in sites(layer.clone(), greeter(own)).await {
            let told_to = async |site: &Site, shows: &[(&str, &str)]| {
                let mut told = Vec::new();
                for (method, uri) in [("GET", "/"), ("GET", "/"), ("HEAD", "/"), ("GET", "/streamed")] {
                    let got = site.send(method, uri, shows).await;
                    told.push(varies(&got));
                }
                told.dedup();
                told
            };
            assert_eq!(told_to(&site, &[("x-api-key", "a")]).await, [told[0]], "{layer:?}");
            assert_eq!(told_to(&site, &[("authorization", "a")]).await, [told[1]], "{layer:?}");
            if own.is_empty() && told[0].starts_with("cookie") {
                let written = site.send("POST", "/", &[("x-api-key", "a")]).await;
                assert_eq!((written.x_cache().as_str(), varies(&written).as_str()), ("BYPASS", told[0]));
            }
        }
    }
    for site in
        sites(ResponseCacheLayer::new().obey_origin().private(), greeter(&[("cache-control", "max-age=60")]))
            .await
    {
        for x_cache in ["MISS", "HIT"] {
            let got = site.get_with("/", &[("x-api-key", "a")]).await;
            assert_eq!((got.x_cache().as_str(), got.field("vary")), (x_cache, None));
        }
    }
}
