//! Checks of the application.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::report::{CheckState, Need};
use crate::rt::stack::BoxFuture;

/// Starts a check; the text is its error.
type StartCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A check of the application.
pub(super) struct AppCheck {
    pub(super) name: String,
    pub(super) need: Need,
    start: StartCheck,
}

impl AppCheck {
    pub(super) fn new<T, E, F>(
        name: impl Into<String>,
        need: Need,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        E: Display,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let start: StartCheck = Arc::new(move || {
            let check = check();
            Box::pin(async move { check.await.map(drop).map_err(|error| error.to_string()) })
        });
        Self { name: name.into(), need, start }
    }

    /// Runs the check until `deadline` at most.
    pub(super) async fn run(&self, began: Instant, deadline: Instant) -> CheckState {
        let start = Arc::clone(&self.start);
        // A task, so that a check that panics or blocks its thread is one that failed.
        let mut task = tokio::spawn(async move { start().await });
        let error = match timeout_at(deadline, &mut task).await {
            Ok(Ok(Ok(()))) => return CheckState::Up { latency: began.elapsed() },
            Ok(Ok(Err(error))) => error,
            Ok(Err(_)) => "the check panicked".to_owned(),
            Err(_) => {
                task.abort();
                no_answer(deadline.duration_since(began))
            }
        };
        CheckState::Down { error }
    }
}

/// The error of a check that takes too long.
pub(super) fn no_answer(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}
