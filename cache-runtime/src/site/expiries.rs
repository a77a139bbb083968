//! The expiries that apply to one call.

use std::time::Duration;

use super::policy::Policy;
use crate::types::expire::Expire;

/// The longest TTL that an attribute gives: one year.
pub(crate) const YEAR: Duration = Duration::from_secs(31_536_000);

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
