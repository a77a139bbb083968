//! The process-wide cache; each case runs in a process of its own.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Output};
use std::sync::Barrier;
use std::time::Duration;

use larder::{Cache, Error, cache, cache_evict};
use support::deployment::shared;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, unique};

use crate::get_or_init;

#[cache(expire = "1m", ignore(calls), entry = double_entry)]
async fn double(calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(ignore(calls), entry = triple_entry)]
fn triple(calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

#[cache_evict(entry = double_entry(n))]
async fn changed(n: u64) -> Result<u64, String> {
    Ok(n)
}

/// The variables that `Cache::from_env` reads.
const VARIABLES: [&str; 8] = [
    "LARDER_URL",
    "REDIS_URL",
    "LARDER_PREFIX",
    "LARDER_DEFAULT_EXPIRE",
    "LARDER_ENABLED",
    "LARDER_REDIS_TIMEOUT",
    "LARDER_CONNECT_TIMEOUT",
    "LARDER_LOCAL",
];

/// Names the case that a child process runs.
const CASE: &str = "LARDER_TEST_CASE";

/// Runs a case of [`case`] in a child process, with only these of larder's variables.
fn child(name: &str, variables: &[(&str, OsString)]) -> Output {
    let mut child = Command::new(env::current_exe().expect("this binary"));
    for variable in VARIABLES {
        child.env_remove(variable);
    }
    let variables = variables.iter().map(|(name, value)| (*name, value));
    child
        .args(["--exact", "global::case", "--nocapture"])
        .env(CASE, name)
        .envs(variables)
        .output()
        .expect("a child process")
}

/// Runs a case that must succeed, and returns its output.
#[track_caller]
pub(crate) fn passes(name: &str, variables: &[(&str, &str)]) -> String {
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.into())).collect();
    let output = child(name, &variables);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("the case ran"), "{name}: {text}");
    text
}

/// Runs the case of a child process, and does nothing in the parent.
#[test]
fn case() {
    let Ok(name) = env::var(CASE) else { return };
    tracing_subscriber::fmt().with_ansi(false).init();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match name.as_str() {
        "before init" => runtime.block_on(before_init()),
        "named before init" => assert_eq!(runtime.block_on(named(1)), 1),
        "twice" => runtime.block_on(twice()),
        "many at once" => many_at_once(),
        "after a failure" => runtime.block_on(after_a_failure()),
        "blocking" => blocking(),
        "close" => runtime.block_on(close()),
        "invalidate first" => runtime.block_on(invalidate_first()),
        "environment" => runtime.block_on(environment()),
        "get or init" => runtime.block_on(get_or_init::one_after_the_other()),
        "get or init at once" => get_or_init::many_at_once(),
        "get or init after a failure" => runtime.block_on(get_or_init::after_a_failure()),
        other => panic!("no case {other}"),
    }
    println!("the case ran");
}

#[cache(name = "users.get")]
async fn named(id: u64) -> u64 {
    id
}

async fn before_init() {
    let calls = Calls::default();
    for round in 1..=2 {
        assert_eq!((double(&calls, 21).await, triple(&calls, 21)), (42, 63));
        assert_eq!(calls.count(), 2 * round, "uncached");
    }
    assert!(matches!(Cache::global(), Err(Error::NotInitialised)));
    assert_eq!(changed(1).await, Ok(1));
    let entry = double_entry(21);
    assert_eq!((entry.key(), entry.get::<u64>().await, entry.ttl().await), ("", None, None));
    assert!(matches!(entry.invalidate().await, Err(Error::NotInitialised)));
    assert!(matches!(entry.put(&1_u64).await, Err(Error::NotInitialised)));
    assert!(matches!(entry.blocking().expire(), Err(Error::NotInitialised)));

    Cache::builder().init().await.expect("the first");
    for _ in 0..2 {
        assert_eq!((double(&calls, 21).await, triple(&calls, 21)), (42, 63));
    }
    assert_eq!(calls.count(), 6, "cached from now on");
    assert_eq!(double_entry(21).get::<u64>().await, Some(42));
}

#[test]
fn before_init_functions_run_uncached_and_one_warning_says_so() {
    let text = passes("before init", &[]);
    let warnings = text.matches("ran uncached").count();
    assert_eq!(warnings, 1, "{text}");
    assert!(text.contains("`global::double`") && text.contains("init()"), "{text}");
    let text = passes("named before init", &[]);
    assert!(text.contains("`users.get` ran uncached"), "{text}");
}

async fn twice() {
    let first = Cache::builder().prefix("first").init().await.expect("the first");
    first.set("k", &1, "1m").await.expect("stored");
    let second = Cache::builder().prefix("second").init().await.expect_err("the second");
    assert!(matches!(second, Error::AlreadyInitialised), "{second:?}");
    assert!(
        second.to_string().contains("already initialised") && second.to_string().contains("build"),
        "{second}"
    );
    assert!(matches!(Cache::builder().init_blocking(), Err(Error::AlreadyInitialised)));
    assert_eq!(Cache::global().expect("the first").get("k").await, Some(1));
    assert!(Cache::builder().prefix("second").build().await.is_ok());
}

