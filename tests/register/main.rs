//! Versioned registers: several real processes share a cache over a faulty Redis, and no read returns an older version.
//!
//! ```text
//! cargo test -p larder-tests --test register -- --seconds 60 --seed 7 --processes 4 [--local] [--sentinel | --cluster]
//! ```
//!
//! The database is this process: it holds a number for each key, which only grows. Workers are separate processes with
//! cached functions that read it. Players make them call and invalidate at random, while calm and storms alternate;
//! storms hit connections, Redis itself and the workers. Every result is checked at once:
//!
//! - S1: no call that began after an invalidation had succeeded gets an older version; in the process of the invalidation
//!   neither after one that was refused, or whose caller left;
//! - S2: a process computes a key once at a time; without faults, all processes together do; except for a while after a
//!   failure, when calls do not wait for one another;
//! - S3: no act takes longer than its limit;
//! - S4: an error was returned by the function, to this call or to one that it waited for;
//! - S5: after the last fault, invalidations that were refused or dropped are carried out, and every worker serves the true
//!   version of every key from the cache.
//!
//! With `--sentinel` and `--cluster`, storms replace primaries in place of hitting connections. Replication is asynchronous:
//! calls that missed only invalidations of about the time of a failover are counted as `lost`.
//!
//! The plan is reproducible by the seed; its outcome also depends on the clock.
//!
//! The test must fail when values are stored without comparing the lease:
//!
//! ```text
//! RUSTFLAGS='--cfg larder_plain_set' cargo test -p larder-tests --test register --target-dir target/plain
//! ```

#![expect(unreachable_pub, reason = "the modules of a binary show things to each other alone")]

mod chance;
mod counts;
mod crew;
mod failovers;
mod faults;
mod functions;
mod keys;
mod limits;
mod overlap;
mod players;
mod redis;
mod register;
mod settle;
mod story;
mod who;
mod wire;
mod worker;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime};

use crate::crew::Crew;
use crate::redis::Redis;
use crate::world::World;
use support::cluster::RedisCluster;
use support::redis::RedisServer;
use support::sentinel::SentinelDeployment;

/// The duration of calm phases.
const CALM: Duration = Duration::from_secs(9);
const STORM: Duration = Duration::from_secs(12);

/// The options on the command line.
struct Options {
    length: Duration,
    seed: u64,
    processes: usize,
    local: bool,
    start: fn() -> Redis,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "worker") {
        return work(&args[1..]);
    }
    if args.iter().any(|arg| arg == "--list") {
        return println!("register: test");
    }
    let options = match options(&args) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\nusage: --seconds 60 --seed 7 --processes 4 --local --sentinel --cluster");
            std::process::exit(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(run(options));
}

async fn run(options: Options) {
    let Options { length, seed, processes, local, start } = options;
    println!(
        "register: seed {seed}, {processes} processes, {length:?}{}",
        if local { ", local tier" } else { "" }
    );
    let redis = Arc::new(start());
    let world = Arc::new(World::new(seed, processes, local, Arc::clone(&redis)));
    let crew = Crew::start(Arc::clone(&world), &redis, processes, local).await;
    faults::over(&crew).await;
    let stop = Arc::new(AtomicBool::new(false));
    let play = {
        let (crew, stop) = (Arc::clone(&crew), Arc::clone(&stop));
        tokio::spawn(async move { players::play(&crew, &stop).await })
    };
    let until = Instant::now() + length;
    for round in 0.. {
        let left = || until.saturating_duration_since(Instant::now());
        if left().is_zero() {
            break;
        }
        tokio::time::sleep(CALM.min(left())).await;
        faults::storm(&crew, &redis, round, STORM.min(left())).await;
    }
    stop.store(true, SeqCst);
    play.await.expect("no player panics");
    settle::settle(&crew).await;
    println!("{:?}", world.counts());
    println!("register: 1 passed, 0 failed");
}

fn work(args: &[String]) {
    let [index, life, port, url, prefix, local] = args else { panic!("the coordinator starts workers") };
    let post = worker::Post {
        index: index.parse().expect("a number"),
        life: life.parse().expect("a number"),
        port: port.parse().expect("a port"),
        url: url.clone(),
        prefix: prefix.clone(),
        local: local == "true",
    };
    // Workers alternate between both kinds of runtime.
    let runtime = if post.index.is_multiple_of(2) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    };
    runtime.expect("a runtime").block_on(worker::work(post));
    // Calls that still hang in threads do not matter.
    std::process::exit(0);
}

fn options(args: &[String]) -> Result<Options, String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = u64::from(now.subsec_nanos());
    let start: fn() -> Redis = || Redis::Server(RedisServer::start());
    let mut options = Options { length: Duration::from_secs(20), seed, processes: 4, local: false, start };
    let mut args = args.iter();
    while let Some(name) = args.next() {
        let mut number = || -> Result<u64, String> {
            let text = args.next().ok_or_else(|| format!("{name} takes a number"))?;
            text.parse().map_err(|_| format!("{name} takes a number, not `{text}`"))
        };
        match name.as_str() {
            "--seconds" => options.length = Duration::from_secs(number()?),
            "--seed" => options.seed = number()?,
            "--processes" => options.processes = usize::try_from(number()?).unwrap_or(0).max(1),
            "--local" => options.local = true,
            "--sentinel" => options.start = || Redis::Sentinel(SentinelDeployment::start()),
            "--cluster" => options.start = || Redis::Cluster(RedisCluster::start()),
            // `cargo test --quiet` passes this to every test.
            "--quiet" => {}
            _ => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok(options)
}
