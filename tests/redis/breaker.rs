//! The breaker: the cost of a lost Redis under load, one probe at a time, and the recovery.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Breaker, Cache, cache};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, hasty, in_time, unique};
use support::wait::{eventually, eventually_async};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// The number of concurrent callers.
const TASKS: u64 = 64;
/// The default `redis_timeout` with the delay of a busy machine.
const LIMIT: Duration = Duration::from_millis(250);
const SLACK: Duration = Duration::from_millis(750);
/// Caching resumes within two seconds; the third is for a busy machine.
const BACK: Duration = Duration::from_secs(3);

#[cache(expire = "5m", ignore(calls), cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// These tests measure time under full load, so they run one at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Tasks that call without a pause and measure each call.
struct Load {
    stop: Arc<AtomicBool>,
    rounds: Arc<Vec<AtomicUsize>>,
    tasks: Vec<tokio::task::JoinHandle<Vec<Duration>>>,
}

impl Load {
    fn start(cache: &Cache, calls: &Arc<Calls>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let rounds: Arc<Vec<AtomicUsize>> = Arc::new((0..TASKS).map(|_| AtomicUsize::new(0)).collect());
        let task = |task: u64| {
            let (cache, calls) = (cache.clone(), Arc::clone(calls));
            let (stop, rounds) = (Arc::clone(&stop), Arc::clone(&rounds));
            tokio::spawn(async move {
                let mut times = Vec::new();
                while !stop.load(SeqCst) {
                    let n = task * 1_000 + times.len() as u64 % 50;
                    let started = Instant::now();
                    assert_eq!(double(&cache, &calls, n).await, n * 2);
                    times.push(started.elapsed());
                    rounds[usize::try_from(task).expect("small")].fetch_add(1, SeqCst);
                    tokio::task::yield_now().await;
                }
                times
            })
        };
        let tasks = (0..TASKS).map(task).collect();
        Self { stop, rounds, tasks }
    }

    /// Waits until every task has made `calls` more calls.
    async fn goes_on(&self, calls: usize) {
        let before: Vec<usize> = self.rounds.iter().map(|rounds| rounds.load(SeqCst)).collect();
        eventually_async(LONG, || async {
            self.rounds.iter().zip(&before).all(|(rounds, before)| rounds.load(SeqCst) >= before + calls)
        })
        .await;
    }

    async fn end(self) -> Vec<Vec<Duration>> {
        self.stop.store(true, SeqCst);
        let mut times = Vec::new();
        for task in self.tasks {
            times.push(in_time(task).await.expect("every call returns its own result"));
        }
        times
    }
}

/// Measures the time until a value can be stored and read again.
async fn back(cache: &Cache) -> Duration {
    let (started, key) = (Instant::now(), unique("probe"));
    eventually_async(LONG, || async {
        cache.set(&key, &7, "1m").await.is_ok() && cache.get(&key).await == Some(7)
    })
    .await;
    started.elapsed()
}

async fn under_load(lose: impl Fn(&RedisServer), find: impl Fn(&RedisServer), may_hang: bool) {
    let _alone = ALONE.lock().await;
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let calls = Arc::new(Calls::default());
    let load = Load::start(&cache, &calls);
    load.goes_on(20).await;
    lose(&server);
    load.goes_on(100).await;
    find(&server);
    let back = back(&cache).await;
    println!("caching was back after {back:?}");
    assert!(back < BACK, "{back:?}");
    load.goes_on(60).await;
    let before = calls.count();
    load.goes_on(20).await;
    assert_eq!(calls.count(), before, "every call is a hit again");
    for times in load.end().await {
        let slow = times.iter().filter(|time| **time >= LIMIT).count();
        // One call reads when Redis goes, and one begins before three failures in a row.
        assert!(slow <= if may_hang { 3 } else { 0 }, "{slow} slow calls of one task");
        let slowest = times.iter().max().expect("calls");
        assert!(*slowest < LIMIT + SLACK, "{slowest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hung_under_load_and_resumed() {
    under_load(RedisServer::pause, RedisServer::resume, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_and_started_on_the_same_port() {
    under_load(RedisServer::stop, RedisServer::restart, true).await;
}

/// While the breaker is open, a call costs a check of its state: no timeout, no system call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_redis_costs_microseconds() {
    let _alone = ALONE.lock().await;
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let calls = Arc::new(Calls::default());
    double(&cache, &calls, 1).await;
    server.pause();
    let load = Load::start(&cache, &calls);
    eventually_async(LONG, || async { cache.health().await.breaker == Breaker::Open }).await;
    load.end().await;
    let load = Load::start(&cache, &calls);
    load.goes_on(200).await;
    let mut times: Vec<Duration> = load.end().await.into_iter().flatten().collect();
    server.resume();
    times.sort_unstable();
    let (median, most) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{} calls, half of them within {median:?}, 99 % within {most:?}", times.len());
    // The documented limit is 50 us, even without optimisation; the rest is for a busy machine.
    assert!(median < Duration::from_micros(500), "{median:?}");
}

/// A server that accepts, never answers, and counts its connections.
struct Silent {
    port: u16,
    came: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Silent {
    /// Starts the server; with `closes` it ends each connection at once.
    async fn start(closes: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (came, most, open) = (Arc::default(), Arc::default(), Arc::<AtomicUsize>::default());
        let silent = Self { port, came: Arc::clone(&came), most: Arc::clone(&most) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                came.fetch_add(1, SeqCst);
                most.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
                let open = Arc::clone(&open);
                tokio::spawn(async move {
                    let mut buffer = [0; 1024];
                    while !closes && matches!(stream.read(&mut buffer).await, Ok(1..)) {}
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        silent
    }
}

/// Each runtime (this one, and larder's own) has one probe at a time for any number of callers.
async fn probes(closes: bool, connect_timeout: Duration, bound: impl Fn(f64) -> f64) {
    let _alone = ALONE.lock().await;
    let silent = Silent::start(closes).await;
    let started = Instant::now();
    let builder = Cache::builder().url(format!("redis://127.0.0.1:{}", silent.port));
    let cache =
        builder.prefix(unique("probe")).connect_timeout(connect_timeout).build().await.expect("a cache");
    let calls = Arc::new(Calls::default());
    let load = Load::start(&cache, &calls);
    // This makes larder's own runtime probe as well.
    cache.delete("k").await.expect_err("there is no reply");
    let enough = Arc::clone(&silent.came);
    tokio::task::spawn_blocking(move || eventually(LONG, || enough.load(SeqCst) >= 8))
        .await
        .expect("it goes on looking");
    let (came, seconds) = (silent.came.load(SeqCst) as f64, started.elapsed().as_secs_f64());
    load.end().await;
    assert!(calls.count() > 1_000);
    println!("{came} connections in {seconds} s for {} calls", calls.count());
    assert!(came <= 2.0 * bound(seconds), "{came} connections in {seconds} s");
    assert!(silent.most.load(SeqCst) <= 2, "one probe a runtime, and not {}", silent.most.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_probe_at_a_time_waits_for_a_silent_server() {
    let limit = Duration::from_millis(200);
    // Each probe takes its whole timeout and a pause of at least 25 ms.
    probes(false, limit, |seconds| seconds / 0.225 + 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_up_is_not_stormed() {
    // Pauses double up to a second, with jitter down to half: five take at least 0.4 s, each further one half a second.
    probes(true, Duration::from_secs(1), |seconds| seconds / 0.5 + 6.0).await;
}
