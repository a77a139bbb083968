//! The decisions: pure functions, with no clock, no I/O and no async.

use std::time::Duration;

use crate::codec::envelope::{NEVER, Opened};
use crate::site::expiries::{Expiries, capped};
use crate::site::policy::Policy;
use crate::types::expire::Expire;
use crate::types::key::Labels;
use crate::types::stamp::Stamp;
use crate::types::windows::StaleWindows;

/// Shares are parts of this.
const WHOLE: u128 = 1_000_000;

/// What to do with what a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Serve it.
    Fresh,
    /// Serve it, and have a new one computed apart.
    Early,
    /// It is past its expiry, and may be used as [`Stale`] says.
    Stale(Stale),
    /// Compute.
    Miss,
}

/// What an old value may be used for, beside being shown to the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stale {
    /// It may be served while a new one is computed apart.
    pub(crate) at_once: bool,
    /// It may be served when the function fails.
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
    /// How much longer it is to be served without a second thought: until it is stale, or is to be refreshed. `None`:
    /// there is no end to it.
    pub(crate) fn left(self, now_ms: u64, policy: &Policy) -> Option<Duration> {
        if self.soft_ms == NEVER {
            return None;
        }
        let life = u128::from(self.soft_ms.saturating_sub(self.created_ms));
        let fresh = policy.refresh_ahead.map_or(life, |share| life * u128::from(share) / WHOLE);
        let end = self.created_ms.saturating_add(u64::try_from(fresh).unwrap_or(NEVER));
        Some(Duration::from_millis(end.saturating_sub(now_ms)))
    }
}

/// Whether an entry that passed every check of form may be served.
///
/// An entry whose two expiries are one is not held against the clock: the store removes it in time, and a clock that is
/// wrong here must not overrule the store's.
pub(crate) fn verdict(times: EntryTimes, now_ms: u64, windows: StaleWindows, policy: &Policy) -> Verdict {
    let EntryTimes { soft_ms, hard_ms, .. } = times;
    if soft_ms == hard_ms || now_ms < soft_ms {
        return if is_early(times, now_ms, policy) { Verdict::Early } else { Verdict::Fresh };
    }
    let within = |window: Option<Duration>| {
        now_ms < hard_ms && window.is_some_and(|window| now_ms < soft_ms.saturating_add(millis(window)))
    };
    let on_error = within(windows.error);
    let at_once = within(windows.revalidate) || (on_error && policy.soft_timeout.is_some());
    if at_once || on_error || within(windows.compare) {
        Verdict::Stale(Stale { at_once, on_error })
    } else {
        Verdict::Miss
    }
}

fn is_early(times: EntryTimes, now_ms: u64, policy: &Policy) -> bool {
    let Some(share) = policy.refresh_ahead.filter(|_| times.soft_ms != NEVER) else { return false };
    let life = u128::from(times.soft_ms.saturating_sub(times.created_ms));
    u128::from(now_ms.saturating_sub(times.created_ms)) >= life * u128::from(share) / WHOLE
}

/// How the labels of an entry compare with those that its reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelCheck {
    /// They still have the stamps that the entry was computed under.
    Current,
    /// One has another, or none; or the entry has other tags.
    Dropped,
    /// The reader does not know the tags that the entry has.
    Unknown,
}

/// Whether the labels of an entry still have the stamps that it was computed under. `stamps` are those that `labels` have now. Only a reader that `knows_tags` can say that an entry has the wrong ones.
pub(crate) fn label_check(
    opened: &Opened<'_>,
    labels: Labels<'_>,
    stamps: &[Option<Stamp>],
    knows_tags: bool,
) -> LabelCheck {
    let (group, tags) = stamps.split_at(usize::from(labels.group.is_some()).min(stamps.len()));
    if opened.meta.stamp != group.first().copied().flatten() {
        return LabelCheck::Dropped;
    }
    if !knows_tags && !opened.tags.is_empty() {
        return LabelCheck::Unknown;
    }
    let same_names = opened.tags.names().eq(labels.tags.iter().map(crate::types::key::Label::tag_name));
    let known = tags.iter().map(|stamp| stamp.as_ref().map(|stamp| &stamp[..]));
    let same_stamps = opened.tags.stamps().map(Some).eq(known);
    if same_names && same_stamps { LabelCheck::Current } else { LabelCheck::Dropped }
}

/// What is to be stored for an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// The value, this long.
    Value(Expire),
    /// That there is none, this long.
    Nothing(Expire),
    /// Nothing is stored, because of this.
    No(&'static str),
}

/// Whether a result is kept, and for how long. `special` is the answer of `expire_with` for this value, if there is one.
pub(crate) fn storage(
    has_value: bool,
    refused: bool,
    special: Option<Expire>,
    expiries: Expiries,
) -> Storage {
    match (has_value, refused) {
        (true, true) => Storage::No("unless"),
        (true, false) => Storage::Value(special.map_or(expiries.value, capped)),
        (false, _) => expiries.none.map_or(Storage::No("None"), Storage::Nothing),
    }
}

/// When what is stored now becomes stale, and when it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry {
    /// `None`: never.
    pub(crate) fresh: Option<Duration>,
    /// `None`: never.
    pub(crate) total: Option<Duration>,
}

impl Expiry {
    /// A life without an old age.
    pub(crate) fn plain(expire: Expire) -> Self {
        let life = match expire {
            Expire::After(life) => Some(life),
            Expire::Never => None,
        };
        Self { fresh: life, total: life }
    }

