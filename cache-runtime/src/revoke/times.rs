//! Times that may be zero, and moments of tokens.

use std::time::Duration;

use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// Returns a time, which may be zero.
///
/// # Errors
/// [`Error::Config`] for what is no time.
pub(super) fn from_zero(name: &'static str, time: impl IntoExpire) -> Result<Duration, Error> {
    match time.into_expire() {
        // Nothing expires after no time, and a grace of no time is none.
        Err(Error::Config { value, .. }) if is_zero(&value) => Ok(Duration::ZERO),
        expire => positive(name, expire),
    }
}

/// Returns a time that is longer than zero.
///
/// # Errors
/// [`Error::Config`] for what is no such time.
pub(super) fn above_zero(name: &'static str, time: impl IntoExpire) -> Result<Duration, Error> {
    positive(name, time.into_expire())
}

/// Returns a moment in milliseconds since 1970, from the seconds that tokens have. A negative one is long ago.
pub(super) fn moment_ms(seconds: impl TryInto<u64>) -> u64 {
    seconds.try_into().unwrap_or(0).saturating_mul(1_000)
}

/// Returns whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn positive(name: &'static str, expire: Result<Expire, Error>) -> Result<Duration, Error> {
    match expire {
        Ok(Expire::After(time)) => Ok(time),
        Ok(Expire::Never) => {
            Err(Error::config(name, "Never", "must have an end; write a time such as `30d`"))
        }
        Err(Error::Config { value, reason, .. }) => Err(Error::config(name, value.as_str(), reason.as_str())),
        Err(error) => Err(error),
    }
}

fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    !number.is_empty() && number.bytes().all(|digit| digit == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_be_zero_and_has_an_end() {
        for zero in ["0s", "0", "0ms"] {
            assert_eq!(from_zero("grace", zero).ok(), Some(Duration::ZERO), "{zero}");
        }
        assert_eq!(from_zero("grace", 0).ok(), Some(Duration::ZERO));
        assert_eq!(from_zero("grace", Duration::ZERO).ok(), Some(Duration::ZERO));
        assert_eq!(from_zero("grace", "10s").ok(), Some(Duration::from_secs(10)));
        for bad in ["", "s", "ten", "-1s"] {
            assert!(from_zero("grace", bad).is_err(), "{bad}");
        }
        assert!(above_zero("expire", "0s").is_err() && above_zero("expire", Expire::Never).is_err());
    }

    #[test]
    fn moments_before_1970_are_long_ago() {
        assert_eq!((moment_ms(-5), moment_ms(2), moment_ms(u64::MAX)), (0, 2_000, u64::MAX));
    }
}
