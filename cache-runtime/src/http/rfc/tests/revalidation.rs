use super::*;
use crate::http::rfc::tests::{date as on, headers};

/// RFC 9111 section 4.3.1.
#[test]
fn a_request_is_made_conditional_on_the_stored_response() {
    let modified = on(-5);
    let client = [
        ("if-none-match", "\"x\""),
        ("if-none-match", "\"y\""),
        ("if-modified-since", "z"),
        ("if-match", "\"x\""),
        ("if-unmodified-since", "z"),
        ("if-range", "\"x\""),
        ("range", "bytes=0-1"),
        ("accept", "text/html"),
    ];
    for (stored, wanted) in [
        (headers(&[("etag", "\"a\"")]), vec![("if-none-match", "\"a\"")]),
        (headers(&[("etag", "W/\"a\"")]), vec![("if-none-match", "W/\"a\"")]),
        (headers(&[("etag", "bare")]), vec![("if-none-match", "bare")]),
        (headers(&[("last-modified", &*modified)]), vec![("if-modified-since", &*modified)]),
        (
            headers(&[("last-modified", &*modified), ("etag", "\"a\"")]),
            vec![("if-none-match", "\"a\""), ("if-modified-since", &*modified)],
        ),
        (headers(&[("etag", ""), ("last-modified", "rubbish")]), vec![]),
        (headers(&[]), vec![]),
    ] {
        let mut request = headers(&client);
        assert_eq!(ask(&mut request, &stored), !wanted.is_empty());
        let mut wanted = headers(&wanted);
        wanted.append("accept", "text/html".parse().unwrap());
        assert_eq!(request, wanted);
    }
}

#[test]
fn a_304_speaks_of_what_it_names() {
    let (old, new) = (on(-5), on(-4));
    let stored = headers(&[("etag", "\"a\""), ("last-modified", &*old)]);
    for (not_modified, wanted) in [
        (headers(&[]), true),
        (headers(&[("etag", "\"a\"")]), true),
        (headers(&[("etag", "W/\"a\"")]), true),
        (headers(&[("etag", "\"b\"")]), false),
        (headers(&[("etag", "\"a\""), ("last-modified", &*new)]), true),
        (headers(&[("last-modified", &*old)]), true),
        (headers(&[("last-modified", &*new)]), false),
        (headers(&[("last-modified", "rubbish")]), true),
    ] {
        assert_eq!(applies(&stored, &not_modified), wanted, "{not_modified:?}");
    }
    assert!(applies(&headers(&[("etag", "bare")]), &headers(&[("etag", "bare")])));
    assert!(!applies(&headers(&[("last-modified", &*old)]), &headers(&[("etag", "\"a\"")])));
}

/// RFC 9111 section 3.2.
#[test]
fn a_304_updates_all_fields_but_those_of_the_body() {
    let mut stored = headers(&[
        ("etag", "\"a\""),
        ("content-length", "5"),
        ("content-encoding", "gzip"),
        ("content-range", "x"),
        ("content-md5", "x"),
        ("content-type", "text/plain"),
        ("x-twice", "1"),
        ("x-twice", "2"),
        ("x-kept", "3"),
        ("age", "30"),
        ("date", "old"),
    ]);
    let not_modified = headers(&[
        ("etag", "W/\"a\""),
        ("content-length", "0"),
        ("content-encoding", "br"),
        ("content-range", "y"),
        ("content-md5", "y"),
        ("set-cookie", "a=b"),
        ("connection", "x-named"),
        ("x-named", "6"),
        ("keep-alive", "7"),
        ("content-type", "text/html"),
        ("x-twice", "4"),
        ("x-new", "5"),
        ("x-new", "6"),
        ("date", "new"),
        ("cache-control", "max-age=9"),
    ]);
    merge(&mut stored, &not_modified);
    let wanted = headers(&[
        ("etag", "\"a\""),
        ("content-length", "5"),
        ("content-encoding", "gzip"),
        ("content-range", "x"),
        ("content-md5", "x"),
        ("content-type", "text/html"),
        ("x-twice", "4"),
        ("x-kept", "3"),
        ("x-new", "5"),
        ("x-new", "6"),
        ("date", "new"),
        ("cache-control", "max-age=9"),
    ]);
    assert_eq!(stored, wanted);
}

#[test]
fn after_a_304_that_says_nothing_the_response_is_young() {
    let mut stored = headers(&[("age", "30"), ("date", "old"), ("etag", "\"a\"")]);
    merge(&mut stored, &HeaderMap::new());
    assert_eq!(stored, headers(&[("etag", "\"a\"")]));
}

#[test]
fn maps_at_their_limit_do_not_panic() {
    let full = |start: u32| -> HeaderMap {
        let mut map = HeaderMap::new();
        for i in start..start + 40_000 {
            if map.try_append(format!("x{i}").parse::<HeaderName>().unwrap(), "1".parse().unwrap()).is_err() {
                break;
            }
        }
        map
    };
    let mut stored = full(0);
    merge(&mut stored, &full(100_000));
    assert!(!ask(&mut full(0), &headers(&[("etag", "\"a\"")])));
}
