//! Users of handlers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::SeqCst;

use axum::Router;
use axum::extract::{Extension, FromRequestParts, Request, State};
use axum::http::{HeaderMap, request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use larder::{IgnoreInKey, cache, cache_put};
use serde::Serialize;
use support::stores::{caches, caches_with};
use support::wire::{Origin, Wire, response, serve};

use super::app::{
    App, USERS, User, ask_as, assert_own, by_extension, greets, name, own, own_entry, stampede, who,
};

/// The user of the session, by a custom extractor that is left out of the key.
#[derive(IgnoreInKey)]
struct Session(String);

/// A custom extractor of a type that says nothing about keys.
struct Visitor(String);

/// An alias that hides the name of its type.
type Fields = HeaderMap;

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(who(&parts.headers)))
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(who(&parts.headers)))
    }
}

#[cache(response, expire = "1h", vary(accept_language), cache = app.cache)]
async fn by_headers(app: State<App>, headers: HeaderMap) -> Response {
    app.page(who(&headers)).await
}

#[cache(response, expire = "1h", vary(accept_language), cache = app.cache)]
async fn by_request(app: State<App>, request: Request) -> Response {
    app.page(who(request.headers())).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_session(app: State<App>, session: Session) -> Response {
    app.page(session.0).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_ignored_session(app: State<App>, #[cache(ignore)] session: Session) -> Response {
    app.page(session.0).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_visitor(app: State<App>, #[cache(ignore)] visitor: Visitor) -> Response {
    app.page(visitor.0).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_fields(app: State<App>, #[cache(ignore)] fields: Fields) -> Response {
    app.page(who(&fields)).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_state(app: State<App>) -> Response {
    app.page("for all".to_owned()).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_ignored_state(#[cache(ignore)] app: State<App>) -> Response {
    app.page("for all".to_owned()).await
}

#[cache(response, expire = "1h", stale_while_revalidate = "1h", local = "1h", private, cache = app.cache)]
async fn own_nearby(app: State<App>, headers: HeaderMap) -> Response {
    app.page(who(&headers)).await
}

#[cache(response, expire = "1h", shared, cache = app.cache)]
async fn terms(app: State<App>) -> Response {
    app.page("for all".to_owned()).await
}

#[cache_put(response, expire = "1h", key = "own", cache = app.cache)]
async fn put_own(app: State<App>, headers: HeaderMap) -> Response {
    app.page(format!("put by {}", who(&headers))).await
}

#[cache(response, expire = "1h", stale_while_revalidate = "1h", stale_if_error = "1h", key = "renewed", private, cache = app.cache)]
async fn renewed(app: State<App>, headers: HeaderMap) -> Response {
    app.page(who(&headers)).await
}

#[cache_put(response, expire = "1h", key = "renewed", cache = app.cache)]
async fn put_renewed(app: State<App>, headers: HeaderMap) -> Response {
    let page = app.page(format!("put by {}", who(&headers))).await;
    ([("cache-control", "stale-while-revalidate=3600, stale-if-error=3600")], page).into_response()
}

/// Identifies the user, as a session middleware does.
async fn know(mut request: Request, next: Next) -> Response {
    let user = User(who(request.headers()));
    request.extensions_mut().insert(user);
    next.run(request).await
}

async fn handlers(app: &App) -> SocketAddr {
    let routes = Router::new()
        .route("/headers", get(by_headers))
        .route("/extension", get(by_extension))
        .route("/request", get(by_request))
        .route("/session", get(by_session))
        .route("/session/ignored", get(by_ignored_session))
        .route("/visitor", get(by_visitor))
        .route("/fields", get(by_fields))
        .route("/state", get(by_state))
        .route("/state/ignored", get(by_ignored_state))
        .route("/own", get(own).put(put_own))
        .route("/renewed", get(renewed).put(put_renewed))
        .route("/nearby", get(own_nearby))
        .route("/terms", get(terms))
        .route("/greets", get(greets))
        .layer(from_fn(know))
        .with_state(app.clone());
    serve(routes).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_users_of_a_handler_each_get_their_own_response() {
    for uri in ["/headers", "/extension", "/request", "/session", "/visitor", "/fields", "/own", "/nearby"] {
        for cache in caches().await {
            let app = App::new(&cache);
            let address = handlers(&app).await;
            assert_own(&stampede(address, &app.gate, uri).await, uri);
            // The same holds once a response is stored.
            for user in 0..USERS.len() {
                for method in ["GET", "HEAD", "GET"] {
                    assert_own(&[(user, ask_as(address, user, method, uri).await)], uri);
                }
            }
        }
    }
}

#[tokio::test]
async fn each_user_finds_its_own_entry() {
    for uri in ["/own", "/nearby"] {
        for cache in caches().await {
            let app = App::new(&cache);
            app.gate.open();
            let address = handlers(&app).await;
            for x_cache in ["MISS", "HIT"] {
                for user in 0..USERS.len() {
                    let got = ask_as(address, user, "GET", uri).await;
                    // The last one has no credentials.
                    let x_cache = if user == USERS.len() - 1 { "BYPASS" } else { x_cache };
                    assert_eq!(got.x_cache(), x_cache, "{uri} {user}");
                    assert_own(&[(user, got)], uri);
                }
            }
            assert_eq!(app.calls.count(), USERS.len() + 1);
            let got = ask_as(address, 0, "GET", uri).await;
            let control = got.field("cache-control").expect("it is said");
            // One of them can be evicted.
            let told = if uri == "/own" { "private, no-cache" } else { "private, max-age=" };
            assert!(got.x_cache() == "HIT" && control.starts_with(told), "{got:?}");
        }
    }
}

#[tokio::test]
async fn without_an_option_only_requests_without_credentials_share() {
    for uri in ["/headers", "/extension", "/request"] {
        for cache in caches().await {
            let app = App::new(&cache);
            app.gate.open();
            let address = handlers(&app).await;
            for (user, x_caches) in
                [(4, ["MISS", "HIT"]), (0, ["BYPASS"; 2]), (2, ["BYPASS"; 2]), (3, ["BYPASS"; 2])]
            {
                for x_cache in x_caches {
                    let got = ask_as(address, user, "GET", uri).await;
                    assert_eq!((got.x_cache().as_str(), got.text()), (x_cache, name(user)), "{uri}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_ignored_argument_that_reads_a_cookie_reaches_no_other_user() {
    for uri in ["/session", "/session/ignored", "/visitor", "/fields"] {
        for cache in caches().await {
            let app = App::new(&cache);
            app.gate.open();
            let address = handlers(&app).await;
            for (user, x_cache) in [(2, "BYPASS"), (3, "BYPASS"), (4, "MISS"), (2, "BYPASS"), (4, "HIT")] {
                let got = ask_as(address, user, "GET", uri).await;
                assert_eq!((got.x_cache().as_str(), got.text()), (x_cache, name(user)), "{uri}");
            }
            let got = ask_as(address, 2, "HEAD", uri).await;
            assert_eq!((got.x_cache().as_str(), got.field("x-user")), ("BYPASS", Some(name(2))), "{uri}");
        }
    }
}

#[tokio::test]
async fn cookies_count_whatever_the_arguments() {
    for uri in ["/state", "/state/ignored"] {
        for cache in caches().await {
            let app = App::new(&cache);
            app.gate.open();
            let address = handlers(&app).await;
            let cookies = [&[("cookie", "session=erin")][..], USERS[2], USERS[4], USERS[4]];
            for (shows, x_cache) in cookies.into_iter().zip(["BYPASS", "BYPASS", "MISS", "HIT"]) {
                let got = Wire::to(address).await.exchange("GET", uri, shows).await;
                assert_eq!((got.x_cache().as_str(), got.text().as_str()), (x_cache, "for all"), "{uri}");
            }
            assert_eq!(app.calls.count(), 3, "{uri}");
        }
    }
}

#[derive(Clone, Serialize)]
struct Tenant(String);

#[cache(response, expire = "1h", cache = app.cache)]
async fn items(app: State<App>, Extension(tenant): Extension<Tenant>) -> Response {
    app.page(tenant.0).await
}

/// Identifies the tenant by the path.
async fn know_tenant(mut request: Request, next: Next) -> Response {
    let tenant = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
    request.extensions_mut().insert(Tenant(tenant));
    next.run(request).await
}

#[tokio::test]
async fn an_extension_from_a_middleware_separates_entries() {
    for cache in caches().await {
        let app = App::new(&cache);
        app.gate.open();
        let routes = Router::new().route("/{tenant}/items", get(items)).layer(from_fn(know_tenant));
        let address = serve(routes.with_state(app.clone())).await;
        for x_cache in ["MISS", "HIT"] {
            for tenant in ["a", "b", "a%2Fb"] {
                let uri = format!("/{tenant}/items");
                let got = Wire::to(address).await.exchange("GET", &uri, &[]).await;
                assert_eq!(got.brief(), (x_cache.to_owned(), tenant.to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_may_not_see_a_stale_page_does_not_evict_it() {
    // The origin sends a new response or a 304.
    for gives in [true, false] {
        let origin = move || {
            Origin::new(move |n, parts| {
                let headers = [("etag", "\"same\""), ("cache-control", "max-age=10")];
                let is_asked = parts.headers.contains_key("if-none-match");
                let is_new = gives && parts.headers.contains_key("authorization");
                Ok(if is_asked && !is_new {
                    response(304, &headers, "")
                } else {
                    response(200, &headers, n.to_string())
                })
            })
        };
        for site in support::wire::proxies(origin).await {
            assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "0".to_owned()));
            site.later(11);
            let own = site.get_with("/", USERS[0]).await;
            let expected = if gives { "1" } else { "0" };
            assert_eq!(own.brief(), ("BYPASS".to_owned(), expected.to_owned()));
            // The stale response is still there for revalidation.
            let got = site.get("/").await;
            assert_eq!(got.text(), "0", "{gives}");
            assert!(site.origin.last().headers.contains_key("if-none-match"), "{gives}");
            assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "0".to_owned()), "{gives}");
        }
    }
}

#[tokio::test]
async fn shared_responses_are_shared() {
    for cache in caches().await {
        let app = App::new(&cache);
        app.gate.open();
        let address = handlers(&app).await;
        for user in 0..USERS.len() {
            assert_eq!(ask_as(address, user, "GET", "/terms").await.text(), "for all");
        }
        assert_eq!(app.calls.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_cookie_reaches_one_client_even_of_a_shared_response() {
    for cache in caches().await {
        let app = App::new(&cache);
        let address = handlers(&app).await;
        for (user, got) in stampede(address, &app.gate, "/greets").await {
            assert_eq!(got.field("set-cookie"), Some(name(user).trim().to_owned()));
        }
        for user in 0..USERS.len() {
            let got = ask_as(address, user, "GET", "/greets").await;
            assert_eq!((got.field("set-cookie"), got.x_cache()), (Some(name(user)), "BYPASS".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_response_put_in_place_of_private_ones_reaches_no_user() {
    for cache in caches().await {
        let app = App::new(&cache);
        app.gate.open();
        let address = handlers(&app).await;
        for (user, method) in [(0, "GET"), (1, "GET"), (0, "PUT"), (1, "PUT"), (4, "PUT")] {
            let got = ask_as(address, user, method, "/own").await;
            assert_eq!(got.status, 200);
            for user in 0..USERS.len() {
                for method in ["GET", "HEAD", "GET"] {
                    let got = ask_as(address, user, method, "/own").await;
                    assert_eq!(got.field("x-user"), Some(name(user)), "{method} {user}");
                }
            }
        }
        // An only-if-cached request does not get the response either.
        ask_as(address, 0, "PUT", "/own").await;
        for (user, shows) in USERS.iter().enumerate() {
            let wants = [*shows, &[("cache-control", "only-if-cached")]].concat();
            let got = Wire::to(address).await.exchange("GET", "/own", &wants).await;
            assert!(got.status == 504 || got.text() == name(user), "{got:?}");
        }
        own_entry(State(app.clone()), HeaderMap::new()).invalidate().await.expect("the store is there");
    }
}

#[tokio::test]
async fn a_stale_put_response_reaches_no_user_during_or_after_a_failed_refresh() {
    let clock = larder::test_util::TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let app = App::new(&cache);
        app.gate.open();
        let address = handlers(&app).await;
        for user in 0..USERS.len() {
            ask_as(address, 0, "PUT", "/renewed").await;
            clock.advance(std::time::Duration::from_secs(5400));
            assert_own(&[(user, ask_as(address, user, "GET", "/renewed").await)], "/renewed");
            ask_as(address, 0, "PUT", "/renewed").await;
            clock.advance(std::time::Duration::from_secs(5400));
            app.fails.store(true, SeqCst);
            assert_eq!(ask_as(address, user, "GET", "/renewed").await.status, 500);
            app.fails.store(false, SeqCst);
        }
    }
}
