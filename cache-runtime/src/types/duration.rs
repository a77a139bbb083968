//! Durations as text: `30s`, `5m`, `1h30m`.

use std::time::Duration;

/// The longest duration that is accepted: 100 years. A longer one is a mistake.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The units and their lengths in milliseconds, the longest first.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The end of every error message.
const HINT: &str =
    "write whole numbers with the units ms, s, m, h, d or w, such as \"30s\", \"5m\" or \"1h30m\"";

/// The beginning of the error about a time that is zero or negative.
pub(crate) const TOO_SHORT: &str = "must be longer than zero";

/// Parses `30s`, `5m`, `1h30m`, `1h 30m`. Digits alone are seconds, as in environment variables.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    match parse_from_zero(text)? {
        Duration::ZERO => Err(format!("{TOO_SHORT}; {HINT}")),
        duration => Ok(duration),
    }
}

/// Parses the same, and zero.
pub(crate) fn parse_from_zero(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("there is no duration; {HINT}"));
    }
    let millis = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        amount(text, 1_000)?
    } else {
        sum(text).map_err(|error| explained(text, error))?
    };
    Ok(Duration::from_millis(millis))
}

/// Parses a text in a constant. It is written as for [`parse_duration`], but digits need a unit, as in an attribute.
pub(crate) const fn const_duration(text: &str) -> Result<Duration, &'static str> {
    let bytes = text.as_bytes();
    let mut at = after_blanks(bytes, 0);
    let mut millis = 0_u64;
    while at < bytes.len() {
        let (number, unit) = const_number(bytes, at);
        if unit == at {
            return Err(
                "`expire_text` takes whole numbers with the units ms, s, m, h, d or w, such as \"30s\", \"5m\" or \"1h30m\"",
            );
        }
        let Some((length, end)) = const_unit(bytes, unit) else {
            return Err(
                "`expire_text` takes the units ms, s, m, h, d and w, such as \"30s\", \"5m\" or \"1h30m\"",
            );
        };
        millis = millis.saturating_add(number.saturating_mul(length));
        at = after_blanks(bytes, end);
    }
    if millis == 0 {
        return Err("`expire_text` must be longer than zero; write a text such as \"5m\"");
    }
    if millis as u128 > LONGEST.as_millis() {
        return Err("`expire_text` is longer than 100 years; write a shorter time");
    }
    Ok(Duration::from_millis(millis))
}

/// Returns the number at `at`, and the index after it.
const fn const_number(bytes: &[u8], mut at: usize) -> (u64, usize) {
    let mut number = 0_u64;
    while at < bytes.len() && bytes[at].is_ascii_digit() {
        number = number.saturating_mul(10).saturating_add((bytes[at] - b'0') as u64);
        at += 1;
    }
    (number, at)
}

/// Returns the milliseconds of the unit at `at`, and the index after it.
const fn const_unit(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut index = 0;
    let mut end = at;
    while end < bytes.len() && !bytes[end].is_ascii_digit() && !bytes[end].is_ascii_whitespace() {
        end += 1;
    }
    while index < UNITS.len() {
        let (unit, length) = UNITS[index];
        let unit = unit.as_bytes();
        let is_same =
            unit.len() == end - at && unit[0] == bytes[at] && (unit.len() == 1 || unit[1] == bytes[at + 1]);
        if is_same {
            return Some((length, end));
        }
        index += 1;
    }
    None
}

/// Returns the index of the first byte from `at` on that is not blank.
const fn after_blanks(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at].is_ascii_whitespace() {
        at += 1;
    }
    at
}

/// Formats a duration so that [`parse_duration`] gives it back, to the millisecond.
#[cfg(test)]
pub(crate) fn format_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (unit, length) in UNITS {
        if left >= length {
            out.push_str(&(left / length).to_string());
            out.push_str(unit);
            left %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Returns the milliseconds of a sum of parts, each a number and a unit.
fn sum(text: &str) -> Result<u64, String> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        if number.is_empty() {
            let found = rest.chars().next().unwrap_or_default();
            return Err(format!("{found:?} is not a digit; {HINT}"));
        }
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let (unit, after) = after.split_at(letters);
        total = total.saturating_add(amount(number, unit_length(number, unit)?)?);
        within_limit(total)?;
        rest = after.trim_start();
    }
    Ok(total)
}

/// The error of a text that spells its units out names what to write.
fn explained(text: &str, error: String) -> String {
    match in_units(text) {
        Some(written) => format!("is written \"{written}\"; {HINT}"),
        None => error,
    }
}

