//! A process that may open no more files: its functions run, and caching resumes when it can connect again.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use larder::{Cache, cache};
use support::process::{assert_passed, rerun};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, in_time, unique};
use support::wait::eventually_async;

const URL: &str = "DESCRIPTORS_TEST_URL";

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

async fn starve(url: &str) {
    let builder = Cache::builder().url(url).prefix(unique("starved"));
    let cache = builder.require_redis(true).build().await.expect("a cache");
    let client = redis::Client::open(url).expect("a client");
    let mut raw = client.get_connection().expect("a connection");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;

    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    let kill = ["KILL", "TYPE", "normal", "SKIPME", "yes"];
    let () = redis::cmd("CLIENT").arg(&kill).query(&mut raw).expect("killed");
    // The descriptors of the killed connections are free until this loop or a new connection takes them.
    while cache.health().await.connected {
        files.extend(File::open("/dev/null").ok());
    }
    for n in 0..200 {
        let started = Instant::now();
        assert_eq!(in_time(double(&cache, &calls, n)).await, n * 2);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
    assert!(cache.delete("k").await.is_err());

    drop(files);
    let freed = Instant::now();
    eventually_async(LONG, || async {
        cache.set("k", &7, "1m").await.is_ok() && cache.get("k").await == Some(7)
    })
    .await;
    assert!(freed.elapsed() < Duration::from_secs(4), "{:?}", freed.elapsed());
}

#[test]
fn a_process_that_may_open_no_more_files_runs_its_functions_and_recovers() {
    if let Ok(url) = std::env::var(URL) {
        return tokio::runtime::Runtime::new().expect("a runtime").block_on(starve(&url));
    }
    let server = RedisServer::start();
    let test = "descriptors::a_process_that_may_open_no_more_files_runs_its_functions_and_recovers";
    let rerun = rerun(test);
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(rerun.get_program())
        .args(rerun.get_args())
        .env(URL, server.url())
        .output();
    assert_passed(test, &output.expect("a process"));
}
