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
    digest(&names(&["bar", "foo"]), &headers(request))
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

proptest! {
    /// Digests differ if and only if the values differ in more than blanks.
    #[test]
    fn only_blanks_around_members_are_ignored(a in "[ab\", \\\\]{0,8}", b in "[ab\", \\\\]{0,8}") {
        let plain = |text: &str| list::split(text.as_bytes()).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let is_same = plain(&a).join(&b','.to_owned()) == plain(&b).join(&b','.to_owned());
        prop_assert_eq!(variant(&[("foo", &a)]) == variant(&[("foo", &b)]), is_same);
    }
}
