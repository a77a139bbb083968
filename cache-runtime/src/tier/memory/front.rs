//! Front: from the arguments of a call straight to its entry.

use std::hash::Hash;
use std::sync::{Arc, Weak};

use quick_cache::{Equivalent, sync::Cache as Store};

use super::resident::Resident;
use crate::{key::ArgKey, site::Site};

/// What a call knows before it builds its key: its function, the instance of it, and its arguments.
pub(crate) struct Front<'a> {
    function: Function,
    args: &'a ArgKey,
}

/// Which instance of which function. Sites live in statics and identities are the compiler's, so both stay where they
/// are; equal addresses mean the same text, and two addresses for one text only cost a second front.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Function {
    site: usize,
    identity: (usize, usize),
}

#[derive(PartialEq, Eq, Hash)]
struct Owned {
    function: Function,
    args: ArgKey,
}

impl<'a> Front<'a> {
    pub(crate) fn new(site: &'static Site, identity: &'static str, args: &'a ArgKey) -> Self {
        let identity = (identity.as_ptr().addr(), identity.len());
        Self { function: Function { site: std::ptr::from_ref(site).addr(), identity }, args }
    }
}

impl Hash for Front<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.function.hash(state);
        self.args.hash(state);
    }
}

impl Equivalent<Owned> for Front<'_> {
    fn equivalent(&self, key: &Owned) -> bool {
        self.function == key.function && *self.args == key.args
    }
}

/// The fronts of one memory tier. They hold no entry alive.
pub(crate) struct Fronts(Store<Owned, Weak<Resident>, quick_cache::UnitWeighter, foldhash::fast::RandomState>);

impl Fronts {
    pub(crate) fn new(items: usize) -> Self {
        let hasher = foldhash::fast::RandomState::default();
        let lifecycle = quick_cache::sync::DefaultLifecycle::default();
        Self(Store::with(items, items as u64, quick_cache::UnitWeighter, hasher, lifecycle))
    }

    pub(crate) fn get(&self, front: &Front<'_>) -> Option<Arc<Resident>> {
        self.0.get(front)?.upgrade()
    }

    pub(crate) fn insert(&self, front: &Front<'_>, resident: &Arc<Resident>) {
        let owned = Owned { function: front.function, args: front.args.clone() };
        self.0.insert(owned, Arc::downgrade(resident));
    }
}
