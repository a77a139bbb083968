//! `#[cache_evict]`: invalidates entries when a function succeeds.

use std::fmt;
use std::sync::Arc;

use crate::codegen::entries::Entries;
use crate::codegen::late_names::{LateTargets, NameTargets, NoLateNames};
use crate::engine::context::CallMode;
use crate::engine::entry_op::EntryOp;
use crate::engine::owner::AsCache;
use crate::engine::pending_invalidation::PendingInvalidation;
use crate::engine::silence::Silence;
use crate::engine::write_guard::{WriteGuard, WriteTarget};
use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::trace;
use crate::rt::join::join_all;
use crate::rt::stack::BoxFuture;
use crate::rt::{io, park};
use crate::site::call_site::CallSite;
use crate::site::outcome::{Shape, Split, rebuild};
use crate::site::text::Text;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::key::Label;

/// The entries to invalidate, described by generated code. Keys are built before the function runs, because the function may
/// move its arguments.
pub struct Evict {
    site: &'static CallSite,
    identity: &'static str,
    cache: Option<Cache>,
    entries: Vec<Entry>,
    key: Option<Result<String, Error>>,
    group: Option<Result<String, Error>>,
    tags: Vec<Result<String, Error>>,
    urls: Vec<Result<String, Error>>,
    before: bool,
    /// The store left `before` unanswered.
    silence: Silence,
}

/// The removal of an entry, a tag, a URL or a group.
type Removal<'e> = BoxFuture<'e, Result<(), Error>>;

impl Evict {
    /// Creates an empty description for the function at `site`.
    pub fn new(site: &'static CallSite, identity: &'static str) -> Self {
        Self {
            site,
            identity,
            cache: Cache::current().ok(),
            entries: Vec::new(),
            key: None,
            group: None,
            tags: Vec::new(),
            urls: Vec::new(),
            before: false,
            silence: Silence::default(),
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
    pub fn entries(mut self, entries: impl Entries) -> Self {
        entries.add_to(&mut self.entries);
        self
    }

    /// `key = ".."`.
    #[must_use]
    pub fn text(mut self, write: impl FnOnce(&mut Text)) -> Self {
        self.key = Some(Text::write(write));
        self
    }

    /// `group = ".."`.
    #[must_use]
    pub fn group(mut self, write: impl FnOnce(&mut Text)) -> Self {
        self.group = Some(Text::write(write));
        self
    }

    /// One of `tags = [..]`.
    #[must_use]
    pub fn tag(mut self, write: impl FnOnce(&mut Text)) -> Self {
        self.tags.push(Text::write_tag(write));
        self
    }

    /// `url = ".."`.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn url(mut self, write: impl FnOnce(&mut Text)) -> Self {
        self.urls.push(Text::write_url(write));
        self
    }

    /// `before`: also invalidates before the function runs, whatever the function returns.
    #[must_use]
    pub fn before(mut self) -> Self {
        self.before = true;
        self
    }

    /// Returns whether to invalidate before the function runs as well.
    #[cfg(feature = "axum")]
    pub(crate) fn is_before(&self) -> bool {
        self.before
    }

    /// Adds what the value names. A name that cannot be used is counted and reported.
    pub(crate) fn add(&mut self, targets: LateTargets) {
        match targets.entries {
            Some(entries) => self.entries.extend(entries),
            None => self.refused("`entry_with` panicked"),
        }
        let Some(tags) = targets.tags else { return self.refused("`tags_with` panicked") };
        for tag in tags {
            if tag.is_empty() {
                self.refused("`tags_with` gave an empty tag");
            } else {
                self.tags.push(Ok(tag));
            }
        }
    }

    /// Counts a name from the value that cannot be used, and warns once per function.
    fn refused(&self, reason: &'static str) {
        let warn = || {
            trace::warn(&format!("`{}`: {reason}, and what it was to name is not removed", self.function()));
        };
        let Some(cache) = &self.cache else { return warn() };
        let stats = &cache.core().stats;
        let row = Row { counters: &stats.row(self.function()), function: self.function() };
        stats.record(row, None, EventKind::Refused { reason });
        stats.once(&format!("late {}", self.function()), warn);
    }

    /// Invalidates the entries, all at once. Failures are counted and logged, and do not affect the function.
    pub(crate) fn carry_out(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.invalidate_all())
    }

