//! Authorisation that is checked again while a response goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use crate::rt::stack::BoxFuture;

/// Starts a check; `false` ends the response.
type RecheckCall = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// A check, and the time between two.
#[derive(Clone)]
pub(super) struct RecheckRule {
    every: Duration,
    start: RecheckCall,
}

/// A check of a response that goes on.
pub(super) struct Recheck {
    rule: RecheckRule,
    due: Instant,
    /// The check that was started. It goes on while events are sent.
    running: Option<BoxFuture<'static, bool>>,
}

impl RecheckRule {
    pub(super) fn new<F>(every: Duration, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self { every, start: Arc::new(move || Box::pin(check())) }
    }

    /// Returns the check of a response that begins now.
    pub(super) fn begin(self) -> Recheck {
        Recheck { due: after(self.every), rule: self, running: None }
    }
}

impl Recheck {
    /// Waits until a check fails. One that takes as long as the time between two has failed. Nothing is lost if the future is
    /// dropped.
    pub(super) async fn failed(&mut self) {
        loop {
            if self.running.is_none() {
                sleep_until(self.due).await;
                let (every, check) = (self.rule.every, (self.rule.start)());
                self.running = Some(Box::pin(async move { timeout(every, check).await.unwrap_or(false) }));
            }
            let Some(running) = &mut self.running else { continue };
            if !running.await {
                return;
            }
            (self.running, self.due) = (None, after(self.rule.every));
        }
    }
}

/// Returns the moment after this time; one in some years if there is none.
fn after(every: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(every).unwrap_or(now + Duration::from_secs(86_400 * 365))
}
