//! The error of a call that a limit refuses.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::verdict::Verdict;

/// The error of a call that a limit refuses.
///
/// A function with `#[rate_limit(..)]` returns it as its own error, which implements `From<Limited>`.
///
/// ```
/// # use larder_runtime as larder;
/// use larder::rate_limit::Limited;
///
/// enum AppError {
///     TooMany { retry_after: u64 },
/// }
///
/// impl From<Limited> for AppError {
///     fn from(limited: Limited) -> Self {
///         Self::TooMany { retry_after: limited.retry_after_seconds() }
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited(Box<Verdict>);

impl Limited {
    /// Returns the verdict.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.0
    }

    /// Returns the time after which the same call would be admitted; `None` if nothing could be counted.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns [`Limited::retry_after`] as the header `Retry-After` has it: whole seconds, rounded up, at least one.
    #[must_use]
    pub fn retry_after_seconds(&self) -> u64 {
        seconds(self.0.retry_after.unwrap_or_default()).max(1)
    }

    /// Returns `true` if the call is refused because nothing could be counted: [`OnOutage::Closed`](super::OnOutage::Closed).
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.0.windows.is_empty()
    }
}

impl Verdict {
    /// Returns the verdict if the hit is admitted, and the error that says why not otherwise: for `?`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::rate_limit::RateLimit;
    /// # let cache = larder::Cache::builder().build().await?;
    /// # let limit = RateLimit::new("1/minute").scope("login").cache(&cache);
    /// limit.hit("ada").await.ok()?;
    /// let limited = limit.hit("ada").await.ok().unwrap_err();
    /// assert_eq!(limited.to_string(), "more than 1 in a minute; try again in 60 s");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Limited`] if the hit is not admitted.
    pub fn ok(self) -> Result<Self, Limited> {
        if self.allowed { Ok(self) } else { Err(Limited(Box::new(self))) }
    }
}

/// Returns whole seconds, rounded up.
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusing = self.0.reported().max_by_key(|window| window.retry_after);
        let Some(window) = refusing else {
            return f.write_str("the rate limit cannot be checked now");
        };
        let (limit, seconds) = (window.rate.limit(), self.retry_after_seconds());
        match window.name.chars().next().is_some_and(|c| c.is_ascii_digit()) {
            true => write!(f, "more than {limit} in {}; try again in {seconds} s", window.name),
            false if &*window.name == "hour" => {
                write!(f, "more than {limit} in an hour; try again in {seconds} s")
            }
            false => write!(f, "more than {limit} in a {}; try again in {seconds} s", window.name),
        }
    }
}

impl StdError for Limited {}
