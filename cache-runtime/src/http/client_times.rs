//! The headers that limit how long clients may use a response.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::site::expiries::YEAR;

use super::header_memo::HeaderMemo;
use super::options::{Access, ResponseOptions};
use super::rfc::directives::{Directives, extensions};
use super::rfc::freshness::explicit;
use super::status_headers::CacheResult;
use super::times::{ResponseTimes, expires, time};

/// The rules by which clients are told how long they may use a response.
pub(super) struct ClientTimes<'a> {
    pub(super) options: &'a ResponseOptions,
    /// `client_max_age`, of the request, its handler or layer, or the builder.
    pub(super) max_age: Option<Duration>,
    /// The key holds something that may tell users apart.
    pub(super) is_personal: bool,
    pub(super) result: CacheResult,
    pub(super) now_ms: u64,
}

/// The time for which clients may use a response without asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientMaxAge {
    /// None at all: nobody can take back what a client has.
    NoCache,
    /// The rest of the TTL.
    Left,
    /// This time.
    Fixed(Duration),
}

/// The headers that limit how long a client may use one response.
pub(super) struct TimeHeaders {
    control: Option<HeaderValue>,
    expires: Option<HeaderValue>,
    age: Option<HeaderValue>,
}

impl ClientTimes<'_> {
    /// Makes the headers of a response: `Cache-Control` and `Expires` in place of the handler's own, or `Age` beside the
    /// origin's own. Both at once would count the age twice. `end` is `Expires` at the end of the TTL.
    pub(super) fn of(
        &self,
        (status, headers): (StatusCode, &HeaderMap),
        times: &ResponseTimes,
        end: impl FnOnce() -> HeaderValue,
    ) -> TimeHeaders {
        if self.options.obey_origin {
            let is_aged = self.result != CacheResult::Miss || times.initial_age.as_secs() > 0;
            let age = is_aged.then(|| times.age(self.now_ms).as_secs().into());
            return TimeHeaders { control: None, expires: None, age };
        }
        // In whole seconds, as all clients count.
        let in_cache = times.time_in_cache(self.now_ms).as_secs();
        let is_stale = self.result == CacheResult::Stale;
        let left = if is_stale { 0 } else { times.fresh.as_secs().saturating_sub(in_cache) };
        let rule = self.rule(status);
        let own = headers.contains_key(header::CACHE_CONTROL).then(|| Directives::of(headers));
        let seconds = match rule {
            ClientMaxAge::NoCache => None,
            ClientMaxAge::Left if own.is_none() => Some(left),
            ClientMaxAge::Left => bounded(left, headers, &own.unwrap_or_default(), times, in_cache),
            ClientMaxAge::Fixed(_) if is_stale => Some(0),
            ClientMaxAge::Fixed(time) => {
                bounded(time.as_secs(), headers, &own.unwrap_or_default(), times, in_cache)
            }
        };
        let tells_windows = rule == ClientMaxAge::Left && times.windows.are_any();
        let is_for_one = self.options.is_for_one_user(self.is_personal);
        let control = if own.is_none() && !is_for_one && !tells_windows {
            seconds.map_or(HeaderValue::from_static("no-cache"), max_age)
        } else {
            let windows = if tells_windows { Some(times) } else { None };
            let own = own.unwrap_or_default();
            // What the handler says about one response is more exact than what is known of its key.
            let is_private = is_for_one && (!own.public || self.options.access == Access::Private);
            cache_control(headers, &own, seconds, is_private, windows)
        };
        let expires = seconds.map(|seconds| match rule {
            ClientMaxAge::Left if seconds == left => end(),
            _ => expires((self.now_ms / 1000).saturating_add(seconds)),
        });
        TimeHeaders { control: Some(control), expires, age: None }
    }

    /// The rule for a response with this status: `client_max_age`, or what is left of the TTL. Without a written expiry, and
    /// where a tag, a group or an entry can take a response back, clients ask each time.
    fn rule(&self, status: StatusCode) -> ClientMaxAge {
        let options = self.options;
        if let Some(time) = self.max_age {
            return ClientMaxAge::Fixed(time.min(YEAR));
        }
        let has_own = || options.statuses.iter().any(|(known, expire)| *known == status && expire.is_some());
        if options.is_revocable || !(options.has_expire || has_own()) {
            ClientMaxAge::NoCache
        } else {
            ClientMaxAge::Left
        }
    }
}

impl TimeHeaders {
    /// Writes the headers in place of those that are there.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        if let Some(age) = self.age {
            headers.insert(header::AGE, age);
        }
        let Some(control) = self.control else { return };
        headers.insert(header::CACHE_CONTROL, control);
        match self.expires {
            Some(expires) => drop(headers.insert(header::EXPIRES, expires)),
            None => drop(headers.remove(header::EXPIRES)),
        }
    }
}

/// The seconds that a response allows its clients, at most `seconds`; `None` where the response has `no-cache`. `s-maxage`
/// does not make the time of clients longer.
fn bounded(
    seconds: u64,
    headers: &HeaderMap,
    own: &Directives,
    times: &ResponseTimes,
    in_cache: u64,
) -> Option<u64> {
    let for_clients = Directives { s_maxage: None, ..*own };
    let stated = [explicit(headers, &for_clients, time(times.received_ms)), own.s_maxage];
    let least = stated.into_iter().flatten().map(|stated| stated.as_secs().saturating_sub(in_cache)).min();
    (!own.no_cache).then(|| least.map_or(seconds, |least| least.min(seconds)))
}

/// `Cache-Control` with all its directives. `windows` are the times whose stale windows are told.
fn cache_control(
    headers: &HeaderMap,
    own: &Directives,
    seconds: Option<u64>,
    is_private: bool,
    windows: Option<&ResponseTimes>,
) -> HeaderValue {
    let mut text: Vec<u8> = Vec::with_capacity(64);
    if is_private {
        text.extend_from_slice(b"private, ");
    } else if own.public {
        text.extend_from_slice(b"public, ");
    }
    // Writing to a `Vec` does not fail.
    let _ = match seconds {
        Some(seconds) => write!(text, "max-age={seconds}"),
        None => write!(text, "no-cache"),
    };
    for (is_set, directive) in
        [(own.must_revalidate, ", must-revalidate"), (own.proxy_revalidate, ", proxy-revalidate")]
    {
        text.extend_from_slice(if is_set { directive.as_bytes() } else { b"" });
    }
    let windows = windows.map(|times| times.windows).unwrap_or_default();
    for (directive, window) in
        [("stale-while-revalidate", windows.revalidate), ("stale-if-error", windows.error)]
    {
        if let Some(window) = window.filter(|window| *window >= Duration::from_secs(1)) {
            let _ = write!(text, ", {directive}={}", window.as_secs());
        }
    }
    for extension in extensions(headers) {
        text.extend_from_slice(b", ");
        text.extend_from_slice(extension);
    }
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("no-store"))
}

/// `max-age=N`, which is in most hits.
fn max_age(seconds: u64) -> HeaderValue {
    thread_local! {
        static MEMO: HeaderMemo = const { HeaderMemo::new() };
    }
    let make = |seconds| {
        HeaderValue::try_from(format!("max-age={seconds}")).unwrap_or(HeaderValue::from_static("max-age=0"))
    };
    MEMO.with(|memo| memo.get(seconds, make))
}
