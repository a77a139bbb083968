//! The error type of the cache's own interface.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An error of a call of the cache's own interface.
///
/// A function with `#[cache]` never returns one of these: whatever happens to the cache, the function runs and its own
/// result is returned. They come from start-up ([`crate::Builder`]) and from calls that change or invalidate something
/// ([`crate::Cache`], [`crate::Entry`]).
///
/// [`source`](StdError::source) returns the error that is the cause, if there is one, and it can be downcast to the type of the
/// library that it comes from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// A setting has a value that cannot be used. Never contains a password.
    #[non_exhaustive]
    Config {
        /// The name of the setting as the user wrote it: `url`, `prefix`, `LARDER_DEFAULT_EXPIRE`.
        setting: &'static str,
        /// The value that was refused, or the part of it that is wrong.
        value: String,
        /// The reason, and what to write instead.
        reason: String,
    },
    /// [`crate::Builder::init`] was called a second time in this process.
    AlreadyInitialised,
    /// The process-wide cache was used before [`crate::Builder::init`].
    NotInitialised,
    /// Redis rejected the credentials.
    #[non_exhaustive]
    Auth {
        /// The answer of Redis.
        message: String,
        /// The cause.
        source: Option<Arc<dyn StdError + Send + Sync>>,
    },
    /// There is no usable connection to Redis now; it is being re-established in the background.
    #[non_exhaustive]
    Unavailable {
        /// The last failure.
        message: String,
        /// The cause.
        source: Option<Arc<dyn StdError + Send + Sync>>,
    },
    /// Redis did not answer in time.
    #[non_exhaustive]
    Timeout {
        /// The step of the call: `connect`, `read`, `fill`, ..
        step: &'static str,
        /// The limit that was reached.
        limit: Duration,
    },
    /// The command was not sent: as many as may be in flight were, and none of them ended in time.
    #[non_exhaustive]
    Shed {
        /// The step of the call: `read`, `fill`, ..
        step: &'static str,
        /// The limit that was reached.
        limit: Duration,
    },
    /// Redis answered with an error.
    #[non_exhaustive]
    Redis {
        /// The step of the call: `read`, `fill`, ..
        step: &'static str,
        /// The answer of Redis.
        message: String,
        /// The cause.
        source: Option<Arc<dyn StdError + Send + Sync>>,
    },
    /// Redis refused a command that larder needs in a script: the user of Redis may not run it, or the server does not have it.
    #[non_exhaustive]
    Script {
        /// The command, in lower case: `getrange`, `evalsha`, ..
        command: String,
        /// The answer of Redis.
        message: String,
    },
    /// The value could not be encoded.
    #[non_exhaustive]
    Encode {
        /// The codec's name.
        codec: &'static str,
        /// The reason, as the codec gives it.
        message: String,
        /// The cause.
        source: Option<Arc<dyn StdError + Send + Sync>>,
    },
    /// The arguments could not be made a key.
    #[non_exhaustive]
    Key {
        /// The reason, as the argument's `Serialize` or `Display` gives it.
        message: String,
    },
    /// The encoded value is larger than [`crate::Builder::max_value`].
    #[non_exhaustive]
    TooLarge {
        /// The encoded size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// An invalidation could not be carried out and is not retried either:
    /// [`crate::Builder::max_pending_invalidations`] others are waiting.
    #[non_exhaustive]
    NotQueued {
        /// The reason why the invalidation could not be carried out.
        error: Box<Error>,
        /// The largest number of invalidations that wait.
        limit: usize,
    },
    /// The invalidation was carried out, and fewer replicas than [`crate::Builder::confirm`] asks for acknowledged it in time. A
    /// failover may still lose the invalidation, which is not retried.
    #[non_exhaustive]
    NotConfirmed {
        /// The number of replicas that acknowledged the invalidation.
        acknowledged: usize,
        /// The number of replicas that were asked for.
        wanted: usize,
    },
    /// The keys of the cluster were moving between its nodes during each of several walks over them, so that none of the walks
    /// has certainly seen all keys.
    #[non_exhaustive]
    KeysMoved {
        /// The number of walks.
        walks: u32,
    },
    /// The key holds a value that is not an entry of this cache: another program's, or an entry under another prefix. It is
    /// left alone.
    Foreign,
    /// The cache was closed.
    Closed,
}

impl Error {
    /// A refused setting; `value` must not contain a password.
    pub(crate) fn config(setting: &'static str, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Config { setting, value: value.into(), reason: reason.into() }
    }

