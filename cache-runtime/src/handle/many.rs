//! Calls of the cache for several values: get, set, delete.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::entry_op::EntryOp;
use crate::engine::invalidation_guard::InvalidationGuard;
use crate::engine::many::lookups;
use crate::engine::silence::{Silence, SilenceOf};
use crate::handle::cache::Cache;
use crate::handle::values::{found, reads_nothing};
use crate::rt::join::join_all;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

impl Cache {
    /// Returns the values under several keys, in the order of the keys; each as [`Cache::get`] does.
    ///
    /// On one server, the values are read by `MGET`, at most 128 keys at a time. On a cluster, all nodes are asked at once.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("one", &1, "1h").await?;
    /// cache.set("two", &2, "1h").await?;
    /// assert_eq!(cache.get_many::<i32>(&["two", "three", "one"]).await, [Some(2), None, Some(1)]);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn get_many<T: DeserializeOwned>(&self, keys: &[impl AsRef<str>]) -> Vec<Option<T>> {
        self.read_many(keys).await.into_iter().map(|read| read.ok().flatten()).collect()
    }

    /// Returns the values under several keys, as [`Cache::get_many`] does, but reports a failure of the store.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// assert_eq!(cache.try_get_many::<i32>(&["one", "two"]).await?, [None, None]);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed for at least one of the keys, or the cache is closed.
    pub async fn try_get_many<T: DeserializeOwned>(
        &self,
        keys: &[impl AsRef<str>],
    ) -> Result<Vec<Option<T>>, Error> {
        self.read_many(keys).await.into_iter().collect()
    }

    /// Stores several values for `expire`, each under its key, as [`Cache::set`] does.
    ///
    /// The values are stored one by one and at once: another call may see some of them before others. Of two values under one key,
    /// either stays.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set_many([("one", 1), ("two", 2)], "1h").await?;
    /// assert_eq!(cache.get::<i32>("two").await, Some(2));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The first error of those of [`Cache::set`]; the other values are stored all the same.
    pub async fn set_many<K: AsRef<str>, V: Serialize>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
        expire: impl IntoExpire,
    ) -> Result<(), Error> {
        let expire = expire.into_expire()?;
        let (keys, values): (Vec<K>, Vec<V>) = values.into_iter().unzip();
        let silence = Silence::default();
        let ops = self.ops(&keys, expire, &silence)?;
        let puts = ops.iter().zip(&values).map(|(op, value)| op.put(Some(value), op.expiries.value));
        change(&ops, join_all(puts)).await.into_iter().collect()
    }

    /// Removes the entries under several keys and returns the number of those that there were.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set_many([("one", 1), ("two", 2)], "1h").await?;
    /// assert_eq!(cache.delete_many(&["one", "two", "three"]).await?, 2);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The first error of those of [`Cache::delete`]; the other entries are removed all the same.
    pub async fn delete_many(&self, keys: &[impl AsRef<str>]) -> Result<u64, Error> {
        let silence = Silence::default();
        let ops = self.ops(keys, Expire::Never, &silence)?;
        let removed = change(&ops, join_all(ops.iter().map(EntryOp::delete))).await;
        removed.into_iter().map(|removed| removed.map(u64::from)).sum()
    }

    /// Reads the values under several keys.
    async fn read_many<T: DeserializeOwned>(
        &self,
        keys: &[impl AsRef<str>],
    ) -> Vec<Result<Option<T>, Error>> {
        let silence = Silence::default();
        let ops = match self.ops(keys, Expire::Never, &silence) {
            Ok(ops) => ops,
            Err(error) => return keys.iter().map(|_| Err(error.clone())).collect(),
        };
        if ops.iter().filter(|op| reads_nothing(op)).count() > 0 {
            return ops.iter().map(|_| Ok(None)).collect();
        }
        let mut values: Vec<_> = ops.iter().map(|_| Ok(None)).collect();
        lookups(&ops, 0..ops.len(), &mut |index, lookup| values[index] = found(lookup, &ops[index])).await;
        values
    }

    /// Returns accesses to the entries under several keys, which wait for the store once.
    pub(super) fn ops<'c>(
        &'c self,
        keys: &[impl AsRef<str>],
        expire: Expire,
        silence: &'c Silence,
    ) -> Result<Vec<EntryOp<'c>>, Error> {
        self.core().check_open()?;
        let op = |key: &str| EntryOp { silence: SilenceOf::Request(silence), ..self.open_op(key, expire) };
        Ok(keys.iter().map(|key| op(key.as_ref())).collect())
    }
}

/// Makes changes of several entries. If the caller goes away meanwhile, all of them are removed in the background, also those
/// whose change had not begun.
async fn change<T>(ops: &[EntryOp<'_>], changes: impl Future<Output = T>) -> T {
    let Some(first) = ops.first() else { return changes.await };
    let all = || ops.iter().map(EntryOp::invalidation).collect();
    let guard = InvalidationGuard::new(first.core, first.row(), all);
    let result = changes.await;
    guard.finish();
    result
}
