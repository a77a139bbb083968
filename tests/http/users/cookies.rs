//! Cookies: those of sessions separate users, harmless ones do not, and clients are told that responses differ by them.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, TryStreamExt, stream};
use larder::http::{CachedResponse, ResponseCacheLayer};
use larder::{Cache, cache};
use support::stores::{caches, caches_with};
use support::wire::{Origin, Reply, Wire, ask, request, response, serve, sites};

tokio::task_local! {
    static USER: String;
}

/// The session of a request, as a middleware reads it.
fn session(headers: &HeaderMap) -> String {
    let cookies = headers.get_all("cookie").iter().flat_map(|line| line.to_str().expect("text").split("; "));
    let found = cookies.filter_map(|cookie| cookie.strip_prefix("session=")).next();
    found.unwrap_or("nobody").to_owned()
}

async fn know(request: Request, next: Next) -> Response {
    let user = session(request.headers());
    USER.scope(user, next.run(request)).await
}

#[cache(response, expire = "1h", stale_while_revalidate = "1h", cache = cache.0)]
async fn me(cache: State<Cache>) -> String {
    USER.try_with(Clone::clone).unwrap_or_default()
}

#[cache(response, expire = "1h", shared, cache = cache.0)]
async fn terms(cache: State<Cache>) -> &'static str {
    "the terms"
}

fn app(cache: &Cache) -> Router {
    let routes = Router::new().route("/me", get(me)).route("/terms", get(terms));
    routes.layer(from_fn(know)).with_state(cache.clone())
}

async fn get_as(app: &Router, uri: &str, cookie: &[&str]) -> Reply {
    let fields: Vec<_> = cookie.iter().map(|cookie| ("cookie", *cookie)).collect();
    ask(app, request("GET", uri, &fields)).await.expect("a response")
}

#[tokio::test]
async fn a_session_that_the_arguments_do_not_show_is_not_shared() {
    for cache in caches().await {
        let app = app(&cache);
        for (cookie, x_cache, text) in [
            (&[][..], "MISS", "nobody"),
            (&["session=alice"], "BYPASS", "alice"),
            (&["session=bob"], "BYPASS", "bob"),
            (&["_ga=GA1.2.3; _gid=4"], "HIT", "nobody"),
            (&["_ga=1", "_fbp=2"], "HIT", "nobody"),
            (&[""], "HIT", "nobody"),
            (&["_ga=1; session=alice"], "BYPASS", "alice"),
            (&["_ga=1", "session=bob"], "BYPASS", "bob"),
            (&["session=alice; _ga=1"], "BYPASS", "alice"),
            (&[], "HIT", "nobody"),
        ] {
            let got = get_as(&app, "/me", cookie).await;
            assert_eq!(got.brief(), (x_cache.to_owned(), text.to_owned()), "{cache:?} {cookie:?}");
        }
        assert_eq!(get_as(&app, "/terms", &["session=alice"]).await.x_cache(), "MISS");
        assert_eq!(get_as(&app, "/terms", &["session=bob"]).await.x_cache(), "HIT");
    }
}

#[tokio::test]
async fn only_whole_names_of_harmless_cookies_count() {
    let analytics =
        ["_ga=1", "_ga_ABC123=GS1.1", "_gid=1", "_gat=1", "_gat_UA-1=1", "_gcl_au=1", "_fbp=fb.1", "_fbc=1"];
    let others =
        ["__utma=1", "_pk_id.1.abc=1", "_hjSession_1=1", "_clck=1", "_uetsid=1", "ajs_anonymous_id=1"];
    let credentials = [
        "_ga",
        "=1",
        "a",
        "ga=1",
        "x_ga=1",
        "_GA=1",
        "_gax=1",
        "_gate=1",
        "_fbpx=1",
        "_ga=1;session",
        "_ga=1, session=a",
        "_ga =1;s=1",
        "JSESSIONID=1",
        "AWSALB=1",
        "\"_ga\"=1",
    ];
    for cache in caches().await {
        let app = app(&cache);
        get_as(&app, "/me", &[]).await;
        for cookie in analytics.iter().chain(&others).chain(&["_ga=a,b", "_ga=1 ; _gid=2;; ", " _ga = 1"]) {
            assert_eq!(get_as(&app, "/me", &[cookie]).await.x_cache(), "HIT", "{cookie}");
        }
        for cookie in credentials {
            assert_eq!(get_as(&app, "/me", &[cookie]).await.x_cache(), "BYPASS", "{cookie}");
        }
    }
}

