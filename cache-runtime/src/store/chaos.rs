//! Chaos: a store that misbehaves when it is told to, so that users can test what their programs do then.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::memory::Memory;
use super::{AnyStore, Claim, LeaseMode, Leased, Page, Store, StoreRead, Token, Ttl};
use crate::rt::io;
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::CurrentStamps;

/// A switch that makes the store of one cache misbehave; [`crate::Cache::chaos`] gives it. Clones are one switch.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder_runtime::Cache;
///
/// let cache = Cache::builder().build().await?;
/// cache.set("k", &1, "1m").await?;
/// cache.chaos().refuse();
/// assert_eq!(cache.get::<i32>("k").await, None);
/// assert!(cache.delete("k").await.is_err());
/// cache.chaos().heal();
/// # Ok::<(), larder_runtime::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Chaos(Arc<Mutex<Trouble>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Trouble {
    #[default]
    None,
    Refuse,
    Hang,
    Delay(Duration),
    LoseFills,
}

impl Chaos {
    /// The store cannot be reached: every step fails at once, as while the breaker is open.
    pub fn refuse(&self) {
        self.set(Trouble::Refuse);
    }

    /// The store does not answer: every step takes the whole `redis_timeout` and fails.
    pub fn hang(&self) {
        self.set(Trouble::Hang);
    }

    /// Every step takes this much longer; longer than `redis_timeout` is as [`Chaos::hang`].
    pub fn delay(&self, time: Duration) {
        self.set(Trouble::Delay(time));
    }

    /// What is stored is gone at once, as in a store that is full and evicts.
    pub fn lose_fills(&self) {
        self.set(Trouble::LoseFills);
    }

    /// All is well again. What was stored before the trouble is still there.
    pub fn heal(&self) {
        self.set(Trouble::None);
    }

    fn set(&self, trouble: Trouble) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn trouble(&self) -> Trouble {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tier with a switch.
pub(crate) struct ChaosStore {
    tier: AnyStore,
    switch: Chaos,
    limit: Duration,
}

impl ChaosStore {
    pub(crate) fn new(tier: AnyStore, limit: Duration) -> Self {
        Self { tier, switch: Chaos::default(), limit }
    }

    pub(crate) fn switch(&self) -> &Chaos {
        &self.switch
    }

    /// The memory tier, while it may be asked without a step.
    pub(crate) fn as_memory(&self) -> Option<&Memory> {
        if self.switch.trouble() == Trouble::None { self.tier.as_memory() } else { None }
    }

    pub(crate) fn breaker(&self) -> Breaker {
        match self.switch.trouble() {
            Trouble::Refuse | Trouble::Hang => Breaker::Open,
            Trouble::None | Trouble::Delay(_) | Trouble::LoseFills => self.tier.breaker(),
        }
    }

    /// What befalls a step before it reaches the store.
    async fn befall(&self, step: &'static str) -> Result<(), Error> {
        let pause = match self.switch.trouble() {
            Trouble::None | Trouble::LoseFills => return Ok(()),
            Trouble::Refuse => {
                return Err(Error::unavailable("refused by `Chaos`"));
            }
            Trouble::Hang => self.limit,
            Trouble::Delay(time) => time,
        };
        io::sleep(pause.min(self.limit)).await;
        if pause < self.limit { Ok(()) } else { Err(Error::Timeout { step, limit: self.limit }) }
    }
}

impl Deref for ChaosStore {
    type Target = AnyStore;
    fn deref(&self) -> &AnyStore {
        &self.tier
    }
}

impl fmt::Debug for ChaosStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tier.fmt(f)
    }
}

impl Store for ChaosStore {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        self.befall("read").await?;
        self.tier.read(key, labels).await
    }
    async fn marks(&self, labels: Labels<'_>) -> Result<CurrentStamps, Error> {
        self.befall("read").await?;
        self.tier.marks(labels).await
    }
    async fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> Result<Leased, Error> {
        self.befall("lease").await?;
        self.tier.lease(key, labels, token, mode, seen).await
    }
    async fn renew(&self, key: &Key, token: &Token) -> Result<bool, Error> {
        self.befall("renew").await?;
        self.tier.renew(key, token).await
    }
    async fn release(&self, key: &Key, token: &Token, pause: Duration) -> Result<(), Error> {
        self.befall("release").await?;
        self.tier.release(key, token, pause).await
    }
    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        life: Option<Duration>,
        claim: Claim<'_>,
    ) -> Result<bool, Error> {
        self.befall("fill").await?;
        let filled = self.tier.fill(key, labels, envelope, life, claim).await?;
        if filled && self.switch.trouble() == Trouble::LoseFills {
            self.tier.delete(key).await?;
        }
        Ok(filled)
    }
    async fn replace(&self, key: &Key, seen: &[u8], envelope: Bytes) -> Result<bool, Error> {
        self.befall("expire").await?;
        self.tier.replace(key, seen, envelope).await
    }
    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        self.befall("delete").await?;
        self.tier.delete(key).await
    }
    async fn life(&self, key: &Key) -> Result<(Ttl, bool), Error> {
        self.befall("life").await?;
        self.tier.life(key).await
    }
    async fn restamp(&self, labels: &[Label]) -> Result<(), Error> {
        self.befall("restamp").await?;
        self.tier.restamp(labels).await
    }
    async fn reclaim(&self, group: &Label) -> Result<u64, Error> {
        self.befall("reclaim").await?;
        self.tier.reclaim(group).await
    }
    async fn scan(&self, pattern: &str, cursor: u64) -> Result<Page, Error> {
        self.befall("scan").await?;
        self.tier.scan(pattern, cursor).await
    }
    async fn ping(&self) -> Result<Duration, Error> {
        self.befall("ping").await?;
        self.tier.ping().await
    }
    async fn delete_page(&self, keys: &[String], ours_only: bool) -> Result<u64, Error> {
        self.befall("delete").await?;
        self.tier.delete_page(keys, ours_only).await
    }
}
