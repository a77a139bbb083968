//! A table whose loader loads several values.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use serde::Serialize;

use super::entries::TableEntries;
use super::loaded::LoadedMany;
use crate::engine::context::CallMode;
use crate::engine::entry_target::EntryTarget;
use crate::engine::many::{DetachableMany, ManyCall, Targets, run};
use crate::handle::cache::Cache;
use crate::handle::entry::Entry;
use crate::rt::park::block_on;
use crate::rt::stack::BoxFuture;
use crate::site::ignore_in_key::IgnoreInKey;
use crate::site::many_body::ManyBody;
use crate::site::outcome::Value;
use crate::site::value_caps::ValueCaps;
use crate::types::error::Error;

/// The loader of a bulk table.
pub(super) type LoadMany<K, R> = Arc<dyn Fn(Vec<K>) -> BoxFuture<'static, R> + Send + Sync>;

/// A [`Table`](crate::Table) whose loader loads several values at once, as `#[cache_many]` does: it gets the ids that are missing.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::collections::HashMap;
/// use larder::{BulkTable, Cache};
///
/// let cache = Cache::builder().build().await?;
/// let names: BulkTable<u64, String, HashMap<u64, String>> =
///     cache.table("names").expire("5m").load_many(|ids: Vec<u64>| async move {
///         // `WHERE id = ANY($1)`
///         ids.into_iter().map(|id| (id, format!("user {id}"))).collect()
///     });
/// assert_eq!(names.get(&1).await.as_deref(), Some("user 1"));
/// assert_eq!(names.get_many(&[1, 2]).await.len(), 2); // loads 2
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
pub struct BulkTable<K, V, R> {
    entries: Arc<TableEntries<K, V>>,
    load: LoadMany<K, R>,
}

impl<K, V, R> BulkTable<K, V, R> {
    pub(super) fn new(entries: TableEntries<K, V>, load: LoadMany<K, R>) -> Self {
        Self { entries: Arc::new(entries), load }
    }
}

impl<K: Serialize, V, R> BulkTable<K, V, R> {
    /// Returns the table, or the errors of its settings in one, as [`Table::check`](crate::Table::check) does.
    ///
    /// # Errors
    /// [`Error::Config`] with the names of the settings.
    pub fn check(self) -> Result<Self, Error> {
        match self.entries.error() {
            Some(error) => Err(error.clone()),
            None => Ok(self),
        }
    }

    /// Returns the entry of an id, as [`Table::entry`](crate::Table::entry) does.
    pub fn entry(&self, id: &K) -> Entry {
        self.entries.entry(id)
    }

    /// Removes the value of an id, as [`Entry::invalidate`] does. For synchronous code: `table.entry(&id).blocking().invalidate()`.
    ///
    /// # Errors
    /// As [`Entry::invalidate`].
    pub async fn invalidate(&self, id: &K) -> Result<(), Error> {
        self.entry(id).invalidate().await
    }
}

impl<K, V, R> BulkTable<K, V, R>
where
    K: Clone + Eq + Hash + Serialize + Send + Sync + 'static,
    V: Value + Send + 'static,
    R: LoadedMany<K, V>,
{
    /// Returns the values of several ids; loads those that are missing with one call of the loader, and stores each.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let squares = cache
    ///     .table::<u64, u64>("squares")
    ///     .load_many(|ids: Vec<u64>| async move { ids.into_iter().map(|id| Some(id * id)).collect::<Vec<_>>() });
    /// assert_eq!(squares.get_many(&[3, 4]).await, [Some(9), Some(16)]);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get_many(&self, ids: &[K]) -> R {
        let Some((cache, mut targets)) = self.targets(ids) else { return (self.load)(ids.to_vec()).await };
        let known = targets.iter().map(|(id, target)| (target.key().into(), (*id).clone()));
        let rules = Arc::new(self.entries.rules(known));
        let call = Arc::new(ManyCall::new(ids, |ids| Targets::Keys {
            core: Arc::clone(cache.core()),
            entries: ids.iter().filter_map(|id| targets.remove(id)).collect(),
            name: self.entries.function(),
            mode: CallMode::current(),
        }));
        let load = Arc::clone(&self.load);
        let body = move |ids: Option<Vec<K>>| match ids {
            Some(ids) => ManyBody::Inline(load(ids)),
            None => {
                let load = Arc::clone(&load);
                ManyBody::background_needs_send(move |ids| load(ids))
            }
        };
        let (own, own_rules) = (Arc::clone(&call), Arc::clone(&rules));
        let computation =
            DetachableMany { call: own, caps: ValueCaps::bytes(), rules: own_rules, body, blocks: false };
        run(&call, ValueCaps::bytes(), &*rules, computation).await
    }

    /// Returns the entries of ids and their cache, unless the call runs uncached.
    fn targets<'i>(&self, ids: &'i [K]) -> Option<(Cache, HashMap<&'i K, EntryTarget>)> {
        let (mut owner, mut targets) = (None::<Cache>, HashMap::new());
        for id in ids {
            let (cache, target) = self.entries.admitted(id)?;
            let owner = &*owner.get_or_insert_with(|| cache.clone());
            if !Arc::ptr_eq(owner.core(), cache.core()) {
                self.entries.refuse_several_caches();
                return None;
            }
            targets.insert(id, target);
        }
        // Without ids there is nothing to look up.
        Some((owner.unwrap_or_else(|| self.entries.cache().clone()), targets))
    }

    /// Returns the value of an id, in a `Result` where the loader returns one.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let squares = cache
    ///     .table::<u64, u64>("squares")
    ///     .load_many(|ids: Vec<u64>| async move { ids.into_iter().map(|id| Some(id * id)).collect::<Vec<_>>() });
    /// assert_eq!(squares.get(&3).await, Some(9));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get(&self, id: &K) -> R::One {
        self.get_many(std::slice::from_ref(id)).await.into_one()
    }

    /// Stores the value of an id, as [`Table::insert`](crate::Table::insert) does.
    ///
    /// # Errors
    /// As [`Table::insert`](crate::Table::insert).
    pub async fn insert(&self, id: &K, value: &V) -> Result<(), Error> {
        self.entries.insert(id, value).await
    }

    /// Returns the values of several ids: [`BulkTable::get_many`] for synchronous code.
    pub fn get_many_blocking(&self, ids: &[K]) -> R {
        block_on(self.get_many(ids))
    }

    /// Returns the value of an id: [`BulkTable::get`] for synchronous code.
    pub fn get_blocking(&self, id: &K) -> R::One {
        block_on(self.get(id))
    }

    /// Stores the value of an id: [`BulkTable::insert`] for synchronous code.
    ///
    /// # Errors
    /// As [`BulkTable::insert`].
    pub fn insert_blocking(&self, id: &K, value: &V) -> Result<(), Error> {
        block_on(self.insert(id, value))
    }
}

impl<K, V, R> Clone for BulkTable<K, V, R> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), load: Arc::clone(&self.load) }
    }
}

impl<K, V, R> fmt::Debug for BulkTable<K, V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkTable").field("name", &self.entries.short_name()).finish_non_exhaustive()
    }
}

impl<K, V, R> IgnoreInKey for BulkTable<K, V, R> {}
