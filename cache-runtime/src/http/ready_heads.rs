//! The complete headers of hits, which stay the same for up to a second.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, Weak};

use http::{HeaderMap, HeaderValue, header};

use crate::engine::core::Core;

use super::cached::{CachedResponse, Stored};
use super::options::ResponseOptions;

/// The number of responses whose headers a thread remembers. Each has one slot.
const SLOTS: usize = 64;

/// The headers with which a response is sent, and what they depend on.
struct ReadyHead {
    response: Weak<Stored>,
    options: Weak<ResponseOptions>,
    core: u64,
    /// The milliseconds since 1970 in which the headers stay the same.
    valid: Range<u64>,
    /// `None` until the second hit: most responses have only one in that time.
    headers: Option<HeaderMap>,
}

/// The contents of a slot for one hit.
enum HeadState {
    Ready(HeaderMap),
    /// The response had one hit.
    Seen,
    /// The slot belongs to another response.
    Taken,
    Free,
}

thread_local! {
    static HEADS: RefCell<Vec<Option<ReadyHead>>> = const { RefCell::new(Vec::new()) };
}

/// Returns the headers for a hit of a response that other requests share, of a `GET` without conditions or a range.
pub(super) fn ready_head(
    found: &CachedResponse,
    (core, options): (&Core, &Arc<ResponseOptions>),
    now_ms: u64,
    make: impl FnOnce() -> HeaderMap,
) -> HeaderMap {
    // The low bits of all addresses are equal.
    let at = found.address() / 64 % SLOTS;
    let is_for = |head: &ReadyHead| {
        found.is(&head.response)
            && std::ptr::eq(head.options.as_ptr(), &raw const **options)
            && head.core == core.id
    };
    let slot = HEADS.with_borrow(|heads| match heads.get(at) {
        Some(Some(head)) if head.valid.contains(&now_ms) => match &head.headers {
            _ if !is_for(head) => HeadState::Taken,
            Some(headers) => HeadState::Ready(headers.clone()),
            None => HeadState::Seen,
        },
        _ => HeadState::Free,
    });
    let is_second = match slot {
        HeadState::Ready(mut headers) => {
            // Room without growing for what the server adds: a clone has none beyond its entries.
            headers.remove(header::CONTENT_LENGTH);
            return headers;
        }
        HeadState::Taken => return make(),
        HeadState::Seen => true,
        HeadState::Free => false,
    };
    let headers = make();
    let head = ReadyHead {
        response: found.downgrade(),
        options: Arc::downgrade(options),
        core: core.id,
        valid: found.as_response().map(|stored| stored.times.steady(now_ms)).unwrap_or_default(),
        headers: is_second.then(|| remembered(&headers, found)).flatten(),
    };
    HEADS.with_borrow_mut(|heads| {
        heads.resize_with(SLOTS, || None);
        heads[at] = Some(head);
    });
    headers
}

/// The headers as they are remembered: with values of their own, because those of a response hold all of its bytes in memory,
/// and with an entry that is removed from each clone, so that the clone has room for one more.
fn remembered(headers: &HeaderMap, found: &CachedResponse) -> Option<HeaderMap> {
    let mut headers = headers.clone();
    for (name, value) in &mut headers {
        let is_same = |own: &HeaderValue| std::ptr::eq(own.as_bytes(), value.as_bytes());
        if found.headers().get_all(name).iter().any(is_same) {
            let mut copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
            copy.set_sensitive(value.is_sensitive());
            *value = copy;
        }
    }
    let has_own = headers.contains_key(header::CONTENT_LENGTH);
    headers.try_insert(header::CONTENT_LENGTH, HeaderValue::from_static("0")).ok()?;
    (!has_own).then_some(headers)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::StatusCode;

    use super::super::times::ResponseTimes;
    use super::*;
    use crate::types::windows::StaleWindows;

    #[test]
    fn remembered_headers_hold_none_of_the_bytes_of_a_response() {
        let whole = Bytes::from(b"text/plain page".to_vec());
        let value = HeaderValue::from_maybe_shared(whole.slice(..10)).expect("a value");
        let stored = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
        let times = ResponseTimes {
            received_ms: 0,
            initial_age: Duration::ZERO,
            fresh: Duration::from_secs(1),
            windows: StaleWindows::default(),
        };
        let found = CachedResponse::new(StatusCode::OK, stored, whole.slice(11..), times);
        let mut made = found.headers().clone();
        made.insert(header::VARY, HeaderValue::from_static("Cookie"));
        let mut headers = remembered(&made, &found).expect("headers");
        headers.remove(header::CONTENT_LENGTH);
        assert_eq!(headers, made);
        drop((found, made));
        assert!(whole.is_unique());
    }
}
