//! What can go wrong, and at which step.

use std::time::Duration;

/// Why a call of the cache's own interface could not be carried out.
///
/// A function with `#[cache]` on it never sees one of these: whatever happens to the cache, the function
/// runs and its own result arrives. They come from start-up ([`crate::Builder`]) and from calls that change
/// or invalidate something ([`crate::Cache`], [`crate::Entry`]).
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting has a value that cannot be used. Never carries a password.
    #[error("{setting} = {value:?}: {reason}")]
    Config {
        /// The name of the setting as the user wrote it: `url`, `prefix`, `LARDER_DEFAULT_EXPIRE`.
        setting: &'static str,
        /// The value that was refused, or the part of it that is wrong.
        value: String,
        /// What is wrong with it and what to write instead.
        reason: String,
    },
    /// [`crate::Builder::init`] was called a second time in this process.
    #[error(
        "the process-wide cache is already initialised; call `init` once, or use `build` for a second instance"
    )]
    AlreadyInitialised,
    /// The process-wide cache was asked for before [`crate::Builder::init`].
    #[error("no process-wide cache yet; call `larder::Cache::builder()..init()` at start-up")]
    NotInitialised,
    /// Redis rejected the credentials.
    #[error("redis rejected the credentials: {message}")]
    Auth {
        /// What Redis answered.
        message: String,
    },
    /// There is no usable connection to Redis now; it is being re-established in the background.
    #[error("redis is not reachable: {message}")]
    Unavailable {
        /// The last failure seen.
        message: String,
    },
    /// Redis did not answer in time.
    #[error("redis did not answer within {limit:?} ({step})")]
    Timeout {
        /// What was being done: `connect`, `read`, `fill`, ..
        step: &'static str,
        /// The limit that was reached.
        limit: Duration,
    },
    /// Redis answered with an error.
    #[error("redis refused ({step}): {message}")]
    Redis {
        /// What was being done: `read`, `fill`, ..
        step: &'static str,
        /// What Redis answered.
        message: String,
    },
    /// The value could not be turned into bytes.
    #[error("the value cannot be encoded as {codec}: {message}")]
    Encode {
        /// The codec's name.
        codec: &'static str,
        /// What the codec said.
        message: String,
    },
    /// The arguments could not be turned into a key.
    #[error("the arguments cannot be turned into a key: {message}")]
    Key {
        /// What the argument's `Serialize` or `Display` said.
        message: String,
    },
    /// The encoded value is larger than [`crate::Builder::max_value`].
    #[error("the value takes {size} bytes, more than max_value = {limit}")]
    TooLarge {
        /// Encoded size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// An invalidation could not be carried out, and is not retried either: [`crate::Builder::max_pending_invalidations`] others wait.
    #[error("{error}; it is not retried, because max_pending_invalidations = {limit} others wait already")]
    NotQueued {
        /// Why it could not be carried out.
        error: Box<Error>,
        /// How many may wait.
        limit: usize,
    },
    /// The cache was closed.
    #[error("the cache is closed")]
    Closed,
}

impl Error {
    /// A refused setting; `value` must not hold a password.
    pub(crate) fn config(setting: &'static str, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Config { setting, value: value.into(), reason: reason.into() }
    }
}
