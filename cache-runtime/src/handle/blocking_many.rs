//! Calls of the cache for several values, for synchronous code.

use std::hash::Hash;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::handle::blocking::BlockingCache;
use crate::rt::park::{block_on, unparked};
use crate::site::many_result::ManyResult;
use crate::site::outcome::Value;
use crate::types::error::Error;
use crate::types::expire::IntoExpire;

impl BlockingCache {
    /// Returns the values under several keys, as [`Cache::get_many`](crate::Cache::get_many) does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.get_many::<i32>(&["one", "two"]), [None, None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn get_many<T: DeserializeOwned>(&self, keys: &[impl AsRef<str>]) -> Vec<Option<T>> {
        block_on(self.cache().get_many(keys))
    }

    /// Returns the values under several keys, as [`Cache::try_get_many`](crate::Cache::try_get_many) does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.try_get_many::<i32>(&["one"])?, [None]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::try_get_many`](crate::Cache::try_get_many).
    pub fn try_get_many<T: DeserializeOwned>(
        &self,
        keys: &[impl AsRef<str>],
    ) -> Result<Vec<Option<T>>, Error> {
        block_on(self.cache().try_get_many(keys))
    }

    /// Stores several values, as [`Cache::set_many`](crate::Cache::set_many) does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.set_many([("one", 1), ("two", 2)], "1h")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::set_many`](crate::Cache::set_many).
    pub fn set_many<K: AsRef<str>, V: Serialize>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
        expire: impl IntoExpire,
    ) -> Result<(), Error> {
        block_on(self.cache().set_many(values, expire))
    }

    /// Removes the entries under several keys, as [`Cache::delete_many`](crate::Cache::delete_many) does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// assert_eq!(cache.delete_many(&["one", "two"])?, 0);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::delete_many`](crate::Cache::delete_many).
    pub fn delete_many(&self, keys: &[impl AsRef<str>]) -> Result<u64, Error> {
        block_on(self.cache().delete_many(keys))
    }

    /// Returns the values under several keys and computes those that are missing, as
    /// [`Cache::remember_many`](crate::Cache::remember_many) does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// let lengths: Vec<(String, usize)> = cache.remember_many(&["a", "bb"], "5m", |missing| {
    ///     missing.into_iter().map(|key| (key.to_owned(), key.len())).collect()
    /// });
    /// assert_eq!(lengths, [("a".to_owned(), 1), ("bb".to_owned(), 2)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    pub fn remember_many<K, R, F>(&self, keys: &[K], expire: impl IntoExpire, f: F) -> R
    where
        K: AsRef<str> + Clone + Eq + Hash,
        R: ManyResult<K>,
        R::Value: Value,
        F: Fn(Vec<K>) -> R,
    {
        block_on(self.cache().remember_many(keys, expire, |missing| async { unparked(|| f(missing)) }))
    }
}
