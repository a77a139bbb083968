//! The TTLs of the results of one call.

use std::time::Duration;

use super::policy::Policy;
use crate::types::expire::Expire;

/// The longest TTL that an attribute can set: one year.
pub(crate) const YEAR: Duration = Duration::from_secs(31_536_000);

/// The TTLs of the results of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiries {
    /// The TTL of a value.
    pub(crate) value: Expire,
    /// The TTL of a `None`; without one a `None` is not cached.
    pub(crate) none: Option<Expire>,
}

impl Expiries {
    /// Returns the policy's TTLs, else `default`, each at most a year unless it is `Never`.
    pub(crate) fn of(policy: &Policy, default: Expire) -> Self {
        Self {
            value: capped(policy.expire.map_or(default, Expire::After)),
            none: policy.none_expire.map(|ttl| capped(Expire::After(ttl))),
        }
    }
}

/// Limits the TTL of an attribute to one year.
pub(crate) fn capped(expire: Expire) -> Expire {
    match expire {
        Expire::After(ttl) => Expire::After(ttl.min(YEAR)),
        Expire::Never => Expire::Never,
    }
}
