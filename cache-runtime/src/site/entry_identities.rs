//! The identities of entry functions: each is the identity of the cached function beside it.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::path::sibling;

/// The identities that the instances of one entry function stand for. They are made once and live as long as the program, as
/// those of the compiler do: a program has so many instances and no more.
#[derive(Debug)]
pub(super) struct EntryIdentities {
    /// The path of the instance that was called first, and its identity.
    first: OnceLock<(&'static str, &'static str)>,
    further: Mutex<Option<HashMap<&'static str, &'static str>>>,
}

impl EntryIdentities {
    pub(super) const fn new() -> Self {
        Self { first: OnceLock::new(), further: Mutex::new(None) }
    }

    /// Returns the identity of `function` for the instance of `entry` with this path.
    pub(super) fn get(&self, path: &'static str, entry: &str, function: &str) -> &'static str {
        let (first, identity) = self.first.get_or_init(|| (path, sibling(path, entry, function)));
        if *first == path {
            return identity;
        }
        let mut further = self.further.lock().unwrap_or_else(PoisonError::into_inner);
        further.get_or_insert_default().entry(path).or_insert_with(|| sibling(path, entry, function))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instance_has_the_identity_of_its_function_once() {
        let identities = EntryIdentities::new();
        for _ in 0..2 {
            for path in ["app::user_entry", "app::user_entry<app::Team>"] {
                let identity = identities.get(path, "user_entry", "user");
                assert_eq!(identity, path.replace("user_entry", "user"));
                assert!(std::ptr::eq(identity, identities.get(path, "user_entry", "user")));
            }
        }
    }
}
