//! The options of a handler or a layer about its responses.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::types::expire::Expire;

use super::cached::Selectors;
use super::credentials::{CredentialRules, is_proof_header};
use super::etag_kind::EtagKind;
use super::no_cache::NoCache;
use super::no_hits::NoHits;
use super::rfc::hop_by_hop::strip;
use super::rfc::list;
use super::rfc::vary::Matching;

/// The longest body that is stored: 10 MiB. A longer one is passed on as it comes.
pub const MAX_BODY: usize = 10 << 20;
/// The longest head that is stored: 8 KiB of names and values.
const MAX_HEADERS: usize = 8 << 10;

/// The sharing of responses between users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Access {
    /// Not declared: requests with credentials bypass the cache.
    #[default]
    Undeclared,
    /// One entry per credential.
    Private,
    /// One entry for all users, whatever their credentials.
    Shared,
}

/// The options of a handler or a layer about its responses.
#[derive(Debug, Clone)]
pub(crate) struct ResponseOptions {
    /// The statuses that are cached, each with its own expiry if it has one.
    pub(crate) statuses: Cow<'static, [(StatusCode, Option<Expire>)]>,
    /// Request headers that responses differ by, beside those in `Vary`.
    pub(crate) vary: Vec<HeaderName>,
    pub(crate) access: Access,
    /// The effect of `no-cache`, where it is not the builder's.
    pub(crate) no_cache: Option<NoCache>,
    /// The `ETag` of responses that have none of their own.
    pub(crate) etag: EtagKind,
    /// The time that clients are told, where it is not the builder's.
    pub(crate) client_max_age: Option<Duration>,
    /// A tag, a group or an entry can take responses back, which clients do not notice.
    pub(crate) is_revocable: bool,
    /// The expiry was written here, and is not the builder's.
    pub(crate) has_expire: bool,
    /// Only the response decides about caching, as in a proxy.
    pub(crate) obey_origin: bool,
    /// The time after its expiry in which a response may be revalidated.
    pub(crate) compare: Option<Duration>,
    pub(crate) max_body: usize,
    pub(crate) max_headers: usize,
    /// `Cache-Status` is added (RFC 9211).
    pub(crate) adds_cache_status: bool,
    /// `unless` or `expire_with` looks at whole responses, so nothing is sent before a response is complete.
    pub(crate) looks: bool,
    /// The names of a handler's arguments that its key is made of, for messages.
    pub(crate) arguments: &'static [&'static str],
    /// The requests since the last hit.
    pub(crate) no_hits: NoHits,
}

impl ResponseOptions {
    /// The defaults.
    pub(crate) fn new() -> Self {
        Self {
            statuses: Cow::Borrowed(&[(StatusCode::OK, None)]),
            vary: Vec::new(),
            access: Access::Undeclared,
            no_cache: None,
            etag: EtagKind::default(),
            client_max_age: None,
            is_revocable: false,
            has_expire: false,
            obey_origin: false,
            compare: None,
            max_body: MAX_BODY,
            max_headers: MAX_HEADERS,
            adds_cache_status: true,
            looks: false,
            arguments: &[],
            no_hits: NoHits::default(),
        }
    }

    /// Returns whether responses differ by request headers, whatever their own `Vary`.
    pub(crate) fn varies(&self) -> bool {
        !self.vary.is_empty() || self.access == Access::Private
    }

    /// The comparison of requests by the headers that responses vary by. An origin may not expect more than the RFC says.
    pub(crate) fn matching(&self) -> Matching {
        if self.obey_origin { Matching::Exact } else { Matching::Accepted }
    }

    /// Removes hop-by-hop fields from a response that a proxy passes on. A change of protocol is about the connection, and
    /// keeps them.
    pub(crate) fn pass_on(&self, status: StatusCode, headers: &mut HeaderMap) {
        if self.obey_origin && status != StatusCode::SWITCHING_PROTOCOLS {
            strip(headers);
        }
    }

    /// Returns whether an index by these parts of a request separates all responses that were declared to differ.
    pub(super) fn are_separated_by(&self, selectors: &Selectors) -> bool {
        (selectors.credentials || self.access != Access::Private)
            && self.vary.iter().all(|name| selectors.names.contains(name))
    }

    /// The selectors of a response whose `Vary` names these headers.
    pub(super) fn selectors(&self, varies: Box<[HeaderName]>, rules: &CredentialRules) -> Selectors {
        let mut names = varies.into_vec();
        if self.access != Access::Shared && !self.obey_origin {
            // A request with a credential was bypassed, or has an entry of its own. A proof may have been left out of its key.
            names.retain(|name| !rules.knows(name) || is_proof_header(name));
        }
        let own = Selectors { names: names.into(), credentials: self.access == Access::Private };
        own.with(&Selectors { names: self.vary.as_slice().into(), credentials: false })
    }

    /// Returns whether caches further on are told that a response is for one user: the entry is of one credential, or its key
    /// holds what may tell users apart and no declared header does.
    pub(super) fn is_for_one_user(&self, is_personal: bool) -> bool {
        self.access == Access::Private || (is_personal && self.vary.iter().all(negotiates))
    }

    /// The names of the headers of a request that have its credentials, for `Vary`, without `Cookie`; `None` if there are none, or
    /// if responses do not differ by credentials. Clients learn no name that they did not send.
    pub(crate) fn told_credentials(&self, request: &HeaderMap, rules: &CredentialRules) -> Option<Box<str>> {
        if self.access != Access::Private || self.obey_origin {
            return None;
        }
        let is_told = |name: &&HeaderName| **name != header::COOKIE && rules.is_credential(name, request);
        let names: Vec<&str> = request.keys().filter(is_told).map(HeaderName::as_str).collect();
        (!names.is_empty()).then(|| names.join(", ").into())
    }

    /// Tells the caches of clients that a response is for the user who is logged in: after another login a browser asks again.
    /// `credentials` are the names of other headers that the request has a credential in.
    pub(crate) fn add_vary(&self, headers: &mut HeaderMap, credentials: Option<&str>) {
        if self.access == Access::Shared || self.obey_origin {
            return;
        }
        if credentials.is_none() && !headers.contains_key(header::VARY) {
            // A map without room is left as it is.
            let _ = headers.try_insert(header::VARY, HeaderValue::from_static("Cookie"));
            return;
        }
        let is_told = |name: &str| {
            list::members(headers, &header::VARY)
                .any(|member| member == b"*" || member.eq_ignore_ascii_case(name.as_bytes()))
        };
        let names = credentials.into_iter().flat_map(|names| names.split(", "));
        let own = headers.get(header::VARY).map(HeaderValue::as_bytes);
        let added = std::iter::once("Cookie").chain(names).filter(|name| !is_told(name)).map(str::as_bytes);
        let mut added = added.peekable();
        if added.peek().is_none() {
            return;
        }
        let told = own.into_iter().chain(added).collect::<Vec<_>>().join(&b", "[..]);
        if let Ok(told) = HeaderValue::from_bytes(&told) {
            match headers.get_mut(header::VARY) {
                Some(first) => *first = told,
                None => drop(headers.try_insert(header::VARY, told)),
            }
        }
    }
}

/// Returns whether a header is about the software of a client, of which many clients have the same: it tells no users apart.
fn negotiates(name: &HeaderName) -> bool {
    let name = name.as_str();
    ["accept", "sec-"].iter().any(|start| name.starts_with(start))
        || ["dpr", "origin", "save-data", "user-agent", "viewport-width", "width"].contains(&name)
}
