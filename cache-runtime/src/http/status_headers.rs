//! The headers that report what the cache did.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::header_memo::HeaderMemo;
use super::rfc::cache_status::{CacheStatus, Handling};

static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

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
            let _ = headers.try_append(&CACHE_STATUS, value_of(status));
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

/// The value of `Cache-Status`; most are of a fresh response.
fn value_of(status: &CacheStatus) -> HeaderValue {
    thread_local! {
        static MEMO: HeaderMemo = const { HeaderMemo::new() };
    }
    let make = || status.value("larder");
    match (status.handling, status.ttl.map(u64::try_from), status.detail) {
        (Handling::Hit, Some(Ok(ttl)), None) => MEMO.with(|memo| memo.get(ttl, |_| make())),
        _ => make(),
    }
}
