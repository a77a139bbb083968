//! The events of a response, as they are sent.

use std::time::Duration;

use axum::response::sse::Event;
use bytes::Bytes;

use crate::event_log::event_id::EventId;
use crate::rt::random::chance;

/// The name of the event for a client that may have missed some.
const RESET: &str = "reset";
/// The bounds of the time after which clients connect again: not all of them at once after a deployment.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// Returns the first event, which no client shows. From its id on a client resumes, so that it misses nothing before its first
/// event either.
pub(super) fn first(id: Option<EventId>) -> Event {
    let event = Event::default().retry(retry(chance()));
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}

/// Returns the event for a client that may have missed some. Clients drop an event without data.
pub(super) fn reset(id: EventId) -> Event {
    Event::default().event(RESET).id(id.to_string()).data("{}")
}

/// Returns an event; `None` if it is not text.
pub(super) fn event(id: Option<EventId>, json: &Bytes) -> Option<Event> {
    let text = std::str::from_utf8(json).ok()?;
    // A carriage return ends a line as well, and is only blank space in JSON.
    let event = match text.contains('\r') {
        true => Event::default().data(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Event::default().data(text),
    };
    Some(match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    })
}

/// Returns the time after which a client connects again, for a random number below a million.
fn retry(chance: u32) -> Duration {
    let spread = RETRY.1 - RETRY.0;
    RETRY.0 + spread.mul_f64(f64::from(chance) / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_back_after_one_to_five_seconds() {
        assert_eq!(retry(0), RETRY.0);
        assert!(retry(999_999) <= RETRY.1 && retry(500_000) == Duration::from_secs(3));
    }

    #[test]
    fn what_is_not_text_is_no_event() {
        assert!(event(None, &Bytes::from_static(b"\"\xff\"")).is_none());
        assert!(event(None, &Bytes::from_static(b"{\r\n\"a\":\r1}")).is_some());
    }
}