    /// [`Evict::carry_out`] to the end, even if the future is dropped.
    pub(crate) fn carry_out_to_end(self) -> BoxFuture<'static, ()> {
        let work = Box::pin(async move { self.invalidate_all().await });
        // Another task would not be part of the transaction, in which nothing waits.
        if CallMode::current() == CallMode::Deferred { work } else { io::run_to_end(work) }
    }

    async fn invalidate_all(&self) {
        if self.silence.is_noted() {
            // The call has waited once.
            return self.carry_out_later();
        }
        let mut removals: Vec<Removal<'_>> = Vec::new();
        for entry in &self.entries {
            removals.push(Box::pin(invalidate(entry.op(), self.function())));
        }
        let cache = || self.cache.as_ref().ok_or(Error::NotInitialised);
        if !self.tags.is_empty() {
            removals.push(Box::pin(drop_tags(cache(), &self.tags, self.function())));
        }
        #[cfg(feature = "http")]
        for url in &self.urls {
            removals.push(Box::pin(async move { self.drop_url(cache()?, url).await }));
        }
        match (&self.group, &self.key) {
            // Here the group qualifies the URLs.
            (Some(_), None) if !self.urls.is_empty() => {}
            (None, None) => {}
            (Some(group), None) => removals.push(Box::pin(drop_group(cache(), group, self.function()))),
            (_, Some(key)) => removals.push(Box::pin(async move { self.drop_key(cache()?, key).await })),
        }
        for result in join_all(removals).await {
            self.report(result);
        }
    }

    /// Invalidates the entries in the background.
    fn carry_out_later(&self) {
        for (core, target) in self.targets() {
            let row = Row { counters: &core.stats.row(self.function()), function: self.function() };
            core.invalidate_soon([target], Some(row));
        }
    }

    #[cfg(feature = "http")]
    async fn drop_url(&self, cache: &Cache, url: &Result<String, Error>) -> Result<(), Error> {
        let cache = within(cache, self.group.as_ref())?;
        cache.invalidate_url(url.as_ref().map_err(Clone::clone)?).await.map(drop)
    }

    async fn drop_key(&self, cache: &Cache, key: &Result<String, Error>) -> Result<(), Error> {
        let cache = within(cache, self.group.as_ref())?;
        let key = key.as_ref().map_err(Clone::clone)?;
        invalidate(cache.op(key, Expire::Never), self.function()).await
    }

    /// Returns the guard of the function, once it runs.
    pub(crate) fn guard(&self) -> WriteGuard<'_, impl FnOnce() -> Vec<WriteTarget>> {
        WriteGuard::new(self.function(), || self.targets())
    }

    /// Returns everything that is to be invalidated. Texts that could not be written are reported when the function
    /// succeeds.
    fn targets(&self) -> Vec<WriteTarget> {
        let mut targets: Vec<WriteTarget> = self.entries.iter().filter_map(Entry::as_write_target).collect();
        let Some(cache) = &self.cache else { return targets };
        let core = cache.core();
        let mut add = |target| targets.push((Arc::clone(core), target));
        self.tags.iter().flatten().for_each(|tag| add(PendingInvalidation::Tag(core.tag(tag))));
        let scope = within(cache, self.group.as_ref());
        #[cfg(feature = "http")]
        if let Ok(scope) = &scope {
            for url in self.urls.iter().flatten() {
                scope
                    .keys_of_url(url)
                    .iter()
                    .for_each(|key| add(PendingInvalidation::Key(key.as_str().into())));
            }
        }
        match (&self.group, &self.key, scope) {
            (Some(Ok(group)), None, _) if self.urls.is_empty() => {
                add(PendingInvalidation::Group(core.group(group)));
            }
            (_, Some(Ok(key)), Ok(scope)) => add(PendingInvalidation::Key(scope.key(key).as_str().into())),
            _ => {}
        }
        targets
    }

    fn function(&self) -> &str {
        self.site.name(self.identity)
    }

    /// Warns about a failure, once per function. Every failure is counted where it happens.
    fn report(&self, result: Result<(), Error>) {
        let Err(error) = result else { return };
        // The cache has warned of what is carried out and not confirmed.
        if error.is_carried_out() {
            return;
        }
        self.silence.note(&error);
        let warn = || trace::warn(&format!("`{}` could not invalidate: {error}", self.function()));
        match &self.cache {
            Some(cache) => cache.core().stats.once(self.function(), warn),
            None => warn(),
        }
    }
}

