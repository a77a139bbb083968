//! Failures of the store: counted, and said once where somebody can change something.

use crate::engine::core::Core;
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::types::error::Error;

/// The row of the statistics for what no single log or channel is to blame for.
const ROW: &str = "event_log";

/// Counts something in a row of the statistics.
pub(in crate::event_log) fn record(core: &Core, row: &str, kind: EventKind) {
    let counters = core.stats.row(row);
    core.stats.record(Row { counters: &counters, function: row }, None, kind);
}

/// Records that an event was not published.
pub(in crate::event_log) fn publish_failed(core: &Core, row: &str, error: &Error) {
    failed(core, row, error, "events are not published");
}

/// Records that events could not be read. The names that listeners ask for are no rows, because clients may make them up.
pub(in crate::event_log) fn read_failed(core: &Core, error: &Error) {
    failed(core, ROW, error, "listeners get no events");
}

fn failed(core: &Core, row: &str, error: &Error, effect: &str) {
    let (message, command) = match error {
        Error::Closed | Error::TooLarge { .. } | Error::Encode { .. } => return,
        Error::Script { command, message } => (message.as_str(), command.as_str()),
        Error::Redis { step, message, .. } => (message.as_str(), *step),
        _ => ("", ""),
    };
    let kind = match error {
        Error::Shed { .. } => EventKind::Shed,
        error => EventKind::StoreError { error: error.clone() },
    };
    record(core, row, kind);
    if message.is_empty() || message.starts_with("MOVED") || message.starts_with("UNBLOCKED") {
        return;
    }
    core.warn_refusal("event log", (message, command), error, effect);
}
