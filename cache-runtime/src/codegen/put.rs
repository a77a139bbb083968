//! Put: what `#[cache_put]` does around a function.

use std::fmt;

use crate::engine::call::{AsCache, marks};
use crate::engine::context::CallMode;
use crate::engine::core::label_text;
use crate::engine::decide::{Storage, keep};
use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::handle::global;
use crate::observe::trace;
use crate::rt::park;
use crate::site::call_site::CallSite;
use crate::site::outcome::{Shape, Split, Value, rebuild};
use crate::site::rules::ValueExpiry;
use crate::site::text::Text;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// Where to keep the result, while generated code describes it.
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
    /// Nothing yet, for the function at `site`.
    pub fn new(site: &'static CallSite, identity: &'static str) -> Self {
        let cache = global::get().cloned();
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
        self.cache = Some(cache.as_cache().clone());
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
        let tag = self.or_error(Text::write(write));
        self.tags.extend(tag);
        self
    }

    /// `expire = ..` that is not a literal.
    #[must_use]
    pub fn expire(mut self, expire: impl IntoExpire) -> Self {
        self.expire = self.or_error(expire.into_expire());
        self
    }

    fn or_error<T>(&mut self, made: Result<T, Error>) -> Option<T> {
        made.map_err(|error| self.error.get_or_insert(error)).ok()
    }

    /// The entry to write.
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
        // As the cached function with this key and version has it.
        let key = cache.core().key(group.as_deref(), &[text, &marks("", self.site.policy.version)]);
        let mut tags = Vec::new();
        for tag in &self.tags {
            let label = cache.core().tag(tag);
            if !tags.contains(&label) {
                tags.push(label);
            }
        }
        Ok(Entry::keyed(cache, (key, tags), self.site.policy, self.expire))
    }

    async fn carry_out<V: Value>(
        &self,
        value: Option<&V>,
        refused: bool,
        special: ValueExpiry,
    ) -> Result<(), Error> {
        let entry = self.target()?;
        let op = entry.op()?.by(self.label());
        match keep(value.is_some(), refused, special.transpose()?, op.expiries) {
            Storage::Value(expire) | Storage::Nothing(expire) => op.put_result(value, expire).await,
            Storage::No(reason) => {
                op.refused(reason);
                Ok(())
            }
        }
    }

    pub(crate) fn label(&self) -> &str {
        self.site.label(self.identity)
    }

    /// Trouble is counted each time and told to a person once per function.
    pub(crate) fn said(&self, error: &Error) {
        let tell = || trace::warn(&format!("`{}` could not keep its result: {error}", self.label()));
        match &self.cache {
            Some(cache) => cache.core().stats.once(self.label(), tell),
            None => tell(),
        }
    }
}

/// Runs an async function and keeps what it returned, when it succeeded.
pub async fn put<R, S, U, W, F>(put: Put, _: S, unless: U, expire_with: W, compute: F) -> R
where
    S: Shape<R>,
    S::Value: Value,
    U: Fn(&S::Value) -> bool,
    W: Fn(&S::Value) -> ValueExpiry,
    F: Future<Output = R>,
{
    let value = match S::split(Box::pin(compute).await) {
        Split::Value(value) => Some(value),
        Split::Nothing => None,
        Split::Failure(result) | Split::Alone(result) => return result,
    };
    if CallMode::current() != CallMode::Bypass {
        let refused = value.as_ref().is_some_and(&unless);
        let special = value.as_ref().and_then(&expire_with);
        if let Err(error) = put.carry_out(value.as_ref(), refused, special).await {
            put.said(&error);
        }
    }
    rebuild::<R, S>(value)
}

/// Runs a synchronous function and keeps what it returned, when it succeeded.
pub fn put_sync<R, S, U, W>(put_: Put, shape: S, unless: U, expire_with: W, compute: impl FnOnce() -> R) -> R
where
    S: Shape<R>,
    S::Value: Value,
    U: Fn(&S::Value) -> bool,
    W: Fn(&S::Value) -> ValueExpiry,
{
    park::block_on(put(put_, shape, unless, expire_with, async { park::unparked(compute) }))
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").field("function", &self.site.written()).finish_non_exhaustive()
    }
}
