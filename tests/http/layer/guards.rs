//! `when` and `authorize`: who is answered from the cache.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, FromRequestParts, OriginalUri};
use axum::http::{Request, Response, StatusCode, header, request};
use axum::routing::get;
use http_body_util::Full;
use larder::http::ResponseCacheLayer;
use larder::test_util::TestClock;
use support::stores::{Calls, caches, caches_with};
use support::wire::{Origin, Reply, Wire, ask, request, serve, sites};
use tower::{Layer, service_fn};

use super::minute::minute;

/// The state of an application with tokens that can be revoked.
#[derive(Clone, Default)]
struct Tokens {
    revoked: Arc<Mutex<HashSet<String>>>,
    calls: Arc<Calls>,
    checks: Arc<Calls>,
}

impl Tokens {
    fn revoke(&self, token: &str) {
        self.revoked.lock().expect("no panic").insert(token.to_owned());
    }

    fn restore(&self, token: &str) {
        self.revoked.lock().expect("no panic").remove(token);
    }
}

/// The user whom a token names.
#[derive(Clone)]
struct User(String);

impl FromRequestParts<Tokens> for User {
    type Rejection = (StatusCode, [(&'static str, &'static str); 1], &'static str);

    async fn from_request_parts(
        parts: &mut request::Parts,
        tokens: &Tokens,
    ) -> Result<Self, Self::Rejection> {
        tokens.checks.add();
        // As a check in a database.
        tokio::task::yield_now().await;
        let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let user = token.and_then(|token| token.strip_prefix("Bearer ")).unwrap_or_default();
        if user.is_empty() || tokens.revoked.lock().expect("no panic").contains(user) {
            return Err((StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")], "revoked"));
        }
        parts.extensions.insert(Self(user.to_owned()));
        Ok(Self(user.to_owned()))
    }
}

/// Greets the user whom the guard found, with the number of the response.
async fn greet(Extension(tokens): Extension<Tokens>, user: Option<Extension<User>>) -> String {
    let user = user.map_or("nobody".to_owned(), |Extension(User(user))| user);
    format!("{user} {}", tokens.calls.add())
}

/// Serves a page, and a method that changes it, behind a layer.
async fn serve_behind(layer: ResponseCacheLayer, tokens: &Tokens) -> Wire {
    let app = Router::new().route("/{*path}", get(greet).post(greet)).layer(layer);
    Wire::to(serve(app.layer(Extension(tokens.clone()))).await).await
}

/// Sends a request of a user.
async fn as_user(wire: &mut Wire, method: &str, uri: &str, (user, more): (&str, &[(&str, &str)])) -> Reply {
    let token = format!("Bearer {user}");
    let headers = [&[("authorization", token.as_str())], more].concat();
    wire.exchange(method, uri, &headers).await
}

#[track_caller]
fn assert_rejected(got: &Reply, method: &str) {
    let text = if method == "HEAD" { "" } else { "revoked" };
    assert_eq!((got.status, got.brief()), (401, ("BYPASS".to_owned(), text.to_owned())), "{got:?}");
    assert_eq!(got.field("www-authenticate").as_deref(), Some("Bearer"), "{got:?}");
    assert_eq!(got.field("content-length").as_deref(), Some("7"), "{got:?}");
    assert_eq!(got.field("cache-status").as_deref(), Some("larder; fwd=bypass; detail=authorize"), "{got:?}");
    for name in ["etag", "x-user", "cache-control"] {
        assert_eq!(got.field(name), None, "{name}: {got:?}");
    }
}

#[tokio::test]
async fn a_revoked_token_gets_nothing_that_was_cached_for_it() {
    let clock = TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let tokens = Tokens::default();
        let layer = minute().private().stale_while_revalidate("1h").stale_if_error("1h");
        let layer = layer.authorize::<User, _>(tokens.clone()).cache(&cache);
        let mut wire = serve_behind(layer, &tokens).await;
        let first = as_user(&mut wire, "GET", "/a", ("ann", &[])).await;
        assert_eq!(first.brief(), ("MISS".to_owned(), "ann 0".to_owned()));
        assert_eq!(as_user(&mut wire, "GET", "/a", ("bob", &[])).await.text(), "bob 1");
        assert_eq!(as_user(&mut wire, "GET", "/a", ("ann", &[])).await.x_cache(), "HIT");
        let tag = first.field("etag").expect("a tag");
        tokens.revoke("ann");
        // Fresh, and then stale.
        for later in [0, 61] {
            clock.advance(Duration::from_secs(later));
            for (method, uri, headers) in [
                ("GET", "/a", &[][..]),
                ("HEAD", "/a", &[]),
                ("GET", "/a", &[("if-none-match", tag.as_str())]),
                ("GET", "/a", &[("if-none-match", "*")]),
                ("GET", "/a", &[("range", "bytes=0-1")]),
                ("GET", "/a", &[("cache-control", "only-if-cached")]),
                ("GET", "/a", &[("cache-control", "max-stale")]),
                ("GET", "/a", &[("cache-control", "no-cache")]),
                ("GET", "/none", &[]),
                ("HEAD", "/none", &[]),
                ("GET", "/none", &[("cache-control", "only-if-cached")]),
            ] {
                let got = as_user(&mut wire, method, uri, ("ann", headers)).await;
                assert_rejected(&got, method);
            }
            assert_eq!(tokens.calls.count(), 2, "{cache:?}");
        }
        // The other user is not affected, and no rejection was cached.
        let bob = as_user(&mut wire, "GET", "/a", ("bob", &[("cache-control", "max-stale")])).await;
        assert_eq!(bob.brief(), ("STALE".to_owned(), "bob 1".to_owned()));
        tokens.restore("ann");
        let ann = as_user(&mut wire, "GET", "/a", ("ann", &[("cache-control", "max-stale")])).await;
        assert_eq!(ann.brief(), ("STALE".to_owned(), "ann 0".to_owned()));
        let got = as_user(&mut wire, "GET", "/none", ("ann", &[("cache-control", "only-if-cached")])).await;
        assert_eq!(got.status, 504);
    }
}

#[tokio::test]
async fn one_response_for_all_who_are_let_in() {
    for cache in caches().await {
        let tokens = Tokens::default();
        let layer = minute().shared().authorize::<User, _>(tokens.clone()).cache(&cache);
        let mut wire = serve_behind(layer, &tokens).await;
        tokens.revoke("eve");
        for (user, brief) in
            [("ann", ("MISS", "ann 0")), ("bob", ("HIT", "ann 0")), ("ann", ("HIT", "ann 0"))]
        {
            let got = as_user(&mut wire, "GET", "/a", (user, &[])).await;
            assert_eq!(got.brief(), (brief.0.to_owned(), brief.1.to_owned()));
        }
        assert_rejected(&as_user(&mut wire, "GET", "/a", ("eve", &[])).await, "GET");
        assert_rejected(&wire.exchange("GET", "/a", &[]).await, "GET");
        assert_eq!((tokens.calls.count(), tokens.checks.count()), (1, 5));
    }
}

#[tokio::test]
async fn a_request_that_bypasses_the_cache_is_left_to_the_service() {
    for cache in caches().await {
        let tokens = Tokens::default();
        let layer = minute().shared().authorize::<User, _>(tokens.clone()).cache(&cache);
        let mut wire = serve_behind(layer, &tokens).await;
        tokens.revoke("eve");
        assert_eq!(as_user(&mut wire, "GET", "/a", ("ann", &[])).await.text(), "ann 0");
        // The service does not check in this test, so it answers.
        for (n, method, headers) in [
            (1, "POST", &[][..]),
            (2, "GET", &[("cache-control", "no-store")]),
            (3, "GET", &[("if-match", "*")]),
        ] {
            let got = as_user(&mut wire, method, "/a", ("eve", headers)).await;
            assert_eq!((got.status, got.text()), (200, format!("nobody {n}")), "{method} {headers:?}");
        }
        assert_eq!(tokens.checks.count(), 1);
        // The change removed the response.
        assert_eq!(as_user(&mut wire, "GET", "/a", ("ann", &[])).await.text(), "ann 4");
    }
}

/// An extractor that says no in a way of its own.
struct Banned;

impl<S: Sync> FromRequestParts<S> for Banned {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Response<Body>> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        match uri.query() {
            Some(query) if query.contains("banned") => {
                let mut response = Response::new(Body::from_stream(futures_util::stream::iter(
                    ["ban", "ned"].map(Ok::<_, Infallible>),
                )));
                *response.status_mut() = StatusCode::FORBIDDEN;
                response.headers_mut().append(header::SET_COOKIE, "a=b".parse().expect("a value"));
                Err(response)
            }
            _ => Ok(Self),
        }
    }
}

#[tokio::test]
async fn several_extractors_must_succeed_in_their_order() {
    for cache in caches().await {
        let tokens = Tokens::default();
        let layer = minute().shared().authorize::<Banned, _>(()).authorize::<User, _>(tokens.clone());
        let mut wire = serve_behind(layer.cache(&cache), &tokens).await;
        let banned = as_user(&mut wire, "GET", "/a?banned", ("ann", &[])).await;
        assert_eq!((banned.status, banned.text().as_str()), (403, "banned"));
        assert_eq!(banned.field("set-cookie").as_deref(), Some("a=b"));
        assert_eq!(tokens.checks.count(), 0);
        assert_rejected(&wire.exchange("GET", "/a", &[]).await, "GET");
        assert_eq!(as_user(&mut wire, "GET", "/a", ("ann", &[])).await.brief().0, "MISS");
        assert_eq!(as_user(&mut wire, "GET", "/a", ("ann", &[])).await.brief().0, "HIT");
    }
}

#[tokio::test]
async fn a_service_with_bodies_of_its_own_sends_rejections_whole() {
    for cache in caches().await {
        let service = service_fn(|_: Request<Body>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("page")))))
        });
        let service = minute().shared().authorize::<Banned, _>(()).cache(&cache).layer(service);
        let got = ask(&service, request("GET", "/?banned", &[])).await.expect("a response");
        assert_eq!((got.status, got.text().as_str()), (403, "banned"));
        assert_eq!(ask(&service, request("GET", "/", &[])).await.expect("a response").text(), "page");
        let head = ask(&service, request("HEAD", "/?banned", &[])).await.expect("a response");
        assert_eq!((head.status, head.text().as_str()), (403, ""));
    }
}

