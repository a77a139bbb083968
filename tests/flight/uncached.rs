//! A result that is not cached makes no caller wait for another one, for as long as its computation took.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use larder::{Cache, IgnoreInKey, cache};
use support::stores::{Calls, Gate, caches, caches_with, counts, in_time, settle};

/// The duration of the first computation: the time for which no caller waits afterwards.
const LONG_AGO: Duration = Duration::from_secs(1);

/// A source whose first computation stops at the gate `first`, and the others at the gate `others`.
#[derive(Default)]
struct Source {
    calls: Calls,
    first: Gate,
    others: Gate,
    /// From now on results are cached.
    is_good: AtomicBool,
}

impl IgnoreInKey for Source {}

impl Source {
    /// Stops, and returns whether the result is to be cached.
    async fn stop(&self) -> bool {
        if self.calls.add() == 0 {
            self.first.pass().await;
        } else {
            self.others.pass().await;
        }
        self.is_good.load(SeqCst)
    }
}

/// An error that is not `Clone`.
#[derive(Debug)]
struct Own;

/// A function whose result is not cached while the source is not good; `entry` names its entry.
macro_rules! function {
    ($name:ident, $result:ty, $bad:expr, $good:expr $(, $option:ident $(= $value:expr)?)*) => {
        #[cache(expire = "1m", cache = cache, ignore(cache, source) $(, $option $(= $value)?)*)]
        async fn $name(cache: &Cache, source: &Source) -> $result {
            if source.stop().await { $good } else { $bad }
        }
    };
}

function!(own_error, Result<u8, Own>, Err(Own), Ok(1), entry = own_error_entry);
function!(common_error, Result<u8, String>, Err(String::new()), Ok(1));
function!(none, Option<u8>, None, Some(1));
function!(refused, u8, 0, 1, unless = |value| *value == 0);
function!(too_large, Vec<u8>, vec![0; 5000], vec![1]);
function!(not_encodable, BTreeMap<(u8, u8), u8>, BTreeMap::from([((0, 0), 0)]), BTreeMap::new());
function!(panics, u8, panic!("as the test wants"), 1);
function!(unless_panics, u8, 0, 1, unless = |value| *value == 0 && panics_as_wanted());
function!(
    expire_with_panics,
    u8,
    0,
    1,
    expire_with = |value| if *value == 0 { u8::from(panics_as_wanted()) } else { 60 }
);
function!(expired, u8, 0, 60, expire_with = |value| *value);
function!(serialize_panics, Panicking<0>, Panicking(0), Panicking(1));
function!(clone_panics, Result<u8, Panicking<0>>, Err(Panicking(0)), Ok(1));

fn panics_as_wanted() -> bool {
    panic!("as the test wants")
}

/// A number whose `Serialize` and `Clone` panic if it is `BAD`.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
struct Panicking<const BAD: u8>(u8);

impl<const BAD: u8> serde::Serialize for Panicking<BAD> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == BAD { panic!("as the test wants") } else { serializer.serialize_u8(self.0) }
    }
}

impl<const BAD: u8> Clone for Panicking<BAD> {
    fn clone(&self) -> Self {
        if self.0 == BAD { panic!("as the test wants") } else { Self(self.0) }
    }
}

/// Starts callers of a function.
macro_rules! callers {
    ($function:ident, $cache:expr, $source:expr, $number:expr) => {{
        let call = || {
            let (cache, source) = ($cache.clone(), Arc::clone(&$source));
            tokio::spawn(async move {
                let _ = $function(&cache, &source).await;
            })
        };
        (0..$number).map(|_| call()).collect::<Vec<_>>()
    }};
}

/// Runs a test on each store at the same time.
async fn on_each(test: impl AsyncFn(Cache)) {
    join_all(caches_with(|builder| builder.max_value(1000)).await.map(|cache| test(cache))).await;
}

/// Has one computation that takes [`LONG_AGO`], and returns its source.
macro_rules! marked {
    ($function:ident, $cache:expr) => {{
        let source = Arc::new(Source::default());
        let first = callers!($function, $cache, source, 1);
        source.first.arrived(1).await;
        tokio::time::sleep(LONG_AGO).await;
        source.first.open();
        in_time(join_all(first)).await;
        source
    }};
}

