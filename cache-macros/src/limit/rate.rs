//! Rate: `100/minute`, `5/15m`, as the runtime reads it.

/// A rate that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrittenRate {
    pub(super) limit: u64,
    pub(super) seconds: u64,
}

const MAX_LIMIT: u64 = 1_000_000_000;
const MAX_SECONDS: u64 = 366 * 86_400;

/// The units: the short name, the long ones, and the seconds.
const UNITS: [(&str, &[&str], u64); 5] = [
    ("s", &["second", "sec"], 1),
    ("m", &["minute", "min"], 60),
    ("h", &["hour", "hr"], 3_600),
    ("d", &["day"], 86_400),
    ("w", &["week"], 604_800),
];

/// Reads a rate; the error is the end of a message.
pub(super) fn parse(text: &str) -> Result<WrittenRate, &'static str> {
    let lower = text.to_ascii_lowercase();
    let parts = lower.split_once('/').or_else(|| lower.split_once("per"));
    let (limit, window) = parts.ok_or("is not a rate; write one such as `100/minute` or `5/15m`")?;
    let limit: u64 = limit
        .trim()
        .parse()
        .map_err(|_| "must begin with a whole number; write one such as `100/minute` or `5/15m`")?;
    let window = window.trim();
    let unit = window.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = &window[..window.len() - unit.len()];
    let seconds = seconds_of(unit.trim_start()).ok_or(
        "has a unit that is not known; write `s`, `m`, `h`, `d`, `w`, or one in words such as `15 minutes`",
    )?;
    let count = if count.is_empty() { Some(1) } else { count.parse::<u64>().ok() };
    let seconds = count.and_then(|count| count.checked_mul(seconds)).unwrap_or(u64::MAX);
    match (limit, seconds) {
        (0, _) => Err("allows nothing; write a limit of one or more"),
        (_, 0) => Err("has a window of zero; write one of a second or more"),
        (MAX_LIMIT.., _) if limit > MAX_LIMIT => Err("has a limit of more than a billion"),
        _ if seconds > MAX_SECONDS => Err("has a window of more than 366 days"),
        _ => Ok(WrittenRate { limit, seconds }),
    }
}

fn seconds_of(unit: &str) -> Option<u64> {
    let is_word = |word: &&str| unit.strip_prefix(*word).is_some_and(|rest| matches!(rest, "" | "s"));
    let found = UNITS.iter().find(|(short, words, _)| *short == unit || words.iter().any(is_word));
    found.map(|(.., seconds)| *seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_runtime() {
        for (text, limit, seconds) in [
            ("100/minute", 100, 60),
            ("5/15m", 5, 900),
            ("7 PER 2 Hours", 7, 7_200),
            (" 3 / week ", 3, 604_800),
        ] {
            assert_eq!(parse(text), Ok(WrittenRate { limit, seconds }), "{text}");
        }
        for text in [
            "",
            "100",
            "/minute",
            "-5/minute",
            "1.5/m",
            "5/ms",
            "0/m",
            "5/0m",
            "5/fortnight",
            "5/400d",
            "2000000000/s",
            "5/ss",
            "100//m",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
