//! The time for which clients may use a response, and the types that it can be written as.

use std::time::Duration;

use crate::types::duration::{LONGEST, parse_from_zero};
use crate::types::error::Error;

/// A value that can be used as the `max-age` of clients: seconds as an integer, text such as `"5m"`, a
/// [`std::time::Duration`], or a `chrono::TimeDelta` (feature `chrono`).
///
/// Zero is allowed: clients ask again each time. A fraction of a second counts as nothing, since clients count in seconds.
///
/// ```
/// # use larder_runtime as larder;
/// use std::time::Duration;
///
/// use larder::http::IntoMaxAge;
///
/// assert_eq!("5m".into_max_age()?, Duration::from_secs(300));
/// assert_eq!(0.into_max_age()?, Duration::ZERO);
/// assert!((-1).into_max_age().is_err());
/// # Ok::<(), larder::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `max-age`",
    label = "cannot be used as a time for clients",
    note = "write seconds as an integer, text such as \"5m\", a `std::time::Duration` or a `chrono::TimeDelta` (feature `chrono`)"
)]
pub trait IntoMaxAge {
    /// Converts the value into a time.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for negative times, and for text that is not a duration.
    fn into_max_age(self) -> Result<Duration, Error>;
}

impl IntoMaxAge for Duration {
    fn into_max_age(self) -> Result<Duration, Error> {
        Ok(self.min(LONGEST))
    }
}

impl IntoMaxAge for &str {
    fn into_max_age(self) -> Result<Duration, Error> {
        parse_from_zero(self).map_err(|reason| Error::config("client_max_age", self, reason))
    }
}

impl IntoMaxAge for String {
    fn into_max_age(self) -> Result<Duration, Error> {
        self.as_str().into_max_age()
    }
}

impl IntoMaxAge for &String {
    fn into_max_age(self) -> Result<Duration, Error> {
        self.as_str().into_max_age()
    }
}

#[cfg(feature = "chrono")]
impl IntoMaxAge for chrono::TimeDelta {
    fn into_max_age(self) -> Result<Duration, Error> {
        self.to_std().map_err(|_| negative(self.to_string()))?.into_max_age()
    }
}

/// Implements [`IntoMaxAge`] for integers, which are seconds.
macro_rules! seconds {
    ($($integer:ty)*) => {$(
        impl IntoMaxAge for $integer {
            fn into_max_age(self) -> Result<Duration, Error> {
                if self < 0 as $integer {
                    return Err(negative(self.to_string()));
                }
                // A number that does not fit is far above the longest time.
                Duration::from_secs(u64::try_from(self).unwrap_or(u64::MAX)).into_max_age()
            }
        }
    )*};
}

seconds!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

fn negative(value: String) -> Error {
    Error::config(
        "client_max_age",
        value,
        "must not be negative; write seconds such as 30 or text such as \"5m\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: impl IntoMaxAge) -> Result<u64, String> {
        value.into_max_age().map(|time| time.as_secs()).map_err(|error| error.to_string())
    }

    #[test]
    fn times_from_zero_are_accepted() {
        for (time, wanted) in [
            (seconds(0), 0),
            (seconds(30_u8), 30),
            (seconds("0s"), 0),
            (seconds("0"), 0),
            (seconds("1h30m".to_owned()), 5_400),
            (seconds("5m".to_owned()), 300),
            (seconds(Duration::ZERO), 0),
            (seconds(Duration::from_millis(1_900)), 1),
            (seconds(u128::MAX), LONGEST.as_secs()),
            (seconds(Duration::MAX), LONGEST.as_secs()),
        ] {
            assert_eq!(time, Ok(wanted));
        }
    }

    #[test]
    fn other_values_are_refused() {
        for error in
            [seconds(-1), seconds(i128::MIN), seconds(""), seconds("-5m"), seconds("1y"), seconds("soon")]
        {
            let error = error.unwrap_err();
            assert!(error.starts_with("client_max_age = "), "{error}");
        }
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn chrono() {
        use chrono::TimeDelta;

        assert_eq!(seconds(TimeDelta::minutes(5)), Ok(300));
        assert_eq!(seconds(TimeDelta::zero()), Ok(0));
        assert!(seconds(TimeDelta::seconds(-1)).unwrap_err().contains("must not be negative"));
    }
}
