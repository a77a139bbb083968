//! The settings of a table.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::bulk::BulkTable;
use super::entries::{EntryOfId, TableEntries};
use super::loaded::{Loaded, LoadedMany};
use super::rules::TagsOf;
use super::single::Table;
use crate::handle::cache::Cache;
use crate::handle::entry::Entry;
use crate::site::expiries::{Expiries, capped};
use crate::site::late_tags::LateTags;
use crate::site::policy::Policy;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The settings of a [`Table`] or [`BulkTable`], which its loader completes.
#[must_use = "a table is complete with its loader"]
pub struct TableBuilder<K, V> {
    cache: Cache,
    name: String,
    policy: Policy,
    expire: Option<Expire>,
    none_expire: Option<Expire>,
    local: Option<Expire>,
    of: Option<EntryOfId<K>>,
    tags: Option<TagsOf<K, V>>,
    errors: Vec<Error>,
}

impl Cache {
    /// Begins a table: values of type `V` by ids of type `K`, with a loader, for code that holds many caches as values. Inside
    /// [`Cache::group`], its entries are in that group.
    ///
    /// The name stands in keys, statistics and events. It is made of `A-Z a-z 0-9 _ . -`. The types are part of the keys: two
    /// tables of one name and other types share no entry, but have one row in statistics, and a table shares no entry with a function
    /// of its name. [`Cache::clear_function`] of the name removes the entries of all of them, and of the path, `table::users`, those of the
    /// tables alone.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let users = cache
    ///     .table::<u64, String>("users")
    ///     .expire("5m")
    ///     .tags(|id, _| [format!("user:{id}")])
    ///     .load(|id: &u64| std::future::ready(format!("user {id}")));
    /// assert_eq!(users.get(&42).await, "user 42");
    /// cache.invalidate_tag("user:42").await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn table<K, V>(&self, name: &str) -> TableBuilder<K, V> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let mut errors = Vec::new();
        if name.is_empty() || !name.chars().all(fits) {
            errors.push(Error::config("table", name, "a name is made of `A-Z a-z 0-9 _ . -`"));
        }
        TableBuilder {
            cache: self.clone(),
            name: name.to_owned(),
            policy: Policy::new(),
            expire: None,
            none_expire: None,
            local: None,
            of: None,
            tags: None,
            errors,
        }
    }
}

impl<K, V> TableBuilder<K, V> {
    /// Sets the TTL of a value. Default: [`Builder::default_expire`](crate::Builder::default_expire).
    pub fn expire(mut self, expire: impl IntoExpire) -> Self {
        self.expire = self.declared("expire", expire);
        self
    }

    /// Sets the TTL of a `None`. Default: a `None` is not cached.
    pub fn none_expire(mut self, expire: impl IntoExpire) -> Self {
        self.none_expire = self.declared("none_expire", expire);
        self
    }

    /// Sets the longest time that this process caches a copy of a value. Default: the builder's.
    pub fn local(mut self, time: impl IntoExpire) -> Self {
        self.local = self.declared("local", time);
        self
    }

    /// Sets the policy, whose options the other settings override: stale values, codec, version and more. Default:
    /// [`Policy::new`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the tags of a value, at most 64, as texts of [`Cache::invalidate_tag`]. They are found when the value is known, with
    /// the same guarantee: after an invalidation, no value is read whose loading began before. A cached `None` has none.
    pub fn tags<F, I, T>(mut self, tags: F) -> Self
    where
        F: Fn(&K, &V) -> I + Send + Sync + 'static,
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        self.errors.extend(LateTags::check::<T>());
        self.tags = Some(Arc::new(move |id, value| LateTags::of(tags(id, value))));
        self
    }

    /// Uses the entries of a function in place of own ones: `entry` is what `entry = ..` of its `#[cache]` generates, or a closure
    /// that calls it. Expiry, tags and policy are those of the function, and the other settings must not be used.
    ///
    /// If the values of the function are of another type than `V`, the table runs uncached, with one warning, and counts its calls
    /// as `refusals`; [`Table::insert`] is an error.
    pub fn of(mut self, entry: impl Fn(&K) -> Entry + Send + Sync + 'static) -> Self {
        self.of = Some(Arc::new(entry));
        self
    }

    fn declared(&mut self, setting: &'static str, expire: impl IntoExpire) -> Option<Expire> {
        let refused = |error| match error {
            Error::Config { value, reason, .. } => Error::Config { setting, value, reason },
            other => other,
        };
        expire.into_expire().map_err(|error| self.errors.push(refused(error))).ok()
    }
}

