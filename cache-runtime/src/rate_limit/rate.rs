//! Rates: a number of hits in a window of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::types::error::Error;

/// The most hits of a window. Counts above it are rather mistakes, and times stay within what a script of Redis can compute.
const MAX_LIMIT: u64 = 1_000_000_000;
/// The longest window: a year, and the day of a leap year.
const MAX_WINDOW: u64 = 366 * DAY;
const DAY: u64 = 24 * HOUR;
const HOUR: u64 = 60 * MINUTE;
const MINUTE: u64 = 60;

/// The units: short and long names, and the seconds. The first long one is that of the name of a window.
const UNITS: [(&[&str], &[&str], u64); 5] = [
    (&["s"], &["second", "sec"], 1),
    (&["m"], &["minute", "min"], MINUTE),
    (&["h"], &["hour", "hr"], HOUR),
    (&["d"], &["day"], DAY),
    (&["w"], &["week"], 7 * DAY),
];

/// A number of hits in a window of time, such as `100/minute`.
///
/// A text is the number, `/` or `per`, and a unit with a number before it or without one: `100/minute`, `5/15m`, `2000 per day`. Units
/// are `second`, `sec`, `s`, `minute`, `min`, `m`, `hour`, `hr`, `h`, `day`, `d`, `week` and `w`; the words also have a plural.
///
/// ```
/// # use larder_runtime as larder;
/// use std::time::Duration;
///
/// use larder::rate_limit::Rate;
///
/// let rate: Rate = "5/15m".parse()?;
/// assert_eq!((rate.limit(), rate.window()), (5, Duration::from_secs(900)));
/// assert_eq!(rate.to_string(), "5/15minutes");
/// assert!("5/ms".parse::<Rate>().is_err());
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    limit: u64,
    seconds: u64,
}

impl Rate {
    /// Returns the rate of `limit` hits in each `window`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// use larder::rate_limit::Rate;
    ///
    /// assert_eq!(Rate::new(100, Duration::from_secs(60))?, "100/minute".parse()?);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if the limit is zero or more than a billion, and if the window is not a number of whole seconds from 1 s to
    /// 366 days.
    pub fn new(limit: u64, window: Duration) -> Result<Self, Error> {
        let text = format!("{limit}/{window:?}");
        if window.subsec_nanos() > 0 {
            return refused(&text, "has a window that is not a number of whole seconds");
        }
        Self::checked(&text, limit, window.as_secs())
    }

    /// Returns the number of hits.
    #[must_use]
    pub fn limit(self) -> u64 {
        self.limit
    }

    /// Returns the window.
    #[must_use]
    pub fn window(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Returns the name of the window in header fields: `minute`, `15minutes`.
    pub(super) fn name(self) -> String {
        let unit = UNITS.iter().rev().find(|(.., seconds)| self.seconds.is_multiple_of(*seconds));
        let (word, seconds) = unit.map_or(("second", 1), |(_, words, seconds)| (words[0], *seconds));
        match self.seconds / seconds {
            1 => word.to_owned(),
            count => format!("{count}{word}s"),
        }
    }

    fn checked(text: &str, limit: u64, seconds: u64) -> Result<Self, Error> {
        match (limit, seconds) {
            (0, _) => refused(text, "allows nothing; write a limit of one or more"),
            (_, 0) => refused(text, "has a window of zero; write one of a second or more"),
            (limit, _) if limit > MAX_LIMIT => refused(text, "has a limit of more than a billion"),
            (_, seconds) if seconds > MAX_WINDOW => refused(text, "has a window of more than 366 days"),
            (limit, seconds) => Ok(Self { limit, seconds }),
        }
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some((limit, window)) = split(text) else {
            return refused(text, "is not a rate; write one such as `100/minute` or `5/15m`");
        };
        let Ok(limit) = limit.parse() else {
            return refused(text, "must begin with a whole number; write one such as `100/minute`");
        };
        let digits = window.len() - window.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, unit) = window.split_at(digits);
        let Some(seconds) = seconds_of(unit.trim_start()) else {
            return refused(
                text,
                "has a unit that is not known; write `s`, `m`, `h`, `d`, `w`, or one in words such as `15 minutes`",
            );
        };
        let count = if count.is_empty() { Ok(1) } else { count.parse::<u64>() };
        let window = count.ok().and_then(|count| count.checked_mul(seconds));
        Self::checked(text, limit, window.unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit, self.name())
    }
}

