//! The ids of events.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::types::error::Error;

/// The id of an event in its log: the milliseconds since 1970 by the clock of Redis, and a number, such as `1764590000000-0`. Later
/// events have greater ids.
///
/// ```
/// # use larder_runtime as larder;
/// use larder::event_log::EventId;
///
/// let id: EventId = "1764590000000-1".parse()?;
/// assert!(id > "1764590000000-0".parse()?);
/// assert_eq!(id.to_string(), "1764590000000-1");
/// assert!("../../x".parse::<EventId>().is_err());
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    ms: u64,
    number: u64,
}

impl EventId {
    /// Returns the id of an event.
    pub(super) fn new(ms: u64, number: u64) -> Self {
        Self { ms, number }
    }

    /// Returns a position in a log without events, which every event from this millisecond on is after.
    pub(super) fn before(ms: u64) -> Self {
        Self { ms: ms.saturating_sub(1), number: u64::MAX }
    }

    /// Returns `true` for a position in a log that was without events.
    pub(super) fn is_before_all(self) -> bool {
        self.number == u64::MAX
    }

    /// Returns the milliseconds since 1970.
    pub(super) fn ms(self) -> u64 {
        self.ms
    }

    /// Returns the id that follows.
    pub(super) fn next(self) -> Self {
        match self.number.checked_add(1) {
            Some(number) => Self { number, ..self },
            None => Self { ms: self.ms.saturating_add(1), number: 0 },
        }
    }

    /// Parses two numbers with a dash between them, and nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (ms, number) = text.split_once('-')?;
        // A sign is none of the digits.
        let number_of = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse().ok(),
            false => None,
        };
        Some(Self { ms: number_of(ms)?, number: number_of(number)? })
    }
}

impl FromStr for EventId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let reason =
            "is no id of an event; write one that `publish` or a listener returned, such as 1764590000000-0";
        Self::parse(text).ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Error::config("event id", shown, reason)
        })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.number)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

/// As text, for pages that listen from there.
impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_numbers_with_a_dash_are_an_id() {
        assert_eq!(EventId::parse("12-3"), Some(EventId::new(12, 3)));
        assert_eq!(EventId::parse("18446744073709551615-0"), Some(EventId::new(u64::MAX, 0)));
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "+1-2",
            "1-+2",
            " 1-2",
            "1-2 ",
            "1_0-2",
            "../../x",
            "$",
            ">",
            "*",
            "0x1-2",
            "18446744073709551616-0",
            "1-2\r\n",
            "١-٢",
        ] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_have_an_order_and_successors() {
        let id = EventId::new(5, 9);
        assert_eq!(id.next(), EventId::new(5, 10));
        assert_eq!(EventId::new(5, u64::MAX).next(), EventId::new(6, 0));
        assert_eq!(EventId::new(u64::MAX, u64::MAX).next(), EventId::new(u64::MAX, 0));
        assert!(EventId::before(5) < EventId::new(5, 0) && EventId::before(5) > EventId::new(4, 7));
        assert!(EventId::before(0).is_before_all());
    }
}
