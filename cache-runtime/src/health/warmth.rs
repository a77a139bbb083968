//! The warm-ups that are to be over before the process is ready.

use std::sync::Arc;

use super::report::HealthReport;
use crate::handle::{WarmUpState, WarmUpTask};

/// The warm-ups that are to be over before the process is ready.
#[derive(Debug, Default)]
pub(super) struct Warmth(Vec<Arc<WarmUpState>>);

impl Warmth {
    pub(super) fn add(&mut self, task: &WarmUpTask) {
        self.0.push(task.state());
    }

    /// Returns the report of the warm-ups, if there are any.
    pub(super) fn report(&self) -> Option<HealthReport> {
        (!self.0.is_empty()).then(|| HealthReport::of_warm_up(self.0.iter().all(|state| state.is_over())))
    }
}
