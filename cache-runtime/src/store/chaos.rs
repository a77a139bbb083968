//! Chaos: a store that fails on request, so that users can test how their programs behave then.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::any::AnyStore;
use super::contract::{Removed, Store, StoreRead, Ttl, forward_store_methods};
use super::dropped_groups::DroppedGroups;
use super::lease::{FillCondition, LeaseMode, Leased, Token};
use super::memory::MemoryStore;
use super::page::{Cursor, FunctionKeys, KeyPage};
use super::settings::StoreSettings;
use crate::rt::io;
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::{CurrentStamps, Stamps};
use crate::types::tag_count::TagCount;

/// A switch that makes the store of one cache fail; returned by [`Cache::chaos`](crate::Cache::chaos). Clones share one
/// state.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::Cache;
///
/// let cache = Cache::builder().build().await?;
/// cache.set("k", &1, "1m").await?;
/// cache.chaos().refuse();
/// assert_eq!(cache.get::<i32>("k").await, None);
/// assert!(cache.delete("k").await.is_err());
/// cache.chaos().heal();
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Chaos(Arc<Mutex<Fault>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Fault {
    #[default]
    None,
    Refuse,
    Hang,
    Delay(Duration),
    LoseFills,
}

impl Chaos {
    /// Makes the store unreachable: every operation fails at once, as while the breaker is open.
    pub fn refuse(&self) {
        self.set(Fault::Refuse);
    }

    /// Makes the store unresponsive: every operation takes the whole `redis_timeout` and fails.
    pub fn hang(&self) {
        self.set(Fault::Hang);
    }

    /// Delays every operation by `time`. A delay longer than `redis_timeout` has the effect of [`Chaos::hang`].
    pub fn delay(&self, time: Duration) {
        self.set(Fault::Delay(time));
    }

    /// Removes every value as soon as it is stored, as a full store that evicts does.
    pub fn lose_fills(&self) {
        self.set(Fault::LoseFills);
    }

    /// Ends the fault. Values that were stored before it are still there.
    pub fn heal(&self) {
        self.set(Fault::None);
    }

    fn set(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn fault(&self) -> Fault {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store that fails while its switch says so.
pub(crate) struct ChaosStore {
    store: AnyStore,
    switch: Chaos,
    limit: Duration,
}

impl ChaosStore {
    /// Opens the store that the URL selects, without a fault.
    ///
    /// # Errors
    /// As [`AnyStore::open`].
    pub(crate) async fn open(settings: &StoreSettings) -> Result<Self, Error> {
        let store = AnyStore::open(settings).await?;
        Ok(Self { store, switch: Chaos::default(), limit: settings.redis_timeout })
    }

    /// Returns the switch.
    pub(crate) fn switch(&self) -> &Chaos {
        &self.switch
    }

    /// Returns the memory store, if this is one and has no fault: direct access to it cannot fail.
    pub(crate) fn as_memory(&self) -> Option<&MemoryStore> {
        if self.switch.fault() == Fault::None { self.store.as_memory() } else { None }
    }

    /// Returns the state of the breaker.
    pub(crate) fn breaker(&self) -> Breaker {
        match self.switch.fault() {
            Fault::Refuse | Fault::Hang => Breaker::Open,
            Fault::None | Fault::Delay(_) | Fault::LoseFills => self.store.breaker(),
        }
    }

    /// Delays or fails an operation before it reaches the store.
    ///
    /// # Errors
    /// That of the fault.
    pub(crate) async fn inject(&self, step: &'static str) -> Result<(), Error> {
        let pause = match self.switch.fault() {
            Fault::None | Fault::LoseFills => return Ok(()),
            Fault::Refuse => {
                return Err(Error::unavailable("refused by `Chaos`"));
            }
            Fault::Hang => self.limit,
            Fault::Delay(time) => time,
        };
        io::sleep(pause.min(self.limit)).await;
        if pause < self.limit { Ok(()) } else { Err(Error::Timeout { step, limit: self.limit }) }
    }
}

impl Deref for ChaosStore {
    type Target = AnyStore;

    fn deref(&self) -> &AnyStore {
        &self.store
    }
}

macro_rules! forward {
    ($step:literal, $method:ident($($arg:ident: $type:ty),*) -> $output:ty) => {
        async fn $method(&self, $($arg: $type),*) -> Result<$output, Error> {
            self.inject($step).await?;
            self.store.$method($($arg),*).await
        }
    };
}

impl Store for ChaosStore {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        self.inject("read").await?;
        self.store.read(key, labels).await
    }

    async fn read_large(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        self.inject("read").await?;
        self.store.read_large(key, labels).await
    }

    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        ttl: Option<Duration>,
        claim: FillCondition<'_>,
    ) -> Result<bool, Error> {
        self.inject("fill").await?;
        let filled = self.store.fill(key, labels, envelope, ttl, claim).await?;
        if filled && self.switch.fault() == Fault::LoseFills {
            self.store.delete(key).await?;
        }
        Ok(filled)
    }

    forward_store_methods!(forward);
}

impl fmt::Debug for ChaosStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
