//! The part of a log that is stored, and whether a listener can be resumed from it.

use std::time::Duration;

use super::event::LogEntry;
use super::settings::Retention;
use crate::event_log::event_id::EventId;

/// The part of a log that is stored, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogWindow {
    /// The ids of the first and of the last entry; `None` without any.
    pub(super) bounds: Option<(EventId, EventId)>,
    /// The number of entries.
    pub(super) len: u64,
    /// The milliseconds since 1970 by the clock of the log.
    pub(super) now_ms: u64,
}

/// A part of a log, with the window that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct History {
    pub(super) window: LogWindow,
    pub(super) entries: Vec<LogEntry>,
}

/// The beginning of what a listener gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    /// All that was published after its last id.
    All,
    /// The events that are published after this id; something before may be missed.
    From(EventId),
}

impl LogWindow {
    /// Returns the id after which everything is newer than the log is now.
    pub(super) fn end(&self) -> EventId {
        self.bounds.map_or_else(|| EventId::before(self.now_ms), |(_, last)| last)
    }

    /// Decides whether all that was published after `last` is stored.
    pub(super) fn resume(&self, last: EventId, retention: Retention) -> Resume {
        let is_complete = match self.bounds {
            None => self.has_lost_nothing(last, retention),
            // A failover, or a client that made its id up.
            Some((_, newest)) if last > newest => false,
            Some((oldest, _)) => last >= oldest || self.has_lost_nothing(last, retention),
        };
        if is_complete { Resume::All } else { Resume::From(self.end()) }
    }

    /// Returns `true` if the log had no entries at `last` and has not lost any of the later ones: it is too short to have been
    /// trimmed, and none can have expired.
    fn has_lost_nothing(&self, last: EventId, retention: Retention) -> bool {
        let age = Duration::from_millis(self.now_ms.saturating_sub(last.ms()));
        let is_trimmed = self.len >= retention.keep;
        let is_expired = retention.expire.is_some_and(|expire| age >= expire);
        last.is_before_all() && last.ms() <= self.now_ms && !is_trimmed && !is_expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETENTION: Retention = Retention { keep: 10, expire: Some(Duration::from_secs(60)) };

    fn window(bounds: Option<(u64, u64)>, len: u64) -> LogWindow {
        let bounds = bounds.map(|(first, last)| (EventId::new(first, 0), EventId::new(last, 0)));
        LogWindow { bounds, len, now_ms: 100_000 }
    }

    #[test]
    fn a_listener_within_the_log_gets_all() {
        let window = window(Some((90_000, 99_000)), 10);
        for last in [EventId::new(90_000, 0), EventId::new(95_000, 3), EventId::new(99_000, 0)] {
            assert_eq!(window.resume(last, RETENTION), Resume::All);
        }
    }

    #[test]
    fn a_listener_before_or_after_the_log_is_reset() {
        let window = window(Some((90_000, 99_000)), 5);
        for last in [
            EventId::new(0, 0),
            EventId::new(89_999, 7),
            EventId::new(99_000, 1),
            EventId::new(u64::MAX, u64::MAX),
            EventId::before(100_000),
        ] {
            assert_eq!(window.resume(last, RETENTION), Resume::From(EventId::new(99_000, 0)), "{last}");
        }
    }

    #[test]
    fn a_listener_of_an_empty_log_gets_all_that_comes() {
        let start = window(None, 0).end();
        assert_eq!(start, EventId::before(100_000));
        let later = |now_ms, bounds, len| LogWindow { now_ms, ..window(bounds, len) };
        for log in
            [later(100_000, None, 0), later(159_000, None, 0), later(159_000, Some((100_000, 101_000)), 9)]
        {
            assert_eq!(log.resume(start, RETENTION), Resume::All, "{log:?}");
        }
        // Trimmed or expired since, perhaps.
        for log in [later(159_999, None, 0), later(159_000, Some((100_000, 101_000)), 10), later(1, None, 0)]
        {
            assert_eq!(log.resume(start, RETENTION), Resume::From(log.end()), "{log:?}");
        }
        let without = Retention { expire: None, ..RETENTION };
        assert_eq!(later(u64::MAX, None, 0).resume(start, without), Resume::All);
    }

    #[test]
    fn an_entry_that_is_gone_with_its_log_is_a_reset() {
        let log = window(None, 0);
        assert_eq!(log.resume(EventId::new(99_999, 0), RETENTION), Resume::From(log.end()));
    }
}
