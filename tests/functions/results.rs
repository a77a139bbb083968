//! Results by `?`, early `return`, dyn errors, aliases and coercions.

use std::error::Error;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::stores::{Calls, caches};

/// An error that is neither `Clone` nor `Serialize` nor `Send`.
#[derive(Debug)]
struct Odd(#[expect(dead_code, reason = "makes it neither `Send` nor `Sync`")] Rc<u8>);

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("odd")
    }
}

impl Error for Odd {}

impl From<fmt::Error> for Odd {
    fn from(_: fmt::Error) -> Self {
        Self(Rc::new(1))
    }
}

type Dyn = Box<dyn Error + Send + Sync>;
type Alias<T, E = io::Error> = Result<T, E>;

async fn step(n: u32) -> Result<u32, fmt::Error> {
    if n == 3 { Err(fmt::Error) } else { Ok(n) }
}

#[cache(cache = cache)]
async fn early(cache: &Cache, calls: &Calls, n: u32) -> Result<u32, Odd> {
    calls.add();
    if n == 0 {
        return Ok(7);
    }
    for _ in 0..1 {
        if n == 1 {
            return Ok(8);
        }
    }
    let value = step(n).await?;
    Ok(value * 10)
}

#[cache(cache = cache)]
fn sync_early(cache: &Cache, calls: &Calls, n: u32) -> Option<u32> {
    calls.add();
    if n == 0 {
        return Some(7);
    }
    let half = n.checked_sub(2)?;
    Some(half)
}

#[tokio::test]
async fn early_returns_and_question_marks_work() {
    for cache in &caches().await {
        let calls = Calls::default();
        for (n, right) in [(0, 7), (1, 8), (2, 20)] {
            for _ in 0..2 {
                assert_eq!(early(cache, &calls, n).await.ok(), Some(right), "{cache:?}");
            }
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        for _ in 0..2 {
            assert!(early(cache, &calls, 3).await.is_err(), "{cache:?}");
        }
        assert_eq!(calls.count(), 5, "{cache:?}");
    }
}

#[test]
fn early_returns_of_sync_functions_work() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(sync_early(&cache, &calls, 0), Some(7));
        assert_eq!(sync_early(&cache, &calls, 5), Some(3));
        assert_eq!(sync_early(&cache, &calls, 1), None);
    }
    assert_eq!(calls.count(), 4);
}

#[cache(cache = cache)]
async fn dynamic(cache: &Cache, calls: &Calls, n: u32) -> Result<u32, Box<dyn Error + Send + Sync>> {
    calls.add();
    match n {
        0 => return Err(Box::new(fmt::Error)),
        1 => return Err("text".into()),
        2 => Err(fmt::Error)?,
        3 => {
            step(3).await?;
        }
        4 => return Err(From::from("from")),
        5 => Err("tail")?,
        _ => {}
    }
    if n == 6 { Err(Box::new(io::Error::other("io"))) } else { Ok(n) }
}

#[cache(cache = cache)]
async fn local(cache: &Cache, calls: &Calls, n: u32) -> Result<u32, Box<dyn Error>> {
    calls.add();
    if n == 0 {
        return Err(Box::new(Odd(Rc::new(1))));
    }
    step(n).await?;
    Ok(n)
}

#[cache(cache = cache)]
fn sync_dynamic(cache: &Cache, calls: &Calls, n: u32) -> Result<u32, Dyn> {
    calls.add();
    if n == 0 { Err(Box::new(fmt::Error)) } else { Ok("7".parse::<u32>()? + n) }
}

#[cache(cache = cache)]
async fn shared(cache: &Cache, calls: &Calls, n: u32) -> Result<u32, Arc<dyn Error + Send + Sync>> {
    calls.add();
    if n == 0 { Err(Arc::new(fmt::Error)) } else { Ok(n) }
}

