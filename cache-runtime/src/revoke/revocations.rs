//! The deny list of tokens, and the generations of users.

use std::fmt;
use std::fmt::Display;
use std::time::Duration;

use super::answers::CheckedToken;
use super::check_rules::{CheckRules, RevocationOutage};
use super::times::{above_zero, from_zero, millis, moment_ms};
use super::token_check::TokenCheck;
use super::token_store::TokenStore;
use crate::engine::owner::AsCache;
use crate::types::error::Error;
use crate::types::expire::IntoExpire;

/// The default leeway: that of many libraries for JSON Web Tokens, `jsonwebtoken` among them.
const LEEWAY: Duration = Duration::from_secs(60);
/// The default time for which a generation is kept.
const KEEP: Duration = Duration::from_secs(400 * 86_400);

/// Tokens that end before they expire, in all processes on one Redis: single ones by their ids (`jti`), or all of a user at once.
///
/// A token carries the generation of its user, which [`Revocations::generation`] returns at a login, and [`Revocations::bump`] makes a
/// new one: all tokens of the generations before are refused from then on. A clone is the same list.
///
/// With [`Builder::local`](crate::Builder::local), the answer that a token is accepted is given again in this process for as long as
/// Redis notifies of changes, and no command is sent.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::revoke::Revocations;
///
/// # let cache = larder::Cache::builder().build().await?;
/// # let exp = 4_000_000_000_u64;
/// let revocations = Revocations::new(&cache);
/// // Login: a claim of the token.
/// let generation = revocations.generation("ada").await?;
/// // Each request, after the signature and the claims have been checked.
/// revocations.check("ada", "token-1", generation).await?;
/// // Logout, and logout everywhere.
/// revocations.revoke("token-1", exp).await?;
/// revocations.bump("ada").await?;
/// assert!(revocations.check("ada", "token-2", generation).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "a deny list refuses nothing until tokens are checked"]
pub struct Revocations {
    rules: CheckRules,
    keep: Duration,
}

impl Revocations {
    /// Creates the list on the Redis of a cache.
    pub fn new(cache: impl AsCache) -> Self {
        Self {
            rules: CheckRules {
                store: TokenStore::of(cache.as_core()),
                leeway: LEEWAY,
                on_outage: RevocationOutage::default(),
            },
            keep: KEEP,
        }
    }

    /// Sets the leeway with which expiries of tokens are checked elsewhere, so that a revoked token is remembered for as long as it is
    /// accepted. Default: 60 s.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let revocations = larder::revoke::Revocations::new(&cache).leeway("5s");
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the text is no time.
    #[track_caller]
    pub fn leeway(mut self, leeway: impl IntoExpire) -> Self {
        self.rules.leeway = usable(from_zero("leeway", leeway));
        self
    }

    /// Sets the time for which the generation of a user is kept after the last login: at least the longest life of a token.
    /// Default: 400 days.
    ///
    /// Without a generation, all tokens of a user are refused until the next login.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let revocations = larder::revoke::Revocations::new(&cache).keep("30d");
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the text is no time.
    #[track_caller]
    pub fn keep(mut self, keep: impl IntoExpire) -> Self {
        self.keep = usable(above_zero("keep", keep));
        self
    }

    /// Sets the answers while Redis cannot be asked. Default: [`RevocationOutage::Refuse`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// use larder::revoke::{RevocationOutage, Revocations};
    ///
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let young = RevocationOutage::AcceptYoungerThan(Duration::from_secs(300));
    /// let revocations = Revocations::new(&cache).on_outage(young);
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn on_outage(mut self, on_outage: RevocationOutage) -> Self {
        self.rules.on_outage = on_outage;
        self
    }

    /// Revokes a token by its id until it expires: `expires_at` is its claim `exp`, in seconds since 1970.
    ///
    /// A token that has expired is not stored. Where tokens have no id, pass something that no other token has, such as the token
    /// itself: the store has a hash.
    ///
    /// # Errors
    /// The error of the store. The token is revoked then if Redis carried the command out and did not answer.
    pub async fn revoke(
        &self,
        token_id: impl AsRef<str>,
        expires_at: impl TryInto<u64>,
    ) -> Result<(), Error> {
        let until = moment_ms(expires_at).saturating_add(millis(self.rules.leeway));
        self.rules.store.revoke(token_id.as_ref(), until).await
    }

    /// Returns the generation of a user, for the tokens of a login. The first one begins with this call.
    ///
    /// Generations are numbers below 2^53, and grow.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn generation(&self, user: impl Display) -> Result<u64, Error> {
        self.rules.store.generation(&user.to_string(), false, millis(self.keep)).await
    }

    /// Begins a new generation of a user and returns it: all tokens of the generations before are refused, and the families of
    /// [`RefreshTokens`](super::RefreshTokens) end.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn bump(&self, user: impl Display) -> Result<u64, Error> {
        self.rules.store.generation(&user.to_string(), true, millis(self.keep)).await
    }

    /// Checks a token: its user (`sub`), its id (`jti`) and its generation.
    ///
    /// Check the signature and the claims before. Await the check, with [`TokenCheck::issued_at`] where
    /// [`RevocationOutage::AcceptYoungerThan`] is set.
    pub fn check<'t>(
        &'t self,
        user: &'t (impl AsRef<str> + ?Sized),
        token_id: &'t (impl AsRef<str> + ?Sized),
        generation: u64,
    ) -> TokenCheck<'t> {
        let token = CheckedToken { user: user.as_ref(), id: token_id.as_ref(), generation };
        TokenCheck::new(&self.rules, token)
    }
}

/// Returns settings that can be used.
///
/// # Panics
/// With the error of settings that cannot be.
#[track_caller]
pub(super) fn usable<T>(settings: Result<T, Error>) -> T {
    match settings {
        Ok(settings) => settings,
        Err(error) => panic!("{error}"),
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("leeway", &self.rules.leeway)
            .field("on_outage", &self.rules.on_outage)
            .finish_non_exhaustive()
    }
}
