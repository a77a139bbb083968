//! Errors of Redis, and their consequences for a connection.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

use crate::store::redis::cause::Cause;
use crate::store::redis::location::Unlocated;
use crate::store::redis::url::Address;
use crate::types::error::Error;

/// The beginning of the part of an error text that repeats the arguments of the command.
const ARGUMENTS: &str = ", with args beginning with";

/// The reason for which a link is down.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// The error text.
    pub(crate) message: Arc<str>,
    /// The error of the client library.
    pub(crate) source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The text of the error of a server that does not speak the protocol of Redis.
pub(super) const FOREIGN: &str = "the server is not Redis";

/// The text of the error of a server that hung up with an error of its own.
pub(super) const HUNG_UP: &str = "the server hung up";

/// The text of the error of a server that is not the primary although sentinels say so.
#[cfg(feature = "sentinel")]
pub(super) const NOT_PRIMARY: &str = "the server is not a primary yet, or not any more";
/// The text of the error of a TLS connection that cannot be made.
pub(super) const TLS_FAILED: &str = "the TLS connection fails";

/// The text of the error of credentials that the application cannot provide.
pub(super) const NO_CREDENTIALS: &str = "there are no credentials";

/// The text of the error of a server with TLS behind a URL without.
pub(super) const SPEAKS_TLS: &str = "the server speaks TLS";

/// The state of a connection after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// The connection is broken, or its server cannot serve: a new one is needed.
    Broken,
    /// The command was refused; the connection can go on.
    Refused,
    /// The command was refused because the server is a replica. The connection can go on reading; the master is elsewhere.
    Replica,
}

impl Failure {
    /// Returns the failure of an attempt to connect, or of a broken connection.
    pub(crate) fn from_redis(error: &RedisError) -> Self {
        if let Some(failure) = Self::without_redis(error) {
            return failure;
        }
        let cause = match error.code() {
            _ if is_auth(error) => Cause::Auth,
            _ if error.to_string().contains("refused to switch database") => Cause::Database,
            _ if error.is_io_error() || error.is_connection_dropped() => Cause::Unreachable,
            _ if error.to_string().contains(HUNG_UP) => Cause::Refused,
            _ if error.to_string().contains(FOREIGN) => Cause::Foreign,
            #[cfg(feature = "sentinel")]
            _ if error.to_string().contains(NOT_PRIMARY) => Cause::Busy,
            _ if is_foreign(error) => Cause::Damaged,
            Some("MASTERDOWN" | "LOADING" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN") => Cause::Busy,
            Some(_) => Cause::Refused,
            None => Cause::Unreachable,
        };
        Self { cause, message: describe(error).into(), source: source(error) }
    }

    /// Returns the failure of a step that is over before the protocol of Redis begins.
    fn without_redis(error: &RedisError) -> Option<Self> {
        let (text, detail) = (error.to_string(), error.detail()?);
        let steps =
            [(TLS_FAILED, Cause::Tls), (NO_CREDENTIALS, Cause::Credentials), (SPEAKS_TLS, Cause::Foreign)];
        let (_, cause) = steps.into_iter().find(|(step, _)| text.starts_with(step))?;
        // A warning has one line.
        let message = detail.lines().map(str::trim).collect::<Vec<_>>().join("; ");
        Some(Self { cause, message: message.into(), source: source(error) })
    }

    /// Returns the failure of a server that did not reply within `limit`.
    pub(crate) fn no_reply(limit: Duration) -> Self {
        Self { cause: Cause::Silent, ..Self::unreachable(&format!("no answer within {limit:?}")) }
    }

    /// Returns a failure that did not come as an error of Redis.
    pub(crate) fn unreachable(message: &str) -> Self {
        Self { cause: Cause::Unreachable, message: message.into(), source: None }
    }

    /// Returns the failure of a server that another one has replaced.
    pub(super) fn moved() -> Self {
        Self { cause: Cause::Moved, ..Self::unreachable("redis has moved to another server") }
    }

    /// Returns the failure to find a server.
    pub(super) fn unlocated(unlocated: Unlocated) -> Self {
        Self { cause: unlocated.cause, message: unlocated.message.into(), source: None }
    }

    /// Adds the address of a server that the URL does not name.
    pub(super) fn at(self, address: &Address) -> Self {
        Self { message: format!("{address}: {}", self.message).into(), ..self }
    }

    /// Returns the error for callers while the link is down.
    pub(crate) fn error(&self) -> Error {
        Error::Unavailable { message: self.message.to_string(), source: self.source.clone() }
    }
}

/// Returns the state of a connection after an error.
pub(crate) fn diagnose(error: &RedisError) -> Diagnosis {
    if is_auth(error)
        || error.is_io_error()
        || error.is_connection_dropped()
        || error.kind() == ErrorKind::Parse
    {
        return Diagnosis::Broken;
    }
    match error.code() {
        Some("READONLY") => Diagnosis::Replica,
        // The server cannot serve yet: the PING of the next attempt shows that it can, or finds another server.
        Some("MASTERDOWN" | "LOADING" | "BUSY") => Diagnosis::Broken,
        _ => Diagnosis::Refused,
    }
}

/// Returns `true` for the error of a reply that Redis does not send.
pub(super) fn is_foreign(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Parse | ErrorKind::UnexpectedReturnType)
}

/// Returns `true` for the error of a server without RESP3: Redis before 6, and some proxies.
pub(crate) fn is_old(error: &RedisError) -> bool {
    let unknown = error.detail().is_some_and(|detail| detail.starts_with("unknown command"));
    unknown || error.kind() == ErrorKind::RESP3NotSupported || error.code() == Some("NOPROTO")
}

/// Returns the error as the cause of one of larder's own; `None` if its text repeats the arguments of the command, which may
/// contain a key.
pub(super) fn source(error: &RedisError) -> Option<Arc<dyn StdError + Send + Sync>> {
    if error.to_string().contains(ARGUMENTS) {
        return None;
    }
    Some(Arc::new(error.clone()))
}

/// Returns the text of an error without the arguments of the command, which may contain a key.
pub(crate) fn describe(error: &RedisError) -> String {
    let text = match error.code() {
        Some(code) => format!("{code} {}", error.detail().unwrap_or_default()),
        None => error.to_string(),
    };
    let text = text.split_once(ARGUMENTS).map_or(text.as_str(), |(before, _)| before);
    // Parse errors have several lines, and a warning has one.
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

fn is_auth(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}
