//! The warning about a cache that never hits.

use http::header;

use crate::engine::core::Core;
use crate::observe::trace;

use super::bypass_count::MANY;
use super::options::{Access, ResponseOptions};
use super::request::CacheRequest;
use super::rfc::cache_status::ForwardReason;

/// The longest name of a cookie in a warning, in characters.
const LONGEST: usize = 40;

impl CacheRequest {
    /// Counts a bypass of this request, and warns about the handler or layer `name` after many without a hit.
    pub(crate) fn count_bypass(
        &self,
        reason: &ForwardReason,
        options: &ResponseOptions,
        core: &Core,
        name: &str,
    ) {
        if *reason == ForwardReason::Bypass && options.bypass_count.add() {
            let cause = self.cause(options, core);
            trace::warn(&format!("`{name}` bypassed its cache {MANY} times without one hit: {cause}"));
        }
    }

    /// The credential of the request and the remedies, without its value.
    fn cause(&self, options: &ResponseOptions, core: &Core) -> String {
        if options.access == Access::Private {
            return "it is `private`, and its requests have no credential that is known; name their header in `Builder::credential_headers`, or remove `private`".to_owned();
        }
        let rules = &core.credentials;
        let Some(header) = self.undeclared_credential(options, rules) else { return String::new() };
        let (header, cookie) =
            (header.as_str(), (header == header::COOKIE).then(|| rules.cookie_name(&self.headers)));
        let seen = match cookie {
            None => format!("the header `{header}`"),
            Some(None) => "a cookie without a name".to_owned(),
            Some(Some(name)) => {
                format!("the cookie `{}`", name.chars().take(LONGEST).collect::<String>().escape_debug())
            }
        };
        let harmless = match cookie {
            Some(_) => ", or name the cookie in `Builder::harmless_cookies` if it does not identify a user",
            None => "",
        };
        format!(
            "its requests have {seen}; write `private` (one entry per credential), `shared` (one entry for all users) or `vary(\"{header}\")`{harmless}"
        )
    }
}
