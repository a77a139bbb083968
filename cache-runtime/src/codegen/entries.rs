//! Entries as users give them: `entry` and `entry_with` of `#[cache_evict]`.

use crate::handle::Entry;
use crate::site::outcome::Shape;

/// The argument of `entry = ..` and the result of `entry_with`: one [`Entry`], or an array, a `Vec` or an `Option` of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache entry",
    label = "expected a `larder::Entry`, or an array, `Vec` or `Option` of them",
    note = "write `entry = user_entry` in the `#[cache]` of the function whose result is to be invalidated, and call `user_entry(..)` here"
)]
pub trait Entries {
    /// Adds the entries to a list.
    fn add_to(self, list: &mut Vec<Entry>);
}
impl Entries for Entry {
    fn add_to(self, list: &mut Vec<Entry>) {
        list.push(self);
    }
}
impl<const N: usize> Entries for [Entry; N] {
    fn add_to(self, list: &mut Vec<Entry>) {
        list.extend(self);
    }
}
impl Entries for Vec<Entry> {
    fn add_to(self, list: &mut Vec<Entry>) {
        list.extend(self);
    }
}
impl Entries for Option<Entry> {
    fn add_to(self, list: &mut Vec<Entry>) {
        list.extend(self);
    }
}

/// The entries that `entry_with` gives for one value.
#[derive(Debug, Default)]
pub struct LateEntries(Vec<Entry>);

impl LateEntries {
    /// Returns the entries.
    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.0
    }
}

/// Converts the result of `entry_with`.
pub fn late_entries(entries: impl Entries) -> LateEntries {
    let mut list = Vec::new();
    entries.add_to(&mut list);
    LateEntries(list)
}

/// Returns the closure of `entry_with = ..`, with the type of its argument inferred from the shape.
pub fn entry_with<R, S: Shape<R>, F: Fn(&S::Value) -> LateEntries>(_: &S, entries: F) -> F {
    entries
}

/// Returns the closure for an attribute without `entry_with`.
pub fn no_entry_with<R, S: Shape<R>>(_: &S) -> impl Fn(&S::Value) -> LateEntries + use<R, S> {
    |_| LateEntries::default()
}
