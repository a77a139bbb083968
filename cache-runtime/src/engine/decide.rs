//! The decisions: pure functions, with no clock, no I/O and no async.

use std::time::Duration;

use crate::codec::envelope::{Envelope, NEVER};
use crate::site::expiries::{Expiries, capped};
use crate::site::policy::{PARTS_PER_MILLION, Policy};
use crate::types::expire::Expire;
use crate::types::key::Labels;
use crate::types::stamp::Stamp;
use crate::types::windows::StaleWindows;

/// [`PARTS_PER_MILLION`] in the type of the calculations here.
const WHOLE: u128 = PARTS_PER_MILLION as u128;

/// The decision about an entry that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryState {
    /// Serve the value.
    Fresh,
    /// Serve the value and compute a new one in the background.
    Early,
    /// The value is past its expiry and may be used as [`Stale`] says.
    Stale(Stale),
    /// Compute.
    Miss,
}

/// The permitted uses of a value past its expiry. Every stale value is also offered to the computation for revalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stale {
    /// The value may be served while a new one is computed in the background.
    pub(crate) at_once: bool,
    /// The value may be served when the function fails.
    pub(crate) on_error: bool,
}

/// The times of an entry in milliseconds since 1970; `u64::MAX` is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryTimes {
    pub(crate) created_ms: u64,
    pub(crate) soft_ms: u64,
    pub(crate) hard_ms: u64,
}

impl EntryTimes {
    /// The time until the entry is stale or is to be refreshed early; `None` if it never is.
    pub(crate) fn left(self, now_ms: u64, policy: &Policy) -> Option<Duration> {
        if self.soft_ms == NEVER {
            return None;
        }
        let ttl = u128::from(self.soft_ms.saturating_sub(self.created_ms));
        let fresh = policy.refresh_ahead.map_or(ttl, |share| ttl * u128::from(share) / WHOLE);
        let end = self.created_ms.saturating_add(u64::try_from(fresh).unwrap_or(NEVER));
        Some(Duration::from_millis(end.saturating_sub(now_ms)))
    }
}

/// Decides whether an entry that passed every check of form may be served.
///
/// An entry without a stale window is not compared with the clock: the store removes it in time, and a wrong clock in this
/// process must not overrule the store's. So `now_ms` is asked only where it matters.
pub(crate) fn verdict(
    times: EntryTimes,
    now_ms: impl Fn() -> u64,
    windows: StaleWindows,
    policy: &Policy,
) -> EntryState {
    let EntryTimes { soft_ms, hard_ms, .. } = times;
    if soft_ms == hard_ms || now_ms() < soft_ms {
        return if is_early(times, now_ms, policy) { EntryState::Early } else { EntryState::Fresh };
    }
    let now_ms = now_ms();
    let within = |window: Option<Duration>| {
        now_ms < hard_ms && window.is_some_and(|window| now_ms < soft_ms.saturating_add(millis(window)))
    };
    let on_error = within(windows.error);
    let at_once = within(windows.revalidate) || (on_error && policy.soft_timeout.is_some());
    if at_once || on_error || within(windows.compare) {
        EntryState::Stale(Stale { at_once, on_error })
    } else {
        EntryState::Miss
    }
}

fn is_early(times: EntryTimes, now_ms: impl Fn() -> u64, policy: &Policy) -> bool {
    let Some(share) = policy.refresh_ahead.filter(|_| times.soft_ms != NEVER) else { return false };
    let ttl = u128::from(times.soft_ms.saturating_sub(times.created_ms));
    u128::from(now_ms().saturating_sub(times.created_ms)) >= ttl * u128::from(share) / WHOLE
}

/// The labels of an entry, compared with those that its reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelCheck {
    /// The labels still have the stamps under which the entry was computed.
    Current,
    /// A label has another stamp or none, or the entry has other tags.
    Dropped,
    /// The reader does not know the tags that the entry has.
    Unknown,
}

