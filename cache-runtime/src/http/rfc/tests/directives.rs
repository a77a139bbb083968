use super::*;
use crate::http::rfc::tests::headers;

fn response(lines: &[&str]) -> Directives {
    let lines: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
    Directives::of(&headers(&lines))
}

fn request(line: &str) -> RequestDirectives {
    RequestDirectives::of(&headers(&[("cache-control", line)]))
}

fn secs(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

/// RFC 9111 section 5.2.
#[test]
fn every_directive_is_read_in_any_case_on_any_line() {
    let found = response(&[
        "No-StOrE, no-cache,, PRIVATE",
        " public , must-revalidate,proxy-revalidate, must-understand",
        "max-age=1, S-MaxAge=2, stale-while-revalidate=3, stale-if-error=4, unknown, other=5",
    ]);
    let wanted = Directives {
        no_store: true,
        no_cache: true,
        private: true,
        public: true,
        must_revalidate: true,
        proxy_revalidate: true,
        must_understand: true,
        max_age: secs(1),
        s_maxage: secs(2),
        stale_while_revalidate: secs(3),
        stale_if_error: secs(4),
        is_targeted: false,
    };
    assert_eq!(found, wanted);
    assert_eq!(response(&["", ",, ,"]), Directives::default());
}

/// RFC 9111 section 1.2.2.
#[test]
fn lifetimes_are_read() {
    for (value, wanted) in [
        ("0", 0),
        ("3600", 3600),
        ("003600", 3600),
        ("\"3600\"", 3600),
        ("2147483648", 1 << 31),
        ("2147483649", 1 << 31),
        ("99999999999", 1 << 31),
        ("99999999999999999999999999", 1 << 31),
        ("-3600", 0),
        ("+3600", 0),
        ("3600.0", 0),
        ("3600.5", 0),
        ("'3600'", 0),
        ("a3600", 0),
        ("3600a", 0),
        (" 3600", 0),
        ("\"3600", 0),
        ("\"\"", 0),
        ("\"", 0),
        ("", 0),
    ] {
        assert_eq!(response(&[&format!("max-age={value}")]).max_age, secs(wanted), "{value}");
    }
    assert_eq!(response(&["max-age"]).max_age, secs(0));
    assert_eq!(response(&["max-age =60"]).max_age, secs(0));
    assert_eq!(response(&["no-store =60"]), Directives { no_store: true, ..Directives::default() });
}

/// RFC 9111 section 4.2.1.
#[test]
fn the_most_restrictive_of_repeated_directives_counts() {
    assert_eq!(response(&["max-age=1, max-age=1800"]).max_age, secs(1));
    assert_eq!(response(&["max-age=1800", "max-age=1"]).max_age, secs(1));
    assert_eq!(response(&["max-age=1800, max-age=x"]).max_age, secs(0));
}

#[test]
fn quoted_strings_hide_directives_and_open_ones_do_not() {
    assert_eq!(response(&[r#"extension="max-age=3600, no-store", max-age=1"#]).max_age, secs(1));
    assert!(!response(&[r#"extension="a, no-store""#]).no_store);
    assert!(response(&[r#"extension="a, no-store"#]).no_store);
    assert!(response(&[r#"private="set-cookie, x""#]).private);
    assert!(response(&[r#"no-cache="a", max-age=5"#]).no_cache);
}

#[test]
fn bytes_above_ascii_hide_nothing() {
    let found = response(&["x=é, no-store, max-age=é"]);
    assert_eq!((found.no_store, found.max_age), (true, secs(0)));
}

/// RFC 9111 section 5.4.
#[test]
fn pragma_replaces_an_absent_cache_control() {
    let pragma = ("pragma", "x, No-Cache");
    assert!(Directives::of(&headers(&[pragma])).no_cache);
    assert!(RequestDirectives::of(&headers(&[pragma])).no_cache);
    assert!(!Directives::of(&headers(&[pragma, ("cache-control", "max-age=1")])).no_cache);
    assert!(!RequestDirectives::of(&headers(&[pragma, ("cache-control", "")])).no_cache);
    assert!(!RequestDirectives::of(&headers(&[("pragma", "x-no-cache")])).no_cache);
}

/// RFC 9111 section 5.2.1.
#[test]
fn request_directives_are_read() {
    let wanted = RequestDirectives {
        no_store: true,
        no_cache: true,
        only_if_cached: true,
        max_age: secs(0),
        min_fresh: secs(2),
        max_stale: secs(3),
    };
    let line =
        "NO-CACHE, no-store,, only-if-cached, max-age=0, min-fresh=2, max-stale=\"3\", stale-if-error=4";
    assert_eq!(request(line), wanted);
}

#[test]
fn malformed_request_directives_are_ignored() {
    for line in [
        "x-no-cache-y",
        "no-cachex",
        "max-age=abc",
        "max-age",
        "max-age=-1",
        "max-age=1.5",
        "min-fresh=x",
        "max-stale=x",
        "max-stale=",
        "stale-if-error",
        "max-age =5",
    ] {
        assert_eq!(request(line), RequestDirectives::default(), "{line}");
    }
}

#[test]
fn repeated_request_directives() {
    assert_eq!(request("max-stale").max_stale, Some(Duration::MAX));
    assert_eq!(request("max-stale, max-stale=5").max_stale, secs(5));
    assert_eq!(request("max-stale=5, max-stale=x").max_stale, secs(5));
    assert_eq!(request("max-age=5, max-age=3").max_age, secs(3));
    assert_eq!(request("min-fresh=3, min-fresh=5").min_fresh, secs(5));
    assert_eq!(request("no-cache, max-age=0").max_age, secs(0));
}

/// Section 5.2.3.
#[test]
fn extensions_are_the_well_formed_directives_that_clients_may_have_a_use_for() {
    for (line, wanted) in [
        ("", &[][..]),
        ("max-age=5, no-cache, Public, s-maxage=1, private=\"x\", stale-if-error=3", &[]),
        ("immutable, no-transform, max-age=5", &["immutable", "no-transform"]),
        ("a=1, A=1, a=2, b=\"x, y\", c=\"\\\"\"", &["a=1", "a=2", "b=\"x, y\"", "c=\"\\\"\""]),
        ("a b, =1, a =1, a=, a=b c, a=\"b\"c, a=\"b, ok", &["ok"]),
        ("must-understand", &["must-understand"]),
    ] {
        let headers = headers(&[("cache-control", line)]);
        assert_eq!(
            extensions(&headers),
            wanted.iter().map(|text| text.as_bytes()).collect::<Vec<_>>(),
            "{line}"
        );
    }
    let many: Vec<_> = (0..100).map(|n| format!("x{n}")).collect();
    assert_eq!(extensions(&headers(&[("cache-control", &*many.join(","))])).len(), 16);
    let long = format!("a={}, b={}, c", "x".repeat(600), "x".repeat(600));
    assert_eq!(extensions(&headers(&[("cache-control", &*long)])).len(), 1);
}
