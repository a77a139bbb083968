//! Both kinds of stream against real servers.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{PrefixTracking, Watch, WatchedKey};
use crate::rt::park;
use crate::store::listener::ChangeListener;
use crate::store::redis::tests::proxy::{FaultProxy, Mode};
use crate::store::redis::tests::server::RedisServer;
use crate::store::redis::tests::wait::eventually;
use crate::store::redis::{Endpoint, RedisConfig};

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(10);
/// How soon a change is to be heard of: the promise is 100 ms, on a machine that has nothing else to do.
const SOON: Duration = Duration::from_millis(100);
const SLACK: Duration = Duration::from_millis(400);

fn config(url: &str) -> Arc<RedisConfig> {
    Arc::new(RedisConfig {
        client_name: Some("stream".to_owned()),
        ..RedisConfig::new(Endpoint::parse(url).expect("a valid URL"))
    })
}

/// What was heard, in order.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn say(&self, what: &str) {
        self.0.lock().expect("no panic").push(what.to_owned());
    }
    /// Waits until it was heard, and forgets it and all before.
    fn expect(&self, what: &str) -> Vec<String> {
        let mut before = Vec::new();
        eventually(LONG, || {
            let mut heard = self.0.lock().expect("no panic");
            let at = heard.iter().position(|heard| heard == what);
            before.extend(at.map(|at| heard.drain(..=at).collect::<Vec<_>>()).unwrap_or_default());
            at.is_some()
        });
        before
    }
    fn is_silent(&self) -> bool {
        self.0.lock().expect("no panic").is_empty()
    }
}

impl ChangeListener for Heard {
    fn on_change(&self, key: &[u8]) {
        self.say(std::str::from_utf8(key).expect("text"));
    }
    fn on_flush(&self) {
        self.say("all");
    }
    fn on_connected(&self) {
        self.say("healthy");
    }
    fn on_lost(&self) {
        self.say("lost");
    }
}

fn tracking(url: &str) -> (PrefixTracking, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    (PrefixTracking::start(config(url), "t:", Arc::clone(&heard)).expect("a thread"), heard)
}

fn kill(server: &RedisServer) {
    let list = server.command(&["CLIENT", "LIST"]);
    let ours = list.lines().find(|line| line.contains("name=stream")).expect("it is connected");
    let id = ours.split(' ').next().and_then(|id| id.strip_prefix("id=")).expect("an id");
    assert_eq!(server.command(&["CLIENT", "KILL", "ID", id]), "1");
}

#[test]
fn every_change_under_the_prefix_is_heard() {
    let server = RedisServer::start();
    let (_tracking, heard) = tracking(&server.url());
    heard.expect("healthy");
    server.command(&["SET", "t:a", "1"]);
    heard.expect("t:a");
    server.command(&["SET", "other", "1"]);
    server.command(&["MSET", "t:b", "1", "t:c", "1"]);
    let both = [heard.expect("t:b"), heard.expect("t:c")].concat();
    assert!(!both.contains(&"other".to_owned()));
    server.command(&["DEL", "t:a"]);
    heard.expect("t:a");
    server.command(&["PEXPIRE", "t:b", "20"]);
    heard.expect("t:b");
    // It lapses.
    heard.expect("t:b");
    server.flush();
    heard.expect("all");
    assert!(heard.is_silent());
}

#[test]
fn without_a_prefix_everything_is_heard() {
    let server = RedisServer::start();
    let heard = Arc::new(Heard::default());
    let _tracking = PrefixTracking::start(config(&server.url()), "", Arc::clone(&heard)).expect("a thread");
    heard.expect("healthy");
    server.command(&["SET", "a", "1"]);
    heard.expect("a");
}

#[test]
fn a_cut_connection_is_lost_before_it_is_healthy_again() {
    let server = RedisServer::start();
    let (_tracking, heard) = tracking(&server.url());
    heard.expect("healthy");
    for _ in 0..3 {
        kill(&server);
        let began = Instant::now();
        assert_eq!(heard.expect("lost"), ["lost"]);
        assert!(began.elapsed() < SOON + SLACK, "{:?}", began.elapsed());
        heard.expect("healthy");
        server.command(&["SET", "t:a", "1"]);
        heard.expect("t:a");
    }
    server.stop();
    heard.expect("lost");
    server.restart();
    heard.expect("healthy");
}