async fn invalidate(op: Result<EntryOp<'_>, Error>, function: &str) -> Result<(), Error> {
    op?.attributed_to(function).delete().await.map(drop)
}

async fn drop_group(
    cache: Result<&Cache, Error>,
    group: &Result<String, Error>,
    function: &str,
) -> Result<(), Error> {
    cache?.drop_group(group.as_ref().map_err(Clone::clone)?, function).await
}

/// Invalidates all tags whose text could be written, and returns the error of one that could not.
async fn drop_tags(
    cache: Result<&Cache, Error>,
    tags: &[Result<String, Error>],
    function: &str,
) -> Result<(), Error> {
    let cache = cache?;
    let labels: Vec<Label> = tags.iter().flatten().map(|tag| cache.core().tag(tag)).collect();
    cache.drop_tags(&labels, function).await?;
    tags.iter().find_map(|tag| tag.as_ref().err().cloned()).map_or(Ok(()), Err)
}

/// Returns the cache, inside the group if there is one.
fn within(cache: &Cache, group: Option<&Result<String, Error>>) -> Result<Cache, Error> {
    match group {
        Some(group) => Ok(cache.group(group.as_ref().map_err(Clone::clone)?)),
        None => Ok(cache.clone()),
    }
}

/// Runs an async function and invalidates entries if the function succeeded: `Ok`, `Some` or any other value.
pub fn evict<R, S: Shape<R>, F: Future<Output = R>>(
    evict: Evict,
    shape: S,
    compute: F,
) -> impl Future<Output = R> {
    evict_named(evict, shape, NoLateNames, compute)
}

/// [`evict`], also of what the value names.
pub async fn evict_named<R, S, N, F>(mut evict: Evict, _: S, names: N, compute: F) -> R
where
    S: Shape<R>,
    N: NameTargets<S::Value>,
    F: Future<Output = R>,
{
    if CallMode::current() == CallMode::Bypass {
        return compute.await;
    }
    let guard = evict.guard();
    if evict.before {
        evict.carry_out().await;
    }
    let result = Box::pin(compute).await;
    guard.finish();
    let value = match S::split(result) {
        Split::Value(value) => Some(value),
        Split::None => None,
        Split::Failure(result) | Split::Unshared(result) => return result,
    };
    if let Some(value) = &value {
        evict.add(names.targets(value));
    }
    if value.is_some() || S::NONE_IS_SUCCESS {
        // With `before` as well: another call may have stored a value computed from the state before the change. Runs to the
        // end even if this future is dropped, because the change has been made.
        evict.carry_out_to_end().await;
    }
    rebuild::<R, S>(value)
}

/// Runs a synchronous function and invalidates entries if the function succeeded.
pub fn evict_sync<R, S: Shape<R>>(entries: Evict, shape: S, compute: impl FnOnce() -> R) -> R {
    evict_named_sync(entries, shape, NoLateNames, compute)
}

/// [`evict_sync`], also of what the value names.
pub fn evict_named_sync<R, S, N>(evict: Evict, shape: S, names: N, compute: impl FnOnce() -> R) -> R
where
    S: Shape<R>,
    N: NameTargets<S::Value>,
{
    park::block_on(evict_named(evict, shape, names, async { park::unparked(compute) }))
}

impl fmt::Debug for Evict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evict").field("function", &self.site.source_path()).finish_non_exhaustive()
    }
}
