//! The headers that report what the cache did.

use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::header_memo::HeaderMemo;
use super::rfc::cache_status::{CacheStatus, Handling};

/// The name in `Cache-Status`.
const NAME: &str = "larder";

/// The source of a response, as `X-Cache` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheResult {
    Hit,
    Miss,
    Stale,
    Bypass,
}

/// The headers of a response that report what the cache did.
pub(crate) struct StatusHeaders<'a> {
    pub(crate) result: CacheResult,
    /// The builder's `response_header`.
    pub(crate) field: &'a HeaderName,
    /// `Cache-Status` (RFC 9211), if it is wanted.
    pub(crate) status: Option<CacheStatus>,
}

impl StatusHeaders<'_> {
    /// Adds the headers, if the map has room for them.
    pub(crate) fn add(&self, headers: &mut HeaderMap) {
        let _ = headers.try_insert(self.field, self.result.value());
        if let Some(status) = &self.status {
            let _ = headers.try_append(header::CACHE_STATUS, cache_status(*status));
        }
    }
}

impl CacheResult {
    fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Stale => "STALE",
            Self::Bypass => "BYPASS",
        })
    }
}

/// `Cache-Status`, whose value most responses share with others.
fn cache_status(status: CacheStatus) -> HeaderValue {
    thread_local! {
        static MEMO: HeaderMemo = const { HeaderMemo::new() };
        static LAST: RefCell<Option<(CacheStatus, HeaderValue)>> = const { RefCell::new(None) };
    }
    match status {
        CacheStatus { handling: Handling::Hit, ttl: Some(ttl), detail: None, .. } if ttl >= 0 => {
            // The cast is exact: the TTL is not negative.
            MEMO.with(|memo| memo.get(ttl as u64, |_| status.value(NAME)))
        }
        _ => LAST.with_borrow_mut(|last| match last {
            Some((known, value)) if *known == status => value.clone(),
            _ => last.insert((status, status.value(NAME))).1.clone(),
        }),
    }
}
