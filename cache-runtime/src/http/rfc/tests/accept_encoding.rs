use proptest::prelude::*;

use super::*;
use crate::http::rfc::tests::headers;

fn request(line: &str) -> HeaderMap {
    headers(&[("accept-encoding", line)])
}

fn of(line: &str) -> AcceptEncoding {
    AcceptEncoding::of(&request(line)).expect("a list")
}

fn text(line: &str) -> String {
    of(line).text()
}

/// Returns whether codings of a response fit.
fn fits(line: &str, codings: &str) -> bool {
    of(line).fits(&headers(&[("content-encoding", codings)]))
}

#[test]
fn requests_that_accept_the_same_are_one_variant() {
    for same in [
        &[
            "gzip",
            "gzip;q=1",
            "gzip;q=1.0",
            "gzip;q=0.5",
            "GZIP",
            "x-gzip",
            "gzip, deflate",
            "deflate, gzip",
            "gzip,deflate;q=0.5",
            "gzip, br;q=0",
            "gzip, identity;q=0.5",
            "gzip;q=0.5, identity;q=0.1",
        ][..],
        // Chrome and Firefox, curl, others.
        &["gzip, deflate, br, zstd", "deflate, gzip, br, zstd", "zstd, br, gzip"],
        // Safari.
        &["gzip, deflate, br", "br, gzip", "br;q=0.9,gzip;q=0.9,deflate;q=0.9"],
        &["", "identity", "identity;q=0.5", "gzip;q=0", "br;q=0, gzip;q=0, identity"],
        &["br;q=1.0, gzip;q=0.8", "br, gzip;q=0.1", "gzip;q=0.2, br;q=0.3, deflate;q=0.1"],
        &["identity;q=1, *;q=0", "*;q=0, identity"],
        &["gzip, *;q=0", "gzip, identity;q=0", "identity;q=0, gzip;q=0.5, deflate;q=0.5"],
        &["*;q=0", "identity;q=0", "identity;q=0, *;q=0"],
    ] {
        for line in same {
            assert_eq!(text(line), text(same[0]), "{line}");
        }
    }
}

#[test]
fn requests_that_accept_or_prefer_something_else_are_other_variants() {
    let all = [
        "gzip",
        "br",
        "zstd",
        "deflate",
        "gzip, br",
        "gzip, br, zstd",
        "gzip, br;q=0.5",
        "gzip;q=0.5, br",
        "",
        "*",
        "gzip, *",
        "gzip, *;q=0.5",
        "identity;q=0",
        "gzip, identity;q=0",
        "*, br;q=0",
        "gzip, identity",
        "gzip, dcb",
        "gzip;q=0.5, deflate",
        "gzip;q=0.5, identity",
    ]
    .map(text);
    for (i, one) in all.iter().enumerate() {
        assert!(!all[..i].contains(one), "{one}: {all:?}");
    }
}

#[test]
fn malformed_and_absent_fields_are_not_read() {
    assert_eq!(AcceptEncoding::of(&HeaderMap::new()), None);
    for line in ["gzip;q=2", "gzip;q", "gzip br", "gzip, x-gzip;q=0"] {
        assert_eq!(AcceptEncoding::of(&request(line)), None, "{line}");
    }
}

#[test]
fn a_response_fits_if_every_coding_is_accepted() {
    for (line, codings) in [
        ("gzip", "gzip"),
        ("gzip", "x-gzip"),
        ("gzip", "identity"),
        ("", ""),
        ("gzip, br", "gzip, br"),
        ("*", "br"),
        ("deflate", "deflate"),
        ("*, br;q=0", "gzip"),
        ("gzip;q=0.1, deflate", "deflate"),
    ] {
        assert!(fits(line, codings), "{line} {codings}");
    }
    for (line, codings) in [
        ("gzip", "br"),
        ("", "gzip"),
        ("gzip", "gzip, br"),
        ("*, br;q=0", "br"),
        ("gzip;q=0", "gzip"),
        // The same variant as `gzip` alone.
        ("gzip, deflate", "deflate"),
    ] {
        assert!(!fits(line, codings), "{line} {codings}");
    }
}

