//! The keys, and those that an act affects.

use crate::functions;
use crate::wire::{Act, Key, Kind};

/// The number of keys of each kind.
pub const IDS: u8 = 3;

/// All kinds.
pub const KINDS: [Kind; 10] = [
    Kind::Plain,
    Kind::Grouped,
    Kind::Tagged,
    Kind::Brief,
    Kind::Stale,
    Kind::Patient,
    Kind::Spare,
    Kind::Late,
    Kind::Handle,
    Kind::Blocking,
];

/// All keys.
pub fn all() -> impl Iterator<Item = Key> {
    KINDS.into_iter().flat_map(|kind| (0..IDS).map(move |id| Key { kind, id }))
}

/// The keys whose entries an act removes or replaces.
pub fn written(act: Act) -> Vec<Key> {
    match act {
        Act::Call(_) => Vec::new(),
        Act::Invalidate(key)
        | Act::Refresh(key)
        | Act::Expire(key)
        | Act::Delete(key)
        | Act::Pattern(key)
        | Act::Put(key, _)
        | Act::Tag(key) => vec![key],
        Act::Group(key) => all().filter(|other| other.kind == key.kind).collect(),
        Act::Everyone => all().filter(|key| functions::tag(key.kind).is_some()).collect(),
        Act::Clear => all().collect(),
    }
}

/// The key of an act that returns a value.
pub fn called(act: Act) -> Option<Key> {
    match act {
        Act::Call(key) | Act::Refresh(key) => Some(key),
        _ => None,
    }
}