macro_rules! nobody_waits_after {
    ($($function:ident)*) => {$(
        mod $function {
            use super::*;

            #[tokio::test]
            async fn is_not_waited_for() {
                on_each(async |cache| {
                    let source = marked!($function, cache);
                    let wave = callers!($function, cache, source, 20);
                    source.others.arrived(20).await;
                    source.others.open();
                    in_time(join_all(wave)).await;
                    assert_eq!(source.calls.count(), 21, "{cache:?}");
                    assert_eq!(cache.health().await.computing, 0);
                })
                .await;
            }

            #[tokio::test]
            async fn is_followed_by_one_store() {
                on_each(async |cache| {
                    let source = marked!($function, cache);
                    source.is_good.store(true, SeqCst);
                    let wave = callers!($function, cache, source, 20);
                    source.others.arrived(20).await;
                    source.others.open();
                    in_time(join_all(wave)).await;
                    assert_eq!(counts(&cache, stringify!($function)).stores, 1, "{cache:?}");
                    in_time(join_all(callers!($function, cache, source, 5))).await;
                    assert_eq!(source.calls.count(), 21, "hits on {cache:?}");
                })
                .await;
            }
        }
    )*};
}

nobody_waits_after!(own_error common_error none refused too_large not_encodable panics);
nobody_waits_after!(unless_panics expire_with_panics expired serialize_panics clone_panics);

/// The callers that wait when the first result of a function comes, which cannot be shared.
macro_rules! waiting_callers_go_on {
    ($($function:ident)*) => {
        #[tokio::test]
        async fn callers_that_wait_already_go_on_at_once() {
            for cache in caches_with(|builder| builder.max_value(1000)).await {
                $({
                    let source = Arc::new(Source::default());
                    let wave = callers!($function, cache, source, 20);
                    source.first.arrived(1).await;
                    settle(&cache).await;
                    assert_eq!(source.calls.count(), 1, "{cache:?} {}", stringify!($function));
                    source.first.open();
                    source.others.arrived(19).await;
                    source.others.open();
                    in_time(join_all(wave)).await;
                    assert_eq!(source.calls.count(), 20, "{cache:?} {}", stringify!($function));
                })*
            }
        }
    };
}

waiting_callers_go_on!(own_error too_large not_encodable panics serialize_panics clone_panics);

#[tokio::test]
async fn after_an_invalidation_one_caller_computes() {
    for cache in caches().await {
        let source = marked!(own_error, cache);
        own_error_entry(&cache).invalidate().await.expect("carried out");
        source.is_good.store(true, SeqCst);
        let wave = callers!(own_error, cache, source, 20);
        source.others.arrived(1).await;
        settle(&cache).await;
        assert_eq!(source.calls.count(), 2, "the others wait on {cache:?}");
        source.others.open();
        in_time(join_all(wave)).await;
        assert_eq!((source.calls.count(), counts(&cache, "own_error").waits), (2, 19), "{cache:?}");
    }
}

/// Fails at first, and then returns values that expire at once.
#[cache(expire = "1ms", cache = cache, ignore(cache, source))]
async fn recovers(cache: &Cache, source: &Source) -> Result<u8, Own> {
    if source.stop().await { Ok(1) } else { Err(Own) }
}

#[tokio::test]
async fn after_a_result_that_is_cached_callers_wait_again() {
    for cache in caches().await {
        let source = marked!(recovers, cache);
        source.is_good.store(true, SeqCst);
        let one = callers!(recovers, cache, source, 1);
        source.others.arrived(1).await;
        source.others.open();
        in_time(join_all(one)).await;
        let again = Arc::new(Source { is_good: AtomicBool::new(true), ..Source::default() });
        support::wait::eventually_async(support::stores::LONG, || async {
            cache.keys("*").collect::<Vec<_>>().await.is_empty()
        })
        .await;
        let wave = callers!(recovers, cache, again, 20);
        again.first.arrived(1).await;
        settle(&cache).await;
        assert_eq!(again.calls.count(), 1, "the others wait on {cache:?}");
        again.first.open();
        again.others.open();
        in_time(join_all(wave)).await;
    }
}

#[tokio::test]
async fn after_a_cancellation_one_caller_computes() {
    for cache in caches().await {
        let source = Arc::new(Source::default());
        let leader = callers!(own_error, cache, source, 1);
        source.first.arrived(1).await;
        let wave = callers!(own_error, cache, source, 20);
        settle(&cache).await;
        leader[0].abort();
        source.others.arrived(1).await;
        settle(&cache).await;
        assert_eq!(source.calls.count(), 2, "the others wait on {cache:?}");
        source.is_good.store(true, SeqCst);
        source.others.open();
        in_time(join_all(wave)).await;
        assert_eq!(source.calls.count(), 2, "{cache:?}");
    }
}
