//! The times of a response.

use std::io::Write as _;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;

use crate::types::windows::StaleWindows;

use super::header_memo::HeaderMemo;

/// The last second of the year 9999, after which a date cannot be written.
const LATEST: u64 = 253_402_300_799;

/// The times of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResponseTimes {
    /// The time of its arrival, in milliseconds since 1970.
    pub(super) received_ms: u64,
    /// Its age on arrival.
    pub(super) initial_age: Duration,
    /// The time for which it is fresh after its arrival.
    pub(super) fresh: Duration,
    /// The uses of the response after that.
    pub(super) windows: StaleWindows,
}

impl ResponseTimes {
    /// `Expires`, for responses whose times were declared here.
    pub(super) fn expires(&self) -> HeaderValue {
        expires(Duration::from_millis(self.received_ms).saturating_add(self.fresh).as_secs())
    }

    /// The time for which the response is of any use.
    pub(super) fn whole(&self) -> Duration {
        self.fresh.saturating_add(self.windows.longest())
    }

    /// The age of the response.
    pub(super) fn age(&self, now_ms: u64) -> Duration {
        self.initial_age.saturating_add(self.time_in_cache(now_ms))
    }

    /// The time since the response arrived; zero where the clock was set back.
    pub(super) fn time_in_cache(&self, now_ms: u64) -> Duration {
        Duration::from_millis(now_ms.saturating_sub(self.received_ms))
    }

    /// The milliseconds around `now_ms` in which neither the date nor an age changes in whole seconds, as headers count.
    pub(super) fn steady(&self, now_ms: u64) -> Range<u64> {
        let counts = [Duration::from_millis(now_ms), self.time_in_cache(now_ms), self.age(now_ms)];
        let parts = counts.map(|count| u64::from(count.subsec_millis()));
        let (least, most) =
            parts.iter().fold((u64::MAX, 0), |(least, most), part| (least.min(*part), most.max(*part)));
        now_ms.saturating_sub(least)..now_ms.saturating_add(1000 - most)
    }

    /// The seconds of freshness that are left, negative once the response is stale.
    pub(super) fn ttl(&self, now_ms: u64) -> i64 {
        self.fresh.as_secs() as i64 - self.time_in_cache(now_ms).as_secs() as i64
    }
}

/// `Expires` at a number of seconds since 1970.
pub(super) fn expires(end: u64) -> HeaderValue {
    thread_local! {
        static MEMO: HeaderMemo = const { HeaderMemo::new() };
    }
    MEMO.with(|memo| memo.get(end.min(LATEST), |end| date(UNIX_EPOCH + Duration::from_secs(end))))
}

/// The time of a number of milliseconds since 1970.
pub(super) fn time(millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
}

/// A date as HTTP writes it.
pub(crate) fn date(at: SystemTime) -> HeaderValue {
    let latest = UNIX_EPOCH + Duration::from_secs(LATEST);
    let mut text = Vec::with_capacity("Thu, 01 Jan 1970 00:00:00 GMT".len());
    // Writing to a `Vec` does not fail.
    let _ = write!(text, "{}", httpdate::HttpDate::from(at.min(latest)));
    HeaderValue::from_maybe_shared(Bytes::from(text))
        .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_times_are_steady_no_header_changes_and_after_that_one_does() {
        let seconds =
            |times: &ResponseTimes, now: u64| (now / 1000, times.ttl(now), times.age(now).as_secs());
        for (received_ms, age_ms) in [(0, 0), (5_300, 0), (5_300, 400), (7_999, 1_001), (1, 2_999)] {
            let times = ResponseTimes {
                received_ms,
                initial_age: Duration::from_millis(age_ms),
                fresh: Duration::from_secs(60),
                windows: StaleWindows::default(),
            };
            for now in (8_000..11_000).step_by(37) {
                let valid = times.steady(now);
                assert!(valid.contains(&now) && valid.end - valid.start <= 1000, "{now} {valid:?}");
                let told = seconds(&times, now);
                for at in valid.clone() {
                    assert_eq!(seconds(&times, at), told, "{times:?} {at} {valid:?}");
                }
                assert_ne!(seconds(&times, valid.end), told, "{times:?} {valid:?}");
                assert_ne!(seconds(&times, valid.start - 1), told, "{times:?} {valid:?}");
            }
            // The clock was set back.
            assert!(times.steady(0).contains(&0));
        }
    }
}
