//! A log in the memory of this process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::event::LogEntry;
use super::settings::Retention;
use super::window::{History, LogWindow};
use crate::event_log::event_id::EventId;

/// The logs of a cache on `memory://`.
#[derive(Debug, Default)]
pub(super) struct MemoryLogs(Mutex<HashMap<String, MemoryLog>>);

#[derive(Debug, Default)]
struct MemoryLog {
    entries: VecDeque<LogEntry>,
    /// The time at which the log is removed, in milliseconds since 1970.
    ends_ms: Option<u64>,
}

impl MemoryLogs {
    /// Adds an entry, and removes logs that have ended.
    pub(super) fn append(&self, key: &str, json: Bytes, retention: Retention, now_ms: u64) -> LogEntry {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.get(key).is_none_or(|log| log.has_ended(now_ms)) {
            logs.retain(|_, log| !log.has_ended(now_ms));
        }
        let log = logs.entry(key.to_owned()).or_default();
        let newest = log.entries.back().map(|entry| entry.id);
        let first = EventId::new(now_ms, 0);
        let id = newest.map_or(first, |newest| first.max(newest.next()));
        let entry = LogEntry { id, json: Some(json) };
        log.entries.push_back(entry.clone());
        while log.entries.len() as u64 > retention.keep {
            log.entries.pop_front();
        }
        let expire = retention.expire.map(|expire| expire.as_millis() as u64);
        log.ends_ms = expire.map(|expire| now_ms.saturating_add(expire));
        entry
    }

    /// Reads the window, and at most `count` of the entries from `from` on.
    pub(super) fn history(&self, key: &str, from: EventId, count: usize, now_ms: u64) -> History {
        let logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = logs.get(key).filter(|log| !log.has_ended(now_ms)) else {
            return History { window: LogWindow { bounds: None, len: 0, now_ms }, entries: Vec::new() };
        };
        let start = log.entries.partition_point(|entry| entry.id < from);
        let bounds = log.entries.front().zip(log.entries.back());
        History {
            window: LogWindow {
                bounds: bounds.map(|(first, last)| (first.id, last.id)),
                len: log.entries.len() as u64,
                now_ms,
            },
            entries: log.entries.range(start..).take(count).cloned().collect(),
        }
    }
}

impl MemoryLog {
    fn has_ended(&self, now_ms: u64) -> bool {
        self.ends_ms.is_some_and(|ends| now_ms >= ends)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RETENTION: Retention = Retention { keep: 3, expire: Some(Duration::from_millis(100)) };

    #[test]
    fn entries_are_kept_in_order_up_to_the_number() {
        let logs = MemoryLogs::default();
        let append = |now| logs.append("a", Bytes::from_static(b"1"), RETENTION, now).id;
        // The clock is set back.
        let ids = [append(5), append(5), append(4), append(7)];
        assert_eq!(ids, [EventId::new(5, 0), EventId::new(5, 1), EventId::new(5, 2), EventId::new(7, 0)]);
        let history = logs.history("a", EventId::new(5, 1).next(), 10, 8);
        assert_eq!(history.window.bounds, Some((ids[1], ids[3])));
        assert_eq!(history.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids[2..]);
        assert_eq!(logs.history("a", EventId::new(0, 0), 1, 8).entries.len(), 1);
    }

    #[test]
    fn a_log_ends_after_its_last_entry() {
        let logs = MemoryLogs::default();
        logs.append("a", Bytes::from_static(b"1"), RETENTION, 5);
        assert_eq!(logs.history("a", EventId::new(0, 0), 1, 104).window.len, 1);
        assert_eq!(logs.history("a", EventId::new(0, 0), 1, 105).window.len, 0);
        logs.append("b", Bytes::from_static(b"1"), RETENTION, 105);
        assert_eq!(logs.0.lock().expect("no panic").len(), 1);
    }
}