#[tokio::test]
async fn a_request_for_which_when_does_not_hold_bypasses_the_cache() {
    let layer = minute()
        .when(|parts| !parts.headers.contains_key("x-preview"))
        .when(|parts| !parts.uri.path().starts_with("/admin"));
    for site in sites(layer, || Origin::says(200, &[])).await {
        assert_eq!(site.get("/a").await.brief(), ("MISS".to_owned(), "0".to_owned()));
        let preview = site.get_with("/a", &[("x-preview", "1")]).await;
        assert_eq!(preview.brief(), ("BYPASS".to_owned(), "1".to_owned()));
        assert_eq!(site.get("/a").await.brief(), ("HIT".to_owned(), "0".to_owned()));
        assert!(!site.caches("/admin/a").await);
        // A change removes the response in any case.
        site.send("POST", "/a", &[("x-preview", "1")]).await;
        assert_eq!(site.get("/a").await.x_cache(), "MISS");
    }
}

#[tokio::test]
async fn a_closure_that_panics_costs_no_request() {
    let panics = |parts: &request::Parts| {
        assert!(!parts.headers.contains_key("x-odd"), "as the test wants it");
        true
    };
    for layer in [
        minute().when(panics),
        minute().key(move |parts| format!("{} {}", panics(parts), parts.uri)),
        minute().tags(move |parts| [panics(parts).to_string()]),
    ] {
        for site in sites(layer, || Origin::says(200, &[])).await {
            let odd = [("x-odd", "1")];
            assert_eq!(site.get_with("/", &odd).await.brief(), ("BYPASS".to_owned(), "0".to_owned()));
            assert_eq!(site.get("/").await.brief(), ("MISS".to_owned(), "1".to_owned()));
            assert_eq!(site.get_with("/", &odd).await.brief(), ("BYPASS".to_owned(), "2".to_owned()));
            assert_eq!(site.send("POST", "/other", &odd).await.status, 200);
            assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "1".to_owned()));
        }
    }
}
