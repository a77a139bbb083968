//! Failures of what stands around a cache, told once.

use super::core::Core;
#[cfg(feature = "rate_limit")]
use crate::observe::trace;
use crate::types::denial::Denial;
use crate::types::error::Error;

impl Core {
    /// Warns once of an error of what stands around the cache, if somebody can end it, with its effect.
    #[cfg(any(feature = "rate_limit", all(any(feature = "revoke", feature = "session"), feature = "redis")))]
    pub(crate) fn warn_companion(&self, name: &str, error: &Error, effect: &str) {
        let (message, command) = match error {
            Error::Script { command, message } => (message, command.as_str()),
            Error::Redis { message, .. } => (message, ""),
            _ => return,
        };
        self.warn_refusal(name, (message, command), error, effect);
    }

    /// Warns once of an error with this message, which this command caused, with its effect.
    pub(crate) fn warn_refusal(
        &self,
        name: &str,
        (message, command): (&str, &str),
        error: &Error,
        effect: &str,
    ) {
        match Denial::parse(message) {
            Some(denial) => {
                self.warnings.refused(&denial.named(command).within(command), message, effect);
            }
            None => {
                let code = message.split(' ').next().unwrap_or_default();
                self.warnings.once(&format!("{name} {code}"), &format!("{error}; {effect}"));
            }
        }
    }
}

/// Warns once that a cache was not opened yet, with the effect.
#[cfg(feature = "rate_limit")]
pub(crate) fn warn_not_initialised(effect: &str) {
    static TOLD: std::sync::Once = std::sync::Once::new();
    TOLD.call_once(|| trace::warn(&format!("{}; until then {effect}", Error::NotInitialised)));
}
