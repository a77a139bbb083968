//! The TTL of an entry, and the types that it can be written as.

use std::time::Duration;

use crate::types::duration::{LONGEST, TOO_SHORT, parse_duration};
use crate::types::error::Error;

/// The TTL of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expire {
    /// The entry expires after this time.
    After(Duration),
    /// The entry does not expire. It stays until it is removed, or until Redis evicts it to free memory.
    Never,
}

/// A value that can be used as a TTL: seconds as an integer, text such as `"5m"`, a [`std::time::Duration`], a
/// `chrono::TimeDelta` (feature `chrono`) or an [`Expire`].
///
/// Zero and negative times are errors. A number above 100 years counts as 100 years, and a text above 100 years is an
/// error. Less than a millisecond counts as a millisecond.
///
/// ```
/// # use larder_runtime as larder;
/// use std::time::Duration;
///
/// use larder::{Expire, IntoExpire};
///
/// let five_minutes = Expire::After(Duration::from_secs(300));
/// assert_eq!("5m".into_expire()?, five_minutes);
/// assert_eq!(300.into_expire()?, five_minutes);
/// assert_eq!(Duration::from_secs(300).into_expire()?, five_minutes);
/// assert!(0.into_expire().is_err());
/// # Ok::<(), larder::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an expiry",
    label = "cannot be used as a TTL",
    note = "write seconds as an integer, text such as \"5m\", a `std::time::Duration`, a `chrono::TimeDelta` (feature `chrono`) or `Expire::Never`"
)]
pub trait IntoExpire {
    /// Converts the value into a TTL.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for zero and negative times, and for text that is not a duration.
    fn into_expire(self) -> Result<Expire, Error>;
}

impl IntoExpire for Expire {
    fn into_expire(self) -> Result<Expire, Error> {
        match self {
            Self::After(duration) => duration.into_expire(),
            Self::Never => Ok(Self::Never),
        }
    }
}

impl IntoExpire for Duration {
    fn into_expire(self) -> Result<Expire, Error> {
        if self.is_zero() {
            return Err(too_short("0s"));
        }
        // Redis counts in milliseconds, and rejects an expiry of zero.
        Ok(Expire::After(self.clamp(Self::from_millis(1), LONGEST)))
    }
}

impl IntoExpire for &str {
    fn into_expire(self) -> Result<Expire, Error> {
        match parse_duration(self) {
            Ok(duration) => Ok(Expire::After(duration)),
            Err(reason) => Err(Error::config("expire", self, reason)),
        }
    }
}

impl IntoExpire for String {
    fn into_expire(self) -> Result<Expire, Error> {
        self.as_str().into_expire()
    }
}

impl IntoExpire for &String {
    fn into_expire(self) -> Result<Expire, Error> {
        self.as_str().into_expire()
    }
}

#[cfg(feature = "chrono")]
impl IntoExpire for chrono::TimeDelta {
    fn into_expire(self) -> Result<Expire, Error> {
        match self.to_std() {
            Ok(duration) => duration.into_expire(),
            Err(_) => Err(too_short(self.to_string())),
        }
    }
}

/// Implements [`IntoExpire`] for integers, which are seconds.
macro_rules! seconds {
    ($($integer:ty)*) => {$(
        impl IntoExpire for $integer {
            fn into_expire(self) -> Result<Expire, Error> {
                if self < 1 {
                    return Err(too_short(self.to_string()));
                }
                // A number that does not fit is far above the cap.
                Duration::from_secs(u64::try_from(self).unwrap_or(u64::MAX)).into_expire()
            }
        }
    )*};
}

seconds!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

fn too_short(value: impl Into<String>) -> Error {
    let hint = "write seconds such as 30, text such as \"5m\", or `Expire::Never`";
    Error::config("expire", value, format!("{TOO_SHORT}; {hint}"))
}

/// Returns whether an error of [`IntoExpire`] is about a time that is zero or negative, and not about a text that is no time.
pub(crate) fn is_elapsed(error: &Error) -> bool {
    matches!(error, Error::Config { reason, .. } if reason.starts_with(TOO_SHORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(value: impl IntoExpire) -> Result<u128, String> {
        match value.into_expire() {
            Ok(Expire::After(duration)) => Ok(duration.as_millis()),
            Ok(Expire::Never) => Ok(u128::MAX),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn accepted() {
        assert_eq!(millis(30), Ok(30_000));
        assert_eq!(millis(30_u8), Ok(30_000));
        assert_eq!(millis(30_i128), Ok(30_000));
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        assert_eq!(millis("30"), Ok(30_000));
        let text = String::from("5m");
        assert_eq!(millis(&text), Ok(300_000));
        assert_eq!(millis(text), Ok(300_000));
        assert_eq!(millis(Duration::from_millis(5)), Ok(5));
        assert_eq!(millis(Duration::from_nanos(1)), Ok(1));
        assert_eq!(millis(Expire::After(Duration::from_secs(1))), Ok(1_000));
        assert_eq!(Expire::Never.into_expire().ok(), Some(Expire::Never));
    }

    #[test]
    fn capped() {
        let longest = Ok(LONGEST.as_millis());
        assert_eq!(millis(u64::MAX), longest);
        assert_eq!(millis(i128::MAX), longest);
        assert_eq!(millis(u128::MAX), longest);
        assert_eq!(millis(Duration::MAX), longest);
        assert_eq!(millis(Expire::After(Duration::MAX)), longest);
    }

    #[test]
    fn refused() {
        for message in [
            millis(0),
            millis(0_u64),
            millis(-1),
            millis(i128::MIN),
            millis("0s"),
            millis("-5m"),
            millis("1y"),
            millis("999999w"),
            millis(Duration::ZERO),
            millis(Expire::After(Duration::ZERO)),
        ] {
            assert!(message.unwrap_err().starts_with("expire = "));
        }
        assert!(millis(-7).unwrap_err().contains("\"-7\": must be longer than zero"));
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn chrono() {
        use chrono::TimeDelta;

        assert_eq!(millis(TimeDelta::minutes(5)), Ok(300_000));
        assert_eq!(millis(TimeDelta::MAX), Ok(LONGEST.as_millis()));
        for refused in [TimeDelta::zero(), TimeDelta::seconds(-1), TimeDelta::MIN] {
            assert!(millis(refused).unwrap_err().contains("longer than zero"));
        }
    }
}
