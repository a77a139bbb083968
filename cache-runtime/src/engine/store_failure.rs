//! Failures of the store: counted for each function, and told once where somebody can end them.

use super::core::Core;
use super::pending_invalidation::PendingInvalidation;
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::trace;
use crate::types::denial::Denial;
use crate::types::error::Error;

impl Core {
    /// Records that the store did not carry out a step: one that was not sent is no failure of the store.
    pub(crate) fn store_failed(&self, row: Row<'_>, key: Option<&str>, error: &Error) {
        // To leave a foreign value alone is no failure.
        if matches!(error, Error::Foreign) {
            return;
        }
        if matches!(error, Error::Shed { .. }) {
            return self.stats.record(row, key, EventKind::Shed);
        }
        if error.is_carried_out() {
            self.stats.record(row, key, EventKind::NotConfirmed);
            return self.warn_not_confirmed(error);
        }
        self.stats.record(row, key, EventKind::StoreError { error: error.clone() });
        self.report_denial(error);
    }

    /// Records that an invalidation was carried out.
    pub(crate) fn invalidated(&self, row: Row<'_>, target: &PendingInvalidation) {
        self.stats.record(row, Some(target.text()), EventKind::Invalidated { by: target.by() });
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
