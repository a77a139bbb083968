//! The settings of calls that wait for other calls.

use std::time::Duration;

use super::builder::Builder;

impl Builder {
    /// Sets the longest time that a call waits for the computation of another call. After it, the call computes by itself and does
    /// not store its result. Default: 10 s.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// let builder = larder::Cache::builder().max_wait(Duration::from_secs(2));
    /// ```
    pub fn max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = limit;
        self
    }

    /// Sets the time after which the calls behind a stalled leader go on without it: a call that computes, could go on, and is not
    /// polled, because its task holds the future and waits for something else. Default: 50 ms.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// let builder = larder::Cache::builder().stall_timeout(Duration::from_millis(200));
    /// ```
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.stall_timeout = limit;
        self
    }

    /// Sets the number of calls that can wait for one computation. Further calls compute by themselves and do not store their
    /// results. Default: 100 000.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().max_waiters(1_000);
    /// ```
    pub fn max_waiters(mut self, waiters: usize) -> Self {
        self.max_waiters = waiters;
        self
    }
}
