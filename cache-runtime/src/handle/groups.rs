//! Many values: groups, patterns, everything.

use crate::engine::pending::PendingInvalidation;
use crate::handle::cache::Cache;
use crate::observe::stats::count;
use crate::observe::trace;
use crate::store::{Cursor, Store};
use crate::types::error::Error;
use crate::types::key::{Label, escape_glob, glob_match};

use super::cache::HANDLE;

impl Cache {
    /// Drops a group in one step, however many entries it has: when this returns, nothing computed before can be read
    /// from it any more. Its memory is given back in the background.
    ///
    /// # Errors
    /// The store did not answer: other processes may still read the group. This one does not any more, and drops it as soon
    /// as the store can do that.
    pub async fn delete_group(&self, group: &str) -> Result<(), Error> {
        self.drop_group(group, HANDLE).await
    }

    /// [`Cache::delete_group`], counted for a function.
    pub(crate) async fn drop_group(&self, group: &str, function: &str) -> Result<(), Error> {
        self.open()?;
        let key = self.core().group(group);
        let base = [key.as_str(), ":"].concat();
        self.core().flights.void_all(|key| key.starts_with(&base));
        self.restamp(std::slice::from_ref(&key), PendingInvalidation::Group, function).await?;
        self.invalidated(function);
        self.core().reclaim(key);
        Ok(())
    }

    /// Makes everything that carries a tag unreadable in one step, however many entries do.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder_runtime::Cache::builder().build().await?;
    /// cache.invalidate_tag("user:42").await?;
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// The name is that of a tag as `tags = ["user:{id}"]` gives it: values in it have `:` and glob characters escaped.
    ///
    /// # Errors
    /// The store did not answer: other processes may still read what carries the tag. This one does not any more, and drops
    /// it as soon as the store can do that.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), Error> {
        self.invalidate_tags(&[tag]).await
    }

    /// [`Cache::invalidate_tag`] for several tags.
    ///
    /// # Errors
    /// As [`Cache::invalidate_tag`].
    pub async fn invalidate_tags(&self, tags: &[&str]) -> Result<(), Error> {
        let labels: Vec<Label> = tags.iter().map(|tag| self.core().tag(tag)).collect();
        self.drop_tags(&labels, HANDLE).await
    }

    /// [`Cache::invalidate_tags`], counted for a function.
    pub(crate) async fn drop_tags(&self, tags: &[Label], function: &str) -> Result<(), Error> {
        self.open()?;
        self.restamp(tags, PendingInvalidation::Tag, function).await?;
        tags.iter().for_each(|_| self.invalidated(function));
        Ok(())
    }

    /// Removes every entry whose key matches a glob (`*`, `?`, `[a-z]`, `\` before a character taken literally) and
    /// answers how many there were. Walks in batches; other calls are not held up.
    ///
    /// # Errors
    /// The store did not answer, or not to the end: some entries may still be there. This is not retried, unlike the
    /// removal of an entry, a group or a tag.
    pub async fn delete_pattern(&self, glob: &str) -> Result<u64, Error> {
        self.open()?;
        let removed = self.remove_all(glob).await;
        // Also when it failed half-way.
        self.core().near.clear();
        let removed = removed.inspect_err(|error| self.failed(HANDLE, error))?;
        self.invalidated(HANDLE);
        Ok(removed)
    }

    /// Removes everything under this prefix, or in this group, and answers how many keys there were. Without a prefix,
    /// where other programs' keys would match as well, only what larder stored.
    ///
    /// # Errors
    /// As [`Cache::delete_pattern`].
    pub async fn clear(&self) -> Result<u64, Error> {
        self.delete_pattern("*").await
    }

    pub(crate) fn open(&self) -> Result<(), Error> {
        if self.core().is_closed() { Err(Error::Closed) } else { Ok(()) }
    }

    /// Drops what is under labels, now or as soon as the store can.
    async fn restamp(
        &self,
        labels: &[Label],
        due: fn(Label) -> PendingInvalidation,
        function: &str,
    ) -> Result<(), Error> {
        let (core, mark) = (self.core(), self.core().pending.mark());
        let due = labels.iter().cloned().map(due);
        let dropped = core.store.restamp(labels).await;
        core.near.forget_labels(labels);
        core.outage.forget_labels(labels).await;
        match dropped {
            Ok(()) => {
                due.for_each(|due| core.pending.commit(&due, mark));
                Ok(())
            }
            Err(error) => {
                self.failed(function, &error);
                Err(core.retry_later(due, &core.stats.row(function), error))
            }
        }
    }

    async fn remove_all(&self, glob: &str) -> Result<u64, Error> {
        let core = self.core();
        let (base, mut removed, mut next) = (self.base(), 0, Some(Cursor::START));
        let pattern = escape_glob(&base) + glob;
        core.flights.void_all(|key| glob_match(&pattern, key));
        core.outage.forget_all(&pattern).await;
        while let Some(cursor) = next {
            let page = core.store.scan(&pattern, cursor).await?;
            next = page.next;
            let entries: Vec<String> = page.keys.into_iter().filter(|key| !core.is_stamp(key)).collect();
            if !entries.is_empty() {
                // Without a prefix, other programs' keys match as well as ours.
                removed += core.store.delete_page(&entries, base.is_empty()).await?;
            }
        }
        Ok(removed)
    }

    fn invalidated(&self, function: &str) {
        count(&self.core().stats.row(function).invalidations);
    }

    fn failed(&self, function: &str, error: &Error) {
        count(&self.core().stats.row(function).store_errors);
        trace::store_error(function, error);
    }
}
