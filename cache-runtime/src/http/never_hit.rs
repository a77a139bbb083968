//! The warnings about caches that never hit.

use http::{HeaderMap, StatusCode, header, response};
use http_body::Body;

use crate::engine::core::Core;
use crate::observe::trace;
use crate::types::breaker::Breaker;

use super::bypass_reason::BypassReason;
use super::cached::Selectors;
use super::exchange::Exchange;
use super::key::ResponseKey;
use super::no_hits::{MANY, NoHitCause};
use super::options::{Access, ResponseOptions};
use super::request::CacheRequest;
use super::rfc::list;
use super::rfc::storable::Refusal;

/// The longest text of a request in a warning, in characters.
const LONGEST: usize = 60;

impl ResponseOptions {
    /// Counts a request that was no hit, and warns after many of one cause without a hit.
    fn count_no_hit(&self, cause: NoHitCause, text: impl FnOnce() -> String) {
        if self.no_hits.add(cause) {
            trace::warn(&text());
        }
    }

    /// Counts a request for a host that is not among those of the layer `name`.
    pub(super) fn count_other_host(&self, name: &str, host: Option<String>, hosts: &[String]) {
        self.count_no_hit(NoHitCause::Host, || {
            let host = host.map_or_else(|| "no host".to_owned(), |host| format!("the host `{}`", shown(&host)));
            bypassed(
                name,
                &format!(
                    "its requests name {host}, and `.hosts(..)` names {}; name the host as it is here, with its port unless that is 80 or 443, or remove `.hosts(..)`",
                    listed(hosts.iter().map(String::as_str))
                ),
            )
        });
    }

    /// Counts a response of the handler or layer `name` that is not stored.
    pub(super) fn count_refusal(&self, name: &str, refusal: Refusal, parts: &response::Parts) {
        if !self.obey_origin
            && let Some(cause) = refusal_cause(refusal, parts)
        {
            self.count_no_hit(cause, || {
                let text = self.refusal_text(refusal, parts);
                format!("`{name}` cached none of {MANY} responses, and had no hit: {text}")
            });
        }
    }

    /// The cause of a refusal and the remedy, in words.
    fn refusal_text(&self, refusal: Refusal, parts: &response::Parts) -> String {
        let text = match refusal {
            Refusal::SetCookie => {
                return format!(
                    "they have `Set-Cookie`{}; set it on a route of its own, or in a layer outside the cache",
                    cookie_name(&parts.headers)
                );
            }
            Refusal::Status => return status_cause(parts.status),
            Refusal::Headers => return format!("their heads are longer than {} bytes", self.max_headers),
            Refusal::Length => return format!("their bodies are longer than {} bytes", self.max_body),
            Refusal::NoStore => {
                "they say `no-store`; remove it, and write `client_max_age` if clients are not to reuse them"
            }
            Refusal::Private => {
                "they say `private`; write `private` on the handler or layer (one entry per credential), or remove it from them"
            }
            Refusal::VaryAny => "they say `Vary: *`; name the headers that they differ by",
            Refusal::Stream => "they are streams, which are not cached; remove the cache from this route",
            _ => {
                "they say `no-cache`, `max-age=0` or an `Expires` in the past; add `s-maxage`, which is for this cache, or write `client_max_age` in its place"
            }
        };
        text.to_owned()
    }

    /// Counts a request for which `when` of the handler or layer `name` does not hold.
    pub(crate) fn count_not_wanted(&self, name: &str) {
        self.count_no_hit(NoHitCause::When, || {
            bypassed(name, "its `when` does not hold; correct the condition or remove it")
        });
    }
}

impl CacheRequest {
    /// Counts a bypass of this request, and warns about the handler or layer `name` after many without a hit.
    pub(crate) fn count_bypass(
        &self,
        reason: BypassReason,
        options: &ResponseOptions,
        core: &Core,
        name: &str,
    ) {
        if matches!(reason, BypassReason::Credential | BypassReason::NoCredential) {
            options.count_no_hit(NoHitCause::Credential, || {
                bypassed(name, &self.credential_cause(options, core))
            });
        }
    }

