//! What the cache keeps of HTTP: a response, or the word that responses differ by some request headers.

use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::codec::fingerprint::fingerprint;
use crate::codec::{Codec, Decode, Encode, StoredForm};
use crate::site::outcome::Value;
use crate::types::error::Error;
use crate::types::windows::StaleWindows;

use super::made::Made;
use super::wire::{Reader, Writer};

/// A response as it is kept: what `unless` and `expire_with` of `#[cache(response)]` look at.
///
/// ```
/// # use larder_runtime::http::CachedResponse;
/// fn is_small(response: &CachedResponse) -> bool {
///     response.status() == 200 && response.body().len() < 1024
/// }
/// ```
///
/// Cheap to clone.
#[derive(Clone)]
pub struct CachedResponse(Arc<Form>);

#[expect(clippy::large_enum_variant, reason = "it is behind an `Arc`, and an index is what there are few of")]
pub(super) enum Form {
    Page(Page),
    Index(Index),
}

/// A response, and how long it may be used.
pub(crate) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) times: ResponseTimes,
    /// When it stops being fresh, as `Expires` says it. Made when it is first said.
    expires: OnceLock<HeaderValue>,
}

/// The times of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResponseTimes {
    /// When it was received, in milliseconds since 1970.
    pub(super) received_ms: u64,
    /// How old it was then.
    pub(super) initial_age: Duration,
    /// How long it is fresh from then on.
    pub(super) fresh: Duration,
    /// What it may be used for afterwards.
    pub(super) windows: StaleWindows,
}

/// Stands in the place of responses that differ by these request headers: each is kept under a key of its own, which
/// holds the mark of this index. An index that is removed takes all of them with it, since the next one has another mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) mark: [u8; 16],
    pub(super) names: Box<[HeaderName]>,
}

impl Index {
    /// Whether responses that differ by these headers can be told apart by it. By more is as good.
    pub(super) fn covers(&self, names: &[HeaderName]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }

    /// One that names these as well.
    pub(super) fn with(&self, names: &[HeaderName], mark: [u8; 16]) -> Self {
        let mut all: Vec<HeaderName> = self.names.iter().chain(names).cloned().collect();
        all.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        all.dedup();
        Self { mark, names: all.into() }
    }
}

impl CachedResponse {
    pub(super) fn page(status: StatusCode, headers: HeaderMap, body: Bytes, times: ResponseTimes) -> Self {
        Self(Arc::new(Form::Page(Page { status, headers, body, times, expires: OnceLock::new() })))
    }

    pub(super) fn index(index: Index) -> Self {
        Self(Arc::new(Form::Index(index)))
    }

    /// The same response with another life.
    pub(super) fn with_life(self, fresh: Duration) -> Self {
        match &*self.0 {
            Form::Page(page) => {
                let times = ResponseTimes { fresh, ..page.times };
                Self::page(page.status, page.headers.clone(), page.body.clone(), times)
            }
            Form::Index(_) => self,
        }
    }

    pub(super) fn form(&self) -> &Form {
        &self.0
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.as_page().map_or(StatusCode::OK, |page| page.status)
    }

    /// Its headers, without those that belong to one connection or are made anew for each client.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        self.as_page().map_or(&NONE, |page| &page.headers)
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        self.as_page().map_or(&NONE, |page| &page.body)
    }

    /// Its headers, to be changed: those that are here if nobody else has this response, as after a read.
    pub(super) fn take_headers(&mut self) -> HeaderMap {
        match Arc::get_mut(&mut self.0) {
            Some(Form::Page(page)) => std::mem::take(&mut page.headers),
            Some(Form::Index(_)) | None => self.headers().clone(),
        }
    }

    pub(crate) fn as_page(&self) -> Option<&Page> {
        match &*self.0 {
            Form::Page(page) => Some(page),
            Form::Index(_) => None,
        }
    }
}

impl Page {
    /// `Expires`.
    pub(super) fn expires(&self) -> &HeaderValue {
        self.expires.get_or_init(|| self.times.expires())
    }
}

impl ResponseTimes {
    /// `Expires`, which is told nowhere but here.
    pub(super) fn expires(&self) -> HeaderValue {
        thread_local! {
            static MADE: Made = const { Made::new() };
        }
        let end = Duration::from_millis(self.received_ms).saturating_add(self.fresh).as_secs();
        MADE.with(|made| made.get(end.min(LATEST), |end| date(UNIX_EPOCH + Duration::from_secs(end))))
    }

    /// How long it can be used for anything.
    pub(super) fn whole(&self) -> Duration {
        self.fresh.saturating_add(self.windows.longest())
    }

    /// How old the response is by now.
    pub(super) fn age(&self, now_ms: u64) -> Duration {
        self.initial_age.saturating_add(self.entry(now_ms))
    }

