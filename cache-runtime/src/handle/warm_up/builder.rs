//! A warm-up before it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::job::WarmUpJob;
use super::report::WarmUpReport;
use super::run::WarmUpRun;
use super::task::{WarmUpState, WarmUpTask};
use crate::handle::cache::Cache;
use crate::observe::trace;
use crate::rt::random::chance;
use crate::rt::{io, park};
use crate::types::expire::{Expire, IntoExpire};

/// The whole, in the unit of jitter.
const WHOLE: f64 = 1e6;

/// Calls that fill a cache before the first request; [`Cache::warm_up`] creates it, and [`WarmUp::run`] starts it.
#[must_use = "a warm-up does nothing until `run`"]
pub struct WarmUp {
    cache: Cache,
    jobs: Vec<WarmUpJob>,
    concurrency: usize,
    deadline: Option<Duration>,
    jitter: u32,
}

impl Cache {
    /// Returns a warm-up: calls of cached functions that fill this cache before the first request.
    ///
    /// The calls use this cache unless their attributes say `cache = ..`. Each value is computed once, however many processes start at the same time, and
    /// each process makes its calls in an order of its own, so that they share the work. Nothing of it fails the start: what went wrong is in
    /// the [`WarmUpReport`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// async fn product(id: u64) -> String {
    ///     // In a real program this one has `#[cache(expire = "1h")]`.
    ///     # let cache = larder::Cache::current().unwrap();
    ///     # cache.remember(&id.to_string(), "1h", || async { format!("product {id}") }).await
    /// }
    ///
    /// let report = cache.warm_up().deadline("15s").each(1..=100_u64, product).run().await;
    /// assert_eq!((report.computed, report.failed), (100, 0));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn warm_up(&self) -> WarmUp {
        WarmUp {
            cache: self.clone(),
            jobs: Vec::new(),
            concurrency: 8,
            deadline: Some(Duration::from_secs(15)),
            jitter: 100_000,
        }
    }
}

impl WarmUp {
    /// Adds a call for each id. May be used several times.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// # async fn product(id: u64) -> Result<String, std::io::Error> { Ok(id.to_string()) }
    /// # async fn front_page() -> String { String::new() }
    /// let report = cache.warm_up().each([1, 2, 3], product).each([()], |()| front_page()).run().await;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// The calls cannot borrow. One that takes a reference, such as a pool, is made in a future that owns a clone:
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// # #[derive(Clone)] struct Db;
    /// # async fn user(db: &Db, id: u64) -> Result<String, std::io::Error> { let _ = db; Ok(id.to_string()) }
    /// # let db = Db;
    /// let users = move |id: u64| {
    ///     let db = db.clone();
    ///     async move { user(&db, id).await }
    /// };
    /// let report = cache.warm_up().each([1, 2, 3], users).run().await;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn each<I, F>(
        mut self,
        ids: impl IntoIterator<Item = I>,
        call: impl Fn(I) -> F + Send + Sync + 'static,
    ) -> Self
    where
        I: Send + 'static,
        F: Future + Send + 'static,
    {
        let call = Arc::new(call);
        self.jobs.extend(ids.into_iter().map(|id| {
            let call = Arc::clone(&call);
            WarmUpJob::Async(Box::new(move || {
                let future = call(id);
                Box::pin(async move { drop(future.await) })
            }))
        }));
        self
    }

    /// Adds a call of a synchronous function for each id. It runs on a thread where blocking is allowed.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// # fn thumbnail(path: &str) -> Vec<u8> { path.as_bytes().to_vec() }
    /// let report = cache.warm_up().each_blocking(["a.png", "b.png"], thumbnail).run().await;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn each_blocking<I, R>(
        mut self,
        ids: impl IntoIterator<Item = I>,
        call: impl Fn(I) -> R + Send + Sync + 'static,
    ) -> Self
    where
        I: Send + 'static,
    {
        let call = Arc::new(call);
        self.jobs.extend(ids.into_iter().map(|id| {
            let call = Arc::clone(&call);
            WarmUpJob::Blocking(Box::new(move || drop(call(id))))
        }));
        self
    }

    /// Sets the number of calls that run at once. Default: 8.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let warm = cache.warm_up().concurrency(32);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn concurrency(mut self, calls: usize) -> Self {
        assert!(calls > 0, "`concurrency` must be more than zero");
        self.concurrency = calls;
        self
    }

    /// Sets the time after which the rest is skipped. Default: 15 s. Calls that have begun go on, and are not waited for.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let warm = cache.warm_up().deadline("30s");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If it is zero or no time.
    #[track_caller]
    pub fn deadline(mut self, time: impl IntoExpire) -> Self {
        self.deadline = match time.into_expire() {
            Ok(Expire::After(time)) => Some(time),
            Ok(Expire::Never) => None,
            Err(error) => panic!("`deadline` cannot be used: {error}"),
        };
        self
    }

    /// Sets the largest share by which entries expire earlier, so that those of a warm-up do not all expire at the same moment. Default:
    /// 0.1. A function whose own `jitter` is larger keeps that.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let warm = cache.warm_up().jitter(0.3);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If it is not at least 0 and below 1.
    #[track_caller]
    pub fn jitter(mut self, share: f64) -> Self {
        assert!((0.0..1.0).contains(&share), "`jitter` must be a share from 0 to below 1, such as 0.1");
        self.jitter = (share * WHOLE) as u32;
        self
    }

    /// Starts the calls in the background. Readiness can wait for the end: `larder::health::routes(&cache).warm_up(&task)`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// # async fn product(id: u64) -> String { id.to_string() }
    /// let warm = cache.warm_up().each(1..=100, product).run();
    /// // The server starts meanwhile.
    /// println!("{}", warm.await);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn run(self) -> WarmUpTask {
        let Self { cache, mut jobs, concurrency, deadline, jitter } = self;
        shuffle(&mut jobs);
        let (state, total) = (Arc::new(WarmUpState::default()), jobs.len());
        let run = WarmUpRun {
            scoped: cache.scoped(),
            state: Arc::clone(&state),
            jobs,
            concurrency,
            deadline,
            jitter,
        };
        // The functions may need the runtime of their program.
        let runtime = Handle::try_current().or_else(|_| io::handle().cloned());
        let task = match runtime {
            Ok(runtime) => Some(runtime.spawn(run.run())),
            Err(error) => {
                trace::warn(&format!("the warm-up could not start: {error}"));
                state.end(total);
                None
            }
        };
        WarmUpTask { state, task }
    }

    /// Makes the calls and waits for them, for synchronous programs.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # fn thumbnail(path: &str) -> Vec<u8> { path.as_bytes().to_vec() }
    /// let report = cache.warm_up().each_blocking(["a.png", "b.png"], thumbnail).run_blocking();
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn run_blocking(self) -> WarmUpReport {
        park::block_on(self.run())
    }
}

impl fmt::Debug for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmUp").field("calls", &self.jobs.len()).finish_non_exhaustive()
    }
}

/// Shuffles jobs (Fisher and Yates): processes that start together each begin elsewhere.
fn shuffle(jobs: &mut [WarmUpJob]) {
    for last in (1..jobs.len()).rev() {
        // `chance` is below a million: more jobs than that are shuffled within pieces of this size.
        let span = (last + 1).min(1_000_000);
        jobs.swap(last, last - chance() as usize % span);
    }
}
