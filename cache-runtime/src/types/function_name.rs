//! The names of functions, in keys, envelopes and statistics.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, PoisonError};

/// The name of one function, which stands for it in keys, envelopes, statistics and events.
///
/// Two functions of a process may have one short name. From then on, statistics and events show the full path of both.
#[derive(Debug)]
pub(crate) struct FunctionName {
    /// `name = ".."`, else `Type::method` or `module::function`.
    short: String,
    full: String,
    /// The beginning of the hash of the identity.
    hash: u64,
    is_shared: AtomicBool,
}

/// All functions of the process: by identity, and the first one of each short name.
#[derive(Default)]
struct FunctionNames {
    by_identity: HashMap<String, &'static FunctionName>,
    by_short: HashMap<String, &'static FunctionName>,
}

static NAMES: LazyLock<Mutex<FunctionNames>> = LazyLock::new(Mutex::default);

impl FunctionName {
    /// Returns the name of the function with this identity; `full` is its path. It lives as long as the program: there is one
    /// for each function.
    pub(crate) fn of(short: &str, full: &str, identity: &str) -> &'static Self {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = names.by_identity.get(identity) {
            return name;
        }
        let (short, full) = (short.to_owned(), full.to_owned());
        let name: &'static Self = Box::leak(Box::new(Self {
            short,
            full,
            hash: hash(identity),
            is_shared: AtomicBool::new(false),
        }));
        names.by_identity.insert(identity.to_owned(), name);
        match names.by_short.get(&name.short).copied() {
            None => drop(names.by_short.insert(name.short.clone(), name)),
            Some(first) => {
                first.is_shared.store(true, Relaxed);
                name.is_shared.store(true, Relaxed);
            }
        }
        name
    }

    /// Returns the name of what is no function: the handle, or a layer.
    pub(crate) fn plain(name: &str) -> &'static Self {
        Self::of(name, name, name)
    }

    /// Returns the name in keys and envelopes.
    #[inline]
    pub(crate) fn short(&self) -> &str {
        &self.short
    }

    /// Returns the name in statistics and events.
    #[inline]
    pub(crate) fn shown(&self) -> &str {
        if self.is_shared.load(Relaxed) { &self.full } else { &self.short }
    }

    /// Returns the hash of the identity, in envelopes.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the name to show for counts that were made under `name`. Until another function has the same short name,
    /// those of the first one are under its short name.
    pub(crate) fn shown_for(name: &str) -> String {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        names.by_short.get(name).map_or(name, |first| first.shown()).to_owned()
    }

    /// Returns whether a function of this process has this name in keys and envelopes.
    pub(crate) fn is_known(name: &str) -> bool {
        NAMES.lock().unwrap_or_else(PoisonError::into_inner).by_short.contains_key(name)
    }

    /// Returns the functions of this process with this path, or else those whose path ends with it after `::` and is longer than
    /// their name.
    pub(crate) fn of_path(path: &str) -> Vec<&'static Self> {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let all = |test: &dyn Fn(&Self) -> bool| -> Vec<_> {
            names.by_identity.values().copied().filter(|known| test(known)).collect()
        };
        let exact = all(&|known| known.full == path);
        if !exact.is_empty() {
            return exact;
        }
        let end = ["::", path].concat();
        let is_longer = |known: &Self| known.short != path && !known.short.ends_with(&end);
        all(&|known| !path.is_empty() && known.full.ends_with(&end) && is_longer(known))
    }

    /// Returns the names in keys and envelopes of all functions of this process.
    pub(crate) fn all() -> Vec<&'static str> {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = names.by_short.values().map(|name| name.short()).collect();
        all.sort_unstable();
        all
    }
}

fn hash(identity: &str) -> u64 {
    blake3::hash(identity.as_bytes()).as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_functions_with_one_name_are_shown_by_their_paths() {
        let one = FunctionName::of("names_a::get", "app::names_a::get", "app::names_a::get");
        assert_eq!((one.short(), one.shown()), ("names_a::get", "names_a::get"));
        assert!(std::ptr::eq(one, FunctionName::of("names_a::get", "", "app::names_a::get")));
        let two = FunctionName::of("names_a::get", "lib::names_a::get", "lib::names_a::get");
        assert_eq!((two.short(), two.shown()), ("names_a::get", "lib::names_a::get"));
        assert_eq!((one.short(), one.shown()), ("names_a::get", "app::names_a::get"));
        assert_eq!(FunctionName::shown_for("names_a::get"), "app::names_a::get");
        assert_eq!(FunctionName::shown_for("names_a::other"), "names_a::other");
        assert!(FunctionName::is_known("names_a::get") && !FunctionName::is_known("lib::names_a::get"));
        let of_path = |path| FunctionName::of_path(path).iter().map(|name| name.hash()).collect::<Vec<_>>();
        assert_eq!(of_path("lib::names_a::get"), [two.hash()]);
        assert!(of_path("names_a::get").is_empty());
        assert_ne!(one.hash(), two.hash());
    }
}
