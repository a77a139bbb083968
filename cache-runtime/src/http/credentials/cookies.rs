//! Cookies that do not identify a user.

use http::{HeaderMap, HeaderValue, header};

use crate::types::error::Error;
use crate::types::key::glob_match;

/// The cookies of analytics services, which scripts of a page set and read.
const ANALYTICS: &[&str] = &[
    "__gads",
    "__gpi",
    "__hssc",
    "__hssrc",
    "__hstc",
    "__utm?",
    "_clck",
    "_clsk",
    "_dc_gtm_*",
    "_fbc",
    "_fbp",
    "_ga",
    "_ga_*",
    "_gac_*",
    "_gat",
    "_gat_*",
    "_gcl_*",
    "_gid",
    "_hj*",
    "_hp2_*",
    "_pin_unauth",
    "_pk_*",
    "_scid",
    "_ttp",
    "_uetmsclkid",
    "_uetsid",
    "_uetvid",
    "_vwo_uuid*",
    "_ym_*",
    "ajs_anonymous_id",
    "hubspotutk",
    "mp_*_mixpanel",
];

/// The names of cookies that do not identify a user, as globs.
pub(super) struct HarmlessCookies(Box<[NamePattern]>);

struct NamePattern {
    /// The text before the first special character.
    literal: Box<str>,
    /// The whole glob, if it has a special character.
    glob: Option<Box<str>>,
}

impl HarmlessCookies {
    /// The analytics cookies, unless `replaces`, and those of `globs`.
    pub(super) fn new(globs: &[String], replaces: bool) -> Result<Self, Error> {
        let defaults = if replaces { &[] } else { ANALYTICS };
        globs.iter().try_for_each(|glob| check(glob))?;
        let all = defaults.iter().copied().chain(globs.iter().map(String::as_str));
        Ok(Self(all.map(NamePattern::new).collect()))
    }

    /// The globs, in one text that differs for different lists.
    pub(super) fn text(&self) -> String {
        let globs = self.0.iter().map(|pattern| pattern.glob.as_ref().unwrap_or(&pattern.literal));
        globs.fold(String::new(), |text, glob| text + glob + "\n")
    }

    /// The cookies of a request that may identify its user, each with its value.
    pub(super) fn others<'h>(&'h self, headers: &'h HeaderMap) -> impl Iterator<Item = &'h [u8]> {
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let cookies = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
        cookies.filter(|cookie| !cookie.is_empty() && !self.includes(cookie))
    }

    /// Returns whether a cookie is harmless. Some parsers begin another cookie at a comma, which must be harmless as well.
    fn includes(&self, cookie: &[u8]) -> bool {
        let mut parts = cookie.split(|byte| *byte == b',');
        let is_harmless = |part| name(part).is_some_and(|name| self.names(name));
        parts.next().is_some_and(is_harmless) && parts.all(|part| !part.contains(&b'=') || is_harmless(part))
    }

    fn names(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }
}

impl NamePattern {
    fn new(glob: &str) -> Self {
        let special = glob.find(['*', '?', '[', '\\']);
        let literal = &glob[..special.unwrap_or(glob.len())];
        Self { literal: literal.into(), glob: special.map(|_| glob.into()) }
    }

    fn matches(&self, name: &str) -> bool {
        name.starts_with(&*self.literal)
            && match &self.glob {
                None => name.len() == self.literal.len(),
                Some(glob) => glob_match(glob, name),
            }
    }
}

/// The name of a cookie; `None` if it has none.
pub(super) fn name(cookie: &[u8]) -> Option<&str> {
    let end = cookie.iter().position(|byte| *byte == b'=')?;
    std::str::from_utf8(cookie[..end].trim_ascii()).ok().filter(|name| !name.is_empty())
}

fn check(glob: &str) -> Result<(), Error> {
    let wrong = |reason: &str| Err(Error::config("harmless_cookies", glob, reason));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~?[]\\".contains(&byte);
    if glob.is_empty() || !glob.bytes().all(is_name) {
        return wrong("is not the name of a cookie; write one such as `theme` or a glob such as `_ga_*`");
    }
    if glob.bytes().all(|byte| b"*?".contains(&byte)) {
        return wrong(
            "matches every cookie, those of sessions as well; name the harmless ones, or write `shared`",
        );
    }
    Ok(())
}
