//! The preferences of a request about the age of a stored response (RFC 9111 sections 4.2.4 and 5.2.1).

use std::time::Duration;

use super::directives::{Directives, RequestDirectives};

/// The age of a stored response, as preferences compare it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredAge {
    pub(crate) age: Duration,
    /// The lifetime that is left; `None` when the response is stale.
    pub(crate) left: Option<Duration>,
    /// The time since the response became stale.
    pub(crate) stale_for: Duration,
}

/// Returns whether a stored response may be served without a call of the origin.
pub(crate) fn accepts(request: &RequestDirectives, stored: &Directives, age: StoredAge) -> bool {
    if request.no_cache || stored.no_cache {
        return false;
    }
    // Zero asks for a new response, even in the instant in which the stored one arrived.
    if request.max_age.is_some_and(|most| most.is_zero() || age.age > most) {
        return false;
    }
    match age.left.filter(|left| !left.is_zero()) {
        Some(left) => request.min_fresh.is_none_or(|least| left >= least),
        None => {
            request.min_fresh.is_none()
                && may_be_stale(stored)
                && request.max_stale.is_some_and(|most| age.stale_for <= most)
        }
    }
}

/// Returns whether a response may be served stale. `s-maxage` forbids that to a shared cache, as `proxy-revalidate` does
/// (section 5.2.2.10).
pub(crate) fn may_be_stale(stored: &Directives) -> bool {
    !stored.must_revalidate && !stored.proxy_revalidate && !stored.no_cache && stored.s_maxage.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    const FRESH: StoredAge = StoredAge { age: secs(10), left: Some(secs(20)), stale_for: Duration::ZERO };
    const STALE: StoredAge = StoredAge { age: secs(40), left: None, stale_for: secs(10) };

    #[test]
    fn without_directives_a_fresh_response_is_served() {
        let (request, plain) = (RequestDirectives::default(), Directives::default());
        assert!(accepts(&request, &plain, FRESH));
        assert!(!accepts(&request, &plain, STALE));
        assert!(!accepts(&request, &plain, StoredAge { left: Some(Duration::ZERO), ..FRESH }));
        assert!(!accepts(&request, &Directives { no_cache: true, ..plain }, FRESH));
        assert!(accepts(
            &request,
            &Directives { must_revalidate: true, s_maxage: Some(secs(30)), ..plain },
            FRESH
        ));
    }

    #[test]
    fn demands_for_fresh_responses() {
        let plain = Directives::default();
        let none = RequestDirectives::default();
        for (request, wanted) in [
            (RequestDirectives { no_cache: true, ..none }, false),
            (RequestDirectives { max_age: Some(secs(9)), ..none }, false),
            (RequestDirectives { max_age: Some(secs(10)), ..none }, true),
            (RequestDirectives { max_age: Some(secs(9999)), ..none }, true),
            (RequestDirectives { max_age: Some(secs(9)), max_stale: Some(Duration::MAX), ..none }, false),
            (RequestDirectives { min_fresh: Some(secs(20)), ..none }, true),
            (RequestDirectives { min_fresh: Some(secs(21)), ..none }, false),
            (RequestDirectives { no_store: true, only_if_cached: true, ..none }, true),
        ] {
            assert_eq!(accepts(&request, &plain, FRESH), wanted, "{request:?}");
        }
        let newborn = StoredAge { age: Duration::ZERO, ..FRESH };
        assert!(!accepts(&RequestDirectives { max_age: Some(Duration::ZERO), ..none }, &plain, newborn));
    }

    #[test]
    fn demands_that_accept_stale_responses() {
        let plain = Directives::default();
        let any = RequestDirectives { max_stale: Some(Duration::MAX), ..RequestDirectives::default() };
        assert!(accepts(&any, &plain, STALE));
        assert!(accepts(&RequestDirectives { max_stale: Some(secs(10)), ..any }, &plain, STALE));
        assert!(!accepts(&RequestDirectives { max_stale: Some(secs(9)), ..any }, &plain, STALE));
        assert!(!accepts(&RequestDirectives { min_fresh: Some(Duration::ZERO), ..any }, &plain, STALE));
        assert!(!accepts(&RequestDirectives { max_age: Some(secs(39)), ..any }, &plain, STALE));
        for stored in [
            Directives { must_revalidate: true, ..plain },
            Directives { proxy_revalidate: true, ..plain },
            Directives { no_cache: true, ..plain },
            Directives { s_maxage: Some(secs(1)), ..plain },
        ] {
            assert!(!accepts(&any, &stored, STALE), "{stored:?}");
        }
    }
}
