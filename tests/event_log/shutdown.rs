//! The end of streams: of the server, of the cache, and of a client's rights.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use larder::event_log::{EventLog, SseParts, StreamEnd};
use support::stores::{caches, in_time};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::client::{SseClient, serve};
use crate::numbers;

#[derive(Clone)]
struct LogState {
    log: EventLog<u64>,
    end: StreamEnd,
    is_allowed: Arc<AtomicBool>,
    checks: Arc<AtomicUsize>,
    every: Duration,
}

impl LogState {
    fn new(log: EventLog<u64>, every: Duration) -> Self {
        let is_allowed = Arc::new(AtomicBool::new(true));
        Self { log, end: StreamEnd::new(), is_allowed, checks: Arc::default(), every }
    }

    fn router(&self) -> Router {
        async fn events(parts: SseParts, State(state): State<LogState>) -> Response {
            let parts = parts.until(&state.end);
            let (is_allowed, checks) = (state.is_allowed, state.checks);
            let check = move || {
                checks.fetch_add(1, SeqCst);
                let is_allowed = is_allowed.load(SeqCst);
                async move { is_allowed }
            };
            state.log.sse(parts.recheck(state.every, check))
        }
        Router::new().route("/events", get(events)).with_state(self.clone())
    }
}

#[tokio::test]
async fn a_graceful_shutdown_ends_with_fifty_open_streams() {
    for cache in caches().await {
        for by_close in [false, true] {
            let cache = cache.clone();
            let state = LogState::new(numbers(&cache), Duration::from_secs(60));
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            let address = listener.local_addr().expect("its address");
            let (stop, stopped) = oneshot::channel::<()>();
            let server =
                axum::serve(listener, state.router()).with_graceful_shutdown(async { drop(stopped.await) });
            let server = tokio::spawn(server.into_future());
            let mut clients = Vec::new();
            for _ in 0..50 {
                let mut client = SseClient::resume(address, None).await;
                client.next().await.expect("the first frame");
                clients.push(client);
            }
            let began = Instant::now();
            stop.send(()).expect("a server");
            if by_close {
                cache.close().await;
            } else {
                state.end.end();
            }
            for client in &mut clients {
                client.until_ended().await;
            }
            in_time(server).await.expect("no panic").expect("no error");
            assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
            // Those that begin later end at once.
            assert!(state.end.is_ended() || in_time(state.log.listen(None).await.recv()).await.is_none());
        }
    }
}

/// The first frame, then events without a pause, or none at all.
#[tokio::test]
async fn a_stream_ends_when_authorisation_is_withdrawn() {
    for cache in caches().await {
        let state = LogState::new(numbers(&cache), Duration::from_millis(200));
        let address = serve(state.router()).await;
        let mut idle = SseClient::resume(address, None).await;
        let mut busy = SseClient::resume(address, None).await;
        for client in [&mut idle, &mut busy] {
            client.next().await.expect("the first frame");
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let (log, over) = (state.log.clone(), Arc::clone(&is_over));
        let publisher = tokio::spawn(async move {
            while !over.load(SeqCst) {
                log.publish(&1).await.expect("published");
                tokio::task::yield_now().await;
            }
        });
        // A stream that is allowed goes on.
        while state.checks.load(SeqCst) < 6 {
            busy.event().await.expect("an event");
            idle.event().await.expect("an event");
        }
        state.is_allowed.store(false, SeqCst);
        let began = Instant::now();
        busy.until_ended().await;
        idle.until_ended().await;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        is_over.store(true, SeqCst);
        in_time(publisher).await.expect("no panic");
        // Without any event.
        state.is_allowed.store(true, SeqCst);
        let mut idle = SseClient::resume(address, None).await;
        idle.next().await.expect("the first frame");
        state.is_allowed.store(false, SeqCst);
        idle.until_ended().await;
    }
}

/// A check that does not return ends the stream, also while events arrive all the time.
#[tokio::test]
async fn a_check_that_hangs_ends_the_stream() {
    async fn events(parts: SseParts, State(log): State<EventLog<u64>>) -> Response {
        log.sse(parts.recheck(Duration::from_millis(200), std::future::pending))
    }
    let [cache, _] = caches().await;
    let log = numbers(&cache);
    let address = serve(Router::new().route("/events", get(events)).with_state(log.clone())).await;
    let mut client = SseClient::resume(address, None).await;
    let publisher = tokio::spawn(async move {
        loop {
            log.publish(&1).await.expect("published");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    client.until_ended().await;
    publisher.abort();
}

#[tokio::test]
async fn a_stream_of_the_application_ends_with_a_switch() {
    for cache in caches().await {
        let (log, channel, end) = (numbers(&cache), cache.channel::<u64>("ticks"), StreamEnd::new());
        let mut events = log.listen(None).await.until(&end);
        let mut ticks = channel.listen().await.until(&end);
        log.publish(&1).await.expect("published");
        assert_eq!(crate::event(&mut events).await, 1);
        end.end();
        assert!(in_time(events.recv()).await.is_none() && in_time(events.recv()).await.is_none());
        assert!(in_time(ticks.recv()).await.is_none());
        // Waiting ones are woken.
        let mut events = log.listen(None).await;
        let waiting = tokio::spawn(async move { events.recv().await.is_none() });
        tokio::task::yield_now().await;
        cache.close().await;
        assert!(in_time(waiting).await.expect("no panic"));
    }
}
