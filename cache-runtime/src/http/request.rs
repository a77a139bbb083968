//! What a request asks of the cache.

use std::time::Duration;

use http::{HeaderMap, HeaderName, Method, header};

use super::options::{Access, NoCache, Options};
use super::words::cache_status::Reason;
use super::words::directives::Wishes;

/// A request, as far as the cache cares.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

/// How a request is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Without the cache, because of this.
    Past(Reason),
    /// From the cache, else by computing.
    Through(Demand),
}

/// What a request demands of a response that is kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// To be new.
    pub(crate) is_refresh: bool,
    /// What else, if anything.
    pub(crate) wishes: Option<Wishes>,
    /// Whether what is computed may be kept.
    pub(crate) keeps: bool,
}

impl Demand {
    /// Whether whatever is fresh will do.
    #[cfg(all(feature = "axum", feature = "memory"))]
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_refresh && self.wishes.is_none()
    }

    /// The same, and what is kept is to be made anew.
    #[cfg(feature = "axum")]
    pub(crate) fn refreshed(self) -> Self {
        Self { is_refresh: true, ..self }
    }
}

impl Asked {
    /// The way of this request; `no_cache` is what the builder says, `minds_cookies` whether a cookie may be a credential.
    pub(crate) fn way(&self, options: &Options, no_cache: NoCache, minds_cookies: bool) -> Way {
        if self.method != Method::GET && self.method != Method::HEAD {
            return Way::Past(Reason::Method);
        }
        let has = |name: &HeaderName| self.headers.contains_key(name);
        // What is conditional on the state of the origin is not for a cache to judge (RFC 9110, 13.1).
        if has(&header::IF_MATCH) || has(&header::IF_UNMODIFIED_SINCE) {
            return Way::Past(Reason::Request);
        }
        let is_guarded = options.access == Access::Unsaid && !options.obey_origin;
        // A header that responses are kept apart by gives nobody what is another's.
        let is_credential = |name| has(&name) && !options.vary.contains(&name);
        if is_guarded
            && (is_credential(header::AUTHORIZATION) || (minds_cookies && is_credential(header::COOKIE)))
        {
            return Way::Past(Reason::Bypass);
        }
        // A part, and the head alone, are not what others ask for.
        let keeps = self.method == Method::GET && !has(&header::RANGE);
        if !has(&header::CACHE_CONTROL) && !has(&header::PRAGMA) {
            return Way::Through(Demand { keeps, ..Demand::default() });
        }
        let wishes = Wishes::of(&self.headers);
        if wishes.no_store && !wishes.only_if_cached {
            return Way::Past(Reason::Request);
        }
        let is_refresh =
            (wishes.no_cache || wishes.max_age == Some(Duration::ZERO)) && !wishes.only_if_cached;
        match options.no_cache.unwrap_or(no_cache) {
            NoCache::Bypass if is_refresh => Way::Past(Reason::Request),
            NoCache::Ignore => {
                let wishes =
                    wishes.only_if_cached.then(|| Wishes { only_if_cached: true, ..Wishes::default() });
                Way::Through(Demand { is_refresh: false, wishes, keeps })
            }
            NoCache::Bypass | NoCache::Refresh => Way::Through(Demand {
                is_refresh,
                wishes: Some(wishes).filter(|wishes| *wishes != Wishes::default()),
                keeps,
            }),
        }
    }
}
