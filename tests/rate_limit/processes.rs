//! Several processes with one limit, and clocks that differ.

use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use larder::Cache;
use larder::rate_limit::RateLimit;
use larder::test_util::TestClock;
use support::deployment::shared;
use support::process::rerun;
use support::stores::{LONG, on, unique};

use crate::left;

const URL: &str = "RATE_LIMIT_TEST_URL";
const PREFIX: &str = "RATE_LIMIT_TEST_PREFIX";

fn limits(cache: &Cache) -> [RateLimit; 2] {
    [RateLimit::new("20/hour"), RateLimit::new("20/hour").burst(20)]
        .map(|limit| limit.scope("shared").cache(cache))
}

/// Runs in the processes that the other test starts, and does nothing without their variables. Prints the admitted hits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    let (Ok(url), Ok(prefix)) = (std::env::var(URL), std::env::var(PREFIX)) else { return };
    let builder = Cache::builder().url(url).prefix(&prefix).redis_timeout(Duration::from_secs(10));
    let cache = builder.connect_timeout(LONG).require_redis(true).build().await.expect("a cache");
    for limit in limits(&cache) {
        let hits = (0..50).map(|_| {
            let limit = limit.clone();
            tokio::spawn(async move { limit.hit("ada").await.allowed })
        });
        let allowed = join_all(hits).await.into_iter().filter(|hit| *hit.as_ref().expect("no panic")).count();
        println!("admitted={allowed};");
    }
}

#[test]
fn four_processes_with_two_hundred_hits_admit_as_many_as_the_limit() {
    let prefix = unique("processes");
    let start = |_| {
        let mut worker = rerun("processes::worker");
        worker.env(URL, shared().url()).env(PREFIX, &prefix);
        worker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process")
    };
    let workers: Vec<_> = (0..4).map(start).collect();
    let mut admitted = [0, 0];
    for worker in workers {
        let output = worker.wait_with_output().expect("its output");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let counts = text.split("admitted=").skip(1).map(|rest| rest.split(';').next().expect("a number"));
        let counts: Vec<u64> = counts.map(|count| count.parse().expect("a number")).collect();
        assert_eq!(counts.len(), 2, "{text}");
        admitted.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    assert_eq!(admitted, [20, 20]);
}

/// The clock of Redis decides.
#[tokio::test]
async fn processes_whose_clocks_are_an_hour_apart_decide_alike() {
    let (clock, prefix) = (TestClock::new(), unique("clocks"));
    clock.advance(Duration::from_secs(3_600));
    let here = on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let ahead = on(shared()).prefix(&prefix).clock(clock).require_redis(true).build().await.expect("a cache");
    for (one, two) in limits(&here).iter().zip(&limits(&ahead)) {
        let mut lefts = Vec::new();
        for _ in 0..11 {
            lefts.push(left(&two.hit("ada").await));
            lefts.push(left(&one.hit("ada").await));
        }
        let expected: Vec<_> = (0..20).rev().map(Some).chain([None, None]).collect();
        assert_eq!(lefts, expected);
    }
}