#[tokio::test]
async fn dyn_errors_coerce_as_they_would_without_the_attribute() {
    for cache in &caches().await {
        let calls = Calls::default();
        let right = [
            fmt::Error.to_string(),
            "text".to_owned(),
            fmt::Error.to_string(),
            fmt::Error.to_string(),
            "from".to_owned(),
            "tail".to_owned(),
            "io".to_owned(),
        ];
        for (n, right) in (0..).zip(&right) {
            for _ in 0..2 {
                let error = dynamic(cache, &calls, n).await.map_err(|error| error.to_string());
                assert_eq!(error.as_ref(), Err(right), "{cache:?}");
            }
        }
        assert_eq!(calls.count(), 14, "errors are never cached in {cache:?}");
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(dynamic(cache, &calls, 9).await.ok(), Some(9), "{cache:?}");
            assert_eq!(local(cache, &calls, 9).await.ok(), Some(9), "{cache:?}");
            assert_eq!(shared(cache, &calls, 9).await.ok(), Some(9), "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        let error = local(cache, &calls, 0).await.expect_err("it fails");
        assert!(error.downcast_ref::<Odd>().is_some(), "the error arrives as it was");
        assert!(shared(cache, &calls, 0).await.is_err(), "{cache:?}");
    }
}

#[tokio::test]
async fn a_future_stays_send_although_its_error_is_not() {
    let cache = Cache::builder().build().await.expect("a cache");
    let task = tokio::spawn(async move {
        let calls = Calls::default();
        let ok = local(&cache, &calls, 9).await.is_ok();
        ok && early(&cache, &calls, 3).await.is_err()
    });
    assert_eq!(task.await.ok(), Some(true));
}

#[test]
fn dyn_errors_of_sync_functions_coerce_too() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Calls::default();
    for _ in 0..2 {
        assert!(sync_dynamic(&cache, &calls, 0).is_err());
        assert_eq!(sync_dynamic(&cache, &calls, 1).ok(), Some(8));
    }
    assert_eq!(calls.count(), 3);
}

#[cache(cache = cache)]
async fn aliased(cache: &Cache, calls: &Calls, n: u32) -> Alias<u32> {
    calls.add();
    if n == 0 { Err(io::Error::other("no")) } else { Ok(n) }
}

#[cache(cache = cache)]
async fn of_io(cache: &Cache, calls: &Calls, n: u32) -> io::Result<u32> {
    calls.add();
    if n == 0 { Err(io::Error::other("no")) } else { Ok(n) }
}

#[tokio::test]
async fn errors_are_not_cached_under_any_alias() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert!(aliased(cache, &calls, 0).await.is_err(), "{cache:?}");
            assert!(of_io(cache, &calls, 0).await.is_err(), "{cache:?}");
        }
        assert_eq!(calls.count(), 4, "{cache:?}");
        for _ in 0..2 {
            assert_eq!(aliased(cache, &calls, 1).await.ok(), Some(1), "{cache:?}");
            assert_eq!(of_io(cache, &calls, 1).await.ok(), Some(1), "{cache:?}");
        }
        assert_eq!(calls.count(), 6, "{cache:?}");
    }
}

/// A value that is not `Clone`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unique(Vec<u8>);

#[cache(cache = cache)]
async fn unique(cache: &Cache, calls: &Calls) -> Unique {
    calls.add();
    Unique(vec![1])
}

#[cache(cache = cache)]
async fn boxed(cache: &Cache, calls: &Calls) -> Result<Box<[u8]>, Odd> {
    calls.add();
    Ok(Box::new([1, 2]))
}

#[cache(cache = cache)]
async fn unit(cache: &Cache, calls: &Calls) -> () {
    calls.add();
}

#[cache(cache = cache)]
async fn unit_result(cache: &Cache, calls: &Calls) -> Result<(), Odd> {
    calls.add();
    Ok(())
}

#[cache(cache = cache)]
async fn coerced(cache: &Cache, calls: &Calls) -> [Option<Box<u8>>; 2] {
    calls.add();
    [None, Some(Box::new(1))]
}

#[cache(cache = cache)]
async fn diverging(cache: &Cache, calls: &Calls, fails: bool) -> u8 {
    calls.add();
    if fails {
        panic!("on purpose");
    }
    3
}

#[tokio::test]
async fn other_results_are_cached_unchanged() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(unique(cache, &calls).await, Unique(vec![1]), "{cache:?}");
            assert_eq!(boxed(cache, &calls).await.ok().as_deref(), Some(&[1, 2][..]), "{cache:?}");
            unit(cache, &calls).await;
            assert!(unit_result(cache, &calls).await.is_ok(), "{cache:?}");
            assert_eq!(coerced(cache, &calls).await, [None, Some(Box::new(1))], "{cache:?}");
            assert_eq!(diverging(cache, &calls, false).await, 3, "{cache:?}");
        }
        assert_eq!(calls.count(), 6, "{cache:?}");
    }
}

#[tokio::test]
async fn a_panic_arrives_unchanged_and_is_not_cached() {
    for cache in caches().await {
        let name = format!("{cache:?}");
        let calls = Arc::new(Calls::default());
        for _ in 0..2 {
            let (cache, calls) = (cache.clone(), Arc::clone(&calls));
            let failed = tokio::spawn(async move { diverging(&cache, &calls, true).await }).await;
            let panic = failed.expect_err("it panics").into_panic();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"), "{name}");
        }
        assert_eq!(calls.count(), 2, "{name}");
    }
}
