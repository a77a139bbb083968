//! Whether a stored response is what a request will have (RFC 9111 sections 4.2.4 and 5.2.1).

use std::time::Duration;

use super::directives::{Directives, RequestDirectives};

/// Where a stored response stands in its life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preference {
    pub(crate) age: Duration,
    /// What is left of its life; none when it is stale.
    pub(crate) left: Option<Duration>,
    /// How long it has been stale.
    pub(crate) stale_for: Duration,
}

/// Whether the stored response may be served without asking the origin.
///
/// A cache whose owner does not let clients decide passes no request.
pub(crate) fn accepts(request: &RequestDirectives, stored: &Directives, standing: Preference) -> bool {
    if request.no_cache || stored.no_cache {
        return false;
    }
    // Zero asks for a new response, even in the instant in which the stored one was made.
    if request.max_age.is_some_and(|most| most.is_zero() || standing.age > most) {
        return false;
    }
    match standing.left.filter(|left| !left.is_zero()) {
        Some(left) => request.min_fresh.is_none_or(|least| left >= least),
        None => {
            request.min_fresh.is_none()
                && may_be_stale(stored)
                && request.max_stale.is_some_and(|most| standing.stale_for <= most)
        }
    }
}

/// Whether the response lets itself be served stale; `s-maxage` forbids it to a shared cache as
/// `proxy-revalidate` does (section 5.2.2.10).
pub(crate) fn may_be_stale(stored: &Directives) -> bool {
    !stored.must_revalidate && !stored.proxy_revalidate && !stored.no_cache && stored.s_maxage.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    const FRESH: Preference = Preference { age: secs(10), left: Some(secs(20)), stale_for: Duration::ZERO };
    const STALE: Preference = Preference { age: secs(40), left: None, stale_for: secs(10) };

    #[test]
    fn without_wishes_the_fresh_is_served() {
        let (request, plain) = (RequestDirectives::default(), Directives::default());
        assert!(accepts(&request, &plain, FRESH));
        assert!(!accepts(&request, &plain, STALE));
        assert!(!accepts(&request, &plain, Preference { left: Some(Duration::ZERO), ..FRESH }));
        assert!(!accepts(&request, &Directives { no_cache: true, ..plain }, FRESH));
        assert!(accepts(
            &request,
            &Directives { must_revalidate: true, s_maxage: Some(secs(30)), ..plain },
            FRESH
        ));
    }

    #[test]
    fn wishes_for_the_fresh() {
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
        let newborn = Preference { age: Duration::ZERO, ..FRESH };
        assert!(!accepts(&RequestDirectives { max_age: Some(Duration::ZERO), ..none }, &plain, newborn));
    }

    #[test]
    fn wishes_for_the_stale() {
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
