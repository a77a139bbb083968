//! The calls for synchronous code. Each blocks its thread until Redis answers, at most for
//! [`Builder::redis_timeout`](crate::Builder::redis_timeout).

use std::fmt::Display;

use super::refresh::RefreshTokens;
use super::refresh_token::RefreshToken;
use super::refused::TokenRefused;
use super::revocations::Revocations;
use super::rotation::Rotation;
use crate::rt::park::block_on;
use crate::types::error::Error;

/// The calls of [`Revocations`] for synchronous code.
///
/// ```
/// # use larder_runtime as larder;
/// # let cache = larder::Cache::builder().build_blocking()?;
/// let revocations = larder::revoke::Revocations::new(&cache).blocking();
/// let generation = revocations.generation("ada")?;
/// revocations.check("ada", "token-1", generation)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockingRevocations(Revocations);

/// The calls of [`RefreshTokens`] for synchronous code.
///
/// ```
/// # use larder_runtime as larder;
/// # let cache = larder::Cache::builder().build_blocking()?;
/// let refresh = larder::revoke::RefreshTokens::new(&cache, [7; 32]).blocking();
/// let token = refresh.begin("ada")?;
/// assert!(refresh.rotate(&token)?.token().is_some());
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockingRefreshTokens(RefreshTokens);

impl Revocations {
    /// Returns this list for synchronous code.
    #[must_use]
    pub fn blocking(&self) -> BlockingRevocations {
        BlockingRevocations(self.clone())
    }
}

impl BlockingRevocations {
    /// Revokes a token, as [`Revocations::revoke`] does.
    ///
    /// # Errors
    /// As [`Revocations::revoke`].
    pub fn revoke(&self, token_id: impl AsRef<str>, expires_at: impl TryInto<u64>) -> Result<(), Error> {
        block_on(self.0.revoke(token_id, expires_at))
    }

    /// Returns the generation of a user, as [`Revocations::generation`] does.
    ///
    /// # Errors
    /// As [`Revocations::generation`].
    pub fn generation(&self, user: impl Display) -> Result<u64, Error> {
        block_on(self.0.generation(user))
    }

    /// Begins a new generation, as [`Revocations::bump`] does.
    ///
    /// # Errors
    /// As [`Revocations::bump`].
    pub fn bump(&self, user: impl Display) -> Result<u64, Error> {
        block_on(self.0.bump(user))
    }

    /// Checks a token, as [`Revocations::check`] does.
    ///
    /// # Errors
    /// As [`TokenCheck`](super::TokenCheck).
    pub fn check(
        &self,
        user: impl AsRef<str>,
        token_id: impl AsRef<str>,
        generation: u64,
    ) -> Result<(), TokenRefused> {
        block_on(self.0.check(user.as_ref(), token_id.as_ref(), generation).into_future())
    }
}

impl RefreshTokens {
    /// Returns this set for synchronous code.
    #[must_use]
    pub fn blocking(&self) -> BlockingRefreshTokens {
        BlockingRefreshTokens(self.clone())
    }
}

impl BlockingRefreshTokens {
    /// Begins a family, as [`RefreshTokens::begin`] does.
    ///
    /// # Errors
    /// As [`RefreshTokens::begin`].
    pub fn begin(&self, user: impl Display) -> Result<RefreshToken, Error> {
        block_on(self.0.begin(user))
    }

    /// Replaces a token, as [`RefreshTokens::rotate`] does.
    ///
    /// # Errors
    /// As [`RefreshTokens::rotate`].
    pub fn rotate(&self, token: impl AsRef<str>) -> Result<Rotation, Error> {
        block_on(self.0.rotate(token))
    }

    /// Ends a family, as [`RefreshTokens::end`] does.
    ///
    /// # Errors
    /// As [`RefreshTokens::end`].
    pub fn end(&self, token: impl AsRef<str>) -> Result<(), Error> {
        block_on(self.0.end(token))
    }
}
