//! Warm-ups: calls that fill a cache before the first request.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use larder::{Cache, IgnoreInKey, WarmUp, WarmUpReport, cache, cache_many};
use support::deployment::shared;
use support::process::{assert_passed, rerun, test_around};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, caches, hasty, in_time, unique};
use support::wait::eventually_async;

/// A shop whose products are computed behind a gate.
#[derive(Default, IgnoreInKey)]
struct Shop {
    calls: Calls,
    gate: Gate,
    running: AtomicUsize,
    most: AtomicUsize,
}

#[cache(expire = "1000s", key = "product:{id}", entry = product_entry)]
async fn product(shop: Arc<Shop>, id: u64) -> Result<String, String> {
    shop.calls.add();
    let running = shop.running.fetch_add(1, SeqCst) + 1;
    shop.most.fetch_max(running, SeqCst);
    shop.gate.pass().await;
    shop.running.fetch_sub(1, SeqCst);
    match id {
        666 => Err("no such product".to_owned()),
        777 => panic!("in a product"),
        id => Ok(format!("product {id}")),
    }
}

#[cache(expire = "1h", key = "thumbnail:{id}", ignore(shop))]
fn thumbnail(shop: Arc<Shop>, id: u64) -> u64 {
    shop.calls.add();
    if id == 777 { panic!("in a thumbnail") } else { id }
}

#[cache_many(of = |id| product_entry(Arc::clone(&shop), id))]
async fn products(shop: Arc<Shop>, ids: Vec<u64>) -> HashMap<u64, String> {
    shop.calls.add();
    ids.into_iter().map(|id| (id, format!("product {id}"))).collect()
}

fn open_shop() -> Arc<Shop> {
    let shop = Arc::new(Shop::default());
    shop.gate.open();
    shop
}

fn warm_up(cache: &Cache, shop: &Arc<Shop>, ids: impl IntoIterator<Item = u64>) -> WarmUp {
    let shop = Arc::clone(shop);
    cache.warm_up().each(ids, move |id| product(Arc::clone(&shop), id))
}

/// The numbers of a report: computed, already, failed, skipped.
fn numbers(report: WarmUpReport) -> [usize; 4] {
    [report.computed, report.already, report.failed, report.skipped]
}

#[tokio::test]
async fn what_is_missing_is_computed() {
    for cache in caches().await {
        let shop = open_shop();
        assert_eq!(numbers(in_time(warm_up(&cache, &shop, 0..20).run()).await), [20, 0, 0, 0]);
        assert_eq!(numbers(in_time(warm_up(&cache, &shop, 10..30).run()).await), [10, 10, 0, 0]);
        assert_eq!(shop.calls.count(), 30);
        let called = cache.scope(product(Arc::clone(&shop), 7)).await;
        assert_eq!((called.as_deref(), shop.calls.count()), (Ok("product 7"), 30), "a hit");
        assert_eq!(numbers(in_time(cache.warm_up().run()).await), [0; 4]);
    }
}

#[tokio::test]
async fn sync_and_bulk_functions() {
    for cache in caches().await {
        let shop = open_shop();
        let (sync, bulk) = (Arc::clone(&shop), Arc::clone(&shop));
        let warm = || {
            let (sync, bulk) = (Arc::clone(&sync), Arc::clone(&bulk));
            let warm = cache.warm_up().each_blocking(0..5, move |id| thumbnail(Arc::clone(&sync), id));
            warm.each([vec![1, 2], vec![3]], move |ids| products(Arc::clone(&bulk), ids))
        };
        assert_eq!(numbers(in_time(warm().run()).await), [7, 0, 0, 0], "{cache:?}");
        assert_eq!(numbers(in_time(warm().run()).await), [0, 7, 0, 0], "{cache:?}");
        assert_eq!(shop.calls.count(), 7);
        let last = warm();
        let report = tokio::task::spawn_blocking(|| last.run_blocking()).await.expect("no panic");
        assert_eq!(numbers(report), [0, 7, 0, 0]);
    }
}

#[test]
fn a_program_without_async() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let shop = open_shop();
    let warm = warm_up(&cache, &shop, 0..3).each_blocking(0..3, {
        let shop = Arc::clone(&shop);
        move |id| thumbnail(Arc::clone(&shop), id)
    });
    assert_eq!(numbers(warm.run_blocking()), [6, 0, 0, 0]);
}

#[tokio::test]
async fn failures_are_in_the_report() {
    for cache in caches().await {
        let shop = open_shop();
        let blocking = Arc::clone(&shop);
        let warm = warm_up(&cache, &shop, [1, 666, 2, 777, 3])
            .each_blocking([777, 4], move |id| thumbnail(Arc::clone(&blocking), id))
            .each([()], |()| async { "a function without a cache" });
        assert_eq!(numbers(in_time(warm.run()).await), [4, 0, 4, 0], "{cache:?}");
    }
    // Without a store the functions run, and nothing is warm.
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    server.stop();
    assert_eq!(numbers(in_time(warm_up(&cache, &open_shop(), 0..5).run()).await), [0, 0, 5, 0]);
    let off = Cache::builder().enabled(false).build().await.expect("a cache");
    assert_eq!(numbers(in_time(warm_up(&off, &open_shop(), 0..5).run()).await), [0, 0, 5, 0]);
}

