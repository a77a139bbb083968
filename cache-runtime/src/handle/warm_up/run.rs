//! Makes the calls of a warm-up.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::job::WarmUpJob;
use super::task::WarmUpState;
use crate::engine::context::Scoped;
use crate::engine::warming::WarmOutcome;
use crate::observe::trace;

/// A warm-up as its task has it.
pub(super) struct WarmUpRun {
    pub(super) scoped: Arc<Scoped>,
    pub(super) state: Arc<WarmUpState>,
    pub(super) jobs: Vec<WarmUpJob>,
    pub(super) concurrency: usize,
    /// `None` if there is none.
    pub(super) deadline: Option<Duration>,
    /// In millionths.
    pub(super) jitter: u32,
}

impl WarmUpRun {
    /// Makes the calls, until the deadline.
    pub(super) async fn run(self) {
        let Self { scoped, state, jobs, concurrency, deadline, jitter } = self;
        let end = deadline.map(|deadline| Instant::now() + deadline);
        let (mut jobs, mut running) = (jobs.into_iter(), JoinSet::new());
        let skipped = loop {
            while running.len() < concurrency
                && let Some(job) = jobs.next()
            {
                running.spawn(job.run(Arc::clone(&scoped), jitter));
            }
            let next = match end {
                Some(end) => timeout_at(end, running.join_next()).await.ok(),
                None => Some(running.join_next().await),
            };
            match next {
                // A call that panicked.
                Some(Some(outcome)) => state.count(outcome.unwrap_or(WarmOutcome::Failed)),
                Some(None) => break 0,
                None => {
                    let skipped = running.len() + jobs.len();
                    // Their callers would compute them anew.
                    running.detach_all();
                    break skipped;
                }
            }
        };
        let report = state.end(skipped);
        if report.failed + report.skipped > 0 {
            trace::warn(&format!("the warm-up is not complete: {report}"));
        }
    }
}
