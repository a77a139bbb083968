//! The tags of a table's values.

use std::collections::HashMap;
use std::sync::Arc;

use crate::site::late_tags::LateTags;
use crate::site::rules::{ValueExpiry, ValueRules};

/// `tags(..)` of a table.
pub(super) type TagsOf<K, V> = Arc<dyn Fn(&K, &V) -> LateTags + Send + Sync>;

/// The rules for the values of one call.
pub(super) struct TableRules<K, V> {
    /// The ids, by the keys of their entries.
    pub(super) ids: HashMap<Box<str>, K>,
    pub(super) tags: Option<TagsOf<K, V>>,
}

impl<K, V> ValueRules<V> for TableRules<K, V> {
    fn refuses(&self, _: &V) -> bool {
        false
    }

    fn expiry(&self, _: &V) -> ValueExpiry {
        None
    }

    fn tags(&self, value: &V, key: &str) -> Option<LateTags> {
        Some(self.tags.as_ref()?(self.ids.get(key)?, value))
    }
}
