//! Ids and names that clients send.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use support::deployment::{Deployment, shared};
use support::redis::RedisServer;
use support::stores::{caches, in_time, on};
use tower::ServiceExt;

use crate::client::{SseClient, events_of, serve};
use crate::numbers;

/// Ids that are none: nothing is replayed, and nothing fails.
#[tokio::test]
async fn ids_that_are_no_ids_are_ignored() {
    for cache in caches().await {
        let log = numbers(&cache);
        log.publish(&1).await.expect("published");
        let address = serve(events_of(&log)).await;
        for id in [
            "../../x",
            "-",
            "1",
            "$",
            "0",
            "*",
            "1-2-3",
            "+1-0",
            "0x0-0",
            "1764590000000-0, 1764590000000-1",
            "18446744073709551616-0",
            "%00",
            "\u{fffd}",
            &"9".repeat(10_000),
        ] {
            let mut client = SseClient::resume(address, Some(id)).await;
            let first = client.next().await.expect("the first frame");
            assert_eq!((first.get("event"), first.data()), (None, None), "{id}");
            let number = id.len() as u64;
            log.publish(&number).await.expect("published");
            assert_eq!(client.data().await, number.to_string(), "{id}");
        }
        assert_eq!(cache.stats().total.store_errors, 0);
    }
}

/// A header of a megabyte is refused by most servers before it is read.
#[tokio::test]
async fn an_id_of_a_megabyte_is_ignored() {
    for cache in caches().await {
        let log = numbers(&cache);
        log.publish(&1).await.expect("published");
        for id in ["1".repeat(1 << 20), format!("{}-0", "1".repeat(1 << 20))] {
            let request = Request::get("/events").header("last-event-id", id).body(Body::empty());
            let response = events_of(&log).oneshot(request.expect("a request")).await.expect("a response");
            assert_eq!(response.status(), 200);
            let mut body = response.into_body();
            let frame = in_time(body.frame()).await.expect("a frame").expect("no error");
            let first = frame.into_data().expect("data");
            assert!(first.starts_with(b"retry: ") && !first.windows(5).any(|word| word == b"data:"));
        }
    }
}

/// An id of the future is one that a failover lost: reset, then live, and no replay.
#[tokio::test]
async fn an_id_of_the_future_and_one_of_the_past_are_a_reset() {
    for cache in caches().await {
        let log = numbers(&cache);
        log.publish(&1).await.expect("published");
        let address = serve(events_of(&log)).await;
        for (number, id) in [
            (2, "18446744073709551615-18446744073709551615"),
            (3, "99999999999999-0"),
            (4, "0-0"),
            (5, "1-1"),
        ] {
            let mut client = SseClient::resume(address, Some(id)).await;
            assert_eq!(client.event().await.expect("an event").get("event"), Some("reset"), "{id}");
            log.publish(&number).await.expect("published");
            assert_eq!(client.data().await, number.to_string(), "{id}");
        }
    }
}

/// Listening stores nothing, whatever the name is, and keeps nothing in the process.
#[tokio::test]
async fn names_that_clients_make_up_store_nothing() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    for number in 0..100 {
        let name = format!("../..\r\n{{}}*?[{number}");
        drop(cache.event_log::<u64>(&name).listen(None).await);
        drop(cache.channel::<u64>(&name).listen().await);
    }
    assert_eq!(Deployment::command(&server, &["DBSIZE"]), "0");
    assert_eq!(cache.stats().functions.len(), 0);
    let [memory, _] = caches().await;
    drop(memory.event_log::<u64>("x").listen(None).await);
    assert_eq!(memory.stats().functions.len(), 0);
    let _ = shared();
}
