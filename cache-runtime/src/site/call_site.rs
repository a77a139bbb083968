//! The call site: the facts about one cached function that its attribute knows at compile time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::entry_identities::EntryIdentities;
use super::path::{generics, short_name, split_qualified, without_generics};
use super::policy::Policy;
use crate::observe::stats::{Counters, Registry, Tally};
use crate::observe::trace;
use crate::types::function_name::FunctionName;
use crate::types::key::salt;

/// File, line and the address of the call site: one macro call can declare two functions on one line.
type Declaration = (&'static str, u32, usize);

/// The path of a function that was not called yet, of the first function that was called with its path, and of any other one.
const UNKNOWN: u8 = 0;
const UNIQUE: u8 = 1;
const TAKEN: u8 = 2;

/// One function with an attribute. Generated code holds it in a `static`.
///
/// The `identity` that its methods take is the compiler's path of the called instance, with generic arguments, as `name_of`
/// returns it.
#[derive(Debug)]
pub struct CallSite {
    module: &'static str,
    function: &'static str,
    file: &'static str,
    line: u32,
    pub(crate) policy: Policy,
    /// `name = ".."`.
    declared_name: Option<&'static str>,
    generic: bool,
    /// Identity and name of the instance that was called first.
    first_name: OnceLock<(String, &'static FunctionName)>,
    /// The names of the other types that use a default method of a trait, by identity.
    further_names: Mutex<Option<HashMap<String, &'static FunctionName>>>,
    /// The counters in the first cache that the function was called with, and the id of that cache.
    counters: OnceLock<(u64, Arc<Counters>)>,
    /// The salt of the instance that was called first, and its identity.
    first_salt: OnceLock<(&'static str, [u8; 32])>,
    entries: EntryIdentities,
    /// `UNKNOWN`, `UNIQUE` or `TAKEN`.
    path: AtomicU8,
}

impl CallSite {
    /// Describes a function without options.
    #[must_use]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        file: &'static str,
        line: u32,
        policy: Policy,
    ) -> Self {
        Self {
            module,
            function,
            file,
            line,
            policy,
            declared_name: None,
            generic: false,
            first_name: OnceLock::new(),
            further_names: Mutex::new(None),
            counters: OnceLock::new(),
            first_salt: OnceLock::new(),
            entries: EntryIdentities::new(),
            path: AtomicU8::new(UNKNOWN),
        }
    }

    /// `name = ".."`: the function part of the key.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.declared_name = Some(name);
        self
    }

    /// Marks a function with type parameters of its own.
    #[must_use]
    pub const fn generic(mut self) -> Self {
        self.generic = true;
        self
    }

    /// Returns `module::function` as written in the source, for messages.
    pub(crate) fn source_path(&self) -> String {
        format!("{}::{}", self.module, self.function)
    }

    /// Returns the name of the function, as statistics and events show it.
    #[inline]
    pub(crate) fn name(&self, identity: &str) -> &'static str {
        self.function_name(identity).shown()
    }

    /// Returns the name of the function: `name = ".."`, else its type or module and its own name.
    ///
    /// All instances of a generic function share one name. Types that use a default method of a trait have one each;
    /// otherwise the key would depend on which type was called first.
    #[inline]
    pub(crate) fn function_name(&self, identity: &str) -> &'static FunctionName {
        let (is_first, name) = self.first_name(identity);
        if is_first { name } else { self.further_name(identity) }
    }

    /// Returns the name of the first instance, and whether this instance has the same.
    #[inline]
    fn first_name(&self, identity: &str) -> (bool, &'static FunctionName) {
        let (first, name) = self.first_name.get_or_init(|| (identity.to_owned(), self.new_name(identity)));
        (!identity.starts_with('<') || first == identity, name)
    }

    /// Returns the name of another instance.
    fn further_name(&self, identity: &str) -> &'static FunctionName {
        let mut names = self.further_names.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.get_or_insert_default();
        if let Some(name) = names.get(identity) {
            return name;
        }
        let name = self.new_name(identity);
        names.insert(identity.to_owned(), name);
        name
    }

    fn new_name(&self, identity: &str) -> &'static FunctionName {
        let path = without_generics(identity);
        match self.declared_name {
            Some(name) => FunctionName::of(name, &path, name),
            None => FunctionName::of(&short_name(identity), &path, &path),
        }
    }

    /// Returns the counters of the function in the cache with this id.
    #[inline]
    pub(crate) fn tally(&self, cache: u64, identity: &str, registry: &Registry) -> Tally<'_> {
        match self.first_counters(cache, identity) {
            Some(counters) => Tally::CallSite(counters),
            None => self.further_tally(cache, identity, registry),
        }
    }

    /// Returns [`CallSite::tally`] if the function was called with this cache first.
    #[inline]
    pub(crate) fn first_counters(&self, cache: u64, identity: &str) -> Option<&Counters> {
        match self.counters.get() {
            Some((first, counters)) if *first == cache && !identity.starts_with('<') => Some(counters),
            _ => None,
        }
    }

    fn further_tally(&self, cache: u64, identity: &str, registry: &Registry) -> Tally<'_> {
        let (is_first, name) = self.first_name(identity);
        let (first, counters) = self.counters.get_or_init(|| (cache, registry.row(name.shown())));
        if *first == cache && is_first {
            Tally::CallSite(counters)
        } else {
            Tally::Row(registry.row(self.name(identity)))
        }
    }

    /// Returns whether this is the only function with its path, or the first of several that was called.
    ///
    /// Two functions have the same path in two blocks of one function, or in two unnamed constants. The second one runs
    /// uncached, after a warning.
    #[inline]
    pub(crate) fn is_unique(&self, identity: &str) -> bool {
        match self.path.load(Acquire) {
            UNIQUE => true,
            TAKEN => false,
            _ => self.register(identity),
        }
    }

    #[cold]
    fn register(&self, identity: &str) -> bool {
        static DECLARATIONS: Mutex<Option<HashMap<String, Declaration>>> = Mutex::new(None);
        let mut declarations = DECLARATIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path.load(Acquire);
        if path != UNKNOWN {
            return path == UNIQUE;
        }
        let own = (self.file, self.line, std::ptr::from_ref(self).addr());
        let first = match self.declared_name {
            Some(_) => own,
            None => *declarations.get_or_insert_default().entry(identity.to_owned()).or_insert(own),
        };
        self.path.store(if first == own { UNIQUE } else { TAKEN }, Release);
        drop(declarations);
        if first != own {
            trace::warn(&format!(
                "`{}` in {}:{} and in {}:{} have the same path, so the second runs uncached; give it a `name = \"..\"`",
                self.source_path(),
                first.0,
                first.1,
                self.file,
                self.line,
            ));
        }
        first == own
    }

    /// Returns the text that separates this function from every other in the hash of a key.
    ///
    /// Without a `name` this is the identity. With one, only the generic arguments of the instance are added to the name, so
    /// that the key survives a move to another module.
    fn hashed_identity<'i>(&self, identity: &'i str) -> Cow<'i, str> {
        match self.declared_name {
            None => Cow::Borrowed(identity),
            // A default method of a trait has one name for all types that use it, so the type is part of the text.
            Some(name) => match split_qualified(identity) {
                ("", _) if !identity.contains('<') => Cow::Borrowed(name),
                (head, rest) => Cow::Owned([name, head, &generics(rest)].concat()),
            },
        }
    }

    /// Returns the salt by which the digests of this instance differ from those of every other function.
    pub(crate) fn salt(&self, identity: &str) -> [u8; 32] {
        salt(&self.hashed_identity(identity), self.policy.version)
    }

    /// [`CallSite::salt`], cached for the first instance: hashing the identity takes longer than hashing most arguments.
    pub(crate) fn cached_salt(&self, identity: &'static str) -> [u8; 32] {
        let (first, salt) = self.first_salt.get_or_init(|| (identity, self.salt(identity)));
        if std::ptr::eq(*first, identity) || *first == identity { *salt } else { self.salt(identity) }
    }

    /// Returns the identity of the cached function, given the path of the function that `entry = ..` generates beside it.
    pub(crate) fn entry_identity(&self, path: &'static str, entry: &str, function: &str) -> &'static str {
        self.entries.get(path, entry, function)
    }

    /// Returns the generic arguments that a readable key needs, so that two instances of a function never share it.
    pub(crate) fn generic_args(&self, identity: &str) -> String {
        if self.generic || identity.contains('<') { generics(identity) } else { String::new() }
    }
}
