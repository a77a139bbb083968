use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const AS_IS: UrlRules = UrlRules { authority: false, sort: false, allow: None };
const SORT: UrlRules = UrlRules { sort: true, ..AS_IS };

fn of(url: &str, rules: &UrlRules) -> String {
    text(&url.parse().unwrap(), Some("Example.org:8080"), rules)
}

fn allow(names: &[&str]) -> UrlRules {
    UrlRules { allow: Some(names.iter().map(|name| (*name).to_owned()).collect()), ..AS_IS }
}

#[test]
fn the_text_is_readable() {
    for (url, wanted) in [
        ("/", "/"),
        ("/items/1?b=2&a=1", "/items/1?b=2&a=1"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a:b", "/a:b"),
        ("/~user", "/~user"),
        ("/x?", "/x?"),
        ("http://h/x", "/x"),
    ] {
        assert_eq!(of(url, &AS_IS), wanted);
    }
    let authority = UrlRules { authority: true, ..AS_IS };
    assert_eq!(of("/x", &authority), "example.org:8080/x");
    assert_eq!(of("http://H/x", &authority), "h/x");
    assert_eq!(text(&"/x".parse().unwrap(), None, &authority), "/x");
    assert_eq!(
        text(&"/x".parse().unwrap(), Some("a/b ?{ü}"), &authority),
        "a%%2Fb%%20%%3F%%7B%%C3%%BC%%7D/x"
    );
}

#[test]
fn different_urls_have_different_texts() {
    let urls = [
        "/i/a:b",
        "/i/a/b",
        "/i/a%2Fb",
        "/i/a%2fb",
        "/items",
        "/items/",
        "/items?",
        "/items?a",
        "/items?a=",
        "/items?a=1&b=2",
        "/items?b=2&a=1",
        "/A",
        "/%41",
        "/a+b",
        "/a%20b",
        "/a?x=1?y",
        "/{a}",
        "/%7Ba%7D",
        "/%%7Ba%%7D",
        "/a?{",
        "/a?%7B",
        "/a?%%7B",
    ];
    let mut seen = HashMap::new();
    for url in urls {
        assert_eq!(seen.insert(of(url, &AS_IS), url), None, "{url}");
    }
}

#[test]
fn the_order_of_names_does_not_count_when_sorted() {
    for (url, wanted) in [
        ("/x?z=2&a=1", "/x?a=1&z=2"),
        ("/x?a=1&z=2", "/x?a=1&z=2"),
        ("/x?a=2&b=0&a=1", "/x?a=2&a=1&b=0"),
        ("/x?a=1&a=2", "/x?a=1&a=2"),
        ("/x?b&&a&", "/x?a&b"),
        ("/x?a=", "/x?a="),
        // Two spellings of one name.
        ("/x?b&a=1&%61=2", "/x?a=1&%61=2&b"),
        ("/x?%61=2&b&a=1", "/x?%61=2&a=1&b"),
        ("/x?%FF=1&%FE=2", "/x?%FF=1&%FE=2"),
        ("/x?%FE=2&%FF=1", "/x?%FE=2&%FF=1"),
        ("/x?", "/x?"),
        ("/x?&", "/x?"),
        ("/x", "/x"),
    ] {
        assert_eq!(of(url, &SORT), wanted, "{url}");
    }
}

#[test]
fn only_allowed_names_count() {
    let rules = allow(&["a", "ü b", "%"]);
    for (url, wanted) in [
        ("/x?a%00=EVIL&a=3", "/x?a=3"),
        ("/x?b=1&a=2&utm=3&a=1", "/x?a=2&a=1"),
        ("/x?%61=1", "/x?%61=1"),
        ("/x?%C3%bc+b=1&%C3%BC%20b", "/x?%C3%bc+b=1&%C3%BC%20b"),
        ("/x?%=1&%2=1&%zz=1&%25=2", "/x?%=1&%25=2"),
        ("/x?A=1&aa=1", "/x"),
        ("/x?", "/x"),
    ] {
        assert_eq!(of(url, &rules), wanted, "{url}");
    }
    assert_eq!(of("/x?b=1&a=2", &UrlRules { sort: true, ..allow(&["b", "a"]) }), "/x?a=2&b=1");
    assert_eq!(of("/x?a=1", &allow(&[])), "/x");
}

#[test]
fn a_reduced_url_has_the_text_of_the_whole_one() {
    let rules = UrlRules { authority: true, sort: true, ..allow(&["a", "b"]) };
    for (url, wanted) in [
        ("/x?b=1&c=2&&a=3", Some("/x?b=1&a=3")),
        ("/x?%61=%20+&c", Some("/x?%61=%20+")),
        ("/x?c", Some("/x")),
        ("/x?", Some("/x")),
        ("http://h:1/x?c&a", Some("http://h:1/x?a")),
        ("/x?b&a", None),
        ("/x", None),
        ("*", None),
        ("h:1", None),
    ] {
        let uri: Uri = url.parse().unwrap();
        let reduced = reduced(&uri, &rules);
        assert_eq!(reduced.as_ref().map(Uri::to_string).as_deref(), wanted, "{url}");
        if let Some(reduced) = reduced {
            assert_eq!(text(&reduced, None, &rules), text(&uri, None, &rules), "{url}");
            assert_eq!(super::reduced(&reduced, &rules), None, "{url}");
        }
    }
    assert_eq!(reduced(&"/x?c".parse().unwrap(), &SORT), None);
}

#[test]
fn long_urls_are_cut_and_hashed() {
    let exact = format!("/{}", "a".repeat(199));
    assert_eq!(of(&exact, &AS_IS), exact);
    let (one, two) = (of(&format!("{exact}1"), &AS_IS), of(&format!("{exact}2"), &AS_IS));
    assert_ne!(one, two);
    assert_eq!(one.len(), 113);
    assert_eq!(one[..81], format!("/{}~", "a".repeat(79)));
    // No short URL has the key of a long one.
    assert_ne!(of(&one, &AS_IS), one);
    assert_ne!(of("/~0123456789abcdef0123456789abcdef", &AS_IS), "/~0123456789abcdef0123456789abcdef");
}

#[test]
fn the_text_is_frozen() {
    assert_eq!(
        of(&format!("/{}", "a".repeat(300)), &AS_IS),
        format!("/{}~2fee820a8c6e6d1b2fa0d5afd3e7f08e", "a".repeat(79))
    );
}

proptest! {
    #[test]
    fn the_text_is_injective_and_printable(a in "/[a%7B{é?&=~]{0,6}", b in "/[a%7B{é?&=~]{0,6}") {
        let (Ok(one), Ok(two)) = (a.parse::<Uri>(), b.parse::<Uri>()) else { return Ok(()) };
        let texts = (text(&one, None, &AS_IS), text(&two, None, &AS_IS));
        prop_assert_eq!(texts.0 == texts.1, a == b);
        let is_plain = texts.0.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'{' && byte != b'}');
        prop_assert!(is_plain, "{}", texts.0);
    }

    /// Sorting changes the order of the names only.
    #[test]
    fn names_are_sorted_stably(pairs in prop::collection::vec(("[ab%]{1,2}", "[01]?"), 0..6)) {
        let url = |pairs: &[(String, String)]| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            of(&format!("/?{}", pairs.join("&")), &SORT)
        };
        let mut sorted = pairs.clone();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        prop_assert_eq!(url(&pairs), url(&sorted));
    }
}
