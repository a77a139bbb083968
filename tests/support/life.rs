//! How long an entry has to live, as its handle tells, and Redis itself where it is there.

use std::time::Duration;

use larder::Entry;

use super::redis::shared;

/// Asserts that an entry that was stored just now was stored for `life`.
///
/// # Panics
/// When it is not stored, never ends, or ends at another time.
#[track_caller]
pub fn assert_life(entry: &Entry, life: Duration) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        // A slow machine is some time behind.
        let fits = |left: Duration| left <= life && left + Duration::from_secs(20) > life;
        let left = entry.ttl().await;
        assert!(left.is_some_and(fits), "{caller}: {left:?} instead of {life:?} for {}", entry.key());
        if shared().command(&["EXISTS", entry.key()]) == "1" {
            let raw = shared().command(&["PTTL", entry.key()]);
            let left = raw.parse().ok().map(Duration::from_millis);
            assert!(left.is_some_and(fits), "{caller}: PTTL {raw} instead of {life:?} for {}", entry.key());
        }
    }
}
