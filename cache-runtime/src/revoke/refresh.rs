//! Families of refresh tokens.

use std::fmt;
use std::fmt::Display;
use std::time::Duration;

use super::ledger::Rotated;
use super::refresh_token::{RefreshToken, TokenKey};
use super::revocations::usable;
use super::rotation::Rotation;
use super::times::{above_zero, from_zero, millis};
use super::token_store::{FamilyId, TokenStore, user_hash};
use crate::engine::owner::AsCache;
use crate::rt::random::random_stamp;
use crate::types::error::Error;
use crate::types::expire::IntoExpire;

/// The shortest secret.
const SHORTEST_KEY: usize = 32;
/// The default life of a family.
const EXPIRE: Duration = Duration::from_secs(30 * 86_400);
/// The default grace.
const GRACE: Duration = Duration::from_secs(10);

/// Refresh tokens that are replaced at each use, and whose theft is noticed (RFC 9700, section 4.14.2).
///
/// A login begins a family. Each [rotation](RefreshTokens::rotate) replaces its token; a token that was replaced before ends the family,
/// since two parties have it. The token before the current one counts as the current one for a grace, so that requests of one page that race,
/// and one whose response was lost, get the same new token. A clone is the same set.
///
/// The store has the number of the current token only, and no text: those are made with `key`, so that nobody can use what stands in Redis.
/// [`Revocations::bump`](super::Revocations::bump) ends all families of a user.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::revoke::{RefreshTokens, Rotation};
///
/// # let cache = larder::Cache::builder().build().await?;
/// # let key = [7; 32];
/// let refresh = RefreshTokens::new(&cache, key).expire("30d").grace("10s");
/// let token = refresh.begin("ada").await?;
/// let Rotation::Rotated(next) = refresh.rotate(&token).await? else { panic!("a new token") };
/// assert_eq!(next.user(), "ada");
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "no family is begun until `begin` is called"]
pub struct RefreshTokens {
    store: TokenStore,
    key: TokenKey,
    expire: Duration,
    grace: Duration,
}

impl RefreshTokens {
    /// Creates the set on the Redis of a cache. `key` is a secret of at least 32 bytes, the same in all processes; with another one, all
    /// tokens are unknown.
    ///
    /// # Panics
    /// If the key is shorter.
    #[track_caller]
    pub fn new(cache: impl AsCache, key: impl AsRef<[u8]>) -> Self {
        let key = key.as_ref();
        assert!(
            key.len() >= SHORTEST_KEY,
            "the key of refresh tokens has {} bytes; pass a random secret of at least {SHORTEST_KEY}, such as one of `openssl rand -hex 32`",
            key.len()
        );
        let store = TokenStore::of(cache.as_core());
        Self { store, key: TokenKey::new(key), expire: EXPIRE, grace: GRACE }
    }

    /// Sets the life of a family from its login on, whatever rotations there are. Default: 30 days.
    ///
    /// # Panics
    /// If the text is no time.
    #[track_caller]
    pub fn expire(mut self, expire: impl IntoExpire) -> Self {
        self.expire = usable(above_zero("expire", expire));
        self
    }

    /// Sets the time after a rotation in which the token before gets the same new token once more. Default: 10 s.
    ///
    /// A thief who has the token before has this time, too. With zero, a client whose response was lost has to log in again.
    ///
    /// # Panics
    /// If the text is no time.
    #[track_caller]
    pub fn grace(mut self, grace: impl IntoExpire) -> Self {
        self.grace = usable(from_zero("grace", grace));
        self
    }

    /// Begins a family for a user, and returns its first token. The user is stored as it is printed.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn begin(&self, user: impl Display) -> Result<RefreshToken, Error> {
        let user = user.to_string();
        let id = FamilyId { user: user_hash(&user), family: random_stamp() };
        let number = self.store.begin(&id, &user, millis(self.expire)).await?;
        Ok(RefreshToken::new(&self.key, &id, number, user))
    }

    /// Replaces a token. What was not made with this key is [`Rotation::Unknown`] without a call of Redis.
    ///
    /// # Errors
    /// The error of the store. The client can send the same token again, within the grace if Redis carried the command out.
    pub async fn rotate(&self, token: impl AsRef<str>) -> Result<Rotation, Error> {
        let Some((id, number)) = self.key.read(token.as_ref()) else { return Ok(Rotation::Unknown) };
        Ok(match self.store.rotate(&id, number, millis(self.grace)).await? {
            Rotated::Current(number, user) => {
                Rotation::Rotated(RefreshToken::new(&self.key, &id, number, user))
            }
            Rotated::Reused => Rotation::Reused,
            Rotated::Unknown => Rotation::Unknown,
        })
    }

    /// Ends the family of a token, for a logout. What was not made with this key is ignored.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn end(&self, token: impl AsRef<str>) -> Result<(), Error> {
        match self.key.read(token.as_ref()) {
            Some((id, _)) => self.store.end(&id).await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokens")
            .field("expire", &self.expire)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
