//! The outcome of a rotation, as callers see it.

use super::refresh_token::RefreshToken;

/// The outcome of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The token is replaced by this one.
    Rotated(RefreshToken),
    /// The token was used before, which means that somebody has a copy: its family has ended, with all tokens of it.
    Reused,
    /// The token is none of this server, has expired, or has ended.
    Unknown,
}

impl Rotation {
    /// Returns the token that replaces the one before, if there is one.
    #[must_use]
    pub fn token(self) -> Option<RefreshToken> {
        match self {
            Self::Rotated(token) => Some(token),
            Self::Reused | Self::Unknown => None,
        }
    }
}