    /// Returns several errors in one, each with the name of its setting.
    pub(crate) fn joined(mut errors: impl Iterator<Item = Self>) -> Option<Self> {
        let first = errors.next()?;
        let others: String = errors.map(|error| format!("; {error}")).collect();
        Some(match first {
            Self::Config { setting, value, reason } => {
                Self::Config { setting, value, reason: [reason, others].concat() }
            }
            first => first,
        })
    }

    /// Returns `true` if the invalidation was carried out all the same.
    pub(crate) fn is_carried_out(&self) -> bool {
        matches!(self, Self::NotConfirmed { .. })
    }

    /// Returns success for an invalidation that was carried out, whether or not replicas acknowledged it.
    pub(crate) fn unless_carried_out<T>(result: Result<T, Self>) -> Result<(), Self> {
        match result {
            Err(error) if !error.is_carried_out() => Err(error),
            _ => Ok(()),
        }
    }

    /// A store that cannot be used, for a reason of larder's own.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into(), source: None }
    }

    /// A value that the codec with this name refused.
    pub(crate) fn encode(codec: &'static str, cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Encode { codec, message: cause.to_string(), source: Some(Arc::new(cause)) }
    }

    /// An argument that cannot be part of a key.
    pub(crate) fn key(message: impl Into<String>) -> Self {
        Self::Key { message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { setting, value, reason } => write!(f, "{setting} = {value:?}: {reason}"),
            Self::AlreadyInitialised => f.write_str(
                "the process-wide cache is already initialised; call `init` once in `main`. In tests, give each its own: `Cache::for_test().scope(..)`; a library calls `Cache::get_or_init(builder)`; `build` makes another instance",
            ),
            Self::NotInitialised => f.write_str(
                "no process-wide cache yet; call `larder::Cache::builder()..init()` at start-up",
            ),
            Self::Auth { message, .. } => write!(f, "redis rejected the credentials: {message}"),
            Self::Unavailable { message, .. } => write!(f, "redis is not available: {message}"),
            Self::Timeout { step, limit } => write!(f, "redis did not answer within {limit:?} ({step})"),
            Self::Shed { step, limit } => {
                write!(f, "too many commands are in flight: none ended within {limit:?} ({step})")
            }
            Self::Redis { step, message, .. } => write!(f, "redis refused ({step}): {message}"),
            Self::Script { command, message } => {
                write!(f, "redis refused `{command}` in a script: {message}")
            }
            Self::Encode { codec, message, .. } => {
                write!(f, "the value cannot be encoded as {codec}: {message}")
            }
            Self::Key { message } => write!(f, "the arguments cannot be turned into a key: {message}"),
            Self::TooLarge { size, limit } => {
                write!(f, "the value takes {size} bytes, more than max_value = {limit}")
            }
            Self::NotQueued { error, limit } => write!(
                f,
                "{error}; it is not retried, because max_pending_invalidations = {limit} others wait already"
            ),
            Self::NotConfirmed { acknowledged, wanted } => write!(
                f,
                "the invalidation was carried out, and {acknowledged} of {wanted} replicas acknowledged it in time; a failover may lose it"
            ),
            Self::KeysMoved { walks } => write!(
                f,
                "keys moved between the nodes of the cluster during each of {walks} walks over them; try again when no slots are moved"
            ),
            Self::Foreign => f.write_str(
                "the key holds a value that is not an entry of this cache, which is left alone; give the cache a prefix of its own",
            ),
            Self::Closed => f.write_str("the cache is closed"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Auth { source, .. }
            | Self::Unavailable { source, .. }
            | Self::Redis { source, .. }
            | Self::Encode { source, .. } => source.as_deref().map(|source| source as _),
            Self::NotQueued { error, .. } => Some(&**error),
            Self::Config { .. }
            | Self::AlreadyInitialised
            | Self::NotInitialised
            | Self::Timeout { .. }
            | Self::Shed { .. }
            | Self::Script { .. }
            | Self::Key { .. }
            | Self::TooLarge { .. }
            | Self::NotConfirmed { .. }
            | Self::KeysMoved { .. }
            | Self::Foreign
            | Self::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_can_be_downcast() {
        let cause = serde_json::from_str::<u8>("x").unwrap_err();
        let error = Error::encode("json", cause);
        assert!(error.source().is_some_and(|source| source.is::<serde_json::Error>()));
        let error = Error::NotQueued { error: Box::new(error), limit: 1 };
        assert!(error.source().is_some_and(|source| source.is::<Error>()));
        assert!(Error::unavailable("gone").source().is_none());
    }
}
