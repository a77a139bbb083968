//! The tags that the last values of entries named, as far as this process remembers them.

use std::sync::{Arc, OnceLock};

use quick_cache::sync::{Cache as Table, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::types::key::Label;

/// The limit of the memory, in bytes.
const MAX_BYTES: u64 = 4 << 20;
/// An estimate of what the table needs for one entry.
const OVERHEAD: u64 = 128;

/// The tags that values named, by the keys of their entries. What is forgotten costs the next hit a second round trip.
#[derive(Default)]
pub(crate) struct KnownTags(OnceLock<Table<Box<str>, Arc<[Label]>, TagWeighter>>);

#[derive(Clone)]
struct TagWeighter;

impl Weighter<Box<str>, Arc<[Label]>> for TagWeighter {
    fn weight(&self, key: &Box<str>, tags: &Arc<[Label]>) -> u64 {
        let tags = tags.iter().map(|tag| tag.as_str().len() as u64 + OVERHEAD / 4).sum::<u64>();
        key.len() as u64 + tags + OVERHEAD
    }
}

impl KnownTags {
    /// Returns the tags that the last value of an entry named.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<[Label]>> {
        self.0.get()?.get(key)
    }

    /// Remembers the tags that the value of an entry names.
    pub(crate) fn insert(&self, key: &str, tags: &[Label]) {
        let table = self.0.get_or_init(|| {
            let hasher = DefaultHashBuilder::default();
            Table::with(1024, MAX_BYTES, TagWeighter, hasher, DefaultLifecycle::default())
        });
        table.insert(key.into(), tags.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_memory_is_bounded() {
        let known = KnownTags::default();
        assert!(known.get("a").is_none());
        let tags: Vec<Label> = (0..64).map(|number| Label::tag("app:", &format!("tag:{number}"))).collect();
        for number in 0..10_000 {
            known.insert(&number.to_string(), &tags);
        }
        assert_eq!(known.get("9999").as_deref(), Some(&tags[..]));
        let table = known.0.get().expect("a table");
        assert!(table.weight() <= MAX_BYTES && table.len() > 100);
    }
}