#[tokio::test]
async fn harmless_cookies_are_added_or_replaced_by_the_builder() {
    let added = |builder: larder::Builder| builder.harmless_cookies(["theme", "ab_*"]);
    let replaced = |builder: larder::Builder| builder.harmless_cookies([]).harmless_cookies(["theme"]);
    let x_caches =
        [("theme=dark", "HIT", "HIT"), ("ab_1=x; theme=y", "HIT", "BYPASS"), ("_ga=1", "HIT", "BYPASS")];
    for (cookie, with_added, with_replaced) in x_caches {
        for cache in caches_with(added).await {
            let app = app(&cache);
            get_as(&app, "/me", &[]).await;
            assert_eq!(get_as(&app, "/me", &[cookie]).await.x_cache(), with_added, "{cookie}");
        }
        for cache in caches_with(replaced).await {
            let app = app(&cache);
            get_as(&app, "/me", &[]).await;
            assert_eq!(get_as(&app, "/me", &[cookie]).await.x_cache(), with_replaced, "{cookie}");
        }
    }
}

#[test]
fn names_that_cannot_be_used_are_errors_of_the_builder() {
    for (setting, builder) in [
        (
            "credential_headers = \"not a name\"",
            Cache::builder().credential_headers(["x-seat", "not a name"]),
        ),
        ("credential_headers = \"\"", Cache::builder().credential_headers([""])),
        ("harmless_cookies = \"\"", Cache::builder().harmless_cookies([""])),
        ("harmless_cookies = \"a b\"", Cache::builder().harmless_cookies(["a b"])),
        ("harmless_cookies = \"a=1\"", Cache::builder().harmless_cookies(["a=1"])),
        ("harmless_cookies = \"*\"", Cache::builder().harmless_cookies(["*"])),
        ("harmless_cookies = \"?*\"", Cache::builder().harmless_cookies(["?*"])),
    ] {
        let error = builder.build_blocking().expect_err(setting).to_string();
        assert!(error.starts_with(setting), "{setting}: {error}");
    }
}

/// Two processes that disagree about credentials do not read each other's private entries.
#[tokio::test]
async fn private_entries_are_of_the_settings_that_separate_them() {
    let seats = [
        [("authorization", "Bearer app"), ("x-seat", "alice")],
        [("authorization", "Bearer app"), ("x-seat", "bob")],
    ];
    let prefix = support::stores::unique("settings");
    let cache = async |known: &[&'static str]| {
        let builder = support::stores::on(support::deployment::shared()).prefix(&prefix);
        builder.credential_headers(known.iter().copied()).build().await.expect("a cache")
    };
    let origin = Origin::new(|_, parts| {
        let seat = parts.headers.get("x-seat").map_or("-", |seat| seat.to_str().expect("text"));
        Ok(response(200, &[], seat.to_owned()))
    });
    let layer = || ResponseCacheLayer::new().expire("1h").private();
    let old = origin.behind(&layer().cache(&cache(&[]).await));
    let new = origin.behind(&layer().cache(&cache(&["x-seat"]).await));
    let ask_as = async |service, fields: &[(&str, &str)]| {
        ask(service, request("GET", "/", fields)).await.expect("a response").text()
    };
    assert_eq!(ask_as(&old, &seats[0]).await, "alice");
    assert_eq!(ask_as(&new, &seats[1]).await, "bob");
    assert_eq!(ask_as(&new, &seats[0][..1]).await, "-");
    assert_eq!(ask_as(&new, &seats[0]).await, "alice");
}

