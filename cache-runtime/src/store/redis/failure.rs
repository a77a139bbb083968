//! What an error of Redis means for the connection it came over.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

use crate::types::error::Error;

/// Begins the part of an error's text that repeats the arguments of the command.
const ARGUMENTS: &str = ", with args beginning with";

/// Why a link is down.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// What kind of trouble, as far as start-up must know.
    pub(super) cause: Cause,
    /// What was seen.
    pub(super) message: Arc<str>,
    /// The error behind it, for callers that look for one.
    pub(super) source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Kinds of trouble that start-up tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// No connection, no answer, or a server that cannot serve yet.
    Unreachable,
    /// The credentials are rejected.
    Auth,
    /// There is no such database.
    Database,
}

/// Whether a connection can go on after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is broken, or its server cannot serve: make a new one.
    Rebuild,
    /// The command was refused; the connection is as good as before.
    Refused,
    /// The command was refused because this server is a replica. It can still be read, and somewhere there is a master.
    Misplaced,
}

impl Failure {
    /// The failure that an attempt to connect, or a broken connection, shows.
    pub(super) fn from_redis(error: &RedisError) -> Self {
        let cause = if is_auth(error) {
            Cause::Auth
        } else if error.to_string().contains("refused to switch database") {
            Cause::Database
        } else {
            Cause::Unreachable
        };
        Self { cause, message: describe(error).into(), source: source(error) }
    }

    /// Nothing was heard for `limit`.
    pub(super) fn no_answer(limit: Duration) -> Self {
        Self::unreachable(&format!("no answer within {limit:?}"))
    }

    /// Trouble that did not come as an error of Redis.
    pub(super) fn unreachable(message: &str) -> Self {
        Self { cause: Cause::Unreachable, message: message.into(), source: None }
    }

    /// The error that callers get while the link is down.
    pub(super) fn error(&self) -> Error {
        Error::Unavailable { message: self.message.to_string(), source: self.source.clone() }
    }
}

/// Judges an error by what can be done about it.
pub(super) fn judge(error: &RedisError) -> Verdict {
    if is_auth(error)
        || error.is_io_error()
        || error.is_connection_dropped()
        || error.kind() == ErrorKind::Parse
    {
        return Verdict::Rebuild;
    }
    match error.code() {
        Some("READONLY") => Verdict::Misplaced,
        // A server that cannot serve yet: the PING of the next attempt tells when it is ready, or finds another one.
        Some("MASTERDOWN" | "LOADING" | "BUSY" | "TRYAGAIN" | "CLUSTERDOWN") => Verdict::Rebuild,
        _ => Verdict::Refused,
    }
}

/// Whether the server only speaks the old protocol: Redis before 6, and some proxies.
pub(super) fn is_old(error: &RedisError) -> bool {
    let unknown = error.detail().is_some_and(|detail| detail.starts_with("unknown command"));
    unknown || error.kind() == ErrorKind::RESP3NotSupported || error.code() == Some("NOPROTO")
}

/// The error as the cause of one of larder's own; `None` when its text repeats the arguments of the command, which may be
/// a key.
pub(super) fn source(error: &RedisError) -> Option<Arc<dyn StdError + Send + Sync>> {
    if error.to_string().contains(ARGUMENTS) {
        return None;
    }
    Some(Arc::new(error.clone()))
}

/// The text of an error as Redis sent it, without what it repeats of the command: that may be a key.
pub(super) fn describe(error: &RedisError) -> String {
    let text = match error.code() {
        Some(code) => format!("{code} {}", error.detail().unwrap_or_default()),
        None => error.to_string(),
    };
    let text = text.split_once(ARGUMENTS).map_or(text.as_str(), |(before, _)| before);
    // Errors about what cannot be parsed have several lines, and a warning is one.
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

fn is_auth(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}