/// Returns `1h30m` for `1 hour 30 minutes`; `None` for a text that is something else.
fn in_units(text: &str) -> Option<String> {
    let (mut written, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let tail = tail.trim_start();
        let (word, tail) = tail.split_at(tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len()));
        let unit = match word {
            "ms" | "millis" | "millisecond" | "milliseconds" => "ms",
            "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "m" | "min" | "mins" | "minute" | "minutes" => "m",
            "h" | "hr" | "hrs" | "hour" | "hours" => "h",
            "d" | "day" | "days" => "d",
            "w" | "week" | "weeks" => "w",
            _ => return None,
        };
        if number.is_empty() {
            return None;
        }
        written.extend([number, unit]);
        rest = tail.trim_start();
    }
    sum(&written).is_ok().then_some(written)
}

/// Returns the milliseconds of a unit.
fn unit_length(number: &str, unit: &str) -> Result<u64, String> {
    if unit.is_empty() {
        return Err(format!("`{number}` has no unit; {HINT}"));
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    known.map(|(_, length)| *length).ok_or_else(|| format!("`{unit}` is not a unit; {HINT}"))
}

/// Returns `number` times `length`.
fn amount(number: &str, length: u64) -> Result<u64, String> {
    // `number` consists of digits, so parsing fails only when the number is too large.
    let number = number.parse::<u64>().unwrap_or(u64::MAX);
    within_limit(number.saturating_mul(length))
}

fn within_limit(millis: u64) -> Result<u64, String> {
    if u128::from(millis) > LONGEST.as_millis() {
        return Err(format!("is longer than 100 years; {HINT}"));
    }
    Ok(millis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepted_texts() {
        for (text, millis) in [
            ("1ms", 1),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("2d", 172_800_000),
            ("1w", 604_800_000),
            ("1h30m", 5_400_000),
            (" 1h 30m  5s ", 5_405_000),
            ("1s500ms", 1_500),
            ("0h5m", 300_000),
            ("30", 30_000),
            ("007", 7_000),
            ("5200w", 5_200 * 604_800_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text:?}");
        }
    }

    #[test]
    fn an_error_lists_the_units() {
        for text in [
            "",
            " ",
            "0",
            "0s",
            "0h0m",
            "-5",
            "-5m",
            "1.5h",
            "1M",
            "1y",
            "5 m",
            "m",
            "5mm",
            "1h30",
            "5min",
            "1h,2m",
            "5m!",
            "１m",
            "1é",
            "100000000000000000000",
            "99999999999999999999w",
            "5300w",
            "3155760001",
            "36500d1ms",
            "1H",
            "+5s",
            "1e3",
            "forever",
        ] {
            let message = parse_duration(text).expect_err(text);
            assert!(message.contains("ms, s, m, h, d or w"), "{text:?}: {message}");
        }
        assert_eq!(parse_duration("36500d"), Ok(LONGEST));
    }

    #[test]
    fn units_that_are_spelled_out_are_named() {
        for (text, written) in [
            ("1 minute", "\"1m\""),
            ("1 hour 30 mins", "\"1h30m\""),
            ("5min", "\"5m\""),
            ("90 seconds", "\"90s\""),
        ] {
            let message = parse_duration(text).expect_err(text);
            assert!(message.starts_with(&format!("is written {written};")), "{text:?}: {message}");
        }
    }

    #[test]
    fn formatted_texts() {
        for (millis, text) in
            [(0, "0s"), (90_061_001, "1d1h1m1s1ms"), (604_800_000, "1w"), (5_400_000, "1h30m")]
        {
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(format_duration(Duration::from_nanos(1)), "0s");
        format_duration(Duration::MAX);
    }

    #[test]
    fn texts_in_constants() {
        for text in ["1ms", "30s", "5m", "1h30m", " 1h 30m  5s ", "1s500ms", "0h5m", "2d", "5200w", "36500d"]
        {
            assert_eq!(const_duration(text).ok(), parse_duration(text).ok(), "{text:?}");
        }
        for (text, part) in [
            ("", "longer than zero"),
            ("0s", "longer than zero"),
            ("5", "the units"),
            ("5 m", "the units"),
            ("5M", "the units"),
            ("5min", "the units"),
            ("1h30", "the units"),
            ("m", "whole numbers"),
            ("-5m", "whole numbers"),
            ("1.5h", "the units"),
            ("36500d1ms", "100 years"),
            ("99999999999999999999w", "100 years"),
        ] {
            let message = const_duration(text).expect_err(text);
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }

    proptest! {
        #[test]
        fn constants_and_texts_agree(text in "[0-9a-z .-]*|([0-9]{1,12}(ms|[smhdw]) ?){1,3}") {
            let is_number = !text.trim().is_empty() && text.trim().bytes().all(|byte| byte.is_ascii_digit());
            let parsed = parse_duration(&text).ok().filter(|_| !is_number);
            prop_assert_eq!(const_duration(&text).ok(), parsed);
        }

        #[test]
        fn round_trip(millis in 1..=u64::try_from(LONGEST.as_millis()).unwrap()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn never_panics(text in "\\PC*|[0-9hms .-]*") {
            let _ = parse_duration(&text);
        }
    }
}
