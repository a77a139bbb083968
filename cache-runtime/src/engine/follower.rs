//! A call that waits for the leader of a flight.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::rt::io;

/// The result of a computation for the calls that wait for it.
#[derive(Clone)]
pub(crate) enum Completion {
    /// The envelope of the value.
    Value(Bytes),
    /// There is no value.
    Nothing,
    /// The error, to be cloned.
    Failure(Arc<dyn Any + Send + Sync>),
    /// Nothing that can be shared: every waiting call computes for itself.
    Unshared,
}

/// The end of a wait.
pub(crate) enum Waited {
    /// The computation completed.
    Completed(Completion),
    /// The flight is over without a result for this call, which joins again.
    Over,
    /// The limit was reached.
    TimedOut,
}

/// A place behind the leader.
pub(crate) struct Follower(watch::Receiver<Option<Completion>>);

impl Follower {
    pub(super) fn new(sender: &watch::Sender<Option<Completion>>) -> Self {
        Self(sender.subscribe())
    }

    /// Waits for the completion, at most for `limit`.
    pub(crate) async fn wait(mut self, limit: Duration) -> Waited {
        let completion = async {
            self.0.wait_for(Option::is_some).await.map(|completion| completion.clone()).ok().flatten()
        };
        match io::timeout(limit, completion).await {
            Some(Some(completion)) => Waited::Completed(completion),
            Some(None) => Waited::Over,
            None => Waited::TimedOut,
        }
    }

    /// Waits until the computation is over, whatever its result.
    pub(crate) async fn gone(mut self, limit: Duration) -> Waited {
        match io::timeout(limit, async { while self.0.changed().await.is_ok() {} }).await {
            Some(()) => Waited::Over,
            None => Waited::TimedOut,
        }
    }
}
