use super::*;
use crate::http::rfc::tests::{at, date as on, headers};

fn lifetime(lines: &[(&'static str, &str)]) -> Option<u64> {
    let headers = headers(lines);
    explicit(&headers, &Directives::of(&headers), at(0)).map(|lifetime| lifetime.as_secs())
}

fn heuristic_of(status: u16, lines: &[(&'static str, &str)]) -> Option<u64> {
    let headers = headers(lines);
    let status = StatusCode::from_u16(status).unwrap();
    heuristic(status, &headers, &Directives::of(&headers), at(0)).map(|lifetime| lifetime.as_secs())
}

fn age(lines: &[(&'static str, &str)]) -> u64 {
    initial_age(&headers(lines), at(-2), at(0)).as_secs()
}

/// RFC 9111 section 4.2.1.
#[test]
fn the_stated_lifetime_in_order_of_precedence() {
    let expires = ("expires", &*on(30));
    let date = ("date", &*on(10));
    assert_eq!(lifetime(&[]), None);
    assert_eq!(lifetime(&[("cache-control", "max-age=1, s-maxage=2"), expires]), Some(2));
    assert_eq!(lifetime(&[("cache-control", "s-maxage=2"), ("cache-control", "max-age=1")]), Some(2));
    assert_eq!(lifetime(&[("cache-control", "max-age=0"), expires]), Some(0));
    assert_eq!(lifetime(&[("cache-control", "max-age=5"), ("expires", "0")]), Some(5));
    assert_eq!(lifetime(&[expires]), Some(30));
    assert_eq!(lifetime(&[expires, date]), Some(20));
    assert_eq!(lifetime(&[expires, ("date", "foo")]), Some(30));
    assert_eq!(lifetime(&[("cache-control", "public"), expires, date]), Some(20));
}

/// RFC 9111 section 5.3.
#[test]
fn expires_that_is_past_or_malformed_is_zero() {
    let (past, now, soon, later) = (on(-5), on(0), on(5), on(6));
    for lines in [
        vec![("expires", "0")],
        vec![("expires", "-1")],
        vec![("expires", "Thu, 18 Aug 2050 02:01:18 AEST")],
        vec![("expires", "\u{fc}")],
        vec![("expires", &*past)],
        vec![("expires", &*now)],
        vec![("expires", &*soon), ("date", &*later)],
        vec![("expires", &*soon), ("expires", &*later)],
        vec![("expires", &*later), ("expires", "0")],
    ] {
        assert_eq!(lifetime(&lines), Some(0), "{lines:?}");
    }
    assert_eq!(lifetime(&[("expires", &*soon), ("expires", &*soon)]), Some(5));
    assert_eq!(lifetime(&[("expires", "Fri, 31 Dec 9999 23:59:59 GMT")]), Some(1 << 31));
}

/// RFC 9111 section 4.2.2.
#[test]
fn the_heuristic_lifetime() {
    let (day, hour, now, year) = (on(-86_400), on(-3_600), on(0), on(-366 * 86_400));
    let modified = ("last-modified", &*day);
    assert_eq!(heuristic_of(200, &[modified]), Some(8_640));
    assert_eq!(heuristic_of(200, &[modified, ("date", &*hour)]), Some(8_280));
    assert_eq!(heuristic_of(200, &[("last-modified", &*year)]), Some(86_400));
    assert_eq!(heuristic_of(200, &[("last-modified", &*now)]), Some(0));
    assert_eq!(heuristic_of(200, &[("last-modified", &*now), ("date", &*hour)]), None);
    assert_eq!(heuristic_of(200, &[("last-modified", "x")]), None);
    assert_eq!(heuristic_of(200, &[]), None);
    for status in [201, 202, 302, 403, 500, 502, 503, 504, 599] {
        assert_eq!(heuristic_of(status, &[modified]), None);
        assert_eq!(heuristic_of(status, &[modified, ("cache-control", "public")]), Some(8_640));
    }
    for status in [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501] {
        assert_eq!(heuristic_of(status, &[modified]), Some(8_640));
    }
}

/// RFC 9111 section 4.2.3.
#[test]
fn the_age_on_arrival() {
    let (past, future) = (on(-20), on(20));
    assert_eq!(age(&[]), 2);
    assert_eq!(age(&[("date", &*past)]), 20);
    assert_eq!(age(&[("date", &*future)]), 2);
    assert_eq!(age(&[("age", "30")]), 32);
    assert_eq!(age(&[("age", "030"), ("date", &*past)]), 32);
    assert_eq!(age(&[("age", "10"), ("date", &*past)]), 20);
    // A clock that was set back does not make a response younger.
    assert_eq!(initial_age(&headers(&[("age", "5")]), at(10), at(0)).as_secs(), 5);
}

/// RFC 9111 section 5.1.
#[test]
fn the_first_of_several_ages_counts_and_a_malformed_one_does_not() {
    for (lines, wanted) in [
        (&["7200, 0"][..], 7202),
        (&["0, 7200"], 2),
        (&["7200", "0"], 7202),
        (&["0", "7200"], 2),
        (&["0, 0"], 2),
        (&["abc"], 2),
        (&["abc, 5"], 2),
        (&["-7200"], 2),
        (&["7200.0"], 2),
        (&["7200;foo=bar"], 2),
        (&[""], 2),
    ] {
        let lines: Vec<_> = lines.iter().map(|line| ("age", *line)).collect();
        assert_eq!(age(&lines), wanted, "{lines:?}");
    }
}

/// RFC 9111 section 1.2.2.
#[test]
fn the_longest_age_exceeds_the_longest_lifetime() {
    let longest = lifetime(&[("cache-control", "max-age=99999999999")]).unwrap();
    for line in ["2147483648", "2147483649", "99999999999999999999999"] {
        assert!(age(&[("age", line)]) >= longest, "{line}");
    }
}
