//! `entry_with` and `tags_with` of `#[cache_evict]`: what the value of a success names.

use std::fmt;

use crate::codegen::entries::LateEntries;
use crate::handle::Entry;
use crate::rt::caught::caught;
use crate::site::late_tags::LateTags;
use crate::site::outcome::{Shape, Split, rebuild};

/// `entry_with` and `tags_with` of one attribute.
pub struct LateNames<E, T> {
    entries: E,
    tags: T,
}

/// The closures of an attribute that has neither.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoLateNames;

/// The entries and tags to invalidate that one value names; `None` where the closure panicked.
#[derive(Debug)]
pub struct LateTargets {
    pub(crate) entries: Option<Vec<Entry>>,
    pub(crate) tags: Option<Vec<String>>,
}

/// The targets that depend on a value.
pub trait NameTargets<V> {
    /// Returns what `value` names.
    fn targets(&self, value: &V) -> LateTargets;
}

/// Returns what a handler returned, and what its value names.
pub fn late_targets<R, S: Shape<R>, N: NameTargets<S::Value>>(
    returned: R,
    _: S,
    names: &N,
) -> (R, LateTargets) {
    match S::split(returned) {
        Split::Value(value) => {
            let targets = names.targets(&value);
            (S::value(value), targets)
        }
        Split::None => (rebuild::<R, S>(None), LateTargets::none()),
        Split::Failure(returned) | Split::Unshared(returned) => (returned, LateTargets::none()),
    }
}

impl<E, T> LateNames<E, T> {
    /// Combines the closures of the two options.
    pub fn new(entries: E, tags: T) -> Self {
        Self { entries, tags }
    }
}

impl<V, E: Fn(&V) -> LateEntries, T: Fn(&V) -> LateTags> NameTargets<V> for LateNames<E, T> {
    fn targets(&self, value: &V) -> LateTargets {
        LateTargets {
            entries: caught(|| (self.entries)(value)).map(LateEntries::into_entries),
            tags: caught(|| (self.tags)(value)).map(LateTags::into_texts),
        }
    }
}

impl<V> NameTargets<V> for NoLateNames {
    fn targets(&self, _: &V) -> LateTargets {
        LateTargets::none()
    }
}

impl LateTargets {
    /// Returns no targets.
    pub(crate) const fn none() -> Self {
        Self { entries: Some(Vec::new()), tags: Some(Vec::new()) }
    }
}

impl<E, T> fmt::Debug for LateNames<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateNames").finish_non_exhaustive()
    }
}
