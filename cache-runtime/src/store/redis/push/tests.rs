//! Notifications of real servers.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::watch::KeyWatcher;
use super::{PrefixTracking, WatchedKey};
use crate::rt::park;
use crate::store::listener::ChangeListener;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::tests::proxy::{FaultProxy, Mode};
use crate::store::redis::tests::server::RedisServer;
use crate::store::redis::tests::support;
use crate::store::redis::tests::wait::eventually;

/// Longer than any operation that works.
const LONG: Duration = Duration::from_secs(10);
/// The promised time until a change is notified, on an idle machine.
const SOON: Duration = Duration::from_millis(100);
const SLACK: Duration = Duration::from_millis(400);

fn config(url: &str) -> Arc<RedisConfig> {
    Arc::new(RedisConfig { client_name: Some("push".to_owned()), ..support::config(url) })
}

/// A listener that records its notifications in order.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn record(&self, what: &str) {
        self.0.lock().expect("no panic").push(what.to_owned());
    }
    /// Waits for a notification; returns it with all earlier ones, which are removed.
    fn expect(&self, what: &str) -> Vec<String> {
        let mut before = Vec::new();
        eventually(LONG, || {
            let mut events = self.0.lock().expect("no panic");
            let at = events.iter().position(|event| event == what);
            before.extend(at.map(|at| events.drain(..=at).collect::<Vec<_>>()).unwrap_or_default());
            at.is_some()
        });
        before
    }
    fn is_empty(&self) -> bool {
        self.0.lock().expect("no panic").is_empty()
    }
}

impl ChangeListener for Recorder {
    fn on_change(&self, key: &[u8]) {
        self.record(std::str::from_utf8(key).expect("text"));
    }
    fn on_flush(&self) {
        self.record("all");
    }
    fn on_connected(&self) {
        self.record("connected");
    }
    fn on_lost(&self) {
        self.record("lost");
    }
}

fn tracking(url: &str) -> (PrefixTracking, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    (PrefixTracking::of_server(config(url), "t:", Arc::clone(&recorder)).expect("a thread"), recorder)
}

fn kill(server: &RedisServer) {
    let list = server.command(&["CLIENT", "LIST"]);
    let ours = list.lines().find(|line| line.contains("name=push")).expect("it is connected");
    let id = ours.split(' ').next().and_then(|id| id.strip_prefix("id=")).expect("an id");
    assert_eq!(server.command(&["CLIENT", "KILL", "ID", id]), "1");
}

#[test]
fn every_change_under_the_prefix_is_notified() {
    let server = RedisServer::start();
    let (_tracking, recorder) = tracking(&server.url());
    recorder.expect("connected");
    server.command(&["SET", "t:a", "1"]);
    recorder.expect("t:a");
    server.command(&["SET", "other", "1"]);
    server.command(&["MSET", "t:b", "1", "t:c", "1"]);
    let both = [recorder.expect("t:b"), recorder.expect("t:c")].concat();
    assert!(!both.contains(&"other".to_owned()));
    server.command(&["DEL", "t:a"]);
    recorder.expect("t:a");
    server.command(&["PEXPIRE", "t:b", "20"]);
    recorder.expect("t:b");
    // The key expires.
    recorder.expect("t:b");
    server.flush();
    recorder.expect("all");
    assert!(recorder.is_empty());
}

#[test]
fn without_a_prefix_every_change_is_notified() {
    let server = RedisServer::start();
    let recorder = Arc::new(Recorder::default());
    let _tracking =
        PrefixTracking::of_server(config(&server.url()), "", Arc::clone(&recorder)).expect("a thread");
    recorder.expect("connected");
    server.command(&["SET", "a", "1"]);
    recorder.expect("a");
}

#[test]
fn a_killed_connection_is_lost_before_it_is_connected_again() {
    let server = RedisServer::start();
    let (_tracking, recorder) = tracking(&server.url());
    recorder.expect("connected");
    for _ in 0..3 {
        kill(&server);
        let started = Instant::now();
        assert_eq!(recorder.expect("lost"), ["lost"]);
        assert!(started.elapsed() < SOON + SLACK, "{:?}", started.elapsed());
        recorder.expect("connected");
        server.command(&["SET", "t:a", "1"]);
        recorder.expect("t:a");
    }
    server.stop();
    recorder.expect("lost");
    server.restart();
    recorder.expect("connected");
}

