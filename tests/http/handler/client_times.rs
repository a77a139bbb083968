//! The time that clients are told, apart from the expiry.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use futures_util::{StreamExt, stream};
use larder::{Cache, Policy, cache, cache_one_minute};
use support::http::{Answer, App, Server};
use support::stores::caches_with;

use super::app::{clocked, seconds, tagged, time, told_a_minute};

const MINUTE: Policy = Policy::new().expire(Duration::from_secs(60));
const ELSEWHERE: Policy = Policy::new().version(2);

/// Handlers that differ by their options.
macro_rules! handlers {
    ($($name:ident: $cache:ident($($option:tt)*);)*) => {
        $(#[$cache(response, $($option)* cache = app.cache)]
        async fn $name(State(app): State<App>) -> Response {
            app.make()
        })*

        fn routes(app: &App) -> Router {
            let routes = Router::new().route("/tagged", get(tagged)).route("/told", get(told_a_minute));
            let routes = routes.route("/computed/{age}", get(computed));
            routes$(.route(concat!("/", stringify!($name)), get($name)))*.with_state(app.clone())
        }
    };
}

handlers! {
    left: cache(expire = 60,);
    with: cache(expire_with = |_| 60,);
    policy: cache(policy = MINUTE,);
    preset: cache_one_minute();
    computed_expire: cache(expire = seconds(60),);
    grouped: cache(expire = 60, group = "pages",);
    entry: cache(expire = 60, entry = entry_of_page,);
    preset_tagged: cache_one_minute(tags = ["all"],);
    unwritten: cache();
    policy_without: cache(policy = ELSEWHERE,);
    zero: cache(expire = "1h", client_max_age = "0s",);
    zero_seconds: cache(expire = "1h", client_max_age = 0,);
    longer: cache(expire = 60, client_max_age = "1h",);
    constant: cache(expire = "1h", client_max_age = Duration::from_millis(60_900),);
    tagged_told: cache(expire = "1h", tags = ["all"], client_max_age = 60,);
    unwritten_told: cache(client_max_age = "1m",);
    century: cache(client_max_age = "5200w",);
    bad: cache(expire = "1h", client_max_age = "soon".to_owned(),);
    stale: cache(expire = 60, stale_while_revalidate = "1h",);
    stale_tagged: cache(expire = 60, tags = ["all"], stale_if_error = "1h", stale_while_revalidate = "1h",);
    stale_told: cache(expire = 60, client_max_age = 30, stale_while_revalidate = "1h",);
    private: cache(expire = 60, private,);
    private_tagged: cache(expire = 60, private, tags = ["all"],);
    private_told: cache(expire = 60, private, client_max_age = "5s",);
}

#[cache(response, expire = "1h", client_max_age = age + u64::from(age > 90), cache = app.cache)]
async fn computed(Path(age): Path<u64>, State(app): State<App>) -> Response {
    let _ = age;
    app.make()
}

/// Checks what an answer tells its client, to five seconds: the clock goes on while a slow machine computes.
#[track_caller]
fn assert_told(answer: &Answer, wanted: &str) {
    let control = answer.header("cache-control").expect("it is told");
    let Some((start, rest)) = wanted.split_once("max-age=") else {
        assert_eq!((control, answer.header("expires")), (wanted, None), "{answer:?}");
        return;
    };
    let (wanted_age, end) = rest.split_once(',').map_or((rest, ""), |(age, end)| (age, end));
    let wanted_age: u64 = wanted_age.parse().expect("a number");
    let age = answer.max_age().expect("an age");
    assert!(age <= wanted_age && age + 5 > wanted_age, "{age} {wanted} {answer:?}");
    let end = if end.is_empty() { String::new() } else { format!(",{end}") };
    assert_eq!(control, format!("{start}max-age={age}{end}"), "{answer:?}");
    assert!(answer.header("expires").is_some() && answer.header("age").is_none(), "{answer:?}");
}

/// The time between two moments of `Expires`, in seconds.
#[track_caller]
fn between(first: &Answer, second: &Answer) -> i64 {
    time(second, "expires") - time(first, "expires")
}

/// The directives that are told at the miss, and ten seconds later.
const TOLD: [(&str, &str, &str); 28] = [
    ("/left", "max-age=60", "max-age=50"),
    ("/with", "max-age=60", "max-age=50"),
    ("/policy", "max-age=60", "max-age=50"),
    ("/preset", "max-age=60", "max-age=50"),
    ("/computed_expire", "max-age=60", "max-age=50"),
    ("/tagged", "no-cache", "no-cache"),
    ("/grouped", "no-cache", "no-cache"),
    ("/entry", "no-cache", "no-cache"),
    ("/preset_tagged", "no-cache", "no-cache"),
    ("/unwritten", "no-cache", "no-cache"),
    ("/policy_without", "no-cache", "no-cache"),
    ("/zero", "max-age=0", "max-age=0"),
    ("/zero_seconds", "max-age=0", "max-age=0"),
    ("/told", "max-age=60", "max-age=60"),
    ("/longer", "max-age=3600", "max-age=3600"),
    ("/constant", "max-age=60", "max-age=60"),
    ("/tagged_told", "max-age=60", "max-age=60"),
    ("/unwritten_told", "max-age=60", "max-age=60"),
    ("/century", "max-age=31536000", "max-age=31536000"),
    ("/computed/7", "max-age=7", "max-age=7"),
    ("/computed/91", "max-age=92", "max-age=92"),
    ("/bad", "max-age=0", "max-age=0"),
    ("/stale", "max-age=60, stale-while-revalidate=3600", "max-age=50, stale-while-revalidate=3600"),
    ("/stale_tagged", "no-cache", "no-cache"),
    ("/stale_told", "max-age=30", "max-age=30"),
    ("/private", "private, max-age=60", "private, max-age=50"),
    ("/private_tagged", "private, no-cache", "private, no-cache"),
    ("/private_told", "private, max-age=5", "private, max-age=5"),
];

