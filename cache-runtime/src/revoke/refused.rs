//! The refusal of a token.

use std::error::Error as StdError;
use std::fmt;

use crate::types::error::Error;

/// A token that is not accepted.
///
/// With the feature `axum` it is a response: `401` for a token that was revoked, `503` while nothing is known, since clients drop
/// their tokens on a `401`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TokenRefused {
    /// The token was revoked, or is of another generation than its user's.
    Revoked,
    /// Redis could not be asked, and [`RevocationOutage`](super::RevocationOutage) does not let the token pass.
    Unavailable(Error),
}

impl TokenRefused {
    /// Returns `true` if the token was revoked, and `false` if nothing is known about it.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        matches!(self, Self::Revoked)
    }

    /// Returns the status of a response: `401`, or `503` while nothing is known.
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.is_revoked() { 401 } else { 503 }
    }
}

impl fmt::Display for TokenRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked => f.write_str("the token was revoked"),
            Self::Unavailable(error) => write!(f, "the token cannot be checked now: {error}"),
        }
    }
}

impl StdError for TokenRefused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Revoked => None,
            Self::Unavailable(error) => Some(error),
        }
    }
}
