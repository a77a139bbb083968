use super::*;
use crate::http::rfc::tests::{date as on, headers};

fn matches(conditions: &[&str], tag: &str) -> bool {
    let conditions: Vec<_> = conditions.iter().map(|line| ("if-none-match", *line)).collect();
    not_modified(&headers(&conditions), &headers(&[("etag", tag)]))
}

/// RFC 9110 section 13.1.2.
#[test]
fn tags_that_match() {
    for (conditions, tag) in [
        (&[r#""a""#][..], r#""a""#),
        (&[r#"W/"a""#], r#""a""#),
        (&[r#""a""#], r#"W/"a""#),
        (&[r#"W/"a""#], r#"W/"a""#),
        (&[r#""a", "b", "c""#], r#""a""#),
        (&[r#""b", "a", "c""#], r#""a""#),
        (&[r#""b", "c", "a""#], r#""a""#),
        (&[r#""b""#, r#"W/"a""#], r#""a""#),
        (&[r#",, "x",W/"a,b""#], r#""a,b""#),
        (&[r#""ü""#], r#""ü""#),
        (&[r#"junk, "a""#], r#""a""#),
        (&["*"], r#""a""#),
        (&[" * "], ""),
    ] {
        assert!(matches(conditions, tag), "{conditions:?} {tag}");
    }
    assert!(not_modified(&headers(&[("if-none-match", "*")]), &HeaderMap::new()));
}

/// RFC 9110 section 13.1.2.
#[test]
fn tags_that_do_not_match() {
    for (conditions, tag) in [
        (&[r#""b""#][..], r#""a""#),
        (&["a"], r#""a""#),
        (&["a"], "a"),
        (&[r#""a""#], "a"),
        (&[r#"w/"a""#], r#"w/"a""#),
        (&[r#"w/"a""#], r#""a""#),
        (&[r#"W\"a""#], r#"W\"a""#),
        (&[r#"W"a""#], r#"W"a""#),
        (&[r#""a,b""#], r#""a""#),
        (&[r#""a"#], r#""a""#),
        (&["*, \"b\""], r#""a""#),
        (&["*", "\"b\""], r#""a""#),
        (&["\"*\""], r#""a""#),
        (&[""], r#""""#),
        (&[""], ""),
    ] {
        assert!(!matches(conditions, tag), "{conditions:?} {tag}");
    }
}

/// RFC 9110 section 13.1.3.
#[test]
fn dates_are_compared() {
    let (before, same, after) = (on(-10), on(0), on(10));
    let stored = headers(&[("last-modified", &*same), ("etag", "\"a\"")]);
    let is = |date: &str| not_modified(&headers(&[("if-modified-since", date)]), &stored);
    assert!(is(&same) && is(&after) && is("Thursday, 18-Aug-50 02:01:18 GMT"));
    assert!(!is(&before) && !is("garbage") && !is(""));
    let both = headers(&[("if-modified-since", &*same), ("if-modified-since", &*same)]);
    assert!(!not_modified(&both, &stored));
    let condition = headers(&[("if-modified-since", &*after)]);
    assert!(!not_modified(&condition, &headers(&[("date", &*same)])));
    assert!(!not_modified(&HeaderMap::new(), &stored));
}

/// RFC 9110 section 13.1.3.
#[test]
fn a_tag_takes_precedence_over_a_date() {
    let now = on(0);
    let stored = headers(&[("last-modified", &*now), ("etag", "\"a\"")]);
    for tag in ["\"b\"", "rubbish", ""] {
        assert!(!not_modified(&headers(&[("if-none-match", tag), ("if-modified-since", &*now)]), &stored));
    }
    let old = on(-5);
    assert!(not_modified(&headers(&[("if-none-match", "\"a\""), ("if-modified-since", &*old)]), &stored));
}

/// RFC 9110 section 15.4.5.
#[test]
fn a_304_repeats_the_required_fields() {
    let lines = [
        ("etag", "\"a\""),
        ("cache-control", "max-age=5"),
        ("cache-control", "public"),
        ("content-location", "/x"),
        ("date", "d"),
        ("expires", "e"),
        ("vary", "a"),
        ("vary", "b"),
        ("last-modified", "m"),
        ("content-type", "text/plain"),
        ("content-length", "5"),
        ("content-language", "en"),
        ("link", "</y>"),
        ("set-cookie", "a=b"),
    ];
    let mut stored = headers(&lines);
    assert_eq!(not_modified_headers(&stored), headers(&lines[..8]));
    stored.remove(ETAG);
    assert_eq!(not_modified_headers(&stored), headers(&lines[1..9]));
}
