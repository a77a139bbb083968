//! `#[cache_put]`: stores the result of a function in an entry.

use std::fmt;
use std::sync::Arc;

use crate::engine::context::CallMode;
use crate::engine::core::label_text;
use crate::engine::decide::{Storage, storage};
use crate::engine::entry_write::EntryWrite;
use crate::engine::function_ops::suffix;
use crate::engine::judge::Refused;
use crate::engine::owner::AsCache;
use crate::engine::write_guard::{WriteGuard, WriteTarget};
use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::observe::trace;
use crate::rt::park;
use crate::rt::stack::BoxFuture;
use crate::site::call_site::CallSite;
use crate::site::outcome::{Shape, Split, Value, rebuild};
use crate::site::rules::ValueRules;
use crate::site::text::Text;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The entry to write, described by generated code.
pub struct Put {
    site: &'static CallSite,
    identity: &'static str,
    cache: Option<Cache>,
    entry: Option<Entry>,
    key: Option<String>,
    group: Option<String>,
    tags: Vec<String>,
    expire: Option<Expire>,
    error: Option<Error>,
}

impl Put {
    /// Creates an empty description for the function at `site`.
    pub fn new(site: &'static CallSite, identity: &'static str) -> Self {
        let cache = Cache::current().ok();
        Self {
            site,
            identity,
            cache,
            entry: None,
            key: None,
            group: None,
            tags: Vec::new(),
            expire: None,
            error: None,
        }
    }

    /// `cache = ..`.
    #[must_use]
    pub fn cache<C: AsCache + ?Sized>(mut self, cache: &C) -> Self {
        self.cache = Some(Cache::of(Arc::clone(cache.as_core())));
        self
    }

    /// `entry = ..`.
    #[must_use]
    pub fn entry(mut self, entry: Entry) -> Self {
        self.entry = Some(entry);
        self
    }

    /// `key = ".."`.
    #[must_use]
    pub fn text(mut self, write: impl FnOnce(&mut Text)) -> Self {
        self.key = self.or_error(Text::write(write));
        self
    }

    /// `group = ".."`.
    #[must_use]
    pub fn group(mut self, write: impl FnOnce(&mut Text)) -> Self {
        self.group = self.or_error(Text::write(write));
        self
    }

    /// One of `tags = [..]`.
    #[must_use]
    pub fn tag(mut self, write: impl FnOnce(&mut Text)) -> Self {
        let tag = self.or_error(Text::write_tag(write));
        self.tags.extend(tag);
        self
    }

    /// `expire = ..` that is not a literal.
    #[must_use]
    pub fn expire(mut self, expire: impl IntoExpire) -> Self {
        self.expire = self.or_error(expire.into_expire());
        self
    }

    /// Returns the value, or remembers the first error.
    fn or_error<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.error.get_or_insert(error)).ok()
    }

    /// Returns the entry to write.
    pub(crate) fn target(&self) -> Result<Entry, Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if let Some(entry) = &self.entry {
            return Ok(entry.clone());
        }
        let cache = self.cache.as_ref().ok_or(Error::NotInitialised)?;
        let text = self.key.as_deref().unwrap_or_default();
        let group = self.group.as_deref().map(label_text);
        // The same key as that of a cached function with this text and version.
        let key = cache.core().key(group.as_deref(), &[text, &suffix("", self.site.policy.version)]);
        let mut tags = Vec::new();
        for tag in &self.tags {
            let label = cache.core().tag(tag);
            if !tags.contains(&label) {
                tags.push(label);
            }
        }
        let name = self.site.function_name(self.identity);
        Ok(Entry::keyed(cache, (key, tags), self.site.policy, self.expire, name))
    }

    /// Takes the lease of the write, before the function runs.
    pub(crate) fn begin(&self) -> BoxFuture<'_, EntryWrite> {
        Box::pin(async {
            let Ok(entry) = self.target() else { return EntryWrite::without_entry() };
            match entry.op() {
                Ok(op) => op.attributed_to(self.function()).begin_write().await,
                Err(_) => EntryWrite::without_entry(),
            }
        })
    }

    /// Stores the result. One that `unless` refuses leaves the entry as it is; one that cannot be stored removes the entry,
    /// which is older.
    async fn carry_out<V: Value>(
        &self,
        write: EntryWrite,
        value: Option<&V>,
        rules: &impl ValueRules<V>,
    ) -> Result<(), Error> {
        let entry = self.target()?;
        let op = entry.op()?.attributed_to(self.function());
        let judgement = value.map(|value| op.judge(value, rules));
        match storage(judgement.map(|judgement| judgement.map_err(Refused::as_str)), op.expiries) {
            Storage::Value(expire) | Storage::Nothing(expire) => op.end_write(write, value, expire).await,
            Storage::No(reason) => {
                op.refused(reason);
                let is_older = matches!(judgement, Some(Err(Refused::ExpireWith | Refused::Panic)));
                if is_older { Error::unless_carried_out(op.delete().await) } else { Ok(()) }
            }
        }
    }

    /// Returns the guard of the function, once it runs, until the result is stored.
    pub(crate) fn guard(&self) -> WriteGuard<'_, impl FnOnce() -> Vec<WriteTarget>> {
        WriteGuard::new(self.function(), || {
            self.target().ok().and_then(|entry| entry.as_write_target()).into_iter().collect()
        })
    }

    /// Returns the name of the function.
    pub(crate) fn function(&self) -> &str {
        self.site.name(self.identity)
    }

    /// Warns about a failure, once per function. Every failure is counted where it happens.
    pub(crate) fn report(&self, error: &Error) {
        let warn = || trace::warn(&format!("`{}` could not store its result: {error}", self.function()));
        match &self.cache {
            Some(cache) => cache.core().stats.once(self.function(), warn),
            None => warn(),
        }
    }
}

/// Runs an async function and stores the result if the function succeeded.
pub async fn put<R, S, A, F>(entry: Put, _: S, rules: A, body: F) -> R
where
    S: Shape<R>,
    S::Value: Value,
    A: ValueRules<S::Value>,
    F: Future<Output = R>,
{
    if CallMode::current() == CallMode::Bypass {
        return body.await;
    }
    let guard = entry.guard();
    let write = entry.begin().await;
    let value = match S::split(Box::pin(write.run(body)).await) {
        Split::Value(value) => Some(value),
        Split::None => None,
        Split::Failure(result) | Split::Unshared(result) => {
            guard.finish();
            return result;
        }
    };
    if let Err(error) = entry.carry_out(write, value.as_ref(), &rules).await {
        entry.report(&error);
    }
    guard.finish();
    rebuild::<R, S>(value)
}

/// Runs a synchronous function and stores the result if the function succeeded.
pub fn put_sync<R, S, A>(entry: Put, shape: S, rules: A, body: impl FnOnce() -> R) -> R
where
    S: Shape<R>,
    S::Value: Value,
    A: ValueRules<S::Value>,
{
    park::block_on(put(entry, shape, rules, async { park::unparked(body) }))
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").field("function", &self.site.source_path()).finish_non_exhaustive()
    }
}
