//! Every header that identifies a client, in every way by which a handler may learn its value, behind every kind of cache: no
//! request sees the body of another user.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, FromRequestParts, Request, State};
use axum::http::{HeaderMap, request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache};
use serde::Serialize;
use support::stores::caches_with;
use support::wire::{ask, request};

tokio::task_local! {
    /// The user, as a middleware tells the functions that it calls.
    static USER: String;
}

/// The user that a middleware found.
#[derive(Clone, Serialize)]
struct Session(String);

/// An extractor of the user.
#[derive(Serialize)]
struct Badge(String);

impl<S: Sync> FromRequestParts<S> for Badge {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(who(&parts.headers)))
    }
}

/// The user of a request: the headers of these tests have no other meaning.
fn who(headers: &HeaderMap) -> String {
    let all = headers.iter().filter(|(name, _)| *name != "if-none-match");
    let all = all.map(|(name, value)| format!("{name}={}", value.to_str().expect("text")));
    let mut all: Vec<String> = all.collect();
    all.sort();
    if all.is_empty() { "nobody".to_owned() } else { all.join(" ") }
}

/// Identifies the user, as a session middleware does.
async fn know(mut request: Request, next: Next) -> Response {
    let user = who(request.headers());
    request.extensions_mut().insert(Session(user.clone()));
    USER.scope(user, next.run(request)).await
}