/// Splits a text into the number of hits and the window.
fn split(text: &str) -> Option<(&str, &str)> {
    let (limit, window) = match text.split_once('/') {
        Some(parts) => parts,
        None => {
            let at = text.to_ascii_lowercase().find("per")?;
            (&text[..at], &text[at + 3..])
        }
    };
    Some((limit.trim(), window.trim()))
}

fn seconds_of(unit: &str) -> Option<u64> {
    let unit = unit.to_ascii_lowercase();
    let is_word = |word: &&str| unit.strip_prefix(*word).is_some_and(|rest| matches!(rest, "" | "s"));
    UNITS
        .iter()
        .find(|(short, words, _)| short.contains(&unit.as_str()) || words.iter().any(is_word))
        .map(|(.., seconds)| *seconds)
}

fn refused(text: &str, reason: &str) -> Result<Rate, Error> {
    Err(Error::config("rate_limit", text, reason))
}

/// A rate as callers write it: a text, a number with a window, or a [`Rate`].
pub trait IntoRate {
    /// Returns the rate.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no such rate.
    fn into_rate(self) -> Result<Rate, Error>;
}

impl IntoRate for Rate {
    fn into_rate(self) -> Result<Rate, Error> {
        Ok(self)
    }
}

impl IntoRate for &str {
    fn into_rate(self) -> Result<Rate, Error> {
        self.parse()
    }
}

impl IntoRate for String {
    fn into_rate(self) -> Result<Rate, Error> {
        self.parse()
    }
}

impl IntoRate for &String {
    fn into_rate(self) -> Result<Rate, Error> {
        self.parse()
    }
}

impl IntoRate for (u64, Duration) {
    fn into_rate(self) -> Result<Rate, Error> {
        Rate::new(self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_in_every_spelling() {
        for (text, limit, seconds) in [
            ("100/minute", 100, 60),
            ("100/minutes", 100, 60),
            ("10/s", 10, 1),
            ("10/sec", 10, 1),
            ("7 per hour", 7, 3_600),
            ("7 PER 2 Hours", 7, 7_200),
            ("5/15m", 5, 900),
            ("5 / 15 min", 5, 900),
            ("2000/day", 2_000, 86_400),
            ("1/d", 1, 86_400),
            ("1/2hrs", 1, 7_200),
            ("  3/week ", 3, 604_800),
        ] {
            let rate: Rate = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((rate.limit(), rate.window().as_secs()), (limit, seconds), "{text}");
            assert_eq!(rate.to_string().parse::<Rate>().expect("its own text"), rate, "{rate}");
        }
    }

    #[test]
    fn texts_that_are_no_rates_are_refused() {
        for text in [
            "",
            "abc",
            "/minute",
            "100/",
            "100",
            "-5/minute",
            "1.5/minute",
            "100//minute",
            "100 minute",
            "5/ms",
            "5/ss",
            "5/ds",
            "100/fortnight",
            "0/minute",
            "5/0m",
            "5/99999999999999999999s",
            "5/400d",
            "2000000000/s",
            "5/m\r\n/s",
            "99999999999999999999/s",
            "5/1.5m",
            "5 5/m",
            "٣/m",
        ] {
            let error = text.parse::<Rate>().map(|rate| rate.to_string()).expect_err(text);
            assert!(error.to_string().starts_with("rate_limit = "), "{error}");
        }
        assert!(Rate::new(1, Duration::from_millis(1_500)).is_err());
        assert!(Rate::new(1, Duration::ZERO).is_err());
    }
}