#[tokio::test]
async fn the_option_or_what_can_be_taken_back_decides() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let server = Server::start(routes(&App::counting(cache))).await;
        let user = [("authorization", "Bearer a")];
        for (path, at_first, later) in TOLD {
            let headers = if path.starts_with("/private") { &user[..] } else { &[] };
            let miss = server.get_with(path, headers).await;
            assert_eq!(miss.x_cache(), "MISS", "{cache:?} {path}");
            assert_told(&miss, at_first);
            clock.advance(seconds(10));
            let hit = server.get_with(path, headers).await;
            assert_eq!(hit.x_cache(), "HIT", "{cache:?} {path}");
            assert_told(&hit, later);
            if hit.header("expires").is_some() {
                // What is left ends at one moment; a time of its own begins at each answer.
                let is_fixed = at_first == later;
                assert!((if is_fixed { 10..=15 } else { 0..=0 }).contains(&between(&miss, &hit)), "{path}");
            }
            let head = server.send("HEAD", path, headers, "").await;
            let known = [headers, &[("if-none-match", hit.tag())]].concat();
            let same = server.get_with(path, &known).await;
            for answer in [&head, &same] {
                assert_eq!(answer.x_cache(), "HIT", "{cache:?} {path}");
                assert_told(answer, later);
            }
            assert_eq!((head.status, same.status), (200, 304), "{cache:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_stale_response_is_told_to_be_stale() {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        let server = Server::start(routes(&App::counting(cache))).await;
        for (path, wanted) in [
            ("/stale", "max-age=0, stale-while-revalidate=3600"),
            ("/stale_tagged", "no-cache"),
            ("/stale_told", "max-age=0"),
        ] {
            let miss = server.get(path).await;
            clock.advance(seconds(70));
            let stale = server.get(path).await;
            assert_eq!(stale.brief(), ("STALE", miss.text()), "{cache:?} {path}");
            assert_told(&stale, wanted);
        }
    }
}

#[tokio::test]
async fn a_response_that_is_sent_while_it_comes_is_told_the_same() {
    let (caches, _) = clocked().await;
    for cache in &caches {
        let app = App::new(cache, |_| {
            let late = stream::once(async {
                // The body is asked twice before its client gets the response.
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                Ok(Bytes::from_static(b"second"))
            });
            let first = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(b"first"))]);
            let mut response = Response::new(Body::from_stream(first.chain(late)));
            // It is replaced, as at a hit.
            response
                .headers_mut()
                .insert("expires", "Thu, 01 Jan 2099 00:00:00 GMT".parse().expect("a value"));
            response
        });
        let server = Server::start(routes(&app)).await;
        for (path, wanted) in [
            ("/left", "max-age=60"),
            ("/tagged", "no-cache"),
            ("/told", "max-age=60"),
            ("/stale", "max-age=60, stale-while-revalidate=3600"),
        ] {
            let miss = server.get(path).await;
            assert_eq!((miss.brief(), miss.header("etag")), (("MISS", "firstsecond"), None), "{cache:?}");
            assert_told(&miss, wanted);
            let hit = server.get(path).await;
            assert_eq!(hit.brief(), ("HIT", "firstsecond"), "{cache:?}");
            assert_told(&hit, wanted);
        }
    }
}

#[tokio::test]
async fn the_builders_time_is_for_all_that_set_none() {
    for cache in &caches_with(|builder| builder.client_max_age("5s")).await {
        let server = Server::start(routes(&App::counting(cache))).await;
        for (path, wanted) in [
            ("/left", "max-age=5"),
            ("/tagged", "max-age=5"),
            ("/unwritten", "max-age=5"),
            ("/stale", "max-age=5"),
            ("/told", "max-age=60"),
            ("/zero", "max-age=0"),
        ] {
            for from in ["MISS", "HIT"] {
                let answer = server.get(path).await;
                assert_eq!(answer.x_cache(), from, "{cache:?} {path}");
                assert_told(&answer, wanted);
            }
        }
    }
    let error = Cache::builder().client_max_age("soon").build().await.expect_err("no time");
    assert!(error.to_string().starts_with("client_max_age = \"soon\""), "{error}");
    Cache::builder().client_max_age(Duration::ZERO).build().await.expect("zero is a time");
}
