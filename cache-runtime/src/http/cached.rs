//! Cached responses.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock, Weak};
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

/// Takes the place of responses that differ by these parts of a request. Each of them is stored under a key that holds the
/// stamp of the index, so removing the index removes them all: the next index has another stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VaryIndex {
    pub(super) stamp: [u8; 16],
    pub(super) selectors: Selectors,
}

/// The parts of a request that select one of several responses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selectors {
    /// These headers, sorted, each once.
    pub(super) names: Box<[HeaderName]>,
    /// All credentials, whichever headers they are in.
    pub(super) credentials: bool,
}

impl Selectors {
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.credentials
    }

    /// Returns whether responses that differ by `other` differ by these as well.
    pub(super) fn cover(&self, other: &Self) -> bool {
        (self.credentials || !other.credentials) && other.names.iter().all(|name| self.names.contains(name))
    }

    /// These and other ones.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut names: Vec<HeaderName> = self.names.iter().chain(&other.names).cloned().collect();
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Self { names: names.into(), credentials: self.credentials || other.credentials }
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

    /// Returns whether somebody else holds this response, such as the memory of this process.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// The address of this response, which no other has while [`CachedResponse::downgrade`] exists.
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    pub(super) fn downgrade(&self) -> Weak<Stored> {
        Arc::downgrade(&self.0)
    }

    /// Returns whether this is the response that was downgraded.
    pub(super) fn is(&self, other: &Weak<Stored>) -> bool {
        std::ptr::eq(other.as_ptr(), Arc::as_ptr(&self.0))
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
            Stored::Index(index) => f.debug_tuple("VaryIndex").field(&index.selectors).finish(),
        }
    }
}
