//! `Cache-Control` of responses and of requests (RFC 9111 section 5.2).

use std::time::Duration;

use http::{
    HeaderMap,
    header::{CACHE_CONTROL, PRAGMA},
};

use super::{delta, list};

/// The directives of a response.
///
/// Of repeated directives the most restrictive counts (section 4.2.1). A lifetime that cannot be read is zero, so the
/// response is stale from the start, as the same section encourages. `private` and `no-cache` with a list of fields apply
/// to the whole response, as sections 5.2.2.4 and 5.2.2.7 allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) s_maxage: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
    /// The directives are of a targeted field, beside which `Expires` does not count (RFC 9213).
    pub(crate) is_targeted: bool,
}

/// The directives of a request. One whose argument cannot be read is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestDirectives {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
    /// [`Duration::MAX`] where any staleness is accepted.
    pub(crate) max_stale: Option<Duration>,
}

impl Directives {
    /// Reads the headers of a response.
    ///
    /// `Pragma: no-cache` has no meaning in a response (section 5.4), yet a handler that writes it without
    /// `Cache-Control` does not want to be cached.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self { no_cache: has_pragma(headers), ..Self::default() };
        for member in list::members(headers, &CACHE_CONTROL) {
            found.add(&Directive::of(member));
        }
        found
    }

    fn add(&mut self, directive: &Directive<'_>) {
        match directive.lower_case(&mut [0; LONGEST]) {
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache = true,
            b"private" => self.private = true,
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"max-age" => lower(&mut self.max_age, directive.lifetime()),
            b"s-maxage" => lower(&mut self.s_maxage, directive.lifetime()),
            b"stale-while-revalidate" => lower(&mut self.stale_while_revalidate, directive.lifetime()),
            b"stale-if-error" => lower(&mut self.stale_if_error, directive.lifetime()),
            _ => {}
        }
    }
}

/// The longest text and the largest number of [`extensions`] of a response.
const MAX_EXTENSIONS: (usize, usize) = (1024, 16);

/// The directives of a response that neither a cache nor [`Directives`] has a use for, which clients may have: `immutable`,
/// `no-transform` and unknown ones (section 5.2.3). Each once; malformed ones are left out.
pub(crate) fn extensions(headers: &HeaderMap) -> Vec<&[u8]> {
    let mut found: Vec<&[u8]> = Vec::new();
    let mut left = MAX_EXTENSIONS.0;
    for member in list::members(headers, &CACHE_CONTROL) {
        let is_new = !found.iter().any(|known| known.eq_ignore_ascii_case(member));
        if !is_new || !is_extension(member) {
            continue;
        }
        match left.checked_sub(member.len()) {
            Some(rest) if found.len() < MAX_EXTENSIONS.1 => left = rest,
            Some(_) | None => break,
        }
        found.push(member);
    }
    found
}

fn is_extension(member: &[u8]) -> bool {
    const KNOWN: [&str; 10] = [
        "no-store",
        "no-cache",
        "private",
        "public",
        "must-revalidate",
        "proxy-revalidate",
        "max-age",
        "s-maxage",
        "stale-while-revalidate",
        "stale-if-error",
    ];
    let Directive { name, argument } = Directive::of(member);
    let is_known = KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    !is_known
        && list::is_token(name)
        && argument.is_none_or(|text| list::is_token(text) || list::is_quoted(text))
}

impl RequestDirectives {
    /// Reads the headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self { no_cache: has_pragma(headers), ..Self::default() };
        for member in list::members(headers, &CACHE_CONTROL) {
            found.add(&Directive::of(member));
        }
        found
    }

    fn add(&mut self, directive: &Directive<'_>) {
        match (directive.lower_case(&mut [0; LONGEST]), directive.seconds()) {
            (b"no-store", _) => self.no_store = true,
            (b"no-cache", _) => self.no_cache = true,
            (b"only-if-cached", _) => self.only_if_cached = true,
            (b"max-age", Some(age)) => lower(&mut self.max_age, age),
            (b"min-fresh", Some(left)) => self.min_fresh = self.min_fresh.max(Some(left)),
            (b"max-stale", Some(late)) => lower(&mut self.max_stale, late),
            (b"max-stale", None) if directive.argument.is_none() => lower(&mut self.max_stale, Duration::MAX),
            _ => {}
        }
    }
}

/// The length of the longest name, `stale-while-revalidate`.
const LONGEST: usize = 22;

struct Directive<'h> {
    name: &'h [u8],
    argument: Option<&'h [u8]>,
}

impl<'h> Directive<'h> {
    fn of(member: &'h [u8]) -> Self {
        let Some(equals) = member.iter().position(|byte| *byte == b'=') else {
            return Self { name: member, argument: None };
        };
        let name = member[..equals].trim_ascii_end();
        // A blank before the equals sign is an error: the directive counts, its argument does not.
        let argument = if name.len() == equals { &member[equals + 1..] } else { b"" };
        Self { name, argument: Some(argument) }
    }

    /// The name in lower case; empty if it is longer than every known one.
    fn lower_case<'b>(&self, buffer: &'b mut [u8; LONGEST]) -> &'b [u8] {
        let Some(name) = buffer.get_mut(..self.name.len()) else { return b"" };
        name.copy_from_slice(self.name);
        name.make_ascii_lowercase();
        name
    }

    /// The argument as a lifetime; zero if it cannot be read.
    fn lifetime(&self) -> Duration {
        self.seconds().unwrap_or_default()
    }

    /// The argument in seconds, as a token or a quoted string (section 5.2).
    fn seconds(&self) -> Option<Duration> {
        let argument = self.argument?;
        let inner = argument.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        delta::seconds(inner.unwrap_or(argument))
    }
}

/// Returns whether `Pragma: no-cache` replaces an absent `Cache-Control` (section 5.4).
fn has_pragma(headers: &HeaderMap) -> bool {
    !headers.contains_key(CACHE_CONTROL)
        && list::members(headers, &PRAGMA).any(|member| member.eq_ignore_ascii_case(b"no-cache"))
}

fn lower(slot: &mut Option<Duration>, value: Duration) {
    *slot = Some(slot.map_or(value, |old| old.min(value)));
}

#[cfg(test)]
#[path = "tests/directives.rs"]
mod tests;