#[test]
fn a_second_init_is_an_error_and_the_first_stays() {
    passes("twice", &[]);
}

fn many_at_once() {
    let barrier = Barrier::new(8);
    let won = std::thread::scope(|scope| {
        let init = || {
            barrier.wait();
            Cache::builder().init_blocking()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(init)).collect();
        let results = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        results
            .filter(|result| {
                result.as_ref().map_or_else(|error| !matches!(error, Error::AlreadyInitialised), |_| true)
            })
            .count()
    });
    assert_eq!(won, 1);
}

#[test]
fn one_of_many_concurrent_inits_wins() {
    passes("many at once", &[]);
}

async fn after_a_failure() {
    assert!(Cache::builder().url("http://h").init().await.is_err());
    assert!(Cache::builder().url("redis://127.0.0.1:1").require_redis(true).init().await.is_err());
    assert!(matches!(Cache::global(), Err(Error::NotInitialised)));
    assert!(Cache::builder().init().await.is_ok());
}

#[test]
fn an_init_that_failed_can_be_tried_again() {
    passes("after a failure", &[]);
}

fn blocking() {
    let cache = Cache::builder().init_blocking().expect("a cache");
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!(triple(&calls, 2), 6);
    }
    assert_eq!(calls.count(), 1);
    assert_eq!(triple_entry(2).blocking().get::<u64>(), Some(6));
    triple_entry(2).blocking().invalidate().expect("removed");
    triple(&calls, 2);
    assert_eq!((calls.count(), cache.stats().total.hits), (2, 3));
}

#[test]
fn a_program_without_async() {
    passes("blocking", &[]);
}

async fn close() {
    let calls = Calls::default();
    let cache = Cache::builder().init().await.expect("a cache");
    double(&calls, 1).await;
    cache.close().await;
    double(&calls, 1).await;
    assert_eq!(calls.count(), 2);
    assert!(matches!(double_entry(1).invalidate().await, Err(Error::Closed)));
    assert_eq!(changed(1).await, Ok(1), "the function succeeded, whatever became of the eviction");
    let again = Cache::builder().init().await;
    assert!(matches!(again, Err(Error::AlreadyInitialised)), "a closed cache is still the one");
}

#[test]
fn the_process_wide_cache_can_be_closed() {
    let text = passes("close", &[]);
    assert!(text.contains("could not invalidate"), "{text}");
}

async fn invalidate_first() {
    Cache::from_env().require_redis(true).init().await.expect("a cache");
    assert_eq!(double_entry(1).get::<u64>().await, Some(99), "what the other process stored");
    double_entry(1).invalidate().await.expect("removed");
    let calls = Calls::default();
    assert_eq!(double(&calls, 1).await, 2);
    double(&calls, 1).await;
    assert_eq!(calls.count(), 1);
    // The attribute does the same for an entry that this process never read.
    changed(2).await.expect("changed");
}