#[test]
fn a_server_that_hangs_is_lost_after_a_missed_ping() {
    let server = RedisServer::start();
    let (_tracking, recorder) = tracking(&server.url());
    recorder.expect("connected");
    server.pause();
    let started = Instant::now();
    recorder.expect("lost");
    assert!(started.elapsed() < Duration::from_millis(1250) + SLACK, "{:?}", started.elapsed());
    server.resume();
    recorder.expect("connected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn network_faults_lose_the_connection() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let (_tracking, recorder) = tracking(&proxy.url());
    recorder.expect("connected");
    for mode in [Mode::Blackhole, Mode::Reset, Mode::Refuse, Mode::SwallowReplies] {
        proxy.set(mode);
        recorder.expect("lost");
        proxy.set(Mode::Pass);
        recorder.expect("connected");
    }
}

#[test]
fn a_server_without_tracking_is_never_connected() {
    let old = RedisServer::start_with(&["--rename-command", "HELLO", ""]);
    let strict = RedisServer::start();
    strict.command(&["ACL", "SETUSER", "default", "-client|tracking"]);
    for server in [&old, &strict] {
        let (_tracking, recorder) = tracking(&server.url());
        let connections = || {
            let stats = server.command(&["INFO", "stats"]);
            let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
            line.and_then(|count| count.trim().parse::<usize>().ok()).expect("a number")
        };
        let before = connections();
        // Each attempt is notified. Eight pauses take at least 2.2 s together.
        let started = Instant::now();
        for _ in 0..9 {
            assert_eq!(recorder.expect("lost"), ["lost"]);
        }
        assert!(started.elapsed() > Duration::from_secs(2), "{:?}", started.elapsed());
        assert!(connections() - before < 24, "too many connections");
        let watcher = KeyWatcher::new(config(&server.url()));
        assert!(park::block_on(watcher.watch("t:a")).is_none());
    }
    strict.command(&["ACL", "SETUSER", "default", "+client|tracking"]);
    let (_tracking, recorder) = tracking(&strict.url());
    recorder.expect("connected");
}

#[test]
fn dropping_the_owner_closes_the_connection() {
    let server = RedisServer::start();
    let count = || server.command(&["CLIENT", "LIST"]).matches("name=push").count();
    let (tracking, recorder) = tracking(&server.url());
    recorder.expect("connected");
    let watcher = KeyWatcher::new(config(&server.url()));
    assert_eq!(count(), 1, "nothing is connected before the first wait");
    let watched = park::block_on(watcher.watch("t:a")).expect("a server that notifies");
    assert_eq!(count(), 2);
    drop((tracking, watcher));
    recorder.expect("lost");
    eventually(LONG, || count() == 0);
    // Ends at once, with the loss. The next wait takes its whole limit.
    assert!(time(&watched, LONG) < SOON + SLACK);
    assert!(time(&watched, SOON) >= SOON);
}

/// Returns the duration of a wait.
fn time(watched: &WatchedKey, limit: Duration) -> Duration {
    let started = Instant::now();
    park::block_on(watched.changed(limit));
    started.elapsed()
}

#[test]
fn a_change_wakes_the_waiter_of_the_key() {
    let server = RedisServer::start();
    let watcher = KeyWatcher::new(config(&server.url()));
    let watched = park::block_on(watcher.watch("w:a")).expect("a server that notifies");
    assert!(time(&watched, SOON) >= SOON, "nothing has changed");
    // Each change is notified, not only the first; one before the wait counts.
    for command in
        [&["SET", "w:a", "1"][..], &["SET", "w:a", "2"], &["PEXPIRE", "w:a", "60000"], &["DEL", "w:a"]]
    {
        server.command(command);
        assert!(time(&watched, LONG) < SOON + SLACK, "{command:?}");
        assert!(time(&watched, SOON) >= SOON, "{command:?}");
    }
    server.command(&["SET", "w:b", "1"]);
    assert!(time(&watched, SOON) >= SOON, "a change of another key");
    server.command(&["SET", "w:a", "1"]);
    assert!(time(&watched, LONG) < SOON + SLACK);
    server.flush();
    assert!(time(&watched, LONG) < SOON + SLACK);
}

#[test]
fn all_waiters_of_a_key_are_woken() {
    let server = RedisServer::start();
    let watcher = KeyWatcher::new(config(&server.url()));
    let woken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..8).map(|_| park::block_on(watcher.watch("w:a")).expect("a server that notifies")).collect();
        for watched in waiting {
            let woken = &woken;
            scope.spawn(move || {
                assert!(time(&watched, LONG) < LONG);
                woken.fetch_add(1, SeqCst);
            });
        }
        server.command(&["SET", "w:a", "1"]);
        eventually(LONG, || woken.load(SeqCst) == 8);
    });
    assert_eq!(watcher.keys(), 0, "a key is removed with its last waiter");
}

#[test]
fn a_killed_connection_wakes_waiters_and_is_replaced() {
    let server = RedisServer::start();
    let watcher = KeyWatcher::new(config(&server.url()));
    let watched = park::block_on(watcher.watch("w:a")).expect("a server that notifies");
    kill(&server);
    assert!(time(&watched, LONG) < SOON + SLACK);
    eventually(LONG, || park::block_on(watcher.watch("w:b")).is_some());
    // Woken once more by the new connection, and from then on by changes.
    eventually(LONG, || time(&watched, SOON) >= SOON);
    server.command(&["SET", "w:a", "1"]);
    assert!(time(&watched, LONG) < SOON + SLACK);
    server.stop();
    assert!(time(&watched, LONG) < SOON + SLACK);
    assert!(park::block_on(watcher.watch("w:b")).is_none());
    server.restart();
    eventually(LONG, || park::block_on(watcher.watch("w:b")).is_some());
}

#[test]
fn a_hung_server_delays_a_watch_for_the_time_limit_only() {
    let server = RedisServer::start();
    let watcher = KeyWatcher::new(config(&server.url()));
    drop(park::block_on(watcher.watch("w:a")).expect("a server that notifies"));
    server.pause();
    let started = Instant::now();
    assert!(park::block_on(watcher.watch("w:a")).is_none());
    assert!(started.elapsed() < Duration::from_millis(250) + SLACK, "{:?}", started.elapsed());
    assert_eq!(watcher.keys(), 0);
    server.resume();
    eventually(LONG, || park::block_on(watcher.watch("w:a")).is_some());
}