#[tokio::test]
async fn a_deadline_cuts_it_off_and_what_has_begun_goes_on() {
    for cache in caches().await {
        let shop = Arc::new(Shop::default());
        let warm = warm_up(&cache, &shop, 0..20).concurrency(3).deadline(Duration::from_millis(200)).run();
        assert!(!warm.is_over());
        assert_eq!(numbers(in_time(warm).await), [0, 0, 0, 20]);
        assert_eq!(shop.calls.count(), 3, "the others never began");
        shop.gate.open();
        let stored = async || {
            let mut stored = 0;
            for id in 0..20 {
                stored += usize::from(cache.exists(&format!("product:{id}")).await);
            }
            stored
        };
        eventually_async(LONG, || async { stored().await == 3 }).await;
    }
}

#[tokio::test]
async fn so_many_at_once_and_no_more() {
    let cache = Cache::for_test();
    let shop = Arc::new(Shop::default());
    let warm = warm_up(&cache, &shop, 0..20).concurrency(4).run();
    shop.gate.arrived(4).await;
    shop.gate.open();
    assert_eq!(numbers(in_time(warm).await), [20, 0, 0, 0]);
    assert_eq!(shop.most.load(SeqCst), 4);
}

#[tokio::test]
async fn entries_expire_at_different_times() {
    for cache in caches().await {
        let lives = async |jitter: f64| {
            cache.clear().await.expect("cleared");
            in_time(warm_up(&cache, &open_shop(), 0..50).jitter(jitter).run()).await;
            let mut lives = Vec::new();
            for id in 0..50 {
                lives.push(cache.ttl(&format!("product:{id}")).await.expect("an entry").as_secs());
            }
            lives
        };
        let spread = lives(0.5).await;
        assert!(spread.iter().all(|left| (400..=1000).contains(left)), "{spread:?}");
        assert!(spread.iter().collect::<HashSet<_>>().len() > 20, "{spread:?}");
        let even = lives(0.0).await;
        assert!(even.iter().all(|left| *left > 900), "{even:?}");
    }
    // Calls after it have the expiry of their function.
    let cache = Cache::for_test();
    cache.scope(product(open_shop(), 1)).await.expect("a product");
    assert!(cache.ttl("product:1").await.expect("an entry") > Duration::from_secs(900));
}

#[tokio::test]
async fn its_progress_and_its_end_can_be_seen() {
    let cache = Cache::for_test();
    let shop = Arc::new(Shop::default());
    let mut warm = warm_up(&cache, &shop, 0..3).run();
    shop.gate.arrived(3).await;
    assert_eq!((numbers(warm.report()), warm.is_over()), ([0; 4], false));
    shop.gate.open();
    let report = in_time(&mut warm).await;
    assert_eq!((report, warm.is_over()), (warm.report(), true));
    assert_eq!(report.to_string(), "3 computed, 0 there already, 0 failed, 0 skipped");
    // Dropping the task does not end the warm-up.
    let shop = Arc::new(Shop::default());
    drop(warm_up(&cache, &shop, 10..13).run());
    shop.gate.open();
    eventually_async(LONG, || async { cache.exists("product:12").await }).await;
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let cache = Cache::for_test();
    let refused = |set: fn(WarmUp) -> WarmUp| {
        let panic = catch_unwind(AssertUnwindSafe(|| drop(set(cache.warm_up())))).expect_err("a panic");
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).expect("a text")
    };
    assert_eq!(refused(|warm| warm.concurrency(0)), "`concurrency` must be more than zero");
    assert!(refused(|warm| warm.jitter(1.0)).starts_with("`jitter` must be a share"));
    assert!(refused(|warm| warm.jitter(f64::NAN)).starts_with("`jitter` must be a share"));
    assert!(refused(|warm| warm.deadline("soon")).contains("`deadline` cannot be used"));
    assert!(refused(|warm| warm.deadline(0)).contains("`deadline` cannot be used"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_compute_each_once() {
    const PREFIX: &str = "LARDER_TEST_WARM_UP_PREFIX";
    const URL: &str = "LARDER_TEST_WARM_UP_URL";
    fn here() {}
    if let (Ok(prefix), Ok(url)) = (std::env::var(PREFIX), std::env::var(URL)) {
        let builder = Cache::builder().url(url).prefix(prefix).redis_timeout(Duration::from_secs(10));
        let cache = builder.require_redis(true).stall_timeout(LONG).build().await.expect("a cache");
        let shop = open_shop();
        let report = in_time(warm_up(&cache, &shop, 1000..2000).deadline(LONG).run()).await;
        println!("computed {} of {}", shop.calls.count(), report.computed + report.already);
        assert_eq!(report.computed, shop.calls.count());
        return;
    }
    let (test, prefix) = (test_around(&here), unique("warm"));
    let start = || {
        let mut command = rerun(&test);
        command.env(PREFIX, &prefix).env(URL, shared().url()).stdout(std::process::Stdio::piped());
        command.spawn().expect("a process")
    };
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    let mut computed = 0;
    for process in processes {
        let output = process.wait_with_output().expect("a process");
        assert_passed(&test, &output);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.split_once("computed ")).expect("a line").1;
        let (own, of) = line.split_once(" of ").expect("two numbers");
        assert_eq!(of, "1000");
        computed += own.parse::<usize>().expect("a number");
    }
    assert_eq!(computed, 1000);
}