#[test]
fn a_server_that_hangs_is_lost_by_its_silence() {
    let server = RedisServer::start();
    let (_tracking, heard) = tracking(&server.url());
    heard.expect("healthy");
    server.pause();
    let began = Instant::now();
    heard.expect("lost");
    assert!(began.elapsed() < Duration::from_millis(1250) + SLACK, "{:?}", began.elapsed());
    server.resume();
    heard.expect("healthy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn trouble_on_the_line_is_a_loss() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let (_tracking, heard) = tracking(&proxy.url());
    heard.expect("healthy");
    for mode in [Mode::Blackhole, Mode::Reset, Mode::Refuse, Mode::SwallowReplies] {
        proxy.set(mode);
        heard.expect("lost");
        proxy.set(Mode::Pass);
        heard.expect("healthy");
    }
}

#[test]
fn a_server_that_cannot_is_never_healthy() {
    let old = RedisServer::start_with(&["--rename-command", "HELLO", ""]);
    let strict = RedisServer::start();
    strict.command(&["ACL", "SETUSER", "default", "-client|tracking"]);
    for server in [&old, &strict] {
        let (_tracking, heard) = tracking(&server.url());
        let connections = || {
            let stats = server.command(&["INFO", "stats"]);
            let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
            line.and_then(|count| count.trim().parse::<usize>().ok()).expect("a number")
        };
        let before = connections();
        // Each attempt is told. Eight pauses take at least 2.2 s together.
        let began = Instant::now();
        for _ in 0..9 {
            assert_eq!(heard.expect("lost"), ["lost"]);
        }
        assert!(began.elapsed() > Duration::from_secs(2), "{:?}", began.elapsed());
        assert!(connections() - before < 24, "a storm");
        let watch = Watch::new(config(&server.url()));
        assert!(park::block_on(watch.register("t:a")).is_none());
    }
    strict.command(&["ACL", "SETUSER", "default", "+client|tracking"]);
    let (_tracking, heard) = tracking(&strict.url());
    heard.expect("healthy");
}

#[test]
fn a_dropped_stream_closes_its_connection() {
    let server = RedisServer::start();
    let count = || server.command(&["CLIENT", "LIST"]).matches("name=stream").count();
    let (tracking, heard) = tracking(&server.url());
    heard.expect("healthy");
    let watch = Watch::new(config(&server.url()));
    assert_eq!(count(), 1, "nothing is connected before the first wait");
    let watched = park::block_on(watch.register("t:a")).expect("a server that tells");
    assert_eq!(count(), 2);
    drop((tracking, watch));
    heard.expect("lost");
    eventually(LONG, || count() == 0);
    // Ends at once: the loss is what it waits for. The next wait has nothing to wait for but its end.
    assert!(time(&watched, LONG) < SOON + SLACK);
    assert!(time(&watched, SOON) >= SOON);
}

/// How long a wait takes.
fn time(watched: &WatchedKey, limit: Duration) -> Duration {
    let began = Instant::now();
    park::block_on(watched.changed(limit));
    began.elapsed()
}

#[test]
fn a_change_wakes_who_waits_for_the_key() {
    let server = RedisServer::start();
    let watch = Watch::new(config(&server.url()));
    let watched = park::block_on(watch.register("w:a")).expect("a server that tells");
    assert!(time(&watched, SOON) >= SOON, "nothing has changed");
    // Each change is told, not the first alone; one that came before the wait counts.
    for command in
        [&["SET", "w:a", "1"][..], &["SET", "w:a", "2"], &["PEXPIRE", "w:a", "60000"], &["DEL", "w:a"]]
    {
        server.command(command);
        assert!(time(&watched, LONG) < SOON + SLACK, "{command:?}");
        assert!(time(&watched, SOON) >= SOON, "{command:?}");
    }
    server.command(&["SET", "w:b", "1"]);
    assert!(time(&watched, SOON) >= SOON, "that is another key");
    server.command(&["SET", "w:a", "1"]);
    assert!(time(&watched, LONG) < SOON + SLACK);
    server.flush();
    assert!(time(&watched, LONG) < SOON + SLACK);
}

#[test]
fn all_who_wait_for_a_key_are_woken() {
    let server = RedisServer::start();
    let watch = Watch::new(config(&server.url()));
    let woken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..8).map(|_| park::block_on(watch.register("w:a")).expect("a server that tells")).collect();
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
    assert_eq!(watch.waiting(), 0, "the last who waits takes the key along");
}

#[test]
fn a_cut_connection_wakes_who_waits_and_is_made_anew() {
    let server = RedisServer::start();
    let watch = Watch::new(config(&server.url()));
    let watched = park::block_on(watch.register("w:a")).expect("a server that tells");
    kill(&server);
    assert!(time(&watched, LONG) < SOON + SLACK);
    eventually(LONG, || park::block_on(watch.register("w:b")).is_some());
    // Woken once more when there is a connection again, and from then on by changes.
    eventually(LONG, || time(&watched, SOON) >= SOON);
    server.command(&["SET", "w:a", "1"]);
    assert!(time(&watched, LONG) < SOON + SLACK);
    server.stop();
    assert!(time(&watched, LONG) < SOON + SLACK);
    assert!(park::block_on(watch.register("w:b")).is_none());
    server.restart();
    eventually(LONG, || park::block_on(watch.register("w:b")).is_some());
}

#[test]
fn a_hung_server_holds_nobody_up() {
    let server = RedisServer::start();
    let watch = Watch::new(config(&server.url()));
    drop(park::block_on(watch.register("w:a")).expect("a server that tells"));
    server.pause();
    let began = Instant::now();
    assert!(park::block_on(watch.register("w:a")).is_none());
    assert!(began.elapsed() < Duration::from_millis(250) + SLACK, "{:?}", began.elapsed());
    assert_eq!(watch.waiting(), 0);
    server.resume();
    eventually(LONG, || park::block_on(watch.register("w:a")).is_some());
}
