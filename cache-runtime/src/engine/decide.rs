//! The decisions: pure functions, with no clock, no I/O and no async.

use std::time::Duration;

use crate::{expire::Expire, policy::Policy, tier::Stamp};

/// The longest life that an attribute gives, as the Python original: one year.
pub(crate) const YEAR: Duration = Duration::from_secs(31_536_000);

/// What to do with what a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Serve it.
    Fresh,
    /// Compute.
    Miss,
}

/// Times of an entry in milliseconds since 1970; `u64::MAX` is never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) soft_ms: u64,
    pub(crate) hard_ms: u64,
}

/// Whether an entry that passed every check of form may be served.
///
/// `current` is the stamp of the group now and `stored` the one the entry was computed under. An entry whose two
/// expiries are one needs no look at the clock: the store removes it in time, and a clock that is wrong here must not
/// overrule the store's.
pub(crate) fn verdict(times: Times, now_ms: u64, stored: Option<Stamp>, current: Option<Stamp>) -> Verdict {
    if stored.is_some() && stored != current {
        return Verdict::Miss;
    }
    if times.soft_ms != times.hard_ms && now_ms >= times.soft_ms {
        return Verdict::Miss;
    }
    Verdict::Fresh
}

/// What is to be stored for an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The value, this long.
    Value(Expire),
    /// That there is none, this long.
    Nothing(Expire),
    /// Nothing is stored, because of this.
    No(&'static str),
}

/// The expiries that apply to one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiries {
    pub(crate) value: Expire,
    pub(crate) none: Option<Expire>,
}

impl Expiries {
    /// The policy's, else the builder's default, at most a year unless `Never` was asked for.
    pub(crate) fn of(policy: &Policy, default: Expire) -> Self {
        Self {
            value: capped(policy.expire.map_or(default, Expire::After)),
            none: policy.none_expire.map(|life| capped(Expire::After(life))),
        }
    }
}

/// An attribute's expiry: at most one year.
pub(crate) fn capped(expire: Expire) -> Expire {
    match expire {
        Expire::After(life) => Expire::After(life.min(YEAR)),
        Expire::Never => Expire::Never,
    }
}

/// Whether a result is kept, and for how long. `special` is the answer of `expire_with` for this value, if there is one.
pub(crate) fn keep(has_value: bool, refused: bool, special: Option<Expire>, expiries: Expiries) -> Keep {
    match (has_value, refused) {
        (true, true) => Keep::No("unless"),
        (true, false) => Keep::Value(special.map_or(expiries.value, capped)),
        (false, _) => expiries.none.map_or(Keep::No("None"), Keep::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Stamp = [1; 16];
    const HOUR: Expire = Expire::After(Duration::from_secs(3600));

    #[test]
    fn a_changed_or_lost_group_stamp_is_a_miss() {
        let times = Times { soft_ms: 10, hard_ms: 10 };
        assert_eq!(verdict(times, 0, Some(ONE), Some(ONE)), Verdict::Fresh);
        assert_eq!(verdict(times, 0, Some(ONE), Some([2; 16])), Verdict::Miss);
        assert_eq!(verdict(times, 0, Some(ONE), None), Verdict::Miss);
        assert_eq!(verdict(times, 0, None, None), Verdict::Fresh);
    }

    #[test]
    fn a_wrong_clock_does_not_overrule_the_store() {
        assert_eq!(verdict(Times { soft_ms: 10, hard_ms: 10 }, 1_000_000, None, None), Verdict::Fresh);
        assert_eq!(verdict(Times { soft_ms: 10, hard_ms: 20 }, 15, None, None), Verdict::Miss);
    }

    #[test]
    fn what_is_kept_follows_the_outcome() {
        let expiries = Expiries { value: HOUR, none: None };
        let short = Expire::After(Duration::from_secs(1));
        assert_eq!(keep(true, false, None, expiries), Keep::Value(HOUR));
        assert_eq!(keep(true, false, Some(short), expiries), Keep::Value(short));
        assert_eq!(keep(true, true, Some(short), expiries), Keep::No("unless"));
        assert_eq!(keep(false, false, None, expiries), Keep::No("None"));
        assert_eq!(
            keep(false, false, None, Expiries { none: Some(short), ..expiries }),
            Keep::Nothing(short)
        );
    }

    #[test]
    fn an_attribute_keeps_a_year_at_most() {
        let policy = Policy::new().expire(Duration::from_secs(800 * 86_400));
        assert_eq!(Expiries::of(&policy, HOUR).value, Expire::After(YEAR));
        assert_eq!(Expiries::of(&Policy::new(), Expire::Never).value, Expire::Never);
    }
}
