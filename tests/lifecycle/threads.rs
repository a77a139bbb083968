//! Synchronous calls of threads outside tokio, which read their replies themselves.

use std::thread;
use std::time::{Duration, Instant};

use larder::{BlockingCache, Cache, cache};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, counts, on};
use support::wait::eventually;
use tokio::runtime::{Builder, Handle};

#[cache(expire = "5m", cache = cache, ignore(calls))]
fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// A cache that no runtime has used.
fn open(server: &RedisServer) -> Cache {
    on(server).require_redis(true).build_blocking().expect("a cache")
}

/// The number of connections of clients that are no test.
fn connections(server: &RedisServer) -> usize {
    let clients = server.command(&["CLIENT", "LIST"]);
    clients.lines().filter(|client| !client.contains("cmd=client")).count()
}

/// Returns whether no connection to a server has said anything for a second, so that none is being opened.
fn is_quiet(server: &RedisServer) -> bool {
    let clients = server.command(&["CLIENT", "LIST"]);
    clients.lines().filter(|client| !client.contains("cmd=client")).all(|client| !client.contains(" idle=0 "))
}

#[test]
fn many_threads_share_connections_and_get_their_own_replies() {
    let server = RedisServer::start();
    let (cache, calls) = (open(&server), Calls::default());
    thread::scope(|scope| {
        for thread in 0..32 {
            let (cache, calls) = (&cache, &calls);
            scope.spawn(move || {
                for call in 0..200 {
                    let n = (thread * 7 + call) % 50;
                    assert_eq!(double(cache, calls, n), n * 2);
                }
            });
        }
    });
    let counted = counts(&cache, "double");
    assert_eq!((calls.count(), counted.store_errors, counted.shed), (50, 0, 0), "{counted:?}");
    // One of the threads, and one of larder's own runtime for leases.
    assert!(connections(&server) <= 2, "{}", server.command(&["CLIENT", "LIST"]));
}

#[test]
fn a_body_may_start_a_runtime_and_call_cached_functions() {
    #[cache(expire = "5m", cache = cache, ignore(calls))]
    fn outer(cache: &Cache, calls: &Calls, n: u64) -> u64 {
        assert!(Handle::try_current().is_err(), "the body runs outside tokio, as without the attribute");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let inner = runtime.block_on(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            double(cache, calls, n)
        });
        inner + double(cache, calls, n + 1)
    }

    let server = RedisServer::start();
    let (cache, calls) = (open(&server), Calls::default());
    for _ in 0..2 {
        assert_eq!(outer(&cache, &calls, 1), 2 + 4);
    }
    assert_eq!(calls.count(), 2);
    assert_eq!((counts(&cache, "outer").hits, counts(&cache, "outer").store_errors), (1, 0));
}

#[test]
fn a_thread_that_computes_keeps_nobody_from_reading() {
    let server = RedisServer::start();
    let (cache, calls, gate) = (open(&server), Calls::default(), Gate::default());
    let blocking = cache.blocking();
    double(&cache, &calls, 1);
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            blocking.remember("slow", "5m", || {
                calls.add();
                Builder::new_current_thread().build().expect("a runtime").block_on(gate.pass());
                7
            })
        });
        eventually(LONG, || calls.count() == 2);
        let waits = scope.spawn(|| blocking.remember("slow", "5m", || unreachable!("it waits")));
        for _ in 0..100 {
            assert_eq!(double(&cache, &calls, 1), 2);
        }
        gate.open();
        assert_eq!((slow.join().expect("no panic"), waits.join().expect("no panic")), (7, 7));
    });
    assert_eq!(calls.count(), 2);
}

#[test]
fn a_server_that_is_silent_costs_each_thread_its_time_limit_once() {
    let server = RedisServer::start();
    let limit = Duration::from_millis(250);
    let cache = on(&server).redis_timeout(limit).require_redis(true).build_blocking().expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 0);
    server.pause();
    thread::scope(|scope| {
        for n in 0..8 {
            let (cache, calls) = (&cache, &calls);
            scope.spawn(move || {
                let began = Instant::now();
                assert_eq!(double(cache, calls, n), n * 2);
                assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
            });
        }
    });
    server.resume();
    // Nobody calls meanwhile, and the connection is made again.
    let blocking: BlockingCache = cache.blocking();
    eventually(LONG, || blocking.health().connected);
    double(&cache, &calls, 100);
    let before = calls.count();
    assert_eq!((double(&cache, &calls, 100), calls.count()), (200, before));
}

#[test]
fn a_restart_is_noticed_while_nobody_calls() {
    let server = RedisServer::start();
    let (cache, calls) = (open(&server), Calls::default());
    double(&cache, &calls, 1);
    let before = connections(&server);
    server.restart();
    eventually(LONG, || connections(&server) == before && is_quiet(&server));
    assert_eq!(double(&cache, &calls, 1), 2);
    assert_eq!((double(&cache, &calls, 1), calls.count()), (2, 2), "{:?}", counts(&cache, "double"));
    assert_eq!(counts(&cache, "double").store_errors, 0, "no call has met the old connection");
}

#[test]
fn a_thread_that_ends_and_its_destructors_leave_the_others_alone() {
    struct CallsAtEnd(Cache);
    impl Drop for CallsAtEnd {
        fn drop(&mut self) {
            assert_eq!(double(&self.0, &Calls::default(), 3), 6);
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<Option<CallsAtEnd>> = const { std::cell::RefCell::new(None) };
    }
    let server = RedisServer::start();
    let cache = open(&server);
    for _ in 0..4 {
        let cache = cache.clone();
        let thread = thread::spawn(move || {
            LAST.set(Some(CallsAtEnd(cache.clone())));
            double(&cache, &Calls::default(), 2)
        });
        assert_eq!(thread.join().expect("no panic"), 4);
    }
    assert_eq!(counts(&cache, "double").store_errors, 0);
}
