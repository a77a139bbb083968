//! The record of a session.

use std::collections::BTreeMap;

use super::session_id::RecordPlace;

/// The values of a session, as JSON.
pub(super) type SessionFields = BTreeMap<String, String>;

/// The record of a session, as it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionRecord {
    pub(super) place: RecordPlace,
    pub(super) user: Option<String>,
    pub(super) span: SessionSpan,
    pub(super) fields: SessionFields,
}

/// The beginning and the absolute end of a session in microseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SessionSpan {
    pub(super) began: u64,
    pub(super) end: u64,
}

/// The content of the place of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoredSession {
    Record {
        user: Option<String>,
        span: SessionSpan,
        fields: SessionFields,
    },
    /// The session was renamed, and is in this place now.
    Moved(RecordPlace),
    Nothing,
}

/// The times of a session in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionTimes {
    /// The longest time between two requests.
    pub(super) idle: u64,
    /// The longest time after the session began.
    pub(super) absolute: u64,
}

/// Changes of fields: a value, or none for one that is removed.
pub(super) type FieldChanges = BTreeMap<String, Option<String>>;

/// One session of a user, as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListedTimes {
    pub(super) began: u64,
    pub(super) seen: u64,
}

impl SessionTimes {
    /// Returns the time that a record has left, of which `end` is the absolute end.
    pub(super) fn life(self, end: u64, now: u64) -> u64 {
        self.idle.min(end.saturating_sub(now))
    }

    /// Returns the time by which a life must have shortened before it is written again: a tenth of the idle time.
    pub(super) fn step(self) -> u64 {
        self.idle / 10
    }
}
