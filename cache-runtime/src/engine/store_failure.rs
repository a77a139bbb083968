//! Failures of the store: counted for each function, and told once where somebody can end them.

use super::core::Core;
use crate::observe::stats::{Counters, count};
use crate::observe::trace;
use crate::types::denial::Denial;
use crate::types::error::Error;

impl Core {
    /// Counts a step that the store did not carry out: one that was not sent is no failure of the store.
    pub(crate) fn store_failed(&self, counters: &Counters, function: &str, error: &Error) {
        // To leave a foreign value alone is no failure.
        if matches!(error, Error::Foreign) {
            return;
        }
        if matches!(error, Error::Shed { .. }) {
            count(&counters.shed);
            return trace::shed(function);
        }
        if error.is_carried_out() {
            count(&counters.not_confirmed);
            return self.warn_not_confirmed(error);
        }
        count(&counters.store_errors);
        trace::store_error(function, error);
        self.report_denial(error);
    }

    /// Warns once of an error that says what Redis refuses.
    pub(crate) fn report_denial(&self, error: &Error) {
        let (message, command) = match error {
            Error::Script { command, message } => (message, command.as_str()),
            Error::Redis { message, .. } => (message, ""),
            _ => return,
        };
        if let Some(denial) = Denial::parse(message) {
            return self.warnings.refused(
                &denial.named(command).within(command),
                message,
                "functions run uncached where it is needed",
            );
        }
        let code = message.split(' ').next().unwrap_or_default();
        self.stats.once(&format!("redis {code}"), || {
            trace::warn(&format!("{error}; functions run uncached where redis refuses"));
        });
    }

    /// Warns once that replicas do not acknowledge invalidations.
    pub(super) fn warn_not_confirmed(&self, error: &Error) {
        self.stats.once("confirm", || trace::warn(&error.to_string()));
    }
}
