//! The remaining time of an entry, by its handle and by Redis.

use std::time::Duration;

use larder::Entry;

use super::deployment::shared;

/// Asserts that an entry that was stored just now expires after `expiry`.
///
/// # Panics
/// When the entry is missing, never expires, or expires at another time.
#[track_caller]
pub fn assert_expiry(entry: &Entry, expiry: Duration) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        // A slow machine is late.
        let fits = |left: Duration| left <= expiry && left + Duration::from_secs(20) > expiry;
        let left = entry.ttl().await;
        assert!(left.is_some_and(fits), "{caller}: {left:?} instead of {expiry:?} for {}", entry.key());
        if shared().command(&["EXISTS", entry.key()]) == "1" {
            let raw = shared().command(&["PTTL", entry.key()]);
            let left = raw.parse().ok().map(Duration::from_millis);
            assert!(left.is_some_and(fits), "{caller}: PTTL {raw} instead of {expiry:?} for {}", entry.key());
        }
    }
}
