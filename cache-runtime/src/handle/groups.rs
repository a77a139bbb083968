//! Calls of the cache for many entries: groups, tags, patterns, everything.

use crate::engine::context::Context;
use crate::handle::cache::Cache;
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::function_name::FunctionName;
use crate::types::key::{Label, escape_glob};
use crate::types::spelling::near;

use super::cache::HANDLE;

impl Cache {
    /// Drops a group in one step, however many entries it has. Once this returns, no older value can be read from the group.
    /// The memory of the entries is reclaimed in the background.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.group("items").set("1", "book", "5m").await?;
    /// cache.delete_group("items").await?;
    /// assert!(!cache.group("items").exists("1").await);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed: other processes may still read the group. This process no longer does, and drops the group as soon
    /// as the store is available. Or the cache is closed.
    pub async fn delete_group(&self, group: &str) -> Result<(), Error> {
        self.drop_group(group, HANDLE).await
    }

    /// Drops a group; statistics count the call for `function`.
    pub(crate) async fn drop_group(&self, group: &str, function: &str) -> Result<(), Error> {
        self.open()?;
        self.core().drop_group(self.core().group(group), function).await
    }

    /// Invalidates all entries with a tag in one step, however many there are.
    ///
    /// `tag` is the text that `tags = ["user:{id}"]` produces, which is that of `format!("user:{id}")`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.invalidate_tag("user:42").await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed: other processes may still read entries with the tag. This process no longer does, and invalidates
    /// the tag as soon as the store is available. Or the cache is closed.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), Error> {
        self.invalidate_tags(&[tag]).await
    }

    /// Invalidates all entries with at least one of several tags, as [`Cache::invalidate_tag`] does for one.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.invalidate_tags(&["user:42", "admins"]).await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Cache::invalidate_tag`].
    pub async fn invalidate_tags(&self, tags: &[&str]) -> Result<(), Error> {
        let labels: Vec<Label> = tags.iter().map(|tag| self.core().tag(tag)).collect();
        self.drop_tags(&labels, HANDLE).await
    }

    /// Invalidates tags; statistics count the call for `function`.
    pub(crate) async fn drop_tags(&self, tags: &[Label], function: &str) -> Result<(), Error> {
        self.open()?;
        self.core().drop_tags(tags, function).await
    }

    /// Removes every entry of this cache whose key matches a glob and returns their number.
    ///
    /// In a glob `*`, `?` and `[a-z]` match characters, and `\` makes the next character literal. Entries are removed in
    /// batches, so that other calls do not wait.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("user:1", "ann", "5m").await?;
    /// assert_eq!(cache.delete_pattern("user:*").await?, 1);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed, possibly halfway: other processes may still read some of the entries. This process no longer reads
    /// entries that match, and removes them as soon as the store is available. The same holds for [`Error::KeysMoved`]: keys
    /// moved between the nodes of a cluster during this walk and three more. Or the cache is closed.
    pub async fn delete_pattern(&self, glob: &str) -> Result<u64, Error> {
        self.open()?;
        self.core().remove_matching(&(escape_glob(&self.base()) + glob), None, HANDLE).await
    }

    /// Removes all entries under the prefix, or in the group of this handle, and returns their number.
    ///
    /// Entries under other prefixes and values of other programs stay, also where their keys begin with this prefix.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// assert_eq!(cache.clear().await?, 1);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Cache::delete_pattern`].
    pub async fn clear(&self) -> Result<u64, Error> {
        self.delete_pattern("*").await
    }

    /// Removes the entries of one function under the prefix, or in the group of this handle, and returns their number. Once this
    /// returns, no value of the function is served whose computation began before, in any process.
    ///
    /// `name` is the function's name as in keys and [`EntryInfo::function`](crate::EntryInfo::function), `name = ".."`, else `Type::method` or
    /// `module::function`, and means all functions that have it. The path that [`Stats`](crate::Stats) shows where several functions have one name,
    /// or the end of a path after a `::`, means the functions with that path only. `"handle"` is for what [`Cache::set`] stored, and tables and layers
    /// have the names that they were given; `"table::users"` is the path of the table `users`.
    ///
    /// A name that no function of this process has yet may be one of which other processes stored entries: it means functions of exactly this
    /// name and those whose name ends with `::` and it, so that `"product"` finds `shop::product`. If there are no such entries either, the answer is
    /// zero, nothing is counted, and one warning for each such name lists the names that are near.
    ///
    /// Entries are found by a walk over all keys, in batches, so that other calls do not wait. Values of other functions that are being computed
    /// meanwhile reach their callers and are not stored.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let squares = cache.table::<u64, u64>("squares").load(|id: &u64| std::future::ready(id * id));
    /// squares.get_many(&[3, 4]).await;
    /// cache.set("answer", &42, "1h").await?;
    /// assert_eq!(cache.clear_function("squares").await?, 2);
    /// assert!(cache.exists("answer").await);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Cache::delete_pattern`].
    pub async fn clear_function(&self, name: &str) -> Result<u64, Error> {
        self.open()?;
        let of = FunctionFilter::of(name);
        let removed =
            self.core().remove_matching(&(escape_glob(&self.base()) + "*"), Some(&of), HANDLE).await?;
        if removed == 0 && of.by_end() && Context::deferred().is_none() {
            self.warn_of_unknown(name);
        }
        Ok(removed)
    }

    /// Warns that no function has this name, once.
    fn warn_of_unknown(&self, name: &str) {
        let known = FunctionName::all();
        let near = near(name, &known);
        let listed = |names: &[&str]| {
            let names: Vec<_> = names.iter().take(10).map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let hint = if near.is_empty() {
            format!("functions of this process are {}", listed(&known))
        } else {
            format!("did you mean {}?", listed(&near))
        };
        let text = format!(
            "`clear_function({name:?})` removed nothing: this process has called no function of this name, and there are no entries of one; {hint}"
        );
        self.core().warnings.once(&format!("clear_function {name}"), &text);
    }

    /// Returns [`Error::Closed`] if the cache is closed, and [`Error::Unavailable`] in a forked process.
    pub(crate) fn open(&self) -> Result<(), Error> {
        self.core().check_open()
    }
}
