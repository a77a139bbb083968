use super::*;
use crate::http::rfc::tests::{date as on, headers};

fn of(range: &str, len: u64) -> Ranged {
    ranged(&headers(&[("range", range)]), &HeaderMap::new(), len)
}

fn part(first: u64, last: u64) -> Ranged {
    Ranged::Part { first, last }
}

/// RFC 9110 section 14.1.2.
#[test]
fn one_range_of_bytes() {
    for (range, wanted) in [
        ("bytes=0-1", part(0, 1)),
        ("Bytes=0-0", part(0, 0)),
        (" bytes= 2-3 ", part(2, 3)),
        ("bytes=1-", part(1, 10)),
        ("bytes=-1", part(10, 10)),
        ("bytes=-99", part(0, 10)),
        ("bytes=5-99", part(5, 10)),
        ("bytes=0-99999999999999999999999", part(0, 10)),
        ("bytes=10-10", part(10, 10)),
    ] {
        assert_eq!(of(range, 11), wanted, "{range}");
    }
}

/// RFC 9110 section 15.5.17.
#[test]
fn unsatisfiable_ranges() {
    for (range, len) in
        [("bytes=11-", 11), ("bytes=11-20", 11), ("bytes=-0", 11), ("bytes=0-", 0), ("bytes=-0", 0)]
    {
        assert_eq!(of(range, len), Ranged::Unsatisfiable, "{range}");
    }
    assert_eq!(of("bytes=99999999999999999999999-", 11), Ranged::Unsatisfiable);
    assert_eq!(of("bytes=-1", 0), Ranged::Whole);
}

/// RFC 9110 section 14.2.
#[test]
fn other_ranges_get_the_whole_body() {
    for range in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=1",
        "bytes=a-b",
        "bytes=3-2",
        "bytes=0-1,3-4",
        "bytes=0-1,",
        "bytes=--1",
        "bytes=0--1",
        "bytes=0 - 1",
        "bytes =0-1",
        "items=0-1",
        "0-1",
        "bytes=+0-1",
        "bytes=0-1;x",
    ] {
        assert_eq!(of(range, 11), Ranged::Whole, "{range}");
    }
    assert_eq!(ranged(&headers(&[]), &HeaderMap::new(), 11), Ranged::Whole);
    let twice = headers(&[("range", "bytes=0-1"), ("range", "bytes=0-1")]);
    assert_eq!(ranged(&twice, &HeaderMap::new(), 11), Ranged::Whole);
}

/// RFC 9110 section 13.1.5.
#[test]
fn if_range_must_name_the_stored_response() {
    let (modified, sent, other) = (on(-5), on(-4), on(-3));
    let stored = headers(&[("etag", "\"a\""), ("last-modified", &*modified), ("date", &*sent)]);
    for (condition, is_part) in [
        ("\"a\"", true),
        ("W/\"a\"", false),
        ("\"b\"", false),
        ("a", false),
        ("*", false),
        ("\"a\", \"b\"", false),
        (&*modified, true),
        (&*other, false),
        ("", false),
    ] {
        let request = headers(&[("range", "bytes=0-1"), ("if-range", condition)]);
        assert_eq!(ranged(&request, &stored, 11) != Ranged::Whole, is_part, "{condition}");
    }
    let twice = headers(&[("range", "bytes=0-1"), ("if-range", "\"a\""), ("if-range", "\"a\"")]);
    assert_eq!(ranged(&twice, &stored, 11), Ranged::Whole);
    let weak = headers(&[("etag", "W/\"a\"")]);
    let request = headers(&[("range", "bytes=0-1"), ("if-range", "W/\"a\"")]);
    assert_eq!(ranged(&request, &weak, 11), Ranged::Whole);
}

/// RFC 9110 section 8.8.2.2.
#[test]
fn a_response_of_the_second_of_its_last_change_has_no_strong_date() {
    let modified = on(-5);
    let request = headers(&[("range", "bytes=0-1"), ("if-range", &*modified)]);
    for stored in [
        headers(&[("last-modified", &*modified)]),
        headers(&[("last-modified", &*modified), ("date", &*modified)]),
        headers(&[]),
    ] {
        assert_eq!(ranged(&request, &stored, 11), Ranged::Whole);
    }
}
