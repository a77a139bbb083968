//! `Accept-Encoding`: the content codings that a client accepts (RFC 9110 section 12.5.3).

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

use super::list;
use super::weights::{FULL, Weighted, weighted};

/// The codings that browsers accept with the same weight, beside `deflate`.
const ALL: [&str; 3] = ["br", "gzip", "zstd"];

const IDENTITY: &str = "identity";

/// The codings that a request accepts. Requests with the same codings, in the same classes of preference, are one variant: the
/// order of equal codings does not count, nor do weights beyond the order that they make.
///
/// `deflate` does not count where `gzip` is accepted with the same weight or a higher one, because servers prefer `gzip`; a response
/// in `deflate` does not fit such a request and is not cached for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AcceptEncoding {
    /// The classes of accepted codings, the most preferred first, each sorted.
    classes: Vec<Vec<String>>,
    /// The codings that are refused although `*`, or the default for `identity`, would accept them, sorted.
    refused: Vec<String>,
}

impl AcceptEncoding {
    /// Reads the codings that a request accepts. `None` if it does not say, or is malformed.
    pub(crate) fn of(request: &HeaderMap) -> Option<Self> {
        if !request.contains_key(ACCEPT_ENCODING) {
            return None;
        }
        let mut all = weighted(request, &ACCEPT_ENCODING)?;
        all.iter_mut().for_each(|(coding, _)| *coding = canonical(coding).to_owned());
        all.sort_by(|(a, one), (b, other)| other.cmp(one).then_with(|| a.cmp(b)));
        if all.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        let weight = |coding: &str| all.iter().find(|(known, _)| known == coding).map(|(_, weight)| *weight);
        let any = weight("*").unwrap_or(0);
        let refused = all.iter().filter(|(coding, weight)| *weight == 0 && (any > 0 || coding == IDENTITY));
        let mut refused: Vec<String> = refused.map(|(coding, _)| coding.clone()).collect();
        if weight("*") == Some(0) && weight(IDENTITY).is_none() {
            refused.push(IDENTITY.to_owned());
        }
        refused.sort_unstable();
        refused.dedup();
        let (gzip, deflate) = (weight("gzip").unwrap_or(0), weight("deflate").unwrap_or(0));
        let least = all.iter().map(|(_, weight)| *weight).filter(|weight| *weight > 0).min();
        let is_least = |weight: u16| {
            Some(weight) == least && all.iter().filter(|(_, other)| *other == weight).count() == 1
        };
        let counts = |(coding, weight): &&Weighted| {
            let is_implied = coding == IDENTITY && is_least(*weight);
            *weight > 0 && !is_implied && !(coding == "deflate" && gzip >= deflate)
        };
        Some(Self { classes: classes(all.iter().filter(counts)), refused })
    }

    /// The text that two requests have in common if they accept the same. No coding has a separator in its name.
    pub(crate) fn text(&self) -> String {
        let mut text = self.classes.iter().map(|class| class.join(",")).collect::<Vec<_>>().join(">");
        self.refused.iter().for_each(|coding| text.extend(["/", coding.as_str()]));
        text
    }

    /// Returns whether a response fits every request with these codings. A response without a coding does: it is what the
    /// service sends where it has no other.
    pub(crate) fn fits(&self, response: &HeaderMap) -> bool {
        list::members(response, &CONTENT_ENCODING).all(|coding| {
            let coding = String::from_utf8_lossy(coding).to_ascii_lowercase();
            self.accepts(canonical(&coding))
        })
    }

    fn accepts(&self, coding: &str) -> bool {
        let names = |name: &str| self.classes.iter().flatten().any(|known| known == name);
        coding == IDENTITY
            || names(coding)
            || (names("*") && !self.refused.iter().any(|known| known == coding))
    }

    /// The codings of most browsers, if these are some of them: a service that chose a coding among all would have chosen
    /// the same one among these, if it is one of these.
    pub(crate) fn superset(&self) -> Option<Self> {
        let [class] = &self.classes[..] else { return None };
        let is_part = class.len() < ALL.len() && class.iter().all(|coding| ALL.contains(&coding.as_str()));
        (is_part && self.refused.is_empty())
            .then(|| Self { classes: vec![ALL.map(str::to_owned).into()], refused: Vec::new() })
    }
}

/// The text of `Accept-Encoding` in which only differences without a meaning are removed: the order, the case, other
/// spellings of a weight (RFC 9111 section 4.1).
pub(crate) fn exact(request: &HeaderMap) -> Option<String> {
    let mut all = weighted(request, &ACCEPT_ENCODING)?;
    all.iter_mut().for_each(|(coding, _)| *coding = canonical(coding).to_owned());
    all.sort_unstable();
    let members = all.iter().map(|(coding, weight)| match *weight {
        FULL => coding.clone(),
        weight => format!("{coding};{weight}"),
    });
    Some(members.collect::<Vec<_>>().join(","))
}

/// The name of a coding that may have another one.
fn canonical(coding: &str) -> &str {
    match coding {
        "x-gzip" => "gzip",
        "x-compress" => "compress",
        coding => coding,
    }
}

/// Members in the order of their weights, as one class for each weight.
fn classes<'a>(sorted: impl Iterator<Item = &'a Weighted>) -> Vec<Vec<String>> {
    let (mut classes, mut last) = (Vec::<Vec<String>>::new(), None);
    for (coding, weight) in sorted {
        match classes.last_mut().filter(|_| last == Some(weight)) {
            Some(class) => class.push(coding.clone()),
            None => classes.push(vec![coding.clone()]),
        }
        last = Some(weight);
    }
    classes
}

#[cfg(test)]
#[path = "tests/accept_encoding.rs"]
mod tests;
