//! Whether Redis answers, told once per change.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::config::OnChange;
use super::failure::Failure;

/// Redis was lost, or answers again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It answers.
    Connected,
    /// It does not.
    Lost {
        /// What was seen.
        message: String,
    },
}

/// How Redis is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Whether it answered last; `None` until something is known.
    pub(crate) connected: Option<bool>,
    /// The last trouble seen, kept after it is over.
    pub(crate) last_error: Option<String>,
}

/// Brings the links of several runtimes to one view, so that each change is told once.
pub(super) struct Health {
    on_change: OnChange,
    /// `None` until something is known.
    told: Mutex<(Option<bool>, Option<String>)>,
}

impl Health {
    /// Nothing is known yet.
    pub(super) fn new(on_change: OnChange) -> Self {
        Self { on_change, told: Mutex::default() }
    }

    /// A link has connections that answer.
    pub(super) fn connected(&self) {
        if self.told().0.replace(true) != Some(true) {
            (self.on_change)(Change::Connected);
        }
    }

    /// A link has none.
    pub(super) fn lost(&self, failure: &Failure) {
        let known = {
            let mut told = self.told();
            told.1 = Some(failure.message.to_string());
            told.0.replace(false)
        };
        if known != Some(false) {
            (self.on_change)(Change::Lost { message: failure.message.to_string() });
        }
    }

    /// What is known now.
    pub(super) fn status(&self) -> Status {
        let told = self.told();
        Status { connected: told.0, last_error: told.1.clone() }
    }

    fn told(&self) -> MutexGuard<'_, (Option<bool>, Option<String>)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
