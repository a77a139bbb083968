//! The place where sessions are stored: Redis, or the memory of this process.

#[cfg(feature = "redis")]
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ledger::SessionLedger;
use super::record::{FieldChanges, ListedTimes, SessionFields, SessionSpan, SessionTimes, StoredSession};
#[cfg(feature = "redis")]
use super::script;
use super::session_id::RecordPlace;
use crate::engine::core::Core;
use crate::observe::trace;
#[cfg(feature = "redis")]
use crate::rt::join::join_all;
#[cfg(feature = "redis")]
use crate::store::{RedisStore, Script};
use crate::types::error::Error;

/// The name of the calls in errors.
#[cfg(any(feature = "redis", feature = "test-util"))]
const STEP: &str = "session";
/// The time for which the id before a login leads to the session, in microseconds.
const POINTS: u64 = 10_000_000;

/// The sessions of one cache.
#[derive(Clone)]
pub(super) struct SessionStore {
    core: Arc<Core>,
    memory: Arc<SessionMemory>,
}

/// The sessions in the memory of this process.
#[derive(Debug, Default)]
struct SessionMemory {
    ledger: Mutex<SessionLedger>,
    /// It was said that they are in this process alone.
    is_told: AtomicBool,
}

enum SessionStorePlace<'p> {
    Memory(&'p Mutex<SessionLedger>),
    #[cfg(feature = "redis")]
    Redis(&'p RedisStore),
}

impl SessionStore {
    /// Returns the sessions of a cache.
    pub(super) fn of(core: &Arc<Core>) -> Self {
        Self { memory: core.companions.get(), core: Arc::clone(core) }
    }

    /// Returns what is in a place.
    pub(super) async fn load(
        &self,
        place: &RecordPlace,
        times: SessionTimes,
    ) -> Result<StoredSession, Error> {
        match self.place().await? {
            SessionStorePlace::Memory(ledger) => Ok(locked(ledger).load(place, times, self.now())),
            #[cfg(feature = "redis")]
            SessionStorePlace::Redis(redis) => {
                let keys = [&self.record_key(place), &self.stamp_key(&place.place)];
                let arguments = [times.idle.to_string(), times.step().to_string()];
                self.run(redis, &script::LOAD, &keys, &arguments, script::loaded).await
            }
        }
    }

    /// Changes values of a record, if it is there still.
    pub(super) async fn save(
        &self,
        place: &RecordPlace,
        changes: &FieldChanges,
        times: SessionTimes,
    ) -> Result<bool, Error> {
        match self.place().await? {
            SessionStorePlace::Memory(ledger) => Ok(locked(ledger).save(place, changes, times, self.now())),
            #[cfg(feature = "redis")]
            SessionStorePlace::Redis(redis) => {
                let mut arguments = vec![times.idle.to_string()];
                arguments.extend(script::changes(changes));
                let decode = |saved: u8| Some(saved == 1);
                self.run(redis, &script::SAVE, &[&self.record_key(place)], &arguments, decode).await
            }
        }
    }

    /// Creates a record.
    pub(super) async fn create(
        &self,
        place: &RecordPlace,
        (user, span): (Option<&str>, Option<SessionSpan>),
        fields: SessionFields,
        times: SessionTimes,
    ) -> Result<(), Error> {
        match self.place().await? {
            SessionStorePlace::Memory(ledger) => {
                locked(ledger).create(place.clone(), user, span, fields, times, self.now());
                Ok(())
            }
            #[cfg(feature = "redis")]
            SessionStorePlace::Redis(redis) => {
                let keys =
                    [&self.record_key(place), &self.stamp_key(&place.place), &self.list_key(&place.place)];
                let user = user.map_or_else(String::new, |user| ["=", user].concat());
                let mut arguments =
                    vec![times.idle.to_string(), times.absolute.to_string(), place.hash.clone(), user];
                let span = span.unwrap_or_default();
                arguments.extend([span.began.to_string(), span.end.to_string()]);
                arguments.extend(fields.into_iter().flat_map(|(name, value)| [name, value]));
                self.run(redis, &script::CREATE, &keys, &arguments, |_: u8| Some(())).await
            }
        }
    }

    /// Makes a record lead to another one for a while.
    pub(super) async fn point(&self, from: &RecordPlace, to: &RecordPlace) -> Result<(), Error> {
        match self.place().await? {
            SessionStorePlace::Memory(ledger) => {
                locked(ledger).point(from, to.clone(), POINTS, self.now());
                Ok(())
            }
            #[cfg(feature = "redis")]
            SessionStorePlace::Redis(redis) => {
                let arguments = [to.text(), POINTS.to_string()];
                self.run(redis, &script::POINT, &[&self.record_key(from)], &arguments, |_: u8| Some(())).await
            }
        }
    }

    /// Removes a record.
    pub(super) async fn remove(&self, place: &RecordPlace) -> Result<(), Error> {
        match self.place().await? {
            SessionStorePlace::Memory(ledger) => {
                locked(ledger).remove(place);
                Ok(())
            }
            #[cfg(feature = "redis")]
            SessionStorePlace::Redis(redis) => {
                let keys = [&self.record_key(place), &self.list_key(&place.place)];
                let arguments = [place.hash.clone()];
                self.run(redis, &script::REMOVE, &keys, &arguments, |_: u8| Some(())).await
            }
        }
    }

    /// Returns the sessions of a user, by the place of their records.
    pub(super) async fn list(&self, place: &str) -> Result<Vec<(RecordPlace, ListedTimes)>, Error> {
        match self.place().await? {
            SessionStorePlace::Memory(ledger) => Ok(locked(ledger).list(place, self.now())),
            #[cfg(feature = "redis")]
            SessionStorePlace::Redis(redis) => {
                let key = self.list_key(place);
                let hashes = self.run(redis, &script::LIST, &[&key], &[], Some::<Vec<String>>).await?;
                let listed = hashes.into_iter().map(|hash| async move {
                    let place = RecordPlace { place: place.to_owned(), hash };
                    let keys = [&self.record_key(&place), &self.stamp_key(&place.place)];
                    let decode = |reply: Vec<u64>| script::times(&reply);
                    let times = self.run(redis, &script::TIMES, &keys, &[], decode).await?;
                    Ok(times.map(|times| (place, times)))
                });
                let listed: Result<Vec<_>, Error> = join_all(listed).await.into_iter().collect();
                Ok(listed?.into_iter().flatten().collect())
            }
        }
    }

    /// Ends all sessions of a user, by the place of their records.
    pub(super) async fn revoke_all(&self, place: &str, times: SessionTimes) -> Result<(), Error> {
        match self.place().await? {
            SessionStorePlace::Memory(ledger) => {
                locked(ledger).revoke_all(place, times, self.now());
                Ok(())
            }
            #[cfg(feature = "redis")]
            SessionStorePlace::Redis(redis) => {
                let keys = [&self.stamp_key(place), &self.list_key(place)];
                let arguments = [(2 * times.absolute).to_string()];
                self.run(redis, &script::REVOKE_ALL, &keys, &arguments, |_: u8| Some(())).await
            }
        }
    }

    async fn place(&self) -> Result<SessionStorePlace<'_>, Error> {
        self.core.check_open()?;
        #[cfg(feature = "test-util")]
        self.core.store.inject(STEP).await?;
        #[cfg(feature = "redis")]
        if let Some(redis) = self.core.store.as_redis() {
            return Ok(SessionStorePlace::Redis(redis));
        }
        if !self.memory.is_told.swap(true, Relaxed) {
            trace::warn(
                "sessions on `memory://` are in this process alone, until it ends; in production use Redis",
            );
        }
        Ok(SessionStorePlace::Memory(&self.memory.ledger))
    }

    /// Returns the microseconds of the cache's clock since 1970.
    fn now(&self) -> u64 {
        self.core.clock.now_ms().saturating_mul(1_000)
    }
}

/// Redis. The braces of the keys decide the slot.
#[cfg(feature = "redis")]
impl SessionStore {
    fn record_key(&self, place: &RecordPlace) -> String {
        [&self.core.prefix, "session:{", &place.place, "}:", &place.hash].concat()
    }

    fn stamp_key(&self, place: &str) -> String {
        [&self.core.prefix, "session-stamp:{", place, "}"].concat()
    }

    fn list_key(&self, place: &str) -> String {
        [&self.core.prefix, "session-list:{", place, "}"].concat()
    }

    async fn run<R: redis::FromRedisValue, T>(
        &self,
        redis: &RedisStore,
        script: &'static LazyLock<Script>,
        keys: &[&String],
        arguments: &[String],
        decode: impl FnOnce(R) -> Option<T>,
    ) -> Result<T, Error> {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let ran = redis.run_script(STEP, script, &keys, arguments, decode).await;
        let effect = "requests with sessions are answered with `503`";
        ran.inspect_err(|error| self.core.warn_companion(STEP, error, effect))
    }
}

fn locked(ledger: &Mutex<SessionLedger>) -> MutexGuard<'_, SessionLedger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
