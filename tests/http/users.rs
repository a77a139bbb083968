//! What one client was given never reaches another (G8): by credentials, cookies, HEAD, and in a crowd.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use axum::extract::{Extension, FromRequestParts, Request, State};
use axum::http::{HeaderMap, StatusCode, header, request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Body};
use futures_util::future::join_all;
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey, cache, cache_put};
use support::tiers::{Calls, Gate, LONG, caches, caches_with, in_time};
use support::wait::eventually_async;
use support::wire::{Got, Origin, Wire, response, serve, serve_site, sites};

/// Five clients, by what they show; the last shows nothing.
const USERS: [&[(&str, &str)]; 5] = [
    &[("authorization", "Bearer alice")],
    &[("authorization", "Bearer bob")],
    &[("cookie", "session=carol")],
    &[("cookie", "session=dave"), ("authorization", "Bearer alice")],
    &[],
];

/// Who it is, as a service finds out.
fn who(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).map_or("-", |value| value.to_str().expect("text"));
    format!("{} {}", text(header::AUTHORIZATION), text(header::COOKIE))
}

/// What [`who`] says of one of [`USERS`].
fn name(user: usize) -> String {
    who(&support::wire::fields(USERS[user]))
}

#[derive(Clone)]
struct App {
    cache: Cache,
    calls: Arc<Calls>,
    gate: Arc<Gate>,
    fails: Arc<AtomicBool>,
}

impl IgnoreInKey for App {}

impl App {
    fn new(cache: &Cache) -> Self {
        Self { cache: cache.clone(), calls: Arc::default(), gate: Arc::default(), fails: Arc::default() }
    }

    async fn page(&self, user: String) -> Response {
        self.calls.add();
        self.gate.pass().await;
        if self.fails.load(SeqCst) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        ([("x-user", user.clone())], user).into_response()
    }
}

#[derive(Clone)]
struct User(String);

/// Whose session it is, by an extractor of our own that is no part of the key.
#[derive(IgnoreInKey)]
struct Session(String);

/// The same, and its type says nothing about keys.
struct Visitor(String);

