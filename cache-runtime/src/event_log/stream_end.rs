//! The end of streams, at the will of the application.

use tokio::sync::watch;

/// A switch that ends streams of events, for a graceful shutdown: a server does not end while a response goes on.
///
/// Streams end with [`Cache::close`](crate::Cache::close) as well. A clone is the same switch.
///
/// ```
/// # use larder_runtime as larder;
/// use larder::event_log::StreamEnd;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use larder::event_log::LogStream;
/// # let cache = larder::Cache::builder().build().await?;
/// let end = StreamEnd::new();
/// let mut orders: LogStream<String> = cache.event_log("orders").listen(None).await.until(&end);
/// end.end();
/// assert!(orders.recv().await.is_none());
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct StreamEnd(watch::Sender<bool>);

impl StreamEnd {
    /// Creates a switch that has ended nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the streams, and those that begin later.
    pub fn end(&self) {
        self.0.send_replace(true);
    }

    /// Returns `true` after [`StreamEnd::end`].
    #[must_use]
    pub fn is_ended(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns the state of the switch, and its change.
    pub(super) fn receiver(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}

/// Waits for an end: of the cache, or by the application.
pub(super) async fn ended(mut end: watch::Receiver<bool>) {
    if end.wait_for(|is_ended| *is_ended).await.is_err() {
        // Nobody can end the stream any more.
        std::future::pending::<()>().await;
    }
}
