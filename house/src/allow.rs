//! A list of exceptions, each with its reason.

use std::collections::BTreeSet;

use crate::finding::Finding;

/// Exceptions from one check, and which of them were used.
pub(crate) struct AllowList {
    name: &'static str,
    entries: &'static [(&'static str, &'static str)],
    used: BTreeSet<&'static str>,
}

impl AllowList {
    /// The list `name` of the tables: pairs of an exception and its reason.
    pub(crate) fn new(name: &'static str, entries: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, entries, used: BTreeSet::new() }
    }

    /// Returns whether the list has `what`, and notes the use.
    pub(crate) fn permits(&mut self, what: &str) -> bool {
        let entry = self.entries.iter().find(|(entry, _)| *entry == what);
        self.used.extend(entry.map(|(entry, _)| entry));
        entry.is_some()
    }

    /// Reports entries that nothing used or that have no reason.
    pub(crate) fn check(&self) -> Vec<Finding> {
        let table = format!("house/src/tables.rs {}", self.name);
        let unused = self.entries.iter().filter(|(entry, _)| !self.used.contains(entry));
        let bare = self.entries.iter().filter(|(_, reason)| reason.trim().is_empty());
        let unused =
            unused.map(|(entry, _)| Finding::about(&table, format!("`{entry}` is not needed, remove it")));
        let bare = bare.map(|(entry, _)| Finding::about(&table, format!("`{entry}` has no reason")));
        unused.chain(bare).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::lines;

    #[test]
    fn an_entry_without_use_or_reason_is_reported() {
        let mut list = AllowList::new("LIST", &[("used", "a reason"), ("unused", "a reason"), ("bare", " ")]);
        assert!(list.permits("used") && list.permits("bare") && !list.permits("other"));
        assert_eq!(
            lines(&list.check()),
            [
                "house/src/tables.rs LIST: `unused` is not needed, remove it",
                "house/src/tables.rs LIST: `bare` has no reason"
            ]
        );
    }
}
