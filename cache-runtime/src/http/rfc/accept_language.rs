//! `Accept-Language`: the languages that a client prefers (RFC 9110 section 12.5.4).

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

use super::weights::weighted;

/// The languages of a request in the order of preference, in lower case: weights do not count beyond the order that they make.
/// Languages of one weight keep their order, which servers read as a preference. `None` if the field is malformed.
pub(crate) fn ordered(request: &HeaderMap) -> Option<String> {
    text(request, |_| String::new())
}

/// The languages like [`ordered`], with their weights: only differences without a meaning are removed (RFC 9111 section 4.1).
pub(crate) fn exact(request: &HeaderMap) -> Option<String> {
    text(request, |weight| format!(";{weight}"))
}

fn text(request: &HeaderMap, weight_text: impl Fn(u16) -> String) -> Option<String> {
    let mut all = weighted(request, &ACCEPT_LANGUAGE)?;
    // Stable: languages of one weight keep their order.
    all.sort_by(|(_, one), (_, other)| other.cmp(one));
    let (mut text, mut last) = (String::new(), None);
    for (language, weight) in &all {
        text.push_str(match last {
            // A language that is refused is none that is preferred less.
            _ if *weight == 0 => "/",
            None => "",
            Some(last) if last == weight => ",",
            Some(_) => ">",
        });
        text.push_str(language);
        text.push_str(&weight_text(*weight));
        last = Some(weight);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::rfc::tests::headers;

    fn languages(line: &str) -> Option<String> {
        ordered(&headers(&[("accept-language", line)]))
    }

    #[test]
    fn case_blanks_and_weights_beyond_the_order_do_not_count() {
        let one = languages("en-US,en;q=0.9,de;q=0.1").expect("a list");
        for same in ["en-us, en;q=0.5, de;q=0.3", "EN-us , de;q=0.8, en;q=0.900", "de;q=0.1, en;q=0.2, en-US"]
        {
            assert_eq!(languages(same).as_ref(), Some(&one), "{same}");
        }
    }

    #[test]
    fn order_classes_and_refusals_count() {
        let all = [
            "en, de",
            "de, en",
            "en, de;q=0.9",
            "en",
            "en, de;q=0",
            "de;q=0",
            "",
            "en, fr",
            "*",
            "en, *;q=0.1",
        ]
        .map(|line| languages(line).expect("a list"));
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{one}");
        }
        assert_eq!(languages("en;q=2"), None);
    }

    #[test]
    fn exact_keeps_weights() {
        let text = |line: &str| exact(&headers(&[("accept-language", line)]));
        assert_eq!(text("en, de;q=0.5"), text("de; q=0.50 ,EN;q=1"));
        assert_ne!(text("en, de;q=0.5"), text("en, de;q=0.4"));
    }

    proptest! {
        /// Requests of one variant prefer the same languages in the same order and refuse the same ones.
        #[test]
        fn one_variant_is_one_order(
            a in prop::collection::vec(("[a-d]", 0_u16..5), 0..5),
            b in prop::collection::vec(("[a-d]", 0_u16..5), 0..5),
        ) {
            let line = |list: &[(String, u16)]| {
                list.iter().map(|(name, weight)| format!("{name};q=0.{weight}")).collect::<Vec<_>>().join(",")
            };
            let order = |list: &[(String, u16)]| {
                let mut list = list.to_vec();
                list.sort_by_key(|(_, weight)| u16::MAX - weight);
                list.into_iter().map(|(name, weight)| (name, weight == 0)).collect::<Vec<_>>()
            };
            if let (Some(one), Some(other)) = (languages(&line(&a)), languages(&line(&b))) && one == other {
                prop_assert_eq!(order(&a), order(&b));
            }
        }
    }
}
