//! The feature `metrics`: every count and the state of the store by function and cache, and no key among the labels.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};

use larder::{Cache, cache};
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString, Unit,
};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, hasty, in_time, unique};
use support::wait::eventually_async;

/// A recorder of the last value of each series.
#[derive(Default)]
struct Notebook {
    series: Mutex<HashMap<Key, Arc<AtomicU64>>>,
    texts: Mutex<HashMap<String, String>>,
}

impl Notebook {
    fn slot(&self, key: &Key) -> Arc<AtomicU64> {
        Arc::clone(self.series.lock().expect("no panic").entry(key.clone()).or_default())
    }

    /// Returns the value of a series of one cache, if it was published.
    fn read(&self, name: &str, function: Option<&str>, cache: &str) -> Option<u64> {
        let series = self.series.lock().expect("no panic");
        let mut found = series.iter().filter(|(key, _)| {
            let label = |name| key.labels().find(|label| label.key() == name).map(|label| label.value());
            key.name() == name && label("cache") == Some(cache) && label("function") == function
        });
        let value = found.next().map(|(_, value)| value.load(SeqCst));
        assert!(found.next().is_none(), "one series each");
        value
    }

    fn gauge(&self, name: &str, cache: &str) -> Option<f64> {
        self.read(name, None, cache).map(f64::from_bits)
    }
}

impl Recorder for Notebook {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, text: SharedString) {
        self.texts.lock().expect("no panic").insert(name.as_str().to_owned(), text.into_owned());
    }
    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe_counter(name, unit, text);
    }
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.slot(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.slot(key))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Returns the recorder of this process.
fn notebook() -> &'static Notebook {
    static NOTEBOOK: OnceLock<&'static Notebook> = OnceLock::new();
    NOTEBOOK.get_or_init(|| {
        let notebook: &'static Notebook = Box::leak(Box::default());
        let installed: Result<(), SetRecorderError<_>> = metrics::set_global_recorder(notebook);
        installed.expect("it is the first");
        notebook
    })
}

#[cache(expire = "5m", ignore(calls), cache = cache, key = "secret:{n}")]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[tokio::test]
async fn every_count_is_published_at_the_close() {
    let (prefix, calls) = (unique("close"), Calls::default());
    let cache = Cache::builder().prefix(&prefix).build().await.expect("a cache");
    let notebook = notebook();
    for _ in 0..5 {
        double(&cache, &calls, 424_242).await;
    }
    cache.set("canary", "value", "5m").await.expect("stored");
    let stats = cache.stats();
    cache.clone().close().await;
    for row in &stats.functions {
        let counts = serde_json::to_value(row.counts).expect("JSON");
        for (name, count) in counts.as_object().expect("counts") {
            let published = notebook.read(&format!("larder_{name}_total"), Some(&row.function), &prefix);
            assert_eq!(published, count.as_u64(), "{name} of {}", row.function);
            let text = notebook.texts.lock().expect("no panic").get(&format!("larder_{name}_total")).cloned();
            assert!(text.is_some_and(|text| text.len() > 10), "{name} is described");
        }
    }
    assert_eq!(notebook.read("larder_hits_total", Some("metrics::double"), &prefix), Some(4));
    assert_eq!(notebook.gauge("larder_connected", &prefix), Some(1.0));
    assert_eq!(notebook.gauge("larder_pending_invalidations", &prefix), Some(0.0));
    assert_eq!(notebook.gauge("larder_background", &prefix), Some(0.0));
    let published: String =
        notebook.series.lock().expect("no panic").keys().map(|key| format!("{key:?}")).collect();
    assert!(
        !published.contains("canary") && !published.contains("424242") && !published.contains("secret"),
        "{published}"
    );
}

#[tokio::test]
async fn counts_are_published_while_the_cache_runs() {
    let (prefix, calls, notebook) = (unique("live"), Calls::default(), notebook());
    let server = RedisServer::start();
    let cache = hasty(&server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    double(&cache, &calls, 1).await;
    let stores = || notebook.read("larder_stores_total", Some("metrics::double"), &prefix);
    eventually_async(LONG, || async { stores() == Some(1) }).await;
    assert_eq!(notebook.gauge("larder_connected", &prefix), Some(1.0));
    double(&cache, &calls, 2).await;
    eventually_async(LONG, || async { stores() == Some(2) }).await;
    server.stop();
    eventually_async(LONG, || async { !cache.health().await.connected }).await;
    cache.delete("k").await.expect_err("no server");
    eventually_async(LONG, || async {
        let (connected, pending) = (
            notebook.gauge("larder_connected", &prefix),
            notebook.gauge("larder_pending_invalidations", &prefix),
        );
        (connected, pending) == (Some(0.0), Some(1.0))
    })
    .await;
}

/// The publishing task does not keep a cache alive: its connections close with its last handle.
#[tokio::test]
async fn a_cache_without_handles_is_gone() {
    notebook();
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    // One of the connections is that of the command itself.
    let clients = || server.command(&["CLIENT", "LIST"]).lines().count() - 1;
    assert!(clients() > 0);
    in_time(async { drop(cache) }).await;
    eventually_async(LONG, || async { clients() == 0 }).await;
}
