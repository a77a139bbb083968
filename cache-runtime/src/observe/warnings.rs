//! Warnings about Redis, each of which a cache gives once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::trace;
use crate::types::denial::Denial;

/// The warnings about Redis that one cache has given.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    /// The beginning of the keys, as a pattern.
    keys: String,
    given: Mutex<HashSet<String>>,
}

impl Warnings {
    /// Returns the warnings of a cache whose keys begin with this pattern, of which none was given.
    pub(crate) fn new(keys: String) -> Self {
        Self { keys, given: Mutex::default() }
    }

    /// Gives a warning, unless one of this topic was given before.
    pub(crate) fn once(&self, topic: &str, text: &str) {
        if self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned()) {
            trace::warn(text);
        }
    }

    /// Warns of a denial, with its effect, unless that was done before.
    pub(crate) fn refused(&self, denial: &Denial, message: &str, effect: &str) {
        let (name, text) = match denial {
            Denial::Command(name) => (
                name.as_str(),
                format!(
                    "redis refused `{name}` ({message}): {effect} until the user of redis may run `{name}`; \
                     the rule is `+{name}`, and all rules that larder needs are in docs/operations.md"
                ),
            ),
            Denial::Unknown(name) => {
                (name.as_str(), format!("redis does not have `{name}` ({message}): {effect} on this server"))
            }
            Denial::Keys => (
                "~",
                format!(
                    "redis refused the keys of this cache ({message}): {effect} until the user of redis may access them; \
                     the rule is `~{}*`",
                    self.keys
                ),
            ),
        };
        self.once(name, &text);
    }
}
