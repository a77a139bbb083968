//! Whole seconds as HTTP writes them (RFC 9111 section 1.2.2).

use std::time::Duration;

/// The value of a number that is too large: 2^31 seconds, as RFC 9111 section 1.2.2 proposes.
pub(crate) const LONGEST: Duration = Duration::from_secs(1 << 31);

/// Reads seconds: digits, with leading zeros, but without a sign or a fraction.
pub(crate) fn seconds(text: &[u8]) -> Option<Duration> {
    Some(Duration::from_secs(number(text)?).min(LONGEST))
}

/// Reads a number of digits alone. One that is too large counts as the largest.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| {
        text.iter().fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9111 section 1.2.2.
    #[test]
    fn only_digits_are_read() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("60", Some(60)),
            ("003600", Some(3600)),
            ("2147483648", Some(1 << 31)),
            ("2147483649", Some(1 << 31)),
            ("99999999999999999999999999", Some(1 << 31)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1 ", None),
            ("a1", None),
            ("1a", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), wanted.map(Duration::from_secs), "{text:?}");
        }
    }
}
