//! Lists of weighted members (RFC 9110 section 12.4.2), as in `Accept-Encoding` and `Accept-Language`.

use http::{HeaderMap, HeaderName};

use super::list;

/// The largest number of members that is read.
const MOST: usize = 32;

/// The largest weight, in thousandths.
pub(super) const FULL: u16 = 1000;

/// A member of a list, in lower case, and its weight in thousandths.
pub(super) type Weighted = (String, u16);

/// The members of a field on all its lines, in their order; `None` if one is malformed or repeated.
pub(super) fn weighted(request: &HeaderMap, name: &HeaderName) -> Option<Vec<Weighted>> {
    let mut all: Vec<Weighted> = Vec::new();
    for member in list::members(request, name) {
        let (value, weight) = read(member)?;
        if all.len() == MOST || all.iter().any(|(known, _)| *known == value) {
            return None;
        }
        all.push((value, weight));
    }
    Some(all)
}

fn read(member: &[u8]) -> Option<Weighted> {
    let mut parts = member.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let value = parts.next().filter(|value| !value.is_empty() && value.iter().all(|byte| is_token(*byte)))?;
    let weight = match (parts.next(), parts.next()) {
        (None, _) => FULL,
        (Some(weight), None) => {
            thousandths(weight.strip_prefix(b"q=").or_else(|| weight.strip_prefix(b"Q="))?)?
        }
        (Some(_), Some(_)) => return None,
    };
    Some((str::from_utf8(value).ok()?.to_ascii_lowercase(), weight))
}

/// Reads `0`, `0.5`, `1.000`: at most three decimals, at most one.
fn thousandths(weight: &[u8]) -> Option<u16> {
    let (whole, decimals) = match weight {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] => (whole, decimals),
        _ => return None,
    };
    if decimals.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) || !matches!(whole, b'0' | b'1') {
        return None;
    }
    let padded = decimals.iter().copied().chain(std::iter::repeat(b'0')).take(3);
    let part = padded.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let weight = u16::from(whole - b'0') * FULL + part;
    (weight <= FULL).then_some(weight)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT_ENCODING;

    use super::*;
    use crate::http::rfc::tests::headers;

    fn read(line: &str) -> Option<Vec<(String, u16)>> {
        weighted(&headers(&[("accept-encoding", line)]), &ACCEPT_ENCODING)
    }

    #[test]
    fn weights_are_read() {
        let expected = [("gzip", 1000), ("br", 500), ("*", 0), ("x", 1), ("y", 1000), ("z", 10)];
        let expected = expected.map(|(value, weight)| (value.to_owned(), weight));
        assert_eq!(read("GZip, br;q=0.5,, * ; Q=0 ,x;q=0.001,y;q=1.000,z;q=0.01"), Some(expected.into()));
        assert_eq!(read(""), Some(Vec::new()));
    }

    #[test]
    fn malformed_lists_are_not_read() {
        for line in [
            "gzip;q",
            "gzip;q=",
            "gzip;q=2",
            "gzip;q=1.1",
            "gzip;q=.5",
            "gzip;q=0.1234",
            "gzip;q=-1",
            "gzip;level=1",
            "gzip;q=1;q=0",
            "gzip br",
            "\"gzip\"",
            ";q=1",
            "gzip, gzip;q=0",
            "gzip, GZIP",
            "é",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        let long = (0..=MOST).map(|n| format!("a{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(read(&long), None);
    }
}
