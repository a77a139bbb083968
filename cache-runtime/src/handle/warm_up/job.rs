//! One call of a warm-up.

use std::pin::pin;
use std::sync::Arc;

use crate::engine::context::{Context, Scoped};
use crate::engine::warming::{WarmOutcome, Warming};
use crate::rt::stack::BoxFuture;

/// A call that is still to be made.
pub(super) enum WarmUpJob {
    Async(Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>),
    Blocking(Box<dyn FnOnce() + Send>),
}

impl WarmUpJob {
    /// Makes the call with the cache of the warm-up in place of the process-wide one.
    pub(super) async fn run(self, scoped: Arc<Scoped>, jitter: u32) -> WarmOutcome {
        let warming = Arc::new(Warming::new(jitter));
        let context = Context::warming(scoped, Arc::clone(&warming));
        match self {
            Self::Async(call) => context.scope(pin!(async move { call().await })).await,
            Self::Blocking(call) => {
                let blocking = tokio::task::spawn_blocking(|| context.scope_blocking(call));
                if blocking.await.is_err() {
                    return WarmOutcome::Failed;
                }
            }
        }
        warming.outcome()
    }
}