#[test]
fn the_superset_is_that_of_browsers() {
    let all = text("gzip, deflate, br, zstd");
    for line in ["gzip", "gzip, deflate", "br", "gzip, deflate, br", "zstd, gzip;q=1.0"] {
        assert_eq!(of(line).superset().map(|superset| superset.text()).as_ref(), Some(&all), "{line}");
    }
    for line in [
        "",
        "gzip, deflate, br, zstd",
        "br, gzip;q=0.5",
        "deflate",
        "gzip, identity;q=0",
        "*",
        "gzip, dcb",
        "gzip, *;q=0",
    ] {
        assert_eq!(of(line).superset(), None, "{line}");
    }
}

#[test]
fn the_exact_text_keeps_weights_and_every_coding() {
    let text = |line: &str| exact(&request(line)).expect("a list");
    assert_eq!(text("gzip, br;q=0.50"), text("BR; q=0.5,x-gzip;q=1.0"));
    for (one, other) in
        [("gzip", "gzip, deflate"), ("gzip;q=0.5", "gzip"), ("gzip", "gzip, br;q=0"), ("", "identity")]
    {
        assert_ne!(text(one), text(other));
    }
}

const CODINGS: [&str; 7] = ["gzip", "br", "zstd", "deflate", "identity", "compress", "*"];

/// Lists of codings, each at most once, with weights that include zero.
fn lists() -> impl Strategy<Value = Vec<(&'static str, u16)>> {
    let some = prop::sample::subsequence(CODINGS.to_vec(), 0..=CODINGS.len()).prop_shuffle();
    some.prop_flat_map(|codings| {
        let weights = prop::collection::vec(prop::sample::select(vec![0, 1, 500, 1000]), codings.len());
        weights.prop_map(move |weights| codings.iter().copied().zip(weights).collect())
    })
}

fn line(list: &[(&str, u16)]) -> String {
    let member = |(coding, weight): &(&str, u16)| match *weight {
        1000 => (*coding).to_owned(),
        weight => format!("{coding};q=0.{weight:03}"),
    };
    list.iter().map(member).collect::<Vec<_>>().join(", ")
}

/// The weight of a coding by the letter of the RFC.
fn weight(list: &[(&str, u16)], coding: &str) -> Option<u16> {
    let of = |name: &str| list.iter().find(|(known, _)| *known == name).map(|(_, weight)| *weight);
    of(coding).or_else(|| of("*")).or(if coding == "identity" { None } else { Some(0) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// No request of a variant gets a coding that it refuses from a response that fits another request of the variant.
    #[test]
    fn what_fits_a_variant_is_refused_by_none_of_its_requests(a in lists(), b in lists()) {
        let (one, other) = (of(&line(&a)), of(&line(&b)));
        for coding in ["gzip", "br", "zstd", "deflate", "compress", "other"] {
            if one.fits(&headers(&[("content-encoding", coding)])) {
                prop_assert!(weight(&a, coding) != Some(0), "{} {coding}", line(&a));
                if one.text() == other.text() {
                    prop_assert!(weight(&b, coding) != Some(0), "{} {} {coding}", line(&a), line(&b));
                }
            }
        }
        // Nor is a response without a coding for one who accepts it passed to one who does not.
        if one.text() == other.text() {
            prop_assert_eq!(weight(&a, "identity") == Some(0), weight(&b, "identity") == Some(0));
        }
    }

    /// The requests of a variant have the same order of preference.
    #[test]
    fn a_variant_has_one_order(a in lists(), b in lists()) {
        let (one, other) = (of(&line(&a)), of(&line(&b)));
        if one.text() == other.text() {
            let codings = ["gzip", "br", "zstd", "compress"];
            for (first, second) in codings.iter().flat_map(|first| codings.map(|second| (*first, second))) {
                let order = |list| weight(list, first).cmp(&weight(list, second));
                prop_assert_eq!(order(&a), order(&b), "{} {}", line(&a), line(&b));
            }
        }
    }

    #[test]
    fn no_line_is_too_odd(line in "[gzipbr*;q=01., ]{0,24}") {
        if let Some(accepts) = AcceptEncoding::of(&request(&line)) {
            prop_assert!(accepts.fits(&HeaderMap::new()));
        }
    }
}
