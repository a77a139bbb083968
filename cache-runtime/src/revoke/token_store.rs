//! The place where facts about tokens are stored: Redis, or the memory of this process.

#[cfg(feature = "redis")]
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answers::RevocationAnswers;
use super::ledger::{Rotated, TokenHash, TokenLedger, TokenState};
#[cfg(feature = "redis")]
use super::script;
use crate::engine::core::Core;
use crate::observe::trace;
#[cfg(feature = "redis")]
use crate::store::{RedisStore, Script};
use crate::types::error::Error;

/// The name of the calls in errors.
#[cfg(any(feature = "redis", feature = "test-util"))]
const STEP: &str = "revoke";

/// The facts about tokens of one cache.
#[derive(Clone)]
pub(super) struct TokenStore {
    pub(super) core: Arc<Core>,
    memory: Arc<TokenMemory>,
    pub(super) answers: Arc<RevocationAnswers>,
}

/// The facts in the memory of this process.
#[derive(Debug, Default)]
struct TokenMemory {
    ledger: Mutex<TokenLedger>,
    /// It was said that they are in this process alone.
    is_told: AtomicBool,
}

enum TokenPlace<'p> {
    Memory(&'p Mutex<TokenLedger>),
    #[cfg(feature = "redis")]
    Redis(&'p RedisStore),
}

/// The keys of a token's id and of its user's generation, as texts for Redis and as hashes.
pub(super) struct TokenKeys {
    pub(super) texts: [String; 2],
    token: TokenHash,
    user: TokenHash,
}

/// A family of refresh tokens, and its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FamilyId {
    pub(super) user: TokenHash,
    pub(super) family: TokenHash,
}

impl TokenStore {
    /// Returns the facts of a cache.
    pub(super) fn of(core: &Arc<Core>) -> Self {
        Self { memory: core.companions.get(), answers: core.companions.get(), core: Arc::clone(core) }
    }

    /// Returns the keys of a token.
    pub(super) fn keys(&self, user: &str, token: &str) -> TokenKeys {
        let (token, user) = (hash("token", token), hash("user", user));
        TokenKeys { texts: [self.token_key(&token), self.generation_key(&user)], token, user }
    }

    /// Revokes the id of a token until a moment in milliseconds since 1970.
    pub(super) async fn revoke(&self, token: &str, until_ms: u64) -> Result<(), Error> {
        let token = hash("token", token);
        match self.place().await? {
            TokenPlace::Memory(ledger) => {
                locked(ledger).revoke(token, until_ms.saturating_mul(1_000), self.now());
                Ok(())
            }
            #[cfg(feature = "redis")]
            TokenPlace::Redis(redis) => {
                let (key, until) = (self.token_key(&token), until_ms.min(LATEST_MS).to_string());
                let revoked = self.run(redis, &script::REVOKE, &[&key], &[until], |_: i64| Some(())).await;
                // Redis may have carried out what it did not answer.
                self.core.near.forget(&key);
                revoked
            }
        }
    }

    /// Returns what is known of a token.
    pub(super) async fn state(&self, keys: &TokenKeys) -> Result<TokenState, Error> {
        match self.place().await? {
            TokenPlace::Memory(ledger) => Ok(locked(ledger).state(&keys.token, &keys.user, self.now())),
            #[cfg(feature = "redis")]
            TokenPlace::Redis(redis) => {
                let strings = redis.read_strings(&keys.texts.each_ref().map(String::as_str)).await;
                let foreign = || Error::unavailable("a key of a token holds what larder does not write");
                self.told(strings.and_then(|strings| script::state(&strings).ok_or_else(foreign)))
            }
        }
    }

    /// Returns the generation of a user, or a new one, which is kept for `keep_ms` at least.
    pub(super) async fn generation(&self, user: &str, is_new: bool, keep_ms: u64) -> Result<u64, Error> {
        let user = hash("user", user);
        match self.place().await? {
            TokenPlace::Memory(ledger) => {
                Ok(locked(ledger).generation(user, is_new, keep_ms.saturating_mul(1_000), self.now()))
            }
            #[cfg(feature = "redis")]
            TokenPlace::Redis(redis) => {
                let (key, op) = (self.generation_key(&user), if is_new { "new" } else { "get" });
                let arguments = [op.to_owned(), keep_ms.to_string()];
                let number = self.run(redis, &script::GENERATION, &[&key], &arguments, script::number).await;
                self.core.near.forget(&key);
                number
            }
        }
    }

