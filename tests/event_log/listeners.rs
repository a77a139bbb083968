//! Many listeners, and slow ones.

use std::time::Duration;

use futures_util::future::join_all;
use larder::event_log::LogEvent;
use support::deployment::shared;
use support::redis::RedisServer;
use support::stores::{LONG, in_time, on};
use support::wait::eventually_async;

use crate::client::{SseClient, events_of, serve};
use crate::{event, numbers};

/// The number of connections of clients, without the one that asks.
fn connections(server: &RedisServer) -> usize {
    server.command(&["CLIENT", "LIST"]).lines().count() - 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_listeners_take_two_connections_of_redis() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let before = connections(&server);
    let (log, ticks) = (numbers(&cache), cache.channel::<u64>("ticks"));
    let address = serve(events_of(&log)).await;
    let mut clients = join_all((0..100).map(|_| SseClient::resume(address, None))).await;
    for client in &mut clients {
        client.next().await.expect("the first frame");
    }
    let mut streams = join_all((0..200).map(|_| log.listen(None))).await;
    // One that waits for entries, and the one of larder's own tasks.
    assert!(connections(&server) <= before + 2);
    // Those of channels share one more.
    let mut channels = join_all((0..300).map(|_| ticks.listen())).await;
    assert!(connections(&server) <= before + 3);
    log.publish(&1).await.expect("published");
    assert_eq!(ticks.publish(&2).await.expect("published"), 1);
    for stream in &mut streams {
        assert_eq!(event(stream).await, 1);
    }
    for client in &mut clients {
        assert_eq!(client.data().await, "1");
    }
    for channel in &mut channels {
        assert_eq!(in_time(channel.recv()).await, Some(2));
    }
    assert!(connections(&server) <= before + 3);
    // Without listeners, only the one of larder's own tasks is left.
    drop((streams, channels, clients));
    eventually_async(LONG, || async { connections(&server) <= before + 1 }).await;
}

#[tokio::test]
async fn a_log_that_is_added_is_live_at_once() {
    let cache = on(shared()).require_redis(true).build().await.expect("a cache");
    let mut first = cache.event_log::<u64>("first").listen(None).await;
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let log = cache.event_log::<u64>(&format!("log {number}"));
        let mut stream = log.listen(None).await;
        let began = std::time::Instant::now();
        log.publish(&number).await.expect("published");
        assert_eq!(event(&mut stream).await, number);
        slowest = slowest.max(began.elapsed());
    }
    cache.event_log::<u64>("first").publish(&1).await.expect("published");
    assert_eq!(event(&mut first).await, 1);
    // The command that waits takes a second.
    assert!(slowest < Duration::from_millis(800), "{slowest:?}");
}

/// The memory of this process in bytes.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the memory");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// One client reads nothing, of a hundred megabytes; the others get all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_takes_bounded_memory_and_delays_nobody() {
    if !support::isolated!() {
        return;
    }
    const EVENTS: usize = 5_000;
    let cache = on(shared()).require_redis(true).build().await.expect("a cache");
    let log = cache.event_log::<String>("large").keep(100);
    let address = serve(events_of(&log)).await;
    let mut lazy = SseClient::resume(address, None).await;
    lazy.next().await.expect("the first frame");
    let mut lazy_stream = log.listen(None).await;
    let mut reader = SseClient::resume(address, None).await;
    reader.next().await.expect("the first frame");
    let text = "x".repeat(20_000);
    let mut before = 0;
    for number in 0..EVENTS {
        log.publish(&format!("{number}{text}")).await.expect("published");
        let data = reader.data().await;
        assert!(data.trim_start_matches('"').starts_with(&format!("{number}x")), "{number}");
        if number == 600 {
            // The rings are full.
            before = memory();
        }
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 20 << 20, "{grown}");
    // What it missed is gone by now.
    let mut missed = 0;
    loop {
        match in_time(lazy_stream.recv()).await.expect("an event") {
            LogEvent::Event { .. } => missed += 1,
            LogEvent::Reset { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(missed < 1_000, "{missed}");
    while lazy.event().await.expect("an event").get("event") != Some("reset") {}
}

/// A listener that is behind, and not further than the log reaches, gets everything.
#[tokio::test]
async fn a_listener_that_lags_reads_what_it_missed_from_the_log() {
    for cache in support::stores::caches().await {
        let log = numbers(&cache);
        let mut stream = log.listen(None).await;
        for number in 0..2_000 {
            log.publish(&number).await.expect("published");
        }
        for number in 0..2_000 {
            assert_eq!(event(&mut stream).await, number);
        }
    }
}