#[tokio::test]
async fn an_entry_can_be_invalidated_before_the_first_call() {
    let prefix = unique("invalidate");
    let url = shared().url();
    let here = Cache::builder().url(&url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let env = [("LARDER_URL", url.as_str()), ("LARDER_PREFIX", prefix.as_str())];
    // The child prints the keys of its function, and this process writes to them.
    let key = |n: u64| {
        let text = passes("environment", &[&env[..], &[("LARDER_TEST_N", &n.to_string())]].concat());
        let line = text.lines().find_map(|line| line.strip_prefix("key ")).expect("the key").to_owned();
        line.strip_prefix(&format!("{prefix}:")).expect("its prefix").to_owned()
    };
    let (first, second) = (key(1), key(2));
    here.set(&first, &99_u64, "1m").await.expect("stored");
    here.set(&second, &99_u64, "1m").await.expect("stored");
    passes("invalidate first", &env);
    assert_eq!(here.get::<u64>(&first).await, Some(2));
    assert_eq!(here.get::<u64>(&second).await, None);
}

/// Prints the settings that the environment led to.
async fn environment() {
    match Cache::from_env().init().await {
        Err(error) => println!("error {error}"),
        Ok(cache) => {
            let n = env::var("LARDER_TEST_N").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
            println!("cache {cache:?}");
            println!("key {}", double_entry(n).key());
            triple(&Calls::default(), 1);
            println!("ttl {:?}", triple_entry(1).ttl().await.unwrap_or_default());
            let calls = Calls::default();
            for _ in 0..2 {
                assert_eq!(double(&calls, n).await, n * 2);
            }
            println!(
                "calls {}, of them {} hits in this process",
                calls.count(),
                cache.stats().total.local_hits
            );
        }
    }
}

fn says(variables: &[(&str, &str)], start: &str) -> String {
    let text = passes("environment", variables);
    text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn the_environment_names_the_store() {
    let redis = shared().url();
    assert!(says(&[], "cache").contains("store: memory"));
    assert!(says(&[("LARDER_URL", ""), ("REDIS_URL", "")], "cache").contains("store: memory"));
    assert!(says(&[("REDIS_URL", &redis)], "cache").contains("store: redis"));
    assert!(says(&[("LARDER_URL", &redis)], "cache").contains("store: redis"));
    assert!(says(&[("LARDER_URL", "memory://"), ("REDIS_URL", &redis)], "cache").contains("store: memory"));
    assert!(says(&[("LARDER_URL", ""), ("REDIS_URL", &redis)], "cache").contains("store: redis"));
}

#[test]
fn the_environment_names_prefix_and_expiry() {
    assert!(says(&[("LARDER_PREFIX", "shop")], "key").starts_with("key shop:global::double:"));
    assert!(says(&[], "key").starts_with("key global::double:"));
    for (text, seconds) in [("300", 300), ("5m", 300), (" 1h30m ", 5400), ("", 31_536_000)] {
        let said = says(&[("LARDER_DEFAULT_EXPIRE", text)], "ttl");
        // `299.9s`, or `300s` if the entry was made in the same instant.
        let left: f64 = said.trim_start_matches("ttl ").trim_end_matches('s').parse().expect("seconds");
        assert!((f64::from(seconds) - 30.0..=f64::from(seconds)).contains(&left), "{text}: {said}");
    }
}

#[test]
fn the_environment_switches_caching_off_and_copies_on() {
    let redis = [("LARDER_URL", shared().url()), ("LARDER_PREFIX", unique("env"))];
    let redis: Vec<_> = redis.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let said = |more: &[(&str, &str)]| says(&[&redis, more].concat(), "calls");
    assert_eq!(said(&[("LARDER_ENABLED", "false")]), "calls 2, of them 0 hits in this process");
    assert_eq!(said(&[("LARDER_ENABLED", "true")]), "calls 1, of them 0 hits in this process");
    assert_eq!(said(&[("LARDER_LOCAL", "off")]), "calls 0, of them 0 hits in this process");
    assert_eq!(said(&[("LARDER_LOCAL", "5s")]), "calls 0, of them 1 hits in this process");
}

#[test]
fn the_environment_sets_timeouts() {
    let server = RedisServer::start();
    server.pause();
    let url = server.url();
    let took = |limits: &[(&str, &str)]| {
        let began = std::time::Instant::now();
        assert!(says(&[&[("LARDER_URL", url.as_str())], limits].concat(), "calls").contains("calls 2"));
        began.elapsed()
    };
    // With the defaults it takes a connect timeout of 1 s and calls of 250 ms.
    let long = took(&[("LARDER_CONNECT_TIMEOUT", "4s"), ("LARDER_REDIS_TIMEOUT", "4s")]);
    assert!(long >= Duration::from_secs(4), "{long:?}");
    let short = took(&[("LARDER_CONNECT_TIMEOUT", "10ms"), ("LARDER_REDIS_TIMEOUT", "10ms")]);
    assert!(short < LONG, "{short:?}");
    server.resume();
}

#[test]
fn a_bad_variable_is_an_error_that_names_it_and_its_value() {
    for (variable, value, shown) in [
        ("LARDER_DEFAULT_EXPIRE", "soon", "soon"),
        ("LARDER_DEFAULT_EXPIRE", "0", "0"),
        ("LARDER_DEFAULT_EXPIRE", "-5m", "-5m"),
        ("LARDER_DEFAULT_EXPIRE", "5 minutes", "5 minutes"),
        ("LARDER_PREFIX", "a{b", "a{b"),
        ("LARDER_URL", "http://h", "http"),
        ("LARDER_URL", "redis://u:hunter2@h:99999", "99999"),
        ("REDIS_URL", "rediss://u:hunter2@h?protocol=resp3", "protocol"),
        ("REDIS_URL", "redis://u:hunter2@h/x", "x"),
        ("LARDER_URL", "memory://x", "memory://x"),
        ("LARDER_ENABLED", "no", "no"),
        ("LARDER_REDIS_TIMEOUT", "250", "250"),
        ("LARDER_REDIS_TIMEOUT", "0ms", "0ms"),
        ("LARDER_CONNECT_TIMEOUT", "soon", "soon"),
        ("LARDER_LOCAL", "on", "on"),
        ("LARDER_LOCAL", "0", "0"),
    ] {
        let error = says(&[(variable, value)], "error");
        assert!(error.starts_with(&format!("error {variable} = {shown:?}: ")), "{variable}={value}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_an_error() {
    use std::os::unix::ffi::OsStringExt;
    for variable in VARIABLES {
        let output = child("environment", &[(variable, OsString::from_vec(vec![b'a', 0xff]))]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(&format!("error {variable} = ")), "{text}");
    }
}

/// The child process ends although its cache is never closed.
#[test]
fn a_process_that_never_closes_its_cache_ends() {
    let started = std::time::Instant::now();
    passes("environment", &[("LARDER_URL", &shared().url())]);
    assert!(started.elapsed() < Duration::from_secs(60));
}
