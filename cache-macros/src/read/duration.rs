//! Duration: `30`, `"1h30m"` or an expression.

use syn::{Error, Expr, ExprLit, ExprUnary, Lit, Result, UnOp};

use crate::errors::list;
use crate::tokens::expr::peel;

/// The value of an option that is a time.
pub(crate) enum Time {
    /// Known at compile time, in milliseconds.
    Fixed(u64),
    /// Evaluated at each call.
    Computed(Expr),
}

const UNITS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// A hundred years. A longer time is a mistake in the unit.
const LONGEST: u64 = 36_500 * 86_400_000;

/// Reads the value of `option`, which is longer than zero.
pub(crate) fn read(option: &str, value: &Expr) -> Result<Time> {
    let zero = "the time must be longer than zero; write a time such as `\"5m\"`";
    match read_from_zero(option, value)? {
        Time::Fixed(0) => Err(Error::new_spanned(peel(value), format!("`{option}`: {zero}"))),
        time => Ok(time),
    }
}

/// Reads the value of `option`, which may be zero.
pub(crate) fn read_from_zero(option: &str, value: &Expr) -> Result<Time> {
    let value = peel(value);
    let fail = |message: String| Err(Error::new_spanned(value, message));
    let fixed = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if !is_plain(int.suffix()) => {
            Err(format!("`{int}` is a number with a suffix; write it as text: `\"{int}\"`"))
        }
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => match int.base10_parse::<u64>() {
            Ok(seconds) => bounded(seconds.checked_mul(1_000)),
            Err(_) => bounded(None),
        },
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => parse(&text.value()),
        Expr::Lit(ExprLit { lit: Lit::Float(_), .. }) => {
            Err("a fraction of a second is not supported; write milliseconds such as `\"1500ms\"`".to_owned())
        }
        Expr::Lit(_) => Err("this is not a time; write seconds or text such as `\"1h30m\"`".to_owned()),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) if matches!(peel(expr), Expr::Lit(_)) => {
            Err("a time cannot be negative; write seconds or text such as `\"1h30m\"`".to_owned())
        }
        computed => return Ok(Time::Computed(computed.clone())),
    };
    match fixed {
        Ok(millis) => Ok(Time::Fixed(millis)),
        Err(message) => fail(format!("`{option}`: {message}")),
    }
}

/// Returns true if the suffix makes an integer of Rust: `30`, `30u64`, but not `5m`.
fn is_plain(suffix: &str) -> bool {
    let bits = suffix.strip_prefix(['u', 'i']);
    suffix.is_empty() || bits.is_some_and(|bits| ["8", "16", "32", "64", "128", "size"].contains(&bits))
}

fn bounded(millis: Option<u64>) -> std::result::Result<u64, String> {
    match millis {
        Some(millis) if millis <= LONGEST => Ok(millis),
        _ => Err("the time is longer than 100 years; write a shorter one".to_owned()),
    }
}

/// `1h30m`, `1h 30m` -> milliseconds.
pub(crate) fn parse(text: &str) -> std::result::Result<u64, String> {
    sum(text).map_err(|message| match in_units(text) {
        Some(written) => format!("`{text}` is no time here; write `\"{written}\"`"),
        None => message,
    })
}

fn sum(text: &str) -> std::result::Result<u64, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("the text is empty; write a time such as `\"5m\"`".to_owned());
    }
    if rest.starts_with('-') {
        return Err(format!("`{rest}` is negative; write a time such as `\"5m\"`"));
    }
    let mut sum = Some(0_u64);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return Err(format!("expected a number at `{rest}`; write a time such as `\"1h30m\"`"));
        }
        let (number, tail) = rest.split_at(digits);
        if tail.starts_with('.') {
            return Err(format!("`{text}` has a fraction; write a smaller unit such as `1500ms`"));
        }
        let end = tail.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let part = number.parse::<u64>().ok();
        sum = sum
            .zip(part.zip(Some(scale(number, unit)?)))
            .and_then(|(sum, (n, scale))| sum.checked_add(n.checked_mul(scale)?));
        rest = tail.trim_start();
    }
    bounded(sum)
}

/// `1 hour 30 minutes` -> `1h30m`; `None` for a text that is something else.
fn in_units(text: &str) -> Option<String> {
    let (mut written, mut rest) = (String::new(), text.trim());
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

fn scale(number: &str, unit: &str) -> std::result::Result<u64, String> {
    let units = || list(UNITS.iter().map(|(unit, _)| unit));
    match UNITS.iter().find(|(known, _)| *known == unit) {
        Some((_, scale)) => Ok(*scale),
        None if unit.is_empty() => Err(format!("`{number}` has no unit; write one of {} after it", units())),
        None => Err(format!("`{unit}` is not a unit; units are {}", units())),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn texts_are_read() {
        for (text, millis) in [
            ("1ms", 1),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            (" 1d ", 86_400_000),
            ("2w", 1_209_600_000),
            ("1s500ms", 1_500),
            ("0m1s", 1_000),
            ("36500d", 36_500 * 86_400_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, part) in [
            ("", "empty"),
            ("  ", "empty"),
            ("-5s", "negative"),
            ("1.5h", "fraction"),
            ("60", "no unit"),
            ("5 m", "write `\"5m\"`"),
            ("1 minute", "`1 minute` is no time here; write `\"1m\"`"),
            ("1 hour 30 mins", "write `\"1h30m\"`"),
            ("90sec", "write `\"90s\"`"),
            ("1 month", "no unit"),
            ("5M", "`M` is not a unit; units are `ms`, `s`, `m`, `h`, `d`, `w`"),
            ("1y", "`y` is not a unit"),
            ("m", "expected a number at `m`"),
            ("1h+30m", "`h+` is not a unit"),
            ("36526d", "100 years"),
            ("99999999999999999999999s", "100 years"),
            ("18446744073709551615w", "100 years"),
            ("5µs", "`µs` is not a unit"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