/// Compares the stamps under which an entry was computed with `stamps`, those that `labels` have now. Only a reader that
/// `knows_tags` can say that an entry has the wrong tags.
pub(crate) fn label_check(
    opened: &Envelope<'_>,
    labels: Labels<'_>,
    stamps: &[Option<Stamp>],
    knows_tags: bool,
) -> LabelCheck {
    let (group, tags) = stamps.split_at(usize::from(labels.group.is_some()).min(stamps.len()));
    if opened.header.stamp != group.first().copied().flatten() {
        return LabelCheck::Dropped;
    }
    if !has_tags(opened, labels) {
        return if knows_tags { LabelCheck::Dropped } else { LabelCheck::Unknown };
    }
    let known = tags.iter().map(|stamp| stamp.as_ref().map(|stamp| &stamp[..]));
    let same_stamps = opened.tags.stamps().map(Some).eq(known);
    if same_stamps { LabelCheck::Current } else { LabelCheck::Dropped }
}

/// Returns whether an entry has these tags, in this order.
pub(crate) fn has_tags(opened: &Envelope<'_>, labels: Labels<'_>) -> bool {
    opened.tags.names().eq(labels.tags.iter().map(crate::types::key::Label::tag_name))
}

/// The form in which a result is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// As a value, for this long.
    Value(Expire),
    /// As a `None`, for this long.
    Nothing(Expire),
    /// Not at all, for this reason.
    No(&'static str),
}

/// Decides whether a result is stored and for how long. `judgement` is the result of `expire_with` for its value, if there
/// is one, or the reason why the value is refused; `None` without a value.
pub(crate) fn storage(
    judgement: Option<Result<Option<Expire>, &'static str>>,
    expiries: Expiries,
) -> Storage {
    match judgement {
        Some(Err(reason)) => Storage::No(reason),
        Some(Ok(from_value)) => Storage::Value(from_value.map_or(expiries.value, capped)),
        None => expiries.none.map_or(Storage::No("None"), Storage::Nothing),
    }
}

/// The times from now until a stored value becomes stale, and until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry {
    /// `None`: never.
    pub(crate) fresh: Option<Duration>,
    /// `None`: never.
    pub(crate) total: Option<Duration>,
}

impl Expiry {
    /// An expiry without a stale window after it.
    pub(crate) fn plain(expire: Expire) -> Self {
        Self::exact(expire, StaleWindows::default())
    }

    /// The expiry that a policy gives a value: jitter takes off up to its share and never adds, so that `expire` is a
    /// limit. `chance` is uniform in 0..1 000 000, and is drawn for jitter only.
    pub(crate) fn of(policy: &Policy, expire: Expire, chance: impl FnOnce() -> u32) -> Self {
        let Expire::After(ttl) = expire else { return Self::exact(expire, policy.windows()) };
        let chance = if policy.jitter == 0 { 0 } else { chance() };
        let off = u128::from(policy.jitter) * u128::from(chance) / WHOLE;
        let fresh_ms = u128::from(millis(ttl)) * (WHOLE - off.min(WHOLE)) / WHOLE;
        let fresh = Duration::from_millis(u64::try_from(fresh_ms).unwrap_or(u64::MAX).max(1));
        Self::exact(Expire::After(fresh), policy.windows())
    }

    /// The expiry of a value that knows its own times, as a response does.
    pub(crate) fn exact(expire: Expire, windows: StaleWindows) -> Self {
        let Expire::After(ttl) = expire else { return Self { fresh: None, total: None } };
        // A response may be stale from the start, and be stored to be revalidated.
        let least = u64::from(!ttl.is_zero() || !windows.are_any());
        let fresh = Duration::from_millis(millis(ttl).max(least));
        Self { fresh: Some(fresh), total: Some(fresh.saturating_add(windows.longest())) }
    }

