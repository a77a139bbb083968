//! Clients that come back.

use larder::event_log::LogEvent;
use support::deployment::shared;
use support::stores::{caches, in_time, on};

use crate::client::{SseClient, events_of, serve};
use crate::{event, numbers, reset};

/// A sequence of numbers without a pattern, the same in each run.
fn scattered(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_killed_a_hundred_times_gets_each_of_ten_thousand_events_once_and_in_order() {
    const EVENTS: u64 = 10_000;
    let cache = on(shared()).require_redis(true).build().await.expect("a cache");
    let log = numbers(&cache);
    let address = serve(events_of(&log)).await;
    let mut client = SseClient::resume(address, None).await;
    // The client has its place in the log, without an event.
    let mut last = client.next().await.and_then(|frame| frame.get("id").map(str::to_owned));
    assert!(last.is_some());
    let publisher = tokio::spawn(async move {
        for number in 0..EVENTS {
            log.publish(&number).await.expect("published");
        }
    });
    let (mut kills, mut left, mut state) = (0, 0, 0xfeed);
    for expected in 0..EVENTS {
        if left == 0 && kills < 100 {
            drop(client);
            client = SseClient::resume(address, last.as_deref()).await;
            (kills, left) = (kills + 1, scattered(&mut state) % 150);
        } else {
            left = left.saturating_sub(1);
        }
        let frame = client.event().await.expect("an event");
        assert_eq!((frame.get("event"), frame.data()), (None, Some(expected.to_string())), "{kills}");
        last = frame.get("id").map(str::to_owned);
    }
    assert_eq!(kills, 100);
    in_time(publisher).await.expect("no panic");
}

#[tokio::test]
async fn a_listener_gets_what_was_published_after_its_last_event() {
    for cache in caches().await {
        let log = numbers(&cache);
        let mut ids = Vec::new();
        for number in 0..300 {
            ids.push(log.publish(&number).await.expect("published"));
        }
        assert!(ids.is_sorted());
        let mut stream = log.listen(Some(ids[9])).await;
        assert_eq!(stream.last_id(), Some(ids[9]));
        for (number, id) in (0..).zip(&ids).skip(10) {
            let event = in_time(stream.recv()).await.expect("an event");
            assert_eq!((event.id(), event.data()), (*id, Some(number)));
        }
        log.publish(&300).await.expect("published");
        assert_eq!(event(&mut stream).await, 300);
        // One without a last event gets none of the old ones.
        let mut stream = log.listen(None).await;
        assert_eq!(stream.last_id(), log.listen(None).await.last_id());
        log.publish(&301).await.expect("published");
        assert_eq!(event(&mut stream).await, 301);
    }
}

#[tokio::test]
async fn a_listener_whose_last_event_was_trimmed_is_reset_first() {
    for cache in caches().await {
        let log = cache.event_log::<u64>("short").keep(10);
        let first = log.publish(&0).await.expect("published");
        let mut last = first;
        for number in 1..500 {
            last = log.publish(&number).await.expect("published");
        }
        let mut stream = log.listen(Some(first)).await;
        let event = in_time(stream.recv()).await;
        assert!(matches!(event, Some(LogEvent::Reset { id, .. }) if id == last), "{event:?}");
        log.publish(&500).await.expect("published");
        assert_eq!(crate::event(&mut stream).await, 500);
        // As a client sees it.
        let address = serve(events_of(&log)).await;
        let mut client = SseClient::resume(address, Some(&first.to_string())).await;
        let frame = client.event().await.expect("an event");
        assert_eq!((frame.get("event"), frame.data().as_deref()), (Some("reset"), Some("{}")));
        let id = frame.get("id").expect("an id").to_owned();
        log.publish(&501).await.expect("published");
        assert_eq!(client.data().await, "501");
        drop(client);
        // From the reset on it resumes.
        let mut client = SseClient::resume(address, Some(&id)).await;
        assert_eq!(client.data().await, "501");
    }
}

#[tokio::test]
async fn a_listener_of_an_empty_log_misses_nothing_while_it_is_away() {
    for cache in caches().await {
        let log = numbers(&cache);
        let place = log.listen(None).await.last_id();
        assert!(place.is_some());
        let mut idle = log.listen(place).await;
        for number in 0..3 {
            log.publish(&number).await.expect("published");
        }
        let mut later = log.listen(place).await;
        for number in 0..3 {
            assert_eq!((event(&mut idle).await, event(&mut later).await), (number, number));
        }
        // A log that is too long has perhaps lost some.
        let log = cache.event_log::<u64>("numbers").keep(3);
        reset(&mut log.listen(place).await).await;
    }
}

#[tokio::test]
async fn a_log_that_expired_is_a_reset() {
    for cache in caches().await {
        let log = cache.event_log::<u64>("brief").expire(std::time::Duration::from_millis(50));
        let id = log.publish(&1).await.expect("published");
        support::wait::eventually_async(support::stores::LONG, || async {
            let mut stream = log.listen(Some(id)).await;
            let now = std::future::poll_fn(|context| {
                let poll = std::pin::pin!(stream.recv()).poll(context);
                std::task::Poll::Ready(matches!(poll, std::task::Poll::Ready(Some(LogEvent::Reset { .. }))))
            });
            now.await
        })
        .await;
    }
}

#[tokio::test]
async fn a_page_can_ask_for_events_after_the_state_that_it_shows() {
    let [cache, _] = caches().await;
    let log = numbers(&cache);
    let id = log.publish(&1).await.expect("published");
    log.publish(&2).await.expect("published");
    let address = serve(events_of(&log)).await;
    let path = format!("/events?a=b&last_event_id={id}");
    assert_eq!(SseClient::connect(address, &path, &[]).await.data().await, "2");
    // A browser that connects again says it in the header.
    let header = log.publish(&3).await.expect("published").to_string();
    log.publish(&4).await.expect("published");
    let mut client = SseClient::connect(address, &path, &[("last-event-id", &header)]).await;
    assert_eq!(client.data().await, "4");
}
