//! The names of logs and channels in Redis and in statistics, and the form of their events.

use serde::Serialize;

use crate::engine::core::{Core, label_text};
use crate::types::error::Error;

/// The largest event in bytes: whoever listens may hold some hundreds of them.
const MAX_EVENT: usize = 64 << 10;

/// The name of a log or a channel of one cache.
#[derive(Debug, Clone)]
pub(super) struct EventName {
    /// The key of the log, or the channel.
    pub(super) key: String,
    /// The row of the statistics.
    pub(super) row: String,
}

impl EventName {
    /// Returns the name of a log. Logs of one group are in one slot of a cluster, and so are those without a group, because one
    /// command follows them all.
    pub(super) fn of_log(core: &Core, group: Option<&str>, name: &str) -> Self {
        let slot = match group {
            Some(group) => group.to_owned(),
            None => label_text(core.prefix.trim_end_matches(':')),
        };
        let slot = if slot.is_empty() { "log" } else { &slot };
        let key = [&core.prefix, "log:{", slot, "}:", &label_text(name)].concat();
        Self { key, row: ["event_log:", &label_text(name)].concat() }
    }

    /// Returns the name of a channel.
    pub(super) fn of_channel(core: &Core, group: Option<&str>, name: &str) -> Self {
        let group = group.map_or_else(String::new, |group| ["{", group, "}:"].concat());
        let key = [&core.prefix, "channel:", &group, &label_text(name)].concat();
        Self { key, row: ["channel:", &label_text(name)].concat() }
    }
}

/// Returns an event as JSON.
///
/// # Errors
/// [`Error::Encode`] and [`Error::TooLarge`].
pub(super) fn encoded(event: &impl Serialize) -> Result<Vec<u8>, Error> {
    let json = serde_json::to_vec(event).map_err(|error| Error::encode("json", error))?;
    match json.len() {
        size if size > MAX_EVENT => Err(Error::TooLarge { size, limit: MAX_EVENT }),
        _ => Ok(json),
    }
}
