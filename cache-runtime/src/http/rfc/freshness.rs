//! The freshness lifetime and the age of a response (RFC 9111 section 4.2).

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, StatusCode,
    header::{AGE, DATE, EXPIRES, LAST_MODIFIED},
};

use super::{
    date,
    delta::{self, LONGEST},
    directives::Directives,
    list,
};

/// The longest heuristic lifetime.
const LONGEST_GUESS: Duration = Duration::from_secs(86_400);

/// The lifetime that a response states for a shared cache (section 4.2.1). One that cannot be read is zero.
pub(crate) fn explicit(
    headers: &HeaderMap,
    directives: &Directives,
    received: SystemTime,
) -> Option<Duration> {
    if let Some(lifetime) = directives.s_maxage.or(directives.max_age) {
        return Some(lifetime);
    }
    if directives.is_targeted {
        return None;
    }
    let stated = headers.get(EXPIRES)?;
    if headers.get_all(EXPIRES).iter().any(|other| other != stated) {
        return Some(Duration::ZERO);
    }
    // Counted from `Date`, so that the origin's clock is compared with itself.
    let sent = date::first(headers, &DATE).unwrap_or(received);
    let lifetime = date::parse(stated).and_then(|expires| expires.duration_since(sent).ok());
    Some(lifetime.unwrap_or_default().min(LONGEST))
}

/// The lifetime of a response that states none: a tenth of the time since it was modified, in whole seconds, at most a
/// day (section 4.2.2).
pub(crate) fn heuristic(
    status: StatusCode,
    headers: &HeaderMap,
    directives: &Directives,
    received: SystemTime,
) -> Option<Duration> {
    if !directives.public && !is_cacheable_by_default(status) {
        return None;
    }
    let modified = date::first(headers, &LAST_MODIFIED)?;
    let sent = date::first(headers, &DATE).unwrap_or(received);
    let unchanged = sent.duration_since(modified).ok()?;
    Some(Duration::from_secs(unchanged.as_secs() / 10).min(LONGEST_GUESS))
}

/// The age of a response on its arrival (section 4.2.3).
pub(crate) fn initial_age(headers: &HeaderMap, requested: SystemTime, received: SystemTime) -> Duration {
    let sent = date::first(headers, &DATE);
    let apparent = sent.and_then(|sent| received.duration_since(sent).ok()).unwrap_or_default();
    let delay = received.duration_since(requested).unwrap_or_default();
    stated_age(headers).saturating_add(delay).max(apparent).min(LONGEST)
}

/// Returns whether a response may be stored without a stated lifetime (RFC 9110 section 15.1).
pub(crate) fn is_cacheable_by_default(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The first member of `Age`, ignored if it cannot be read (section 5.1).
fn stated_age(headers: &HeaderMap) -> Duration {
    let first = headers.get(AGE).and_then(|line| list::split(line.as_bytes()).next());
    first.and_then(delta::seconds).unwrap_or_default()
}

#[cfg(test)]
#[path = "tests/freshness.rs"]
mod tests;