    /// Begins a family of a user, and returns its first number.
    pub(super) async fn begin(&self, id: &FamilyId, user: &str, expire_ms: u64) -> Result<u64, Error> {
        match self.place().await? {
            TokenPlace::Memory(ledger) => {
                let expire = expire_ms.saturating_mul(1_000);
                Ok(locked(ledger).begin(id.family, id.user, user, expire, self.now()))
            }
            #[cfg(feature = "redis")]
            TokenPlace::Redis(redis) => {
                let ([family, generation], arguments) =
                    (self.family_keys(id), [user.to_owned(), expire_ms.to_string()]);
                let keys = [family.as_str(), &generation];
                self.run(redis, &script::BEGIN, &keys, &arguments, script::number).await
            }
        }
    }

    /// Rotates a family.
    pub(super) async fn rotate(&self, id: &FamilyId, number: u64, grace_ms: u64) -> Result<Rotated, Error> {
        let grace = grace_ms.saturating_mul(1_000);
        match self.place().await? {
            TokenPlace::Memory(ledger) => {
                Ok(locked(ledger).rotate(&id.family, &id.user, number, grace, self.now()))
            }
            #[cfg(feature = "redis")]
            TokenPlace::Redis(redis) => {
                let ([family, generation], arguments) =
                    (self.family_keys(id), [number.to_string(), grace.to_string()]);
                let keys = [family.as_str(), &generation];
                self.run(redis, &script::ROTATE, &keys, &arguments, script::rotated).await
            }
        }
    }

    /// Ends a family.
    pub(super) async fn end(&self, id: &FamilyId) -> Result<(), Error> {
        match self.place().await? {
            TokenPlace::Memory(ledger) => {
                locked(ledger).end(&id.family);
                Ok(())
            }
            #[cfg(feature = "redis")]
            TokenPlace::Redis(redis) => {
                let [family, _] = self.family_keys(id);
                self.run(redis, &script::END, &[&family], &[], |_: i64| Some(())).await
            }
        }
    }

    async fn place(&self) -> Result<TokenPlace<'_>, Error> {
        self.core.check_open()?;
        #[cfg(feature = "test-util")]
        self.core.store.inject(STEP).await?;
        #[cfg(feature = "redis")]
        if let Some(redis) = self.core.store.as_redis() {
            return Ok(TokenPlace::Redis(redis));
        }
        if !self.memory.is_told.swap(true, Relaxed) {
            trace::warn(
                "tokens on `memory://` are revoked in this process alone, until it ends; in production use Redis",
            );
        }
        Ok(TokenPlace::Memory(&self.memory.ledger))
    }

    /// Returns the microseconds of the cache's clock since 1970.
    fn now(&self) -> u64 {
        self.core.clock.now_ms().saturating_mul(1_000)
    }

    fn token_key(&self, token: &TokenHash) -> String {
        [&self.core.prefix, "revoked:{", &hex(token), "}"].concat()
    }

    fn generation_key(&self, user: &TokenHash) -> String {
        [&self.core.prefix, "generation:{", &hex(user), "}"].concat()
    }

    /// The keys of a family and of its user's generation, in one slot.
    #[cfg(feature = "redis")]
    fn family_keys(&self, id: &FamilyId) -> [String; 2] {
        let family = [&self.core.prefix, "refresh:{", &hex(&id.user), "}:", &hex(&id.family)].concat();
        [family, self.generation_key(&id.user)]
    }

    /// Runs a script on keys of one slot.
    #[cfg(feature = "redis")]
    async fn run<R: redis::FromRedisValue, T>(
        &self,
        redis: &RedisStore,
        script: &'static LazyLock<Script>,
        keys: &[&str],
        arguments: &[String],
        decode: impl FnOnce(R) -> Option<T>,
    ) -> Result<T, Error> {
        self.told(redis.run_script(STEP, script, keys, arguments, decode).await)
    }

    /// Warns of an error that somebody can end.
    #[cfg(feature = "redis")]
    fn told<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        let effect = "no token is revoked, and tokens are checked as `on_outage` says";
        result.inspect_err(|error| self.core.warn_companion(STEP, error, effect))
    }
}

/// The latest moment in milliseconds since 1970 that is exact as a number of a script: the year 287396.
#[cfg(feature = "redis")]
const LATEST_MS: u64 = 1 << 53;

fn locked(ledger: &Mutex<TokenLedger>) -> MutexGuard<'_, TokenLedger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the hash under which a user is stored.
pub(super) fn user_hash(user: &str) -> TokenHash {
    hash("user", user)
}

fn hash(kind: &str, id: &str) -> TokenHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"larder revoke\0").update(kind.as_bytes()).update(b"\0").update(id.as_bytes());
    let mut hash = TokenHash::default();
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..size_of::<TokenHash>()]);
    hash
}

fn hex(hash: &TokenHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