impl<K: Serialize, V> TableBuilder<K, V> {
    /// Completes the table with a loader of one value, which returns `V`, `Option<V>`, `Result<V, E>` or `Result<Option<V>, E>`.
    ///
    /// The future of the loader cannot borrow: clone what it needs before `async move`. A synchronous loader returns
    /// [`std::future::ready`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # #[derive(Clone)]
    /// # struct Db;
    /// # impl Db { async fn name(&self, id: u64) -> Option<String> { Some(format!("user {id}")) } }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (cache, db) = (larder::Cache::builder().build().await?, Db);
    /// let names = cache.table::<u64, String>("names").load(move |id: &u64| {
    ///     let (db, id) = (db.clone(), *id);
    ///     async move { db.name(id).await }
    /// });
    /// assert_eq!(names.get(&42).await.as_deref(), Some("user 42"));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn load<F, Fut>(self, load: F) -> Table<K, V, Fut::Output>
    where
        F: Fn(&K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Loaded<V>> + Send + 'static,
    {
        Table::new(self.entries(), Arc::new(move |id| Box::pin(load(id))))
    }

    /// Completes the table with a loader that can fail: [`TableBuilder::load`], for closures whose `Result` is to be inferred. An
    /// `Err` is never cached.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let ports = cache.table::<String, u16>("ports").try_load(|text: &String| std::future::ready(text.parse()));
    /// let port: Result<u16, std::num::ParseIntError> = ports.get(&"8080".to_owned()).await;
    /// assert_eq!(port, Ok(8080));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn try_load<F, Fut, T, E>(self, load: F) -> Table<K, V, Result<T, E>>
    where
        F: Fn(&K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        Result<T, E>: Loaded<V>,
    {
        Table::new(self.entries(), Arc::new(move |id| Box::pin(load(id))))
    }

    /// Completes the table with a loader of several values, which gets the ids that are missing, each once.
    ///
    /// The loader returns a map from ids to values, `Vec<(K, V)>`, or `Vec<Option<V>>` in the order of the ids, each in a `Result` or
    /// not. An answer that does not belong to the ids is handled as that of a `#[cache_many]` function: the loader runs once more
    /// with all ids, and that result is returned and not stored.
    pub fn load_many<F, Fut>(self, load: F) -> BulkTable<K, V, Fut::Output>
    where
        F: Fn(Vec<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: LoadedMany<K, V>> + Send + 'static,
    {
        BulkTable::new(self.entries(), Arc::new(move |ids| Box::pin(load(ids))))
    }

    fn entries(mut self) -> TableEntries<K, V> {
        match self.local {
            Some(Expire::After(local)) => self.policy = self.policy.local(local),
            Some(Expire::Never) => self.errors.push(Error::config("local", "never", "a copy needs a time")),
            None => {}
        }
        let mut checked = self.policy;
        checked.expire = match self.expire {
            Some(Expire::After(expire)) => Some(expire),
            Some(Expire::Never) => None,
            None => checked.expire,
        };
        let contradiction = checked.contradiction();
        self.errors.extend(contradiction.map(|reason| Error::config("policy", "..", reason)));
        let has_own = self.expire.is_some()
            || self.none_expire.is_some()
            || self.tags.is_some()
            || self.policy != Policy::new();
        if self.of.is_some() && has_own {
            let reason =
                "the entries of a function have its expiry, tags and policy; remove the other settings";
            self.errors.push(Error::config("of", self.name.clone(), reason));
        }
        if self.tags.is_some() {
            self.policy = self.policy.with_late_tags();
        }
        let mut expiries = Expiries::of(&self.policy, self.cache.core().default_expire);
        expiries.value = self.expire.map_or(expiries.value, capped);
        expiries.none = self.none_expire.map(capped).or(expiries.none);
        let error = Error::joined(self.errors.into_iter());
        TableEntries::new((self.cache, &self.name), (self.policy, expiries), (self.of, self.tags), error)
    }
}

impl<K, V> fmt::Debug for TableBuilder<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
