//! One session of a user, as it is listed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::record::ListedTimes;
use super::session_id::RecordPlace;

/// One session of a user, for a page with all of them; [`SessionLayer::list`](super::SessionLayer::list) returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The name of the session for [`SessionLayer::revoke`](super::SessionLayer::revoke). Nobody can use it as an id.
    pub handle: String,
    /// The time of the login.
    pub began: SystemTime,
    /// The time of a recent request, at most a tenth of the idle time before the last one.
    pub seen: SystemTime,
}

impl SessionInfo {
    pub(super) fn new(place: &RecordPlace, times: ListedTimes) -> Self {
        let at = |micros| UNIX_EPOCH + Duration::from_micros(micros);
        Self { handle: place.handle(), began: at(times.began), seen: at(times.seen) }
    }
}
