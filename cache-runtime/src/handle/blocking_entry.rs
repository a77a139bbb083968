//! The handle of one entry for synchronous code.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Entry;
use crate::rt::park::block_on;
use crate::types::error::Error;

/// The methods of [`Entry`] for synchronous code.
///
/// Each call blocks its thread until the store answers, at most for
/// [`Builder::redis_timeout`](crate::Builder::redis_timeout).
///
/// ```
/// # use larder_runtime as larder;
/// # use larder::__private::{Call, CallSite};
/// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
/// # let cache = larder::Cache::builder().build_blocking()?;
/// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
/// let entry = user_entry(42).blocking();
/// entry.put("ann")?;
/// assert_eq!(entry.get::<String>().as_deref(), Some("ann"));
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockingEntry(Entry);

impl Entry {
    /// Returns a handle of this entry for synchronous code.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// user_entry(42).blocking().invalidate()?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn blocking(&self) -> BlockingEntry {
        BlockingEntry(self.clone())
    }
}

impl BlockingEntry {
    /// Returns the whole key, as [`Entry::key`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// assert_eq!(user_entry(42).blocking().key(), "42");
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.key()
    }

    /// Returns the cached value, as [`Entry::get`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// assert_eq!(user_entry(42).blocking().get::<String>(), None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self) -> Option<T> {
        block_on(self.0.get())
    }

    /// Stores `value` as if the function had returned it, as [`Entry::put`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// user_entry(42).blocking().put("ann")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Entry::put`].
    pub fn put<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Error> {
        block_on(self.0.put(value))
    }

    /// Removes the entry, as [`Entry::invalidate`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// user_entry(42).blocking().invalidate()?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Entry::invalidate`].
    pub fn invalidate(&self) -> Result<(), Error> {
        block_on(self.0.invalidate())
    }

    /// Expires the entry now, as [`Entry::expire`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// user_entry(42).blocking().expire()?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Entry::expire`].
    pub fn expire(&self) -> Result<(), Error> {
        block_on(self.0.expire())
    }

    /// Returns the remaining TTL, as [`Entry::ttl`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # use larder::__private::{Call, CallSite};
    /// # static USER: CallSite = CallSite::new("app", "user", "app.rs", 1, larder::Policy::new());
    /// # let cache = larder::Cache::builder().build_blocking()?;
    /// # let user_entry = |id: u64| Call::new(&USER, "app::user").cache(&cache).text(|key| key.value(&id, None)).entry();
    /// assert_eq!(user_entry(42).blocking().ttl(), None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        block_on(self.0.ttl())
    }
}
