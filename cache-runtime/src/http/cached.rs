//! Cached responses.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::times::ResponseTimes;

/// A cached response, as `unless` and `expire_with` of `#[cache(response)]` see it.
///
/// ```
/// # use larder_runtime as larder;
/// # fn main() {
/// use larder::http::CachedResponse;
///
/// fn is_small(response: &CachedResponse) -> bool {
///     response.status() == 200 && response.body().len() < 1024
/// }
/// # }
/// ```
///
/// Cheap to clone.
#[derive(Clone)]
pub struct CachedResponse(Arc<Stored>);

/// The contents of an entry.
#[expect(clippy::large_enum_variant, reason = "it is behind an `Arc`, and there are few indexes")]
pub(super) enum Stored {
    Response(StoredResponse),
    Index(VaryIndex),
}

/// A response and its times.
pub(crate) struct StoredResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) times: ResponseTimes,
    /// `Expires`, made when it is first sent.
    expires: OnceLock<HeaderValue>,
}

/// Takes the place of responses that differ by these request headers. Each of them is stored under a key that holds the
/// stamp of the index, so removing the index removes them all: the next index has another stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VaryIndex {
    pub(super) stamp: [u8; 16],
    pub(super) names: Box<[HeaderName]>,
}

impl VaryIndex {
    /// Returns whether the index distinguishes responses that differ by these headers.
    pub(super) fn covers(&self, names: &[HeaderName]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }

    /// An index that has these names as well.
    pub(super) fn with(&self, names: &[HeaderName], stamp: [u8; 16]) -> Self {
        let mut all: Vec<HeaderName> = self.names.iter().chain(names).cloned().collect();
        all.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        all.dedup();
        Self { stamp, names: all.into() }
    }
}

impl CachedResponse {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes, times: ResponseTimes) -> Self {
        let expires = OnceLock::new();
        Self(Arc::new(Stored::Response(StoredResponse { status, headers, body, times, expires })))
    }

    pub(super) fn index(index: VaryIndex) -> Self {
        Self(Arc::new(Stored::Index(index)))
    }

    /// The same response, fresh for another time.
    pub(super) fn with_fresh(self, fresh: Duration) -> Self {
        match &*self.0 {
            Stored::Response(stored) => {
                let times = ResponseTimes { fresh, ..stored.times };
                Self::new(stored.status, stored.headers.clone(), stored.body.clone(), times)
            }
            Stored::Index(_) => self,
        }
    }

    /// The same response with the same body in other memory.
    pub(super) fn with_body(mut self, body: Bytes) -> Self {
        if let Some(Stored::Response(stored)) = Arc::get_mut(&mut self.0) {
            stored.body = body;
            return self;
        }
        let Some(stored) = self.as_response() else { return self };
        Self::new(stored.status, stored.headers.clone(), body, stored.times)
    }

    pub(super) fn stored(&self) -> &Stored {
        &self.0
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.as_response().map_or(StatusCode::OK, |stored| stored.status)
    }

    /// The headers, without those of one connection and those that are made for each client.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        self.as_response().map_or(&NONE, |stored| &stored.headers)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        self.as_response().map_or(&NONE, |stored| &stored.body)
    }

    /// The headers to be changed: moved out where nobody shares this response, as after a read, else cloned.
    pub(super) fn take_headers(&mut self) -> HeaderMap {
        match Arc::get_mut(&mut self.0) {
            Some(Stored::Response(stored)) => std::mem::take(&mut stored.headers),
            Some(Stored::Index(_)) | None => self.headers().clone(),
        }
    }

    pub(crate) fn as_response(&self) -> Option<&StoredResponse> {
        match &*self.0 {
            Stored::Response(stored) => Some(stored),
            Stored::Index(_) => None,
        }
    }
}

impl StoredResponse {
    /// `Expires`.
    pub(super) fn expires(&self) -> &HeaderValue {
        self.expires.get_or_init(|| self.times.expires())
    }
}

impl fmt::Debug for CachedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            // Neither headers nor body: they may hold secrets.
            Stored::Response(stored) => f
                .debug_struct("CachedResponse")
                .field("status", &stored.status)
                .field("len", &stored.body.len())
                .finish_non_exhaustive(),
            Stored::Index(index) => f.debug_tuple("VaryIndex").field(&index.names).finish(),
        }
    }
}