    /// How long it has been here. A clock that was set back makes nothing younger than new.
    pub(super) fn entry(&self, now_ms: u64) -> Duration {
        Duration::from_millis(now_ms.saturating_sub(self.received_ms))
    }
}

/// Years beyond 9999 cannot be written; the latest second that can stands for them.
const LATEST: u64 = 253_402_300_799;

/// A date as HTTP writes it.
pub(super) fn date(at: SystemTime) -> HeaderValue {
    let latest = UNIX_EPOCH + Duration::from_secs(LATEST);
    let mut text = Vec::with_capacity("Thu, 01 Jan 1970 00:00:00 GMT".len());
    // Writing to bytes in memory does not fail.
    let _ = write!(text, "{}", httpdate::HttpDate::from(at.min(latest)));
    HeaderValue::from_maybe_shared(Bytes::from(text))
        .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

const PAGE: u8 = 1;
const INDEX: u8 = 2;

impl Encode for CachedResponse {
    fn form(_: Codec) -> StoredForm {
        StoredForm::Response
    }

    fn encode(&self, _: StoredForm, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut writer = Writer(out);
        match &*self.0 {
            Form::Page(page) => {
                writer.byte(PAGE);
                writer.number(page.status.as_u16().into());
                let ResponseTimes { received_ms, initial_age, fresh, windows } = page.times;
                writer.number(received_ms);
                writer.time(initial_age);
                writer.time(fresh);
                for window in [windows.revalidate, windows.error, windows.compare] {
                    writer.time(window.unwrap_or_default());
                }
                writer.number(page.headers.len() as u64);
                for (name, value) in &page.headers {
                    writer.text(name.as_str().as_bytes());
                    writer.text(value.as_bytes());
                }
                writer.rest(&page.body);
            }
            Form::Index(index) => {
                writer.byte(INDEX);
                writer.rest(&index.mark);
                writer.number(index.names.len() as u64);
                index.names.iter().for_each(|name| writer.text(name.as_str().as_bytes()));
            }
        }
        Ok(())
    }
}

impl Decode for CachedResponse {
    fn decode(form: StoredForm, bytes: &[u8], whole: &Bytes) -> Option<Self> {
        if form != StoredForm::Response {
            return None;
        }
        // Parts of what was read, so that neither values nor body are copied.
        let mut reader = Reader::new(whole.slice_ref(bytes));
        match reader.byte()? {
            PAGE => {
                let status = StatusCode::from_u16(u16::try_from(reader.number()?).ok()?).ok()?;
                let (received_ms, initial_age, fresh) = (reader.number()?, reader.time()?, reader.time()?);
                let windows = StaleWindows {
                    revalidate: some(reader.time()?),
                    error: some(reader.time()?),
                    compare: some(reader.time()?),
                };
                let count = reader.number()?;
                // What is claimed is not reserved: the bytes may be anybody's.
                let mut headers = HeaderMap::with_capacity(count.min(32) as usize + 4);
                for _ in 0..count {
                    let name = HeaderName::from_bytes(reader.name()?).ok()?;
                    headers.try_append(name, HeaderValue::from_maybe_shared(reader.text()?).ok()?).ok()?;
                }
                let times = ResponseTimes { received_ms, initial_age, fresh, windows };
                Some(Self::page(status, headers, reader.rest(), times))
            }
            INDEX => {
                let mark = reader.take(16)?.first_chunk().copied()?;
                let count = reader.number()?;
                let mut names = Vec::new();
                for _ in 0..count {
                    names.push(HeaderName::from_bytes(reader.name()?).ok()?);
                }
                let is_whole = reader.rest().is_empty();
                is_whole.then(|| Self::index(Index { mark, names: names.into() }))
            }
            _ => None,
        }
    }

    fn fingerprint(_: StoredForm) -> u64 {
        static FINGERPRINT: LazyLock<u64> = LazyLock::new(fingerprint::<CachedResponse>);
        *FINGERPRINT
    }

    fn windows(&self) -> Option<StaleWindows> {
        match &*self.0 {
            Form::Page(page) => Some(page.times.windows),
            Form::Index(_) => Some(StaleWindows::default()),
        }
    }

    fn refreshes_ahead(&self) -> bool {
        self.as_page().is_some()
    }

    /// Bodies have a limit of their own, [`super::MAX_BODY`]; a builder that says something else has the last word.
    fn limit(limit: usize) -> usize {
        if limit == crate::store::MAX_VALUE { super::MAX_BODY + (1 << 20) } else { limit }
    }
}

#[diagnostic::do_not_recommend]
impl Value for CachedResponse {}

/// A window that is not zero.
fn some(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

impl fmt::Debug for CachedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            // Neither headers nor body: they may hold what must not be logged.
            Form::Page(page) => f
                .debug_struct("CachedResponse")
                .field("status", &page.status)
                .field("len", &page.body.len())
                .finish_non_exhaustive(),
            Form::Index(index) => f.debug_tuple("Index").field(&index.names).finish(),
        }
    }
}