/// Handlers that learn the user in each way, below the cache of their state.
macro_rules! cached {
    ($($name:ident: ($($option:tt)*), ($(#[$ignored:meta])?);)*) => { $(mod $name {
        use super::*;

        #[cache(response, expire = "1h", $($option)* cache = cache.0)]
        pub(super) async fn extension(cache: State<Cache>, Extension(session): Extension<Session>) -> String {
            session.0
        }

        #[cache(response, expire = "1h", $($option)* cache = cache.0)]
        pub(super) async fn task_local(cache: State<Cache>) -> String {
            USER.get()
        }

        #[cache(response, expire = "1h", $($option)* cache = cache.0)]
        pub(super) async fn extractor(cache: State<Cache>, badge: Badge) -> String {
            badge.0
        }

        #[cache(response, expire = "1h", $($option)* cache = cache.0)]
        pub(super) async fn header_map(cache: State<Cache>, $(#[$ignored])? headers: HeaderMap) -> String {
            who(&headers)
        }

        #[cache(response, expire = "1h", $($option)* cache = cache.0)]
        pub(super) async fn whole(cache: State<Cache>, $(#[$ignored])? request: Request) -> String {
            who(request.headers())
        }
    })* };
}

cached! {
    // Without `ignore` these do not compile, as `tests/ui` shows.
    plain: (), (#[cache(ignore)]);
    private: (private,), ();
}

/// The same handlers without a cache.
mod uncached {
    use super::*;

    pub(super) async fn extension(Extension(session): Extension<Session>) -> String {
        session.0
    }

    pub(super) async fn task_local() -> String {
        USER.get()
    }

    pub(super) async fn extractor(badge: Badge) -> String {
        badge.0
    }

    pub(super) async fn header_map(headers: HeaderMap) -> String {
        who(&headers)
    }

    pub(super) async fn whole(request: Request) -> String {
        who(request.headers())
    }
}

/// The routes of the handlers of a module.
macro_rules! routes {
    ($module:ident) => {
        Router::new()
            .route("/extension", get($module::extension))
            .route("/task-local", get($module::task_local))
            .route("/extractor", get($module::extractor))
            .route("/header-map", get($module::header_map))
            .route("/request", get($module::whole))
    };
}

const WAYS: [&str; 5] = ["/extension", "/task-local", "/extractor", "/header-map", "/request"];

/// The four kinds of caches around the same five handlers, and whether they have one entry per credential.
fn kinds(cache: &Cache) -> [(&'static str, Router, bool); 4] {
    let layer = || ResponseCacheLayer::new().expire("1h").cache(cache);
    [
        ("handler", routes!(plain), false),
        ("private handler", routes!(private), true),
        ("layer", routes!(uncached).layer(layer()), false),
        ("private layer", routes!(uncached).layer(layer().group("private").private()), true),
    ]
    .map(|(name, routes, is_private)| {
        (name, routes.layer(from_fn(know)).with_state(cache.clone()), is_private)
    })
}

/// The header of [`larder::Builder::credential_headers`].
const OWN: &str = "x-seat";

/// The names that the page on HTTP lists; those of a family with an end.
fn identity_headers() -> Vec<String> {
    let page = include_str!("../../../docs/http.md");
    let list = page.split("### Headers that identify a client").nth(1).expect("the list");
    let list = list.split("\n#").next().expect("the list");
    let names = list.split('`').skip(1).step_by(2).filter(|name| !name.contains(['(', ':']));
    let names: Vec<String> = names.map(|name| name.to_ascii_lowercase().replace('*', "id")).collect();
    assert!(names.len() > 100 && names.iter().any(|name| name == "x-forwarded-user"), "{names:?}");
    names
}

/// Sends a request, and returns `X-Cache`; the body must be the user's own.
async fn own(app: &Router, uri: &str, header: Option<(&str, &str)>, about: &str) -> String {
    let fields: Vec<_> = header.into_iter().collect();
    let sent: http::Request<Body> = request("GET", uri, &fields);
    let expected = who(sent.headers());
    let got = ask(app, sent).await.expect("a response");
    assert_eq!((got.status, got.text()), (200, expected), "{about} {uri} {header:?} {got:?}");
    let varies = got.field("vary").unwrap_or_default();
    assert!(varies.split(", ").any(|name| name.eq_ignore_ascii_case("cookie")), "{about} {uri} {varies}");
    got.x_cache()
}

#[tokio::test]
async fn no_header_of_a_user_shows_another_user_the_page() {
    let mut headers = identity_headers();
    headers.extend(["authorization", "cookie", OWN].map(str::to_owned));
    for cache in caches_with(|builder| builder.credential_headers(["X-Seat"])).await {
        for (kind, app, is_private) in kinds(&cache) {
            for way in WAYS {
                let about = format!("{cache:?} {kind}");
                let nobodys = own(&app, way, None, &about).await;
                assert_eq!(nobodys, if is_private { "BYPASS" } else { "MISS" }, "{about} {way}");
                for header in &headers {
                    let (alice, bob) = match header.as_str() {
                        "cookie" => ("session=alice; _ga=1", "session=bob; _ga=1"),
                        _ => ("alice", "bob"),
                    };
                    let expected = match is_private {
                        false => ["BYPASS", "BYPASS", "HIT", "BYPASS"],
                        true => ["MISS", "MISS", "BYPASS", "HIT"],
                    };
                    for (user, x_cache) in
                        [Some(alice), Some(bob), None, Some(alice)].into_iter().zip(expected)
                    {
                        let user = user.map(|user| (header.as_str(), user));
                        assert_eq!(own(&app, way, user, &about).await, x_cache, "{about} {way} {user:?}");
                    }
                }
            }
        }
    }
}

/// A page below a `private` cache is of all credentials of its request, not of one of them.
#[tokio::test]
async fn two_credentials_are_one_user() {
    let seats = [
        &[("authorization", "Bearer app")][..],
        &[("authorization", "Bearer app"), ("x-session", "alice")],
        &[("authorization", "Bearer app"), ("x-session", "bob")],
        &[("authorization", "Bearer app"), ("x-session", "bob"), ("x-session", "alice")],
        &[("authorization", "Bearer app"), ("cookie", "session=alice")],
        &[("authorization", "Bearer app"), ("cookie", "session=bob")],
        &[("authorization", "Bearer app"), (OWN, "alice")],
        &[("x-session", "alice")],
        &[("x-session-id", "alice")],
        &[("cookie", "x-session=alice")],
    ];
    for cache in caches_with(|builder| builder.credential_headers(["X-Seat"])).await {
        for (kind, app, is_private) in kinds(&cache) {
            for way in WAYS {
                for x_cache in ["MISS", "HIT"] {
                    for seat in seats {
                        let sent = request("GET", way, seat);
                        let expected = who(sent.headers());
                        let got = ask(&app, sent).await.expect("a response");
                        let x_cache = if is_private { x_cache } else { "BYPASS" };
                        assert_eq!(got.brief(), (x_cache.to_owned(), expected), "{kind} {way} {seat:?}");
                    }
                }
            }
        }
    }
}

/// `vary` answers for the headers that it names, not for another that is there as well.
#[tokio::test]
async fn vary_names_every_credential_or_the_request_bypasses() {
    for cache in caches_with(|builder| builder).await {
        let layer = ResponseCacheLayer::new().expire("1h").cache(&cache).vary(["authorization", "x-session"]);
        let app = routes!(uncached).layer(layer).layer(from_fn(know)).with_state(cache.clone());
        let (alice, bob) = ([("authorization", "alice")], [("authorization", "bob")]);
        let both = [("authorization", "alice"), ("x-session", "s")];
        let other = [("authorization", "alice"), ("x-api-key", "k")];
        let cookie = [("authorization", "alice"), ("cookie", "session=s")];
        type Fields<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Fields<'_>, [&str; 2]); 6] = [
            (&alice, ["MISS", "HIT"]),
            (&bob, ["MISS", "HIT"]),
            (&both, ["MISS", "HIT"]),
            (&other, ["BYPASS"; 2]),
            (&cookie, ["BYPASS"; 2]),
            (&[], ["MISS", "HIT"]),
        ];
        for (fields, x_caches) in cases {
            for x_cache in x_caches {
                let sent = request("GET", "/header-map", fields);
                let expected = who(sent.headers());
                let got = ask(&app, sent).await.expect("a response");
                assert_eq!(got.brief(), (x_cache.to_owned(), expected), "{fields:?}");
            }
        }
    }
}