    /// The life that an expiry and windows after it give. `jitter` is in parts per million. `chance` is uniform in 0..1 000 000: jitter takes off up to its share, and never
    /// adds, so that an expiry is a limit.
    pub(crate) fn of(expire: Expire, windows: StaleWindows, jitter: u32, chance: u32) -> Self {
        let Expire::After(life) = expire else { return Self { fresh: None, total: None } };
        let off = u128::from(jitter) * u128::from(chance) / WHOLE;
        let fresh_ms = u128::from(millis(life)) * (WHOLE - off.min(WHOLE)) / WHOLE;
        // A response may be old from the start, and be kept for the origin to say that it is still good.
        let least = u64::from(!life.is_zero() || !windows.are_any());
        let fresh = Duration::from_millis(u64::try_from(fresh_ms).unwrap_or(u64::MAX).max(least));
        Self { fresh: Some(fresh), total: Some(fresh.saturating_add(windows.longest())) }
    }

    /// The times of an entry that begins this life now.
    pub(crate) fn times(self, now_ms: u64) -> EntryTimes {
        let end = |life: Option<Duration>| life.map_or(NEVER, |life| now_ms.saturating_add(millis(life)));
        EntryTimes { created_ms: now_ms, soft_ms: end(self.fresh), hard_ms: end(self.total) }
    }
}

fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Expire = Expire::After(Duration::from_secs(3600));

    fn verdict(times: EntryTimes, now_ms: u64, policy: &Policy) -> Verdict {
        super::verdict(times, now_ms, policy.windows(), policy)
    }

    fn times(soft_ms: u64, hard_ms: u64) -> EntryTimes {
        EntryTimes { created_ms: 0, soft_ms, hard_ms }
    }

    #[test]
    fn a_wrong_clock_does_not_overrule_the_store() {
        assert_eq!(verdict(times(10, 10), 1_000_000, &Policy::new()), Verdict::Fresh);
        assert_eq!(verdict(times(10, 20), 15, &Policy::new()), Verdict::Miss);
    }

    #[test]
    fn an_old_value_is_used_within_the_windows_of_its_reader() {
        let ms = Duration::from_millis;
        let mut policy = Policy::new();
        policy.stale_while_revalidate = Some(ms(5));
        policy.stale_if_error = Some(ms(8));
        let at = |now| verdict(times(10, 18), now, &policy);
        assert_eq!(at(9), Verdict::Fresh);
        assert_eq!(at(10), Verdict::Stale(Stale { at_once: true, on_error: true }));
        assert_eq!(at(15), Verdict::Stale(Stale { at_once: false, on_error: true }));
        assert_eq!(at(18), Verdict::Miss);
        assert_eq!(verdict(times(10, 12), 13, &policy), Verdict::Miss);
    }

    #[test]
    fn what_may_only_be_compared_is_not_served() {
        let windows = StaleWindows { compare: Some(Duration::from_millis(9)), ..StaleWindows::default() };
        let at = |now| super::verdict(times(10, 19), now, windows, &Policy::new());
        assert_eq!(at(18), Verdict::Stale(Stale { at_once: false, on_error: false }));
        assert_eq!(at(19), Verdict::Miss);
    }

    #[test]
    fn a_refresh_is_early_once_its_share_has_passed() {
        let mut policy = Policy::new();
        policy.refresh_ahead = Some(800_000);
        assert_eq!(verdict(times(100, 100), 79, &policy), Verdict::Fresh);
        assert_eq!(verdict(times(100, 100), 80, &policy), Verdict::Early);
        assert_eq!(verdict(times(NEVER, NEVER), 1 << 60, &policy), Verdict::Fresh);
    }

    #[test]
    fn jitter_only_shortens() {
        let mut policy = Policy::new();
        policy.jitter = 100_000;
        policy.stale_if_error = Some(Duration::from_secs(60));
        let life = |chance| Expiry::of(HOUR, policy.windows(), policy.jitter, chance);
        assert_eq!(life(0).fresh, Some(Duration::from_secs(3600)));
        assert_eq!(life(999_999).fresh, Some(Duration::from_millis(3_240_003)));
        assert_eq!(life(0).total, Some(Duration::from_secs(3660)));
        assert_eq!(Expiry::of(Expire::Never, policy.windows(), policy.jitter, 5).total, None);
    }

    #[test]
    fn what_is_kept_follows_the_outcome() {
        let expiries = Expiries { value: HOUR, none: None };
        let short = Expire::After(Duration::from_secs(1));
        assert_eq!(storage(true, false, None, expiries), Storage::Value(HOUR));
        assert_eq!(storage(true, false, Some(short), expiries), Storage::Value(short));
        assert_eq!(storage(true, true, Some(short), expiries), Storage::No("unless"));
        assert_eq!(storage(false, false, None, expiries), Storage::No("None"));
        assert_eq!(
            storage(false, false, None, Expiries { none: Some(short), ..expiries }),
            Storage::Nothing(short)
        );
    }

    #[test]
    fn an_attribute_keeps_a_year_at_most() {
        let policy = Policy::new().expire(Duration::from_secs(800 * 86_400));
        assert_eq!(Expiries::of(&policy, HOUR).value, Expire::After(crate::site::expiries::YEAR));
        assert_eq!(Expiries::of(&Policy::new(), Expire::Never).value, Expire::Never);
    }
}
