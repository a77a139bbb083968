use proptest::prelude::*;

use super::*;
use crate::http::rfc::tests::headers;

fn by(lines: &[&str]) -> Varies {
    let lines: Vec<_> = lines.iter().map(|line| ("vary", *line)).collect();
    of(&headers(&lines))
}

fn names(names: &[&'static str]) -> Box<[HeaderName]> {
    names.iter().map(|name| HeaderName::from_static(name)).collect()
}

fn variant(request: &[(&'static str, &str)]) -> [u8; 16] {
    digest(&names(&["bar", "foo"]), &headers(request), Matching::Accepted)
}

/// RFC 9110 section 12.5.5.
#[test]
fn vary_is_read() {
    assert_eq!(by(&[]), Varies::Not);
    assert_eq!(by(&["", " , "]), Varies::Not);
    assert_eq!(by(&["Foo"]), Varies::By(names(&["foo"])));
    assert_eq!(by(&["foo, ,BAR", "Foo,baz"]), Varies::By(names(&["bar", "baz", "foo"])));
    for lines in [
        &["*"][..],
        &["*, *"],
        &["*", "*"],
        &[", *"],
        &["", "*"],
        &["*, Foo"],
        &["Foo, *"],
        &["foo", "bar,*"],
        &["foo bar"],
        &["\"foo\""],
        &["foo;bar"],
        &["fü"],
    ] {
        assert_eq!(by(lines), Varies::Always, "{lines:?}");
    }
}

#[test]
fn too_many_names_are_refused() {
    let line = |count: usize| (0..count).map(|i| format!("h{i}")).collect::<Vec<_>>().join(",");
    assert!(matches!(by(&[&line(32), &line(32)]), Varies::By(names) if names.len() == 32));
    assert_eq!(by(&[&line(33)]), Varies::Always);
    assert_eq!(by(&[&"a,".repeat(100_000)]), Varies::By(names(&["a"])));
}

/// RFC 9111 section 4.1.
#[test]
fn different_requests_are_different_variants() {
    let all = [
        variant(&[]),
        variant(&[("foo", "")]),
        variant(&[("foo", "1")]),
        variant(&[("bar", "1")]),
        variant(&[("foo", "1"), ("bar", "")]),
        variant(&[("foo", "1,2")]),
        variant(&[("foo", "2,1")]),
        variant(&[("foo", "1,,2")]),
        variant(&[("foo", "1 2")]),
        variant(&[("foo", "\"1, 2\"")]),
        variant(&[("foo", "\"1,2\"")]),
        variant(&[("foo", "A")]),
        variant(&[("foo", "a")]),
        variant(&[("foo", "é")]),
    ];
    for (i, one) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|other| other != one), "{i}");
    }
}

/// RFC 9111 section 4.1.
#[test]
fn equal_requests_have_one_variant() {
    let one = variant(&[("foo", "1, 2"), ("bar", "x")]);
    for request in [
        &[("foo", "1,2"), ("bar", "x"), ("other", "y")][..],
        &[("bar", "x"), ("foo", " 1 ,\t2 ")],
        &[("foo", "1"), ("bar", "x"), ("foo", "2")],
    ] {
        assert_eq!(variant(request), one, "{request:?}");
    }
}

#[test]
fn the_digest_is_frozen() {
    let hex: String = variant(&[("foo", "1, 2")]).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "250b3c89a8a342a623c3d0f1dfaf618e");
}

/// RFC 9111 section 4.1.
#[test]
fn codings_and_languages_are_compared_by_what_they_mean() {
    let names = names(&["accept-encoding", "accept-language"]);
    let both = |matching, encoding: &str, language: &str| {
        digest(&names, &headers(&[("accept-encoding", encoding), ("accept-language", language)]), matching)
    };
    let accepted = |encoding: &str, language: &str| both(Matching::Accepted, encoding, language);
    assert_eq!(accepted("gzip, deflate", "en-US,en;q=0.9"), accepted("gzip;q=0.8", "en-us, en;q=0.5"));
    assert_ne!(accepted("gzip", "en"), accepted("br", "en"));
    assert_ne!(accepted("gzip", "en"), accepted("gzip", "de"));
    let exact = |encoding: &str, language: &str| both(Matching::Exact, encoding, language);
    assert_eq!(exact("gzip, br;q=0.5", "en, de;q=0.5"), exact("BR;q=0.50,gzip", "de;q=0.5,EN"));
    assert_ne!(exact("gzip, deflate", "en"), exact("gzip", "en"));
    assert_ne!(exact("gzip", "en, de;q=0.5"), exact("gzip", "en, de;q=0.4"));
    // A malformed field is no normal one, nor is an absent one.
    for encoding in ["br>gzip", "gzip/identity", "gzip!identity", "gzip;q=2"] {
        assert_ne!(accepted(encoding, "en"), accepted("br, gzip;q=0.5", "en"), "{encoding}");
        assert_ne!(accepted(encoding, "en"), accepted("gzip, identity;q=0", "en"), "{encoding}");
    }
    let absent = digest(&names, &headers(&[("accept-language", "en")]), Matching::Accepted);
    assert_ne!(accepted("", "en"), absent);
}

/// RFC 9111 section 4.1.
#[test]
fn the_superset_is_the_variant_of_requests_that_accept_more() {
    let names = names(&["accept-encoding", "foo"]);
    let superset = |encoding: &str, foo: &str, matching| {
        superset_digest(&names, &headers(&[("accept-encoding", encoding), ("foo", foo)]), matching)
    };
    let all = digest(
        &names,
        &headers(&[("accept-encoding", "gzip, deflate, br, zstd"), ("foo", "1")]),
        Matching::Accepted,
    );
    assert_eq!(superset("gzip", "1", Matching::Accepted), Some(all));
    assert_ne!(superset("gzip", "2", Matching::Accepted), Some(all));
    assert_eq!(superset("gzip", "1", Matching::Exact), None);
    assert_eq!(superset("gzip;q=2", "1", Matching::Accepted), None);
    assert_eq!(
        superset_digest(&names[1..], &headers(&[("accept-encoding", "gzip")]), Matching::Accepted),
        None
    );
}

proptest! {
    /// Digests differ if and only if the values differ in more than blanks.
    #[test]
    fn only_blanks_around_members_are_ignored(a in "[ab\", \\\\]{0,8}", b in "[ab\", \\\\]{0,8}") {
        let plain = |text: &str| list::split(text.as_bytes()).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let is_same = plain(&a).join(&b','.to_owned()) == plain(&b).join(&b','.to_owned());
        prop_assert_eq!(variant(&[("foo", &a)]) == variant(&[("foo", &b)]), is_same);
    }
}