/// Nothing in its name tells what it is.
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

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_headers(app: State<App>, headers: HeaderMap) -> Response {
    app.page(who(&headers)).await
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn by_extension(app: State<App>, Extension(user): Extension<User>) -> Response {
    app.page(user.0).await
}

#[cache(response, expire = "1h", cache = app.cache)]
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

#[cache(response, expire = "1h", key = "own", entry = own_entry, private, cache = app.cache)]
async fn own(app: State<App>, headers: HeaderMap) -> Response {
    app.page(who(&headers)).await
}

#[cache(response, expire = "1h", stale_while_revalidate = "1h", local = "1h", private, cache = app.cache)]
async fn own_nearby(app: State<App>, headers: HeaderMap) -> Response {
    app.page(who(&headers)).await
}

#[cache(response, expire = "1h", shared, cache = app.cache)]
async fn terms(app: State<App>) -> Response {
    app.page("for all".to_owned()).await
}

#[cache(response, expire = "1h", shared, cache = app.cache)]
async fn greets(app: State<App>, headers: HeaderMap) -> Response {
    let user = who(&headers);
    let mut response = app.page(user.clone()).await;
    response.headers_mut().insert("set-cookie", user.parse().expect("a value"));
    response
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

/// Finds out who it is, as a middleware for sessions does.
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

async fn ask_as(address: SocketAddr, user: usize, method: &str, uri: &str) -> Got {
    Wire::to(address).await.exchange(method, uri, USERS[user]).await
}

/// Two hundred requests of five clients at once, the first of which is held until the others were sent.
async fn stampede(address: SocketAddr, gate: &Gate, uri: &str) -> Vec<(usize, Got)> {
    let sent = Calls::default();
    let crowd = (0..200).map(async |n| {
        let user = n % USERS.len();
        // One in four asks for the head only.
        let method = if n % 4 == 3 { "HEAD" } else { "GET" };
        let mut wire = Wire::to(address).await;
        wire.request(method, uri, USERS[user]).await;
        sent.add();
        (user, wire.response(method).await.expect("a response"))
    });
    let opened = async {
        gate.arrived(1).await;
        eventually_async(LONG, async || sent.count() == 200).await;
        gate.open();
    };
    in_time(async { tokio::join!(join_all(crowd), opened).0 }).await
}

#[track_caller]
fn assert_own(answers: &[(usize, Got)], uri: &str) {
    for (user, got) in answers {
        let own = name(*user);
        assert_eq!((got.status, got.field("x-user")), (200, Some(own.clone())), "{uri}: {got:?}");
        assert!(got.body.is_empty() || got.text() == own, "{uri}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_users_before_each_handler_and_each_gets_its_own() {
    for uri in ["/headers", "/extension", "/request", "/session", "/visitor", "/fields", "/own", "/nearby"] {
        for cache in caches().await {
            let app = App::new(&cache);
            let address = handlers(&app).await;
            assert_own(&stampede(address, &app.gate, uri).await, uri);
            // Nor afterwards, when something was kept.
            for user in 0..USERS.len() {
                for method in ["GET", "HEAD", "GET"] {
                    assert_own(&[(user, ask_as(address, user, method, uri).await)], uri);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_was_kept_for_each_is_found_by_each() {
    for uri in ["/own", "/nearby"] {
        for cache in caches().await {
            let app = App::new(&cache);
            app.gate.open();
            let address = handlers(&app).await;
            for _ in 0..2 {
                for user in 0..USERS.len() {
                    assert_own(&[(user, ask_as(address, user, "GET", uri).await)], uri);
                }
            }
            assert_eq!(app.calls.count(), USERS.len());
            let got = ask_as(address, 0, "GET", uri).await;
            let control = got.field("cache-control").expect("it is said");
            assert!(got.x_cache() == "HIT" && control.starts_with("private, max-age="), "{got:?}");
        }
    }
}

#[tokio::test]
async fn without_a_word_about_credentials_only_those_without_share() {
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
async fn what_an_ignored_argument_read_from_a_cookie_reaches_nobody_else() {
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
async fn a_state_alone_does_not_make_cookies_count() {
    for uri in ["/state", "/state/ignored"] {
        for cache in caches().await {
            let app = App::new(&cache);
            app.gate.open();
            let address = handlers(&app).await;
            let cookies = [&[("cookie", "session=erin")][..], USERS[2], USERS[4]];
            for (shows, x_cache) in cookies.into_iter().zip(["MISS", "HIT", "HIT"]) {
                let got = Wire::to(address).await.exchange("GET", uri, shows).await;
                assert_eq!((got.x_cache().as_str(), got.text().as_str()), (x_cache, "for all"), "{uri}");
            }
            assert_eq!(app.calls.count(), 1, "{uri}");
        }
    }
}

/// Headers in which programs show who they are.
const TOKENS: [&str; 4] = ["x-api-key", "x-auth-token", "x-access-token", "proxy-authorization"];

#[cache(response, expire = "1h", private, cache = app.cache)]
async fn own_by_extension(app: State<App>, Extension(user): Extension<User>) -> Response {
    app.page(user.0).await
}

/// Finds out who it is by a token.
async fn know_token(mut request: Request, next: Next) -> Response {
    let token = TOKENS.iter().find_map(|token| request.headers().get(*token));
    let user = User(token.map_or("-", |token| token.to_str().expect("text")).to_owned());
    request.extensions_mut().insert(user);
    next.run(request).await
}

async fn by_token(app: &App) -> SocketAddr {
    let routes = Router::new().route("/", get(by_extension)).route("/own", get(own_by_extension));
    serve(routes.layer(from_fn(know_token)).with_state(app.clone())).await
}

#[tokio::test]
async fn who_shows_a_token_goes_past_what_others_get() {
    for cache in caches().await {
        let app = App::new(&cache);
        app.gate.open();
        let address = by_token(&app).await;
        for token in TOKENS {
            for user in ["alice", "bob", "alice"] {
                let got = Wire::to(address).await.exchange("GET", "/", &[(token, user)]).await;
                assert_eq!(got.brief(), ("BYPASS".to_owned(), user.to_owned()), "{token}");
            }
            let got = Wire::to(address).await.exchange("GET", "/", &[]).await;
            assert_eq!(got.text(), "-", "{token}");
        }
        let got = Wire::to(address).await.exchange("GET", "/", &[]).await;
        assert_eq!(got.brief(), ("HIT".to_owned(), "-".to_owned()));
    }
}

#[tokio::test]
async fn where_responses_are_private_each_token_has_its_own() {
    for cache in caches().await {
        for token in TOKENS {
            cache.clear().await.expect("cleared");
            let app = App::new(&cache);
            app.gate.open();
            let address = by_token(&app).await;
            for x_cache in ["MISS", "HIT"] {
                for (shows, user) in
                    [(&[(token, "alice")][..], "alice"), (&[(token, "bob")], "bob"), (&[], "-")]
                {
                    let got = Wire::to(address).await.exchange("GET", "/own", shows).await;
                    assert_eq!(got.brief(), (x_cache.to_owned(), user.to_owned()), "{token}");
                }
            }
            assert_eq!(app.calls.count(), 3, "{token}");
        }
    }
}

#[tokio::test]
async fn who_shows_a_token_goes_past_a_layer_and_has_an_entry_of_a_private_one() {
    let minute = ResponseCacheLayer::new().expire("1m");
    let origin = || {
        Origin::new(|_, parts| {
            let key = parts.headers.get("x-api-key").map_or(&b"-"[..], |key| key.as_bytes());
            Ok(response(200, &[], Body::from(key.to_vec())))
        })
    };
    for (layer, x_caches) in [
        (minute.clone(), ["BYPASS", "BYPASS"]),
        (minute.clone().private(), ["MISS", "HIT"]),
        (minute.vary(["x-api-key"]), ["MISS", "HIT"]),
    ] {
        for site in sites(layer.clone(), origin).await {
            for x_cache in x_caches {
                for user in ["alice", "bob"] {
                    let got = site.get_with("/", &[("x-api-key", user)]).await;
                    assert_eq!(got.brief(), (x_cache.to_owned(), user.to_owned()), "{layer:?}");
                }
            }
            assert_eq!(site.get("/").await.text(), "-");
        }
    }
}

#[derive(Clone)]
struct Tenant(String);

#[cache(response, expire = "1h", cache = app.cache)]
async fn items(app: State<App>, Extension(tenant): Extension<Tenant>) -> Response {
    app.page(tenant.0).await
}

/// Finds out whose items they are by the path.
async fn know_tenant(mut request: Request, next: Next) -> Response {
    let tenant = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
    request.extensions_mut().insert(Tenant(tenant));
    next.run(request).await
}

#[tokio::test]
async fn what_a_middleware_found_in_the_path_tells_entries_apart() {
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
async fn who_may_not_see_an_old_page_does_not_take_it_from_others() {
    // The origin gives a new one, or says that the old one is still good.
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
            // There still is one that can be shown to the origin.
            let got = site.get("/").await;
            assert_eq!(got.text(), "0", "{gives}");
            assert!(site.origin.last().headers.contains_key("if-none-match"), "{gives}");
            assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "0".to_owned()), "{gives}");
        }
    }
}

#[tokio::test]
async fn what_is_shared_by_word_is_shared() {
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
async fn a_cookie_that_is_set_reaches_one_client_even_where_all_is_shared() {
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
async fn what_one_user_puts_into_the_place_of_private_responses_reaches_nobody() {
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
        // A request that wants nothing but what is kept gets nothing of it either.
        ask_as(address, 0, "PUT", "/own").await;
        for (user, shows) in USERS.iter().enumerate() {
            let wants = [*shows, &[("cache-control", "only-if-cached")]].concat();
            let got = Wire::to(address).await.exchange("GET", "/own", &wants).await;
            assert!(got.status == 504 || got.text() == name(user), "{got:?}");
        }
        own_entry(State(app.clone()), HeaderMap::new()).invalidate().await.expect("the store is there");
    }
}

/// A service that greets whoever asks it.
fn greeter(headers: &'static [(&'static str, &'static str)]) -> impl Fn() -> Origin {
    move || {
        Origin::new(move |_, parts| {
            let user = who(&parts.headers);
            let mut response = response(200, headers, Body::from(user.clone()));
            response.headers_mut().insert("x-user", user.parse().expect("a value"));
            Ok(response)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_users_before_a_layer_and_each_gets_its_own() {
    let minute = ResponseCacheLayer::new().expire("1m");
    let obeys = ResponseCacheLayer::new().obey_origin();
    let own = greeter(&[]);
    let by_vary = greeter(&[("vary", "authorization, cookie"), ("cache-control", "public, max-age=60")]);
    let private = greeter(&[("cache-control", "private, max-age=60")]);
    let sets = greeter(&[("set-cookie", "a=b"), ("cache-control", "max-age=60")]);
    for (layer, origin) in [
        (minute.clone(), &own as &(dyn Fn() -> Origin + Sync)),
        (minute.clone().private(), &own),
        (minute.clone().private().local("1m").stale_while_revalidate("1m"), &own),
        (minute.clone().shared(), &private),
        (minute.clone().shared(), &sets),
        (minute.clone().vary(["authorization", "cookie"]).shared(), &own),
        (minute.shared(), &by_vary),
        (obeys.clone(), &by_vary),
        (obeys.clone(), &private),
        (obeys, &sets),
    ] {
        for site in sites(layer.clone(), origin).await {
            let gate = Arc::new(Gate::default());
            site.origin.stops_at(&gate);
            let address = serve_site(site.service.clone()).await;
            let about = format!("{layer:?}");
            assert_own(&stampede(address, &gate, "/").await, &about);
            for user in 0..USERS.len() {
                for method in ["GET", "HEAD", "GET"] {
                    assert_own(&[(user, ask_as(address, user, method, "/").await)], &about);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_was_kept_before_a_layer_became_private_reaches_nobody() {
    for cache in caches().await {
        let origin = greeter(&[])();
        let before = origin.behind(&ResponseCacheLayer::new().expire("1h").shared().cache(&cache));
        let after = origin.behind(&ResponseCacheLayer::new().expire("1h").private().cache(&cache));
        let before = serve_site(before).await;
        let after = serve_site(after).await;
        assert_eq!(ask_as(before, 0, "GET", "/").await.text(), name(0));
        for user in [1, 2, 4, 0] {
            assert_eq!(ask_as(after, user, "GET", "/").await.text(), name(user));
        }
        for user in 0..USERS.len() {
            assert_eq!(ask_as(after, user, "GET", "/").await.text(), name(user));
        }
    }
}

#[tokio::test]
async fn an_old_response_that_was_put_reaches_nobody_while_it_is_renewed_or_cannot_be() {
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
