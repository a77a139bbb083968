//! Verdicts: whether a hit is admitted, and what is left.

use std::sync::Arc;
use std::time::Duration;

use super::ledger::Decision;
use super::rate::Rate;
use super::rules::LimitRules;

/// The place where a verdict was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecidedBy {
    /// Redis, for all processes together.
    Redis,
    /// The memory of this process, because the cache is on `memory://`.
    Memory,
    /// The memory of this process alone, because Redis cannot be asked: [`OnOutage::Local`](super::OnOutage::Local).
    Local,
    /// Nothing was counted: [`OnOutage::Open`](super::OnOutage::Open) or [`OnOutage::Closed`](super::OnOutage::Closed), or a client
    /// that could not be identified.
    Nobody,
}

/// The answer of a limit to one hit.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::rate_limit::RateLimit;
///
/// # let cache = larder::Cache::builder().build().await?;
/// let limit = RateLimit::new("2/minute").scope("login").cache(&cache);
/// let verdict = limit.hit("ada@example.com").await;
/// assert!(verdict.allowed);
/// assert_eq!((verdict.limit, verdict.remaining), (2, 1));
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The hit is admitted. Always `true` with [`RateLimit::shadow`](super::RateLimit::shadow).
    pub allowed: bool,
    /// The hit is more than the limit admits. The opposite of `allowed`, except with `shadow`.
    pub over_limit: bool,
    /// The limit of the window that refuses the hit, else of the one with the fewest remaining hits; zero if nothing was counted.
    pub limit: u64,
    /// The hits that this window has left.
    pub remaining: u64,
    /// The time until this window has more hits left; zero if none is taken.
    pub reset_after: Duration,
    /// The time after which the same hit would be admitted; `None` if this one is, or if that is not known.
    pub retry_after: Option<Duration>,
    /// All windows, in the order in which the limit names them; none if nothing was counted.
    pub windows: Vec<WindowState>,
    /// The place where the verdict was made.
    pub decided_by: DecidedBy,
    /// The time of the verdict, in microseconds, by the clock of the place where the verdict was made.
    #[doc(hidden)]
    pub at_micros: u64,
}

/// The state of one window of a limit, as part of a [`Verdict`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowState {
    /// The name of the window in header fields, such as `minute`.
    pub name: Arc<str>,
    /// The limit and the length of the window.
    pub rate: Rate,
    /// The hits that the window has left now.
    pub remaining: u64,
    /// The time until the window has more hits left; zero if none is taken.
    pub reset_after: Duration,
    /// The time after which this window would admit the same hit; zero if it admits this one.
    pub retry_after: Duration,
}

impl Verdict {
    /// Returns the verdict of a decision. `names` has the names of the windows.
    pub(super) fn of(
        decision: &Decision,
        rules: &LimitRules,
        names: &[Arc<str>],
        decided_by: DecidedBy,
    ) -> Self {
        let windows = rules.windows.iter().zip(names).zip(&decision.windows);
        let windows = windows.map(|((window, name), count)| WindowState {
            name: Arc::clone(name),
            rate: window.rate,
            remaining: count.remaining,
            reset_after: Duration::from_micros(count.reset),
            retry_after: Duration::from_micros(count.wait),
        });
        let windows: Vec<WindowState> = windows.collect();
        let retry_after =
            windows.iter().map(|window| window.retry_after).max().filter(|wait| !wait.is_zero());
        let verdict = Self {
            allowed: decision.allowed,
            over_limit: !decision.allowed,
            retry_after: retry_after.filter(|_| !decision.allowed),
            windows,
            decided_by,
            at_micros: decision.at,
            ..Self::uncounted(true)
        };
        verdict.bound()
    }

    /// Returns this verdict with the state of the window that decides.
    fn bound(self) -> Self {
        let Some(binding) = self.binding() else { return self };
        let (limit, remaining, reset_after) = (binding.rate.limit(), binding.remaining, binding.reset_after);
        Self { limit, remaining, reset_after, ..self }
    }

    /// Returns the verdict of the next hit that costs one, if this one took the last: until there are more, it is refused.
    pub(super) fn next_refusal(&self) -> Option<Self> {
        let mut next = self.clone();
        for window in next.windows.iter_mut().filter(|window| window.remaining == 0) {
            window.retry_after = window.reset_after;
        }
        let wait = next.windows.iter().map(|window| window.retry_after).max()?;
        let refusal = Self { allowed: false, over_limit: true, retry_after: Some(wait), ..next };
        (!wait.is_zero()).then(|| refusal.bound())
    }

    /// Returns a verdict for which nothing was counted.
    pub(super) fn uncounted(allowed: bool) -> Self {
        Self {
            allowed,
            over_limit: !allowed,
            limit: 0,
            remaining: 0,
            reset_after: Duration::ZERO,
            retry_after: None,
            windows: Vec::new(),
            decided_by: DecidedBy::Nobody,
            at_micros: 0,
        }
    }

    /// Returns this verdict after `time`, which a refused client spent without asking again.
    pub(super) fn later(mut self, time: Duration) -> Self {
        let micros = time.as_micros() as u64;
        let time = Duration::from_micros(micros);
        self.reset_after = self.reset_after.saturating_sub(time);
        self.retry_after = self.retry_after.map(|wait| wait.saturating_sub(time));
        self.at_micros = self.at_micros.saturating_add(micros);
        for window in &mut self.windows {
            window.reset_after = window.reset_after.saturating_sub(time);
            window.retry_after = window.retry_after.saturating_sub(time);
        }
        self
    }

    /// Returns the time in which a refusal stays the same: until one of the windows that refuse has more hits left.
    pub(super) fn holds_for(&self) -> Option<Duration> {
        self.retry_after.and(self.reported().map(|window| window.reset_after).min())
    }

    /// Returns the windows that refuse the hit, or all if none does.
    pub(super) fn reported(&self) -> impl Iterator<Item = &WindowState> {
        let refuses = self.windows.iter().any(|window| !window.retry_after.is_zero());
        self.windows.iter().filter(move |window| !refuses || !window.retry_after.is_zero())
    }

    /// Returns the window that decides: of those that refuse the one that takes longest, else the one with the fewest remaining
    /// hits.
    fn binding(&self) -> Option<&WindowState> {
        self.reported().min_by_key(|window| (std::cmp::Reverse(window.retry_after), window.remaining))
    }

    /// Returns `true` if the hit is admitted.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::rate_limit::RateLimit;
    /// # let cache = larder::Cache::builder().build().await?;
    /// # let limit = RateLimit::new("1/minute").scope("login").cache(&cache);
    /// assert!(limit.hit("ada").await.is_allowed());
    /// assert!(!limit.hit("ada").await.is_allowed());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }
}
