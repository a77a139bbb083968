//! Failures of the store: counted for each function, and told once where somebody can end them.

use super::core::Core;
use crate::observe::stats::{Counters, count};
use crate::observe::trace;
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
        match error {
            Error::Script { command, message } => {
                self.stats.once(&format!("script {command}"), || {
                    trace::warn(&format!(
                        "redis refused `{command}`, which larder needs in its scripts ({message}); allow it to the user of redis: \
                         nothing is stored until then"
                    ));
                });
            }
            Error::Redis { message, .. } => {
                let code = message.split(' ').next().unwrap_or_default();
                self.stats.once(&format!("redis {code}"), || {
                    trace::warn(&format!("{error}; functions run uncached where redis refuses"));
                });
            }
            _ => {}
        }
    }

    /// Warns once that replicas do not acknowledge invalidations.
    pub(super) fn warn_not_confirmed(&self, error: &Error) {
        self.stats.once("confirm", || trace::warn(&error.to_string()));
    }
}
