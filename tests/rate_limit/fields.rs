//! The header fields of responses.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::connect_info::MockConnectInfo;
use axum::response::Redirect;
use axum::routing::get;
use axum::{Extension, Json, Router};
use larder::Cache;
use larder::rate_limit::{RateLimit, Verdict};
use support::http::{Answer, Server};
use support::stores::{caches, unique};

/// A member of a list of structured fields: its text, and its parameters in their order.
type Member = (String, Vec<(String, u64)>);

/// Parses a list of strings with integers as parameters (RFC 9651), strictly.
fn parse(field: &str) -> Vec<Member> {
    field
        .split(", ")
        .map(|member| {
            let rest = member.strip_prefix('"').expect("a string");
            let (text, rest) = rest.split_once('"').expect("its end");
            assert!(text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\'), "{text}");
            let parameters = rest.split(';').skip(1).map(|parameter| {
                let (name, value) = parameter.split_once('=').expect("a value");
                assert!(name.bytes().all(|b| b.is_ascii_lowercase()), "{name}");
                assert!(!value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()), "{value}");
                (name.to_owned(), value.parse().expect("an integer"))
            });
            (text.to_owned(), parameters.collect())
        })
        .collect()
}

fn seconds(time: Duration) -> u64 {
    time.as_secs_f64().ceil() as u64
}

/// The verdict as the handler shows it: `[limit, remaining, reset_after of each window]`.
type Shown = Vec<(u64, u64, u64)>;

async fn serve(limit: &RateLimit) -> Server {
    let show = |Extension(verdict): Extension<Verdict>| async move {
        let windows = verdict.windows.iter();
        let shown =
            windows.map(|window| (window.rate.limit(), window.remaining, seconds(window.reset_after)));
        Json(shown.collect::<Shown>())
    };
    let app = Router::new()
        .route("/", get(show))
        .route("/moved", get(|| async { Redirect::temporary("/") }))
        .route_layer(limit.layer());
    Server::start(app.layer(MockConnectInfo(SocketAddr::from(([203, 0, 113, 9], 1))))).await
}

fn limit(cache: &Cache) -> RateLimit {
    RateLimit::new("3/minute").and("5/2h").scope(unique("fields")).cache(cache)
}

/// The seconds of `Retry-After`.
fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").expect("a time").parse().expect("a number")
}

#[tokio::test]
async fn the_fields_are_structured_and_say_what_the_verdict_says() {
    for cache in caches().await {
        let mut refusing = Vec::new();
        for limit in [limit(&cache), limit(&cache).burst(3)] {
            let server = serve(&limit).await;
            for _ in 0..3 {
                let answer = server.get("/").await;
                let policy = parse(answer.header("ratelimit-policy").expect("a policy"));
                let of = |name: &str, q, w| (name.to_owned(), vec![("q".to_owned(), q), ("w".to_owned(), w)]);
                assert_eq!(policy, [of("minute", 3, 60), of("2hours", 5, 7_200)]);
                let verdict: Shown = serde_json::from_slice(&answer.body).expect("a verdict");
                let state = parse(answer.header("ratelimit").expect("a state"));
                let expected =
                    verdict.iter().zip(["minute", "2hours"]).map(|((_, remaining, reset), name)| {
                        (name.to_owned(), vec![("r".to_owned(), *remaining), ("t".to_owned(), *reset)])
                    });
                assert_eq!(state, expected.collect::<Vec<_>>());
                assert!(
                    answer.header("retry-after").is_none() && answer.header("x-ratelimit-limit").is_none()
                );
            }
            let refused = server.get("/").await;
            assert_eq!(refused.status, 429);
            assert_eq!(parse(refused.header("ratelimit-policy").expect("a policy")).len(), 2);
            let state = parse(refused.header("ratelimit").expect("a state"));
            // Only windows that refuse, and never later than the time to wait.
            assert!(state.iter().all(|(_, parameters)| parameters[0].1 == 0), "{refused:?}");
            let resets: Vec<u64> = state.iter().map(|(_, parameters)| parameters[1].1).collect();
            assert!(resets.iter().all(|reset| *reset <= retry_after(&refused)), "{refused:?}");
            refusing.push(state.len());
        }
        // Of the log the minute is full; of the bursts both are.
        assert_eq!(refusing, [1, 2]);
    }
}

#[tokio::test]
async fn retry_after_is_at_least_a_second_and_always_enough() {
    for cache in caches().await {
        let limit = RateLimit::new("1/s").scope(unique("retry")).cache(&cache);
        let server = serve(&limit).await;
        for _ in 0..3 {
            let refused = loop {
                let answer = server.get("/").await;
                if answer.status == 429 {
                    break answer;
                }
            };
            assert_eq!(retry_after(&refused), 1);
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(server.get("/").await.status, 200);
        }
    }
}

#[tokio::test]
async fn redirects_have_no_fields() {
    for cache in caches().await {
        let server = serve(&limit(&cache).x_fields(true)).await;
        let moved = server.get("/moved").await;
        assert_eq!(moved.status, 307);
        assert!(moved.headers.iter().all(|(name, _)| !name.contains("ratelimit")), "{moved:?}");
        // The hit was taken.
        assert!(
            server
                .get("/")
                .await
                .header("ratelimit")
                .is_some_and(|field| field.starts_with("\"minute\";r=1"))
        );
        assert_eq!(server.get("/moved").await.status, 307);
        // A refusal is no redirect.
        assert!(server.get("/moved").await.header("ratelimit").is_some());
    }
}

#[tokio::test]
async fn both_families_of_fields_are_switched_by_themselves() {
    for cache in caches().await {
        for (standard, with_x) in [(true, true), (false, true), (true, false), (false, false)] {
            let server = serve(&limit(&cache).fields(standard).x_fields(with_x)).await;
            for answer in
                [server.get("/").await, server.get("/").await, server.get("/").await, server.get("/").await]
            {
                for name in ["ratelimit", "ratelimit-policy"] {
                    assert_eq!(answer.header(name).is_some(), standard, "{answer:?}");
                }
                for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
                    assert_eq!(answer.header(name).is_some(), with_x, "{answer:?}");
                }
                assert_eq!(answer.header("retry-after").is_some(), answer.status == 429);
                if with_x {
                    assert_eq!(answer.header("x-ratelimit-limit"), Some("3"));
                    let reset: u64 =
                        answer.header("x-ratelimit-reset").expect("a time").parse().expect("a number");
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
                    assert!(reset >= now && reset <= now + 61, "{reset} {now}");
                }
            }
        }
    }
}

/// Two limits around one route: both are listed, and the `X-` fields are those of the one that has less left.
#[tokio::test]
async fn limits_around_each_other_list_both() {
    for cache in caches().await {
        let (inner, outer) = (
            RateLimit::new("2/minute").scope(unique("inner")).x_fields(true).cache(&cache),
            RateLimit::new("9/hour").scope(unique("outer")).x_fields(true).cache(&cache),
        );
        for limits in [[&inner, &outer], [&outer, &inner]] {
            let app = Router::new().route("/", get(|| async {}));
            let app = app.route_layer(limits[0].layer()).route_layer(limits[1].layer());
            let server =
                Server::start(app.layer(MockConnectInfo(SocketAddr::from(([203, 0, 113, 9], 1))))).await;
            let answer = server.get("/").await;
            let mut names: Vec<_> =
                answer.all("ratelimit").into_iter().flat_map(parse).map(|(name, _)| name).collect();
            names.sort();
            assert_eq!(names, ["hour", "minute"]);
            assert_eq!(answer.header("x-ratelimit-limit"), Some("2"));
        }
    }
}
