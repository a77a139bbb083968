//! A warm-up that runs.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

use super::report::WarmUpReport;
use crate::engine::warming::WarmOutcome;

/// A warm-up that runs in the background. Awaiting it returns its report; dropping it does not end the warm-up.
#[must_use = "a warm-up runs whether it is awaited or not; bind it to `_` to say so"]
pub struct WarmUpTask {
    pub(super) state: Arc<WarmUpState>,
    /// `None` if no thread could be started for it.
    pub(super) task: Option<JoinHandle<()>>,
}

/// The progress of a warm-up.
#[derive(Debug, Default)]
pub(crate) struct WarmUpState {
    computed: AtomicUsize,
    already: AtomicUsize,
    failed: AtomicUsize,
    skipped: AtomicUsize,
    is_over: AtomicBool,
}

impl WarmUpTask {
    /// Returns the report so far.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let warm = cache.warm_up().run();
    /// println!("so far: {}", warm.report());
    /// # let _ = warm.await;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn report(&self) -> WarmUpReport {
        self.state.report()
    }

    /// Returns whether the warm-up is over: all calls were made, or its deadline has passed.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let mut warm = cache.warm_up().run();
    /// (&mut warm).await;
    /// assert!(warm.is_over());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.is_over()
    }
}

#[cfg(feature = "health")]
impl WarmUpTask {
    /// Returns the progress, for readiness.
    pub(crate) fn state(&self) -> Arc<WarmUpState> {
        Arc::clone(&self.state)
    }
}

impl WarmUpState {
    /// Counts a call that is over.
    pub(super) fn count(&self, outcome: WarmOutcome) {
        let counter = match outcome {
            WarmOutcome::Computed => &self.computed,
            WarmOutcome::Already => &self.already,
            WarmOutcome::Failed => &self.failed,
        };
        counter.fetch_add(1, SeqCst);
    }

    /// Ends the warm-up, and returns its report.
    pub(super) fn end(&self, skipped: usize) -> WarmUpReport {
        self.skipped.store(skipped, SeqCst);
        self.is_over.store(true, SeqCst);
        self.report()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    fn report(&self) -> WarmUpReport {
        WarmUpReport {
            computed: self.computed.load(SeqCst),
            already: self.already.load(SeqCst),
            failed: self.failed.load(SeqCst),
            skipped: self.skipped.load(SeqCst),
        }
    }
}

impl Future for WarmUpTask {
    type Output = WarmUpReport;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WarmUpReport> {
        // The task does not panic; its runtime may have been shut down.
        match self.task.as_mut().map(|task| Pin::new(task).poll(context)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(_)) | None => {
                self.task = None;
                Poll::Ready(self.report())
            }
        }
    }
}

impl fmt::Debug for WarmUpTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmUpTask").field("report", &self.report()).finish_non_exhaustive()
    }
}