    /// The times of an entry that is stored now.
    pub(crate) fn times(self, now_ms: u64) -> EntryTimes {
        let end = |ttl: Option<Duration>| ttl.map_or(NEVER, |ttl| now_ms.saturating_add(millis(ttl)));
        EntryTimes { created_ms: now_ms, soft_ms: end(self.fresh), hard_ms: end(self.total) }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Expire = Expire::After(Duration::from_secs(3600));

    fn verdict(times: EntryTimes, now_ms: u64, policy: &Policy) -> EntryState {
        super::verdict(times, || now_ms, policy.windows(), policy)
    }

    fn times(soft_ms: u64, hard_ms: u64) -> EntryTimes {
        EntryTimes { created_ms: 0, soft_ms, hard_ms }
    }

    #[test]
    fn a_wrong_clock_does_not_overrule_the_store() {
        assert_eq!(verdict(times(10, 10), 1_000_000, &Policy::new()), EntryState::Fresh);
        assert_eq!(verdict(times(10, 20), 15, &Policy::new()), EntryState::Miss);
    }

    #[test]
    fn a_stale_value_is_used_within_the_windows_of_its_reader() {
        let ms = Duration::from_millis;
        let mut policy = Policy::new();
        policy.stale_while_revalidate = Some(ms(5));
        policy.stale_if_error = Some(ms(8));
        let at = |now| verdict(times(10, 18), now, &policy);
        assert_eq!(at(9), EntryState::Fresh);
        assert_eq!(at(10), EntryState::Stale(Stale { at_once: true, on_error: true }));
        assert_eq!(at(15), EntryState::Stale(Stale { at_once: false, on_error: true }));
        assert_eq!(at(18), EntryState::Miss);
        assert_eq!(verdict(times(10, 12), 13, &policy), EntryState::Miss);
    }

    #[test]
    fn a_value_for_comparison_only_is_not_served() {
        let windows = StaleWindows { compare: Some(Duration::from_millis(9)), ..StaleWindows::default() };
        let at = |now| super::verdict(times(10, 19), || now, windows, &Policy::new());
        assert_eq!(at(18), EntryState::Stale(Stale { at_once: false, on_error: false }));
        assert_eq!(at(19), EntryState::Miss);
    }

    #[test]
    fn a_refresh_is_early_once_its_share_has_passed() {
        let mut policy = Policy::new();
        policy.refresh_ahead = Some(800_000);
        assert_eq!(verdict(times(100, 100), 79, &policy), EntryState::Fresh);
        assert_eq!(verdict(times(100, 100), 80, &policy), EntryState::Early);
        assert_eq!(verdict(times(NEVER, NEVER), 1 << 60, &policy), EntryState::Fresh);
    }

    #[test]
    fn jitter_only_shortens() {
        let mut policy = Policy::new();
        policy.jitter = 100_000;
        policy.stale_if_error = Some(Duration::from_secs(60));
        let expiry = |chance| Expiry::of(&policy, HOUR, || chance);
        assert_eq!(expiry(0).fresh, Some(Duration::from_secs(3600)));
        assert_eq!(expiry(999_999).fresh, Some(Duration::from_millis(3_240_003)));
        assert_eq!(expiry(0).total, Some(Duration::from_secs(3660)));
        assert_eq!(Expiry::of(&policy, Expire::Never, || 5).total, None);
        let tiny = Expiry::of(&policy, Expire::After(Duration::from_millis(1)), || 999_999);
        assert_eq!(tiny.fresh, Some(Duration::from_millis(1)));
    }

    #[test]
    fn a_value_with_times_of_its_own_has_no_jitter() {
        let windows = StaleWindows { compare: Some(Duration::from_secs(9)), ..StaleWindows::default() };
        let own = Expiry::exact(Expire::After(Duration::ZERO), windows);
        assert_eq!((own.fresh, own.total), (Some(Duration::ZERO), Some(Duration::from_secs(9))));
        assert_eq!(Expiry::exact(HOUR, windows).fresh, Some(Duration::from_secs(3600)));
        assert_eq!(Expiry::plain(Expire::After(Duration::ZERO)).fresh, Some(Duration::from_millis(1)));
    }

    #[test]
    fn storage_follows_the_result() {
        let expiries = Expiries { value: HOUR, none: None };
        let short = Expire::After(Duration::from_secs(1));
        assert_eq!(storage(Some(Ok(None)), expiries), Storage::Value(HOUR));
        assert_eq!(storage(Some(Ok(Some(short))), expiries), Storage::Value(short));
        assert_eq!(storage(Some(Err("unless")), expiries), Storage::No("unless"));
        assert_eq!(storage(None, expiries), Storage::No("None"));
        assert_eq!(storage(None, Expiries { none: Some(short), ..expiries }), Storage::Nothing(short));
    }

    #[test]
    fn an_attribute_caches_for_a_year_at_most() {
        let policy = Policy::new().expire(Duration::from_secs(800 * 86_400));
        assert_eq!(Expiries::of(&policy, HOUR).value, Expire::After(crate::site::expiries::YEAR));
        assert_eq!(Expiries::of(&Policy::new(), Expire::Never).value, Expire::Never);
    }
}
