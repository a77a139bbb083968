//! A table whose loader loads one value.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::entries::TableEntries;
use super::load::{Load, TableLoad};
use super::loaded::Loaded;
use crate::engine::context::CallMode;
use crate::engine::run::execute;
use crate::handle::entry::Entry;
use crate::rt::join::join_all;
use crate::rt::park::block_on;
use crate::site::ignore_in_key::IgnoreInKey;
use crate::site::outcome::Value;
use crate::site::value_caps::ValueCaps;
use crate::types::error::Error;

/// A cache of values of type `V` by ids of type `K`, with a loader for those that are missing: a `#[cache]` function as a value.
///
/// [`Cache::table`](crate::Cache::table) makes a table. Tables are cheap to clone, and all clones are the same table. `R` is the
/// result of the loader and of [`get`](Table::get): `V` itself, an `Option`, a `Result` or both.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::{Cache, Table};
///
/// struct App {
///     names: Table<u64, String>,
/// }
///
/// let cache = Cache::builder().build().await?;
/// let names = cache.table("names").expire("5m").load(|id: &u64| {
///     let id = *id;
///     async move { format!("user {id}") }
/// });
/// let app = App { names };
/// assert_eq!(app.names.get(&42).await, "user 42");
/// assert_eq!(app.names.get(&42).await, "user 42"); // cached
/// assert_eq!(cache.stats().function("names").unwrap().hits, 1);
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
pub struct Table<K, V, R = V> {
    entries: Arc<TableEntries<K, V>>,
    load: Load<K, R>,
}

impl<K, V, R> Table<K, V, R> {
    pub(super) fn new(entries: TableEntries<K, V>, load: Load<K, R>) -> Self {
        Self { entries: Arc::new(entries), load }
    }
}

impl<K: Serialize, V, R> Table<K, V, R> {
    /// Returns the table, or the errors of its settings in one.
    ///
    /// Without this call, a table with an error runs uncached, with one warning, and counts its calls as `refusals`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let table = cache.table::<u64, u64>("squares").expire("soon");
    /// assert!(table.load(|id: &u64| std::future::ready(id * id)).check().is_err());
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] with the names of the settings.
    pub fn check(self) -> Result<Self, Error> {
        match self.entries.error() {
            Some(error) => Err(error.clone()),
            None => Ok(self),
        }
    }

    /// Returns the entry of an id, as the function of `entry = ..` does for `#[cache]`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// assert!(squares.entry(&3).key().starts_with("squares:"));
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn entry(&self, id: &K) -> Entry {
        self.entries.entry(id)
    }

    /// Removes the value of an id, as [`Entry::invalidate`] does. For synchronous code: `table.entry(&id).blocking().invalidate()`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// squares.invalidate(&3).await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Entry::invalidate`].
    pub async fn invalidate(&self, id: &K) -> Result<(), Error> {
        self.entry(id).invalidate().await
    }
}

impl<K, V, R> Table<K, V, R>
where
    K: Clone + Serialize + Send + Sync + 'static,
    V: Value + Send + 'static,
    R: Loaded<V>,
{
    /// Returns the value of an id; if there is none, loads it and stores it. However many calls miss at once, one loads.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// assert_eq!(squares.get(&3).await, 9);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get(&self, id: &K) -> R {
        let Some(entry) = self.entries.admitted(id).map(Arc::new) else { return (self.load)(id).await };
        let rules = self.entries.rules(std::iter::once((entry.1.key().into(), id.clone())));
        let rules = Arc::new(rules);
        let op = self.entries.op(&entry);
        let load = TableLoad { id, load: &self.load, entries: &self.entries, entry: &entry, rules: &rules };
        execute::<R, R::Shape, _>(None, &op, CallMode::current(), ValueCaps::bytes(), &*rules, load).await
    }

    /// Returns the values of several ids, in their order, each as [`Table::get`] does, all at once. To load them at once as well,
    /// make a [`BulkTable`](crate::BulkTable).
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// assert_eq!(squares.get_many(&[3, 4]).await, [9, 16]);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get_many(&self, ids: &[K]) -> Vec<R> {
        join_all(ids.iter().map(|id| self.get(id))).await
    }

    /// Stores the value of an id in place of whatever is stored now, with its tags.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// squares.insert(&3, &10).await?;
    /// assert_eq!(squares.get(&3).await, 10);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Entry::put`]. If a tag is refused, the previous value is removed.
    pub async fn insert(&self, id: &K, value: &V) -> Result<(), Error> {
        self.entries.insert(id, value).await
    }

    /// Stores the value of an id: [`Table::insert`] for synchronous code.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// squares.insert_blocking(&3, &10)?;
    /// assert_eq!(squares.get_blocking(&3), 10);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Table::insert`].
    pub fn insert_blocking(&self, id: &K, value: &V) -> Result<(), Error> {
        block_on(self.insert(id, value))
    }

    /// Returns the value of an id: [`Table::get`] for synchronous code.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// assert_eq!(squares.get_blocking(&3), 9);
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn get_blocking(&self, id: &K) -> R {
        block_on(self.get(id))
    }
}

impl<K, V, R> Clone for Table<K, V, R> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), load: Arc::clone(&self.load) }
    }
}

impl<K, V, R> fmt::Debug for Table<K, V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.entries.short_name()).finish_non_exhaustive()
    }
}

impl<K, V, R> IgnoreInKey for Table<K, V, R> {}
