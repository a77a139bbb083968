//! The silence of the store during a call: a call waits for the store once.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::types::error::Error;

/// `true` once the store left a step of the call unanswered. The call makes the rest of its way without the store.
#[derive(Debug, Default)]
pub(crate) struct Silence(AtomicBool);

/// The silence of an access: its own, or the one of a call or request that has several keys.
#[derive(Debug)]
pub(crate) enum SilenceOf<'c> {
    Access(Silence),
    Request(&'c Silence),
}

impl Silence {
    /// Returns whether the store left a step unanswered.
    pub(crate) fn is_noted(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Notes the error of a step, if the step was waited for in vain.
    pub(crate) fn note(&self, error: &Error) {
        match error {
            Error::Timeout { .. } | Error::Shed { .. } => self.0.store(true, Relaxed),
            Error::NotQueued { error, .. } => self.note(error),
            _ => {}
        }
    }

    /// Returns the same silence for another part of the call.
    #[cfg(feature = "http")]
    pub(crate) fn copy(&self) -> Self {
        Self(AtomicBool::new(self.is_noted()))
    }
}

impl SilenceOf<'_> {
    /// Returns the silence itself.
    pub(crate) fn get(&self) -> &Silence {
        match self {
            Self::Access(silence) => silence,
            Self::Request(silence) => silence,
        }
    }
}

impl Default for SilenceOf<'_> {
    fn default() -> Self {
        Self::Access(Silence::default())
    }
}

/// The error of a step that is not tried, because the store left an earlier step of the same call unanswered.
pub(crate) fn silent() -> Error {
    Error::unavailable("redis did not answer an earlier step of the same call")
}
