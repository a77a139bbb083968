use super::*;
use crate::http::rfc::tests::headers;

fn of(base: &str, host: Option<&str>, lines: &[(&'static str, &str)]) -> Vec<String> {
    let host = host.map(|host| HeaderValue::from_str(host).unwrap());
    let targets = targets(&base.parse().unwrap(), host.as_ref(), &headers(lines));
    targets.iter().map(ToString::to_string).collect()
}

fn located(base: &str, host: Option<&str>, reference: &str) -> Option<String> {
    of(base, host, &[("location", reference)]).into_iter().nth(1)
}

/// RFC 9110 section 9.2.1.
#[test]
fn safe_methods_and_successful_statuses() {
    for name in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert!(is_safe(&name.parse().unwrap()));
    }
    for name in ["POST", "PUT", "DELETE", "PATCH", "CONNECT", "M-SEARCH", "get"] {
        assert!(!is_safe(&name.parse().unwrap()));
    }
    for (status, wanted) in [(200, true), (204, true), (303, true), (404, false), (500, false), (100, false)]
    {
        assert_eq!(invalidates(StatusCode::from_u16(status).unwrap()), wanted);
    }
}

/// RFC 9111 section 4.4.
#[test]
fn the_target_and_the_locations_of_the_response_are_invalidated() {
    assert_eq!(of("/a?x=1", None, &[]), ["/a?x=1"]);
    let lines = [("location", "/b"), ("content-location", "c?y=2")];
    assert_eq!(of("/d/a?x=1", None, &lines), ["/d/a?x=1", "/b", "/d/c?y=2"]);
    assert_eq!(of("/a", None, &[("location", "/a"), ("content-location", "/a")]), ["/a"]);
    assert_eq!(of("http://h/a", None, &[("location", "b")]), ["http://h/a", "http://h/b"]);
}

/// RFC 3986 section 5.2.
#[test]
fn relative_references_are_resolved() {
    for (reference, wanted) in [
        ("g", Some("/b/c/g")),
        ("./g", Some("/b/c/g")),
        ("g/", Some("/b/c/g/")),
        ("/g", Some("/g")),
        ("?y", Some("/b/c/d?y")),
        ("g?y", Some("/b/c/g?y")),
        ("g?y/./x", Some("/b/c/g?y/./x")),
        ("g#s", Some("/b/c/g")),
        ("#s", None),
        ("", None),
        (".", Some("/b/c/")),
        ("..", Some("/b/")),
        ("../g", Some("/b/g")),
        ("../../../g", Some("/g")),
        ("/./g/../h", Some("/h")),
        ("g;x=1/../y", Some("/b/c/y")),
        ("a%2Fb", Some("/b/c/a%2Fb")),
        ("1:2", Some("/b/c/1:2")),
        ("mailto:x@h", None),
        ("http:g", None),
        ("javascript:alert(1)", None),
        ("a b", None),
        ("ü", None),
    ] {
        assert_eq!(located("/b/c/d?q", Some("h"), reference).as_deref(), wanted, "{reference}");
    }
    assert_eq!(located("*", Some("h"), "g").as_deref(), Some("/g"));
}

/// RFC 9111 section 4.4.
#[test]
fn other_origins_are_left_alone() {
    for (base, host, reference, wanted) in [
        ("/a", Some("h"), "http://h/x?y", Some("/x?y")),
        ("/a", Some("h"), "https://h/x", Some("/x")),
        ("/a", Some("h"), "//h/x", Some("/x")),
        ("/a", Some("H:80"), "HTTP://h/x", Some("/x")),
        ("/a", Some("h"), "https://h:443/x", Some("/x")),
        ("/a", Some("h"), "http://h", Some("/")),
        ("/a", Some("h"), "http://h?y", Some("/?y")),
        ("/a", Some("h"), "http://h/x/../y", Some("/y")),
        ("/a", Some("h:8080"), "http://h:8080/x", Some("/x")),
        ("/a", Some("h"), "http://h:443/x", None),
        ("/a", Some("h"), "http://h:8080/x", None),
        ("/a", Some("h"), "http://other/x", None),
        ("/a", Some("h"), "//other/x", None),
        ("/a", Some("h"), "http://h@other/x", None),
        ("/a", Some("h"), "http://h.other/x", None),
        ("/a", Some("h"), "ftp://h/x", None),
        ("/a", Some("h"), "http://", None),
        ("/a", None, "http://h/x", None),
        ("http://h/a", Some("other"), "http://h/x", Some("http://h/x")),
        ("http://h/a", None, "https://h/x", None),
        ("https://h/a", None, "//h:443/x", Some("https://h/x")),
    ] {
        assert_eq!(located(base, host, reference).as_deref(), wanted, "{base} {host:?} {reference}");
    }
}
