//! The entries of a table.

use std::any::type_name;
use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::rules::{TableRules, TagsOf};
use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::engine::entry_target::EntryTarget;
use crate::handle::cache::Cache;
use crate::handle::entry::Entry;
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::stats::{Counters, Tally};
use crate::observe::trace;
use crate::site::expiries::Expiries;
use crate::site::outcome::Value;
use crate::site::policy::Policy;
use crate::types::error::Error;
use crate::types::function_name::FunctionName;
use crate::types::key::{KeyEncoder, hex, salt};

/// `of(..)` of a table.
pub(super) type EntryOfId<K> = Arc<dyn Fn(&K) -> Entry + Send + Sync>;

/// The entries of a table, one for each id.
pub(super) struct TableEntries<K, V> {
    cache: Cache,
    name: &'static FunctionName,
    salt: [u8; 32],
    policy: Policy,
    expiries: Expiries,
    of: Option<EntryOfId<K>>,
    tags: Option<TagsOf<K, V>>,
    /// The settings that cannot be used.
    error: Option<Error>,
}

impl<K: Serialize, V> TableEntries<K, V> {
    pub(super) fn new(
        (cache, name): (Cache, &str),
        (policy, expiries): (Policy, Expiries),
        (of, tags): (Option<EntryOfId<K>>, Option<TagsOf<K, V>>),
        error: Option<Error>,
    ) -> Self {
        // Tables of other types, and functions of this name, have other keys.
        let identity = format!("table {name} {} {}", type_name::<K>(), type_name::<V>());
        let salt = salt(&identity, policy.version);
        let full = format!("table::{name}");
        let name = FunctionName::of(name, &full, &identity);
        Self { cache, name, salt, policy, expiries, of, tags, error }
    }

    /// Returns the error of the settings.
    pub(super) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Returns the entry of an id.
    pub(super) fn entry(&self, id: &K) -> Entry {
        match (&self.error, &self.of) {
            (Some(error), _) => Entry::new(self.cache.clone(), Err(error.clone())),
            (None, Some(of)) => of(id),
            (None, None) => Entry::new(self.cache.clone(), self.target(id)),
        }
    }

    fn target(&self, id: &K) -> Result<EntryTarget, Error> {
        let mut encoder = KeyEncoder::new();
        encoder.part(id);
        let digest = hex(&encoder.key()?.digest(&self.salt));
        let digest = std::str::from_utf8(&digest).unwrap_or_default();
        let group = self.cache.group_name();
        let key = self.cache.core().key(group.as_deref(), &[self.name.short(), ":", digest]);
        let target = EntryTarget::new(key, Vec::new(), self.policy, self.expiries, self.name);
        Ok(target.with_value_type(type_name::<V>()))
    }

    /// Returns the name in statistics and events.
    pub(super) fn function(&self) -> &'static str {
        self.name.shown()
    }

    fn counters(&self, core: &Core) -> Arc<Counters> {
        core.stats.row(self.function())
    }

    fn record(&self, core: &Core, kind: EventKind) {
        let row = Row { counters: &self.counters(core), function: self.function() };
        core.stats.record(row, None, kind);
    }
}

impl<K: Clone + Serialize, V: Value> TableEntries<K, V> {
    /// Stores the value of an id, with its tags.
    pub(super) async fn insert(&self, id: &K, value: &V) -> Result<(), Error> {
        let entry = self.checked(id)?;
        entry.0.core().check_open()?;
        let op = self.op(&entry);
        let rules = self.rules(std::iter::once((op.key.as_str().into(), id.clone())));
        // The tags of the entries of a function are not known here.
        if self.tags.is_none() {
            op.put(Some(value), op.expiries.value).await
        } else {
            op.put_tagged(value, op.expiries.value, &rules).await
        }
    }
}

impl<K: Serialize, V> TableEntries<K, V> {
    /// Counts a call whose entries are in several caches.
    pub(super) fn refuse_several_caches(&self) {
        self.record(self.cache.core(), EventKind::Refused { reason: "entries in several caches" });
        self.warn_uncached(&Error::config(
            "of",
            self.name.short(),
            "the entries of one call must be in one cache",
        ));
    }

    /// Warns once that calls run uncached.
    fn warn_uncached(&self, error: &Error) {
        let name = self.name.short();
        self.cache.core().stats.once(&format!("table {name}"), || {
            trace::warn(&format!("the table `{name}` runs uncached: {error}"));
        });
    }
}

impl<K, V> TableEntries<K, V> {
    /// Returns the cache of the table.
    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Returns the name that the table was given.
    pub(super) fn short_name(&self) -> &'static str {
        self.name.short()
    }
}

impl<K: Serialize, V: Value> TableEntries<K, V> {
    /// Returns the entry of an id for a call that uses the cache. The reason for which a call runs uncached is counted.
    pub(super) fn admitted(&self, id: &K) -> Option<(Cache, EntryTarget)> {
        let core = self.cache.core();
        let (cache, target) = match self.checked(id) {
            Ok(parts) => parts,
            Err(error) => {
                let kind = match error {
                    Error::Key { .. } => EventKind::EncodeError,
                    _ => EventKind::Refused { reason: "its entries cannot be used" },
                };
                self.record(core, kind);
                self.warn_uncached(&error);
                return None;
            }
        };
        let core = cache.core();
        if CallMode::current().bypasses() || !core.is_enabled || core.check_open().is_err() {
            self.record(core, EventKind::Bypass);
            return None;
        }
        Some((cache, target))
    }

    /// Returns the entry of an id, whose values are of type `V`.
    ///
    /// # Errors
    /// The settings cannot be used, the id makes no key, or `of` gives an entry of another type.
    pub(super) fn checked(&self, id: &K) -> Result<(Cache, EntryTarget), Error> {
        let (cache, target) = self.entry(id).into_parts()?;
        let (own, other) = (type_name::<V>(), target.value_type().unwrap_or(type_name::<V>()));
        if own != other {
            let reason = format!("its values are `{own}`, and those of the entries in `of` are `{other}`");
            return Err(Error::config("of", self.name.short(), reason));
        }
        Ok((cache, target))
    }

    /// Returns an access to an entry, counted for this table.
    pub(super) fn op<'t>(&self, (cache, target): &'t (Cache, EntryTarget)) -> EntryOp<'t> {
        let core = cache.core();
        target.op(core, Tally::Row(self.counters(core)), self.function())
    }

    /// Returns the rules for the values of these ids.
    pub(super) fn rules(&self, ids: impl Iterator<Item = (Box<str>, K)>) -> TableRules<K, V> {
        let ids = if self.tags.is_some() { ids.collect() } else { HashMap::new() };
        TableRules { ids, tags: self.tags.clone() }
    }
}