#[tokio::test]
async fn an_entry_of_a_vary_that_names_cookie_is_without_harmless_cookies() {
    let origin = || Origin::new(|_, parts| Ok(response(200, &[], session(&parts.headers))));
    for site in sites(ResponseCacheLayer::new().expire("1h").vary(["cookie"]), origin).await {
        for (cookie, x_cache, text) in [
            ("session=alice", "MISS", "alice"),
            ("session=bob; _ga=1", "MISS", "bob"),
            ("_gid=1; session=alice", "HIT", "alice"),
            ("session=alice;_ga=2", "HIT", "alice"),
            ("session=bob", "HIT", "bob"),
            ("_ga=1", "MISS", "nobody"),
        ] {
            let got = site.get_with("/", &[("cookie", cookie)]).await;
            assert_eq!(got.brief(), (x_cache.to_owned(), text.to_owned()), "{cookie}");
        }
        assert_eq!(site.get("/").await.brief(), ("HIT".to_owned(), "nobody".to_owned()));
    }
}

/// The names in `Vary` of a response.
fn varies(got: &Reply) -> Vec<String> {
    got.field("vary").unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()).collect()
}

const ALICE: (&str, &str) = ("authorization", "Bearer alice");

/// Names and values of headers.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// Requests of every kind: their method, path and headers.
const REQUESTS: [(&str, &str, Fields<'static>); 11] = [
    ("GET", "/", &[]),
    ("GET", "/", &[]),
    ("HEAD", "/", &[]),
    ("GET", "/", &[ALICE]),
    ("GET", "/", &[ALICE]),
    ("GET", "/", &[("if-none-match", "\"a\"")]),
    ("GET", "/", &[("if-none-match", "\"a\""), ALICE]),
    ("GET", "/other", &[("cache-control", "only-if-cached")]),
    ("GET", "/streamed", &[]),
    ("GET", "/failed", &[]),
    ("POST", "/", &[]),
];

#[tokio::test]
async fn every_response_that_is_not_shared_names_cookie_once() {
    let minute = ResponseCacheLayer::new().expire("1m");
    let origin = |own: &'static [(&'static str, &'static str)]| {
        move || {
            Origin::new(move |_, parts| match parts.uri.path() {
                "/streamed" => {
                    let pieces = stream::iter(["a", "b"]).map(Ok::<_, Infallible>);
                    Ok(response(200, own, axum::body::Body::from_stream(pieces)))
                }
                "/failed" => Ok(response(500, own, "")),
                _ => Ok(response(200, &[own, &[("etag", "\"a\"")]].concat(), "a")),
            })
        }
    };
    for own in [
        &[][..],
        &[("vary", "accept")],
        &[("vary", "accept, Cookie")],
        &[("vary", "accept"), ("vary", "cookie")],
    ] {
        for (layer, is_told) in [
            (minute.clone().stale_while_revalidate("1h"), true),
            (minute.clone().private(), true),
            (minute.clone().shared(), false),
        ] {
            for site in sites(layer.clone(), origin(own)).await {
                let mut x_caches = Vec::new();
                for (method, uri, fields) in REQUESTS {
                    let got = site.send(method, uri, fields).await;
                    let told = varies(&got).iter().filter(|name| *name == "cookie").count();
                    let own_told = own.iter().any(|(_, names)| names.to_ascii_lowercase().contains("cookie"));
                    let is_told = is_told || (own_told && got.status != 504);
                    assert_eq!(told, usize::from(is_told), "{layer:?} {method} {uri} {fields:?} {got:?}");
                    x_caches.push((got.status, got.x_cache()));
                }
                site.get("/old").await;
                site.later(61);
                x_caches.push((200, site.get("/old").await.x_cache()));
                // The requests are of every kind, except for those without credentials where it is `private`.
                for seen in [(200, "MISS"), (200, "HIT"), (304, "HIT")] {
                    let is_private = format!("{layer:?}").contains("Private");
                    assert!(
                        is_private || x_caches.contains(&(seen.0, seen.1.to_owned())),
                        "{layer:?} {x_caches:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn without_a_cache_cookie_is_named_and_an_origin_that_decides_is_left_alone() {
    let origin = Origin::says(200, &[("cache-control", "max-age=60")]);
    let alone = origin.behind(&ResponseCacheLayer::new().expire("1m"));
    let got = ask(&alone, request("GET", "/", &[])).await.expect("a response");
    assert_eq!((got.x_cache(), varies(&got)), (String::new(), vec!["cookie".to_owned()]));
    let cache = Cache::builder().build().await.expect("a cache");
    cache.clone().close().await;
    let app = app(&cache);
    assert_eq!(varies(&get_as(&app, "/me", &[]).await), ["cookie"]);
    assert_eq!(get_as(&app, "/terms", &[]).await.field("vary"), None);
    for site in sites(ResponseCacheLayer::new().obey_origin(), || {
        Origin::says(200, &[("cache-control", "max-age=60")])
    })
    .await
    {
        for x_cache in ["MISS", "HIT"] {
            let got = site.get("/").await;
            assert_eq!((got.x_cache().as_str(), got.field("vary")), (x_cache, None));
        }
    }
}

#[cache(response, expire = "1h", unless = |page: &CachedResponse| page.headers().contains_key("vary"), cache = cache.0)]
async fn page(cache: State<Cache>) -> Response {
    "a page".into_response()
}

#[tokio::test]
async fn vary_by_cookie_is_not_stored_and_costs_no_second_entry() {
    for cache in caches().await {
        let page = Router::new().route("/", get(page)).with_state(cache.clone());
        // A layer around the handler reads `Vary: Cookie` of the handler.
        let app = page.layer(ResponseCacheLayer::new().expire("1h").cache(&cache));
        for x_caches in [["MISS", "MISS"], ["MISS", "HIT"]] {
            let got = get_as(&app, "/", &[]).await;
            assert!(x_caches.contains(&got.x_cache().as_str()), "{got:?}");
            assert_eq!(varies(&got), ["cookie"]);
        }
        assert_eq!(get_as(&app, "/", &["_ga=1"]).await.x_cache(), "HIT");
        let keys: Vec<String> = cache.keys("*").try_collect().await.expect("the store is there");
        assert!(keys.iter().all(|key| !key.contains('~')), "{keys:?}");
    }
}

/// A browser that obeys `Vary` (RFC 9111 section 4.1).
struct Browser {
    cookie: String,
    pages: HashMap<String, (Vec<(String, String)>, String)>,
}

impl Browser {
    async fn visit(&mut self, wire: &mut Wire, uri: &str) -> String {
        let now = |name: &str| if name == "cookie" { self.cookie.clone() } else { String::new() };
        if let Some((by, text)) = self.pages.get(uri)
            && by.iter().all(|(name, value)| now(name) == *value)
        {
            return text.clone();
        }
        let fields = if self.cookie.is_empty() { vec![] } else { vec![("cookie", self.cookie.as_str())] };
        let got = wire.exchange("GET", uri, &fields).await;
        let by = varies(&got).into_iter().map(|name| (name.clone(), now(&name))).collect();
        self.pages.insert(uri.to_owned(), (by, got.text()));
        got.text()
    }
}

#[tokio::test]
async fn a_browser_asks_again_after_another_login() {
    for cache in caches().await {
        let mut wire = Wire::to(serve(app(&cache)).await).await;
        let mut browser = Browser { cookie: String::new(), pages: HashMap::new() };
        for cookie in ["", "session=alice", "session=bob", "session=alice", ""] {
            cookie.clone_into(&mut browser.cookie);
            let user = cookie.strip_prefix("session=").unwrap_or("nobody");
            for _ in 0..2 {
                assert_eq!(browser.visit(&mut wire, "/me").await, user, "{cache:?}");
            }
        }
    }
}