    /// The credential of the request and the remedies, without its value.
    fn credential_cause(&self, options: &ResponseOptions, core: &Core) -> String {
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
            Some(Some(name)) => format!("the cookie `{}`", shown(name)),
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

impl<B: Body, E> Exchange<B, E> {
    /// Counts a response that is not stored.
    pub(super) fn count_refusal(&self, refusal: Refusal, parts: &response::Parts, key: &ResponseKey) {
        if self.is_counted() {
            self.options().count_refusal(key.function(), refusal, parts);
        }
    }

    /// Counts a response that is stored, by these parts of its request.
    pub(super) fn count_stored(&self, key: &ResponseKey, selectors: &Selectors) {
        // While the store does not answer, nothing is read.
        if !self.is_counted() || self.rules.cache.store.breaker() != Breaker::Closed {
            return;
        }
        self.options().count_no_hit(NoHitCause::Stored, || {
            let credentials = self.request.credentials(&self.rules.cache.credentials);
            let credentials = credentials.filter(|_| selectors.credentials);
            let headers = listed(selectors.names.iter().chain(credentials).map(|name| name.as_str()));
            let headers = match headers.as_str() {
                "" => String::new(),
                headers => format!(", and the request headers {headers}"),
            };
            format!(
                "`{}` stored {MANY} responses and read none of them again: a part of the key differs in each request, or they expire too soon; the key is made of {}{headers}",
                key.function(),
                self.key_parts(key)
            )
        });
    }

    /// The parts of the first key.
    fn key_parts(&self, key: &ResponseKey) -> String {
        match self.options().arguments {
            [] if key.is_of_handler() => "the path, or of what `key` names".to_owned(),
            [] => "host, path and query, or of what `.key(..)` makes".to_owned(),
            names => format!("the path and of {}", listed(names.iter().copied())),
        }
    }

    /// Returns whether this request could have been a hit. Where the origin decides, nothing is a mistake.
    fn is_counted(&self) -> bool {
        self.freshness.is_plain() && self.freshness.is_storable && !self.options().obey_origin
    }
}

/// The cause that a refusal counts for, if it may be a mistake.
fn refusal_cause(refusal: Refusal, parts: &response::Parts) -> Option<NoHitCause> {
    Some(match refusal {
        Refusal::SetCookie => NoHitCause::SetCookie,
        Refusal::NoStore | Refusal::NoCache | Refusal::NoFreshness => NoHitCause::Freshness,
        Refusal::Private => NoHitCause::Private,
        Refusal::Status if !parts.status.is_server_error() => NoHitCause::Status,
        Refusal::VaryAny if lists_any(&parts.headers) => NoHitCause::Form,
        Refusal::Headers | Refusal::Length | Refusal::Stream => NoHitCause::Form,
        _ => return None,
    })
}

fn bypassed(name: &str, cause: &str) -> String {
    format!("`{name}` bypassed its cache {MANY} times without one hit: {cause}")
}

fn status_cause(status: StatusCode) -> String {
    let code = status.as_str();
    format!(
        "they have the status {code}, which is not listed; write `statuses(200, {code})` on the handler or `.expire_status(..)` on the layer"
    )
}

/// The name of the first cookie that a response sets, in brackets.
fn cookie_name(headers: &HeaderMap) -> String {
    let cookie = headers.get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
    let name = cookie.and_then(|cookie| cookie.split_once('=')).map(|(name, _)| name.trim());
    name.map_or_else(String::new, |name| format!(" (`{}`)", shown(name)))
}

fn lists_any(headers: &HeaderMap) -> bool {
    list::members(headers, &header::VARY).any(|member| member == b"*")
}

/// Texts as a list in code marks.
fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

/// A text of a request or a response, on one line.
fn shown(text: &str) -> String {
    text.chars().take(LONGEST).collect::<String>().escape_debug().to_string()
}
