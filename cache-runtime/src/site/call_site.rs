//! CallSite: what the attribute knows about one function at compile time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::observe::stats::{Counters, Registry, Tally};
use crate::observe::trace;
use crate::site::policy::Policy;
use crate::types::key::salt;

/// Where a function is written, and the address of its site: one call of a macro can write two on one line.
type Place = (&'static str, u32, usize);

/// One function with an attribute on it. Generated code holds it in a `static`.
#[derive(Debug)]
pub struct CallSite {
    module: &'static str,
    function: &'static str,
    file: &'static str,
    line: u32,
    pub(crate) policy: Policy,
    name: Option<&'static str>,
    generic: bool,
    /// The path of the function as keys and statistics show it, worked out at the first call.
    label: OnceLock<(String, String)>,
    /// The paths of further types that use a default method of a trait.
    further: Mutex<Option<HashMap<String, &'static str>>>,
    /// The counters in the first cache that this function was called with.
    counters: OnceLock<(u64, Arc<Counters>)>,
    /// The salt of the first instance of this function that was called, and where its name stands.
    salt: OnceLock<((usize, usize), [u8; 32])>,
    /// Whether no other function goes by the same path.
    unique: OnceLock<bool>,
}

impl CallSite {
    /// A function as the attribute sees it.
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
            name: None,
            generic: false,
            label: OnceLock::new(),
            further: Mutex::new(None),
            counters: OnceLock::new(),
            salt: OnceLock::new(),
            unique: OnceLock::new(),
        }
    }

    /// `name = ".."`: the function part of the key.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// The function has type parameters of its own.
    #[must_use]
    pub const fn generic(mut self) -> Self {
        self.generic = true;
        self
    }

    /// `module::function` as written, for messages before anything else is known.
    pub(crate) fn written(&self) -> String {
        format!("{}::{}", self.module, self.function)
    }

    /// The function part of keys: `name`, or the path with dots. Instances of one generic function share a label; the
    /// types that use a default method of a trait do not, or the key would depend on which of them was called first.
    #[inline]
    pub(crate) fn label(&self, identity: &str) -> &str {
        let (first, label) = self.first_label(identity);
        if first { label } else { self.further_label(identity) }
    }

    /// The label that was made first, and whether it is that of this instance.
    #[inline]
    fn first_label(&self, identity: &str) -> (bool, &str) {
        let (first, label) = self.label.get_or_init(|| (identity.to_owned(), self.made_label(identity)));
        (!identity.starts_with('<') || first == identity, label)
    }

    /// Kept for good: there are as many as the program has types that use the method.
    fn further_label(&self, identity: &str) -> &'static str {
        let mut further = self.further.lock().unwrap_or_else(PoisonError::into_inner);
        let further = further.get_or_insert_default();
        if let Some(label) = further.get(identity) {
            return label;
        }
        let label: &'static str = Box::leak(self.made_label(identity).into_boxed_str());
        further.insert(identity.to_owned(), label);
        label
    }

    fn made_label(&self, identity: &str) -> String {
        self.name.map_or_else(|| dotted(&without_generics(identity)), str::to_owned)
    }

    /// The function's counters in the cache with this id.
    #[inline]
    pub(crate) fn tally(&self, cache: u64, identity: &str, registry: &Registry) -> Tally<'_> {
        match self.counters.get() {
            Some((first, counters)) if *first == cache && !identity.starts_with('<') => {
                Tally::CallSite(counters)
            }
            _ => self.further_tally(cache, identity, registry),
        }
    }

    fn further_tally(&self, cache: u64, identity: &str, registry: &Registry) -> Tally<'_> {
        let (is_first, label) = self.first_label(identity);
        let (first, counters) = self.counters.get_or_init(|| (cache, registry.row(label)));
        if *first == cache && is_first {
            Tally::CallSite(counters)
        } else {
            Tally::Row(registry.row(self.label(identity)))
        }
    }

    /// Whether this function may be cached under its path: two functions can have the same one, in two blocks of one
    /// function or two unnamed constants. The one that comes second then runs uncached, after a warning.
    #[inline]
    pub(crate) fn is_unique(&self, identity: &str) -> bool {
        match self.unique.get() {
            Some(unique) => *unique,
            None => self.is_first(identity),
        }
    }

    #[cold]
    fn is_first(&self, identity: &str) -> bool {
        static PLACES: Mutex<Option<HashMap<String, Place>>> = Mutex::new(None);
        *self.unique.get_or_init(|| {
            if self.name.is_some() {
                return true;
            }
            let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
            let place = (self.file, self.line, std::ptr::from_ref(self).addr());
            let first = *places.get_or_insert_default().entry(identity.to_owned()).or_insert(place);
            if first != place {
                trace::warn(&format!(
                    "`{}` in {}:{} and in {}:{} have the same path, so the second runs uncached; give it a `name = \"..\"`",
                    self.written(),
                    first.0,
                    first.1,
                    self.file,
                    self.line,
                ));
            }
            first == place
        })
    }

    /// What tells this function from every other in the hash of a key.
    ///
    /// With a `name`, only what is generic about the instance is added to it, so that the key survives a move to
    /// another module; otherwise it is the compiler's own name of the instance.
    pub(crate) fn identity<'i>(&self, identity: &'i str) -> Cow<'i, str> {
        match self.name {
            None => Cow::Borrowed(identity),
            // A default method of a trait has one name for all types that use it, so the type counts, too.
            Some(name) => match split_qualified(identity) {
                ("", _) if !identity.contains('<') => Cow::Borrowed(name),
                (head, rest) => Cow::Owned([name, head, &generics(rest)].concat()),
            },
        }
    }

    /// What makes the digests of this instance differ from those of every other function.
    pub(crate) fn salt(&self, identity: &str) -> [u8; 32] {
        salt(&self.identity(identity), self.policy.version)
    }

    /// [`CallSite::salt`], remembered: hashing the name takes longer than hashing most arguments. Names that live as long as
    /// the program stay where they are, so one that stands in the same place is the same.
    pub(crate) fn remembered_salt(&self, identity: &'static str) -> [u8; 32] {
        let place = (identity.as_ptr().addr(), identity.len());
        let (first, salt) = self.salt.get_or_init(|| (place, self.salt(identity)));
        if *first == place { *salt } else { self.salt(identity) }
    }

    /// What a readable key needs beside its text, so that two instances of a generic function never share it.
    pub(crate) fn instance(&self, identity: &str) -> String {
        if self.generic || identity.contains('<') { generics(identity) } else { String::new() }
    }
}

/// The name of the function that the closure was written in.
///
/// The compiler's name of a closure holds module, `impl` type, trait and generic instance:
/// `app::Repo<u8>::load::{{closure}}`.
#[must_use]
pub fn name_of<F>(_: &F) -> &'static str {
    let mut name = std::any::type_name::<F>();
    while let Some(rest) = name.strip_suffix("::{{closure}}") {
        name = rest;
    }
    name
}

/// [`name_of`] for the function that `entry = ..` generates: the name of the cached function beside it.
pub fn name_of_entry<F>(closure: &F, entry: &'static str, function: &'static str) -> Cow<'static, str> {
    let name = name_of(closure);
    let Some((start, end)) = last_segment(name, entry) else { return Cow::Borrowed(name) };
    Cow::Owned([&name[..start], function, &name[end..]].concat())
}

/// Where `segment` stands as the last path segment outside `<..>`.
fn last_segment(name: &str, segment: &str) -> Option<(usize, usize)> {
    let (mut depth, mut found) = (0_i32, None);
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if !name[..index].ends_with('-') => depth -= 1,
            _ if depth == 0 && name[index..].starts_with(segment) => {
                found = Some((index, index + segment.len()));
            }
            _ => {}
        }
    }
    found
}

/// `app::Repo<u8>::load` -> `app::Repo::load`; a leading `<T as Trait>` is a path, not a parameter, and stays.
fn without_generics(name: &str) -> String {
    let (mut out, mut depth) = (String::with_capacity(name.len()), 0_i32);
    let (head, rest) = split_qualified(name);
    out.push_str(head);
    for (index, c) in rest.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !rest[..index].ends_with('-') => depth -= 1,
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// The generic parameters in a name, in order: `app::Repo<u8>::load<i8>` -> `<u8><i8>`.
fn generics(name: &str) -> String {
    let (mut out, mut depth) = (String::new(), 0_i32);
    let (head, rest) = split_qualified(name);
    if let Some(core) = head.strip_prefix('<').and_then(|head| head.strip_suffix('>')) {
        let own = core.split(" as ").map(generics).collect::<String>();
        out.push_str(&own);
    }
    for (index, c) in rest.char_indices() {
        let closes = c == '>' && !rest[..index].ends_with('-');
        depth += i32::from(c == '<');
        if depth > 0 {
            out.push(c);
        }
        depth -= i32::from(closes);
    }
    out
}

/// Splits `<app::Pg as app::Store>::get` behind the closing bracket of its head.
fn split_qualified(name: &str) -> (&str, &str) {
    if !name.starts_with('<') {
        return ("", name);
    }
    let mut depth = 0_i32;
    for (index, byte) in name.bytes().enumerate() {
        depth += i32::from(byte == b'<');
        if byte == b'>' && !name[..index].ends_with('-') {
            depth -= 1;
            if depth == 0 {
                return name.split_at(index + 1);
            }
        }
    }
    ("", name)
}

/// A path as keys show it: dots for `::`, nothing that a glob, a hash tag or the key's own syntax would read.
pub(crate) fn dotted(path: &str) -> String {
    let path = path.replace("::", ".");
    path.chars()
        .map(|c| match c {
            '<' | '[' | '{' => '(',
            '>' | ']' | '}' => ')',
            ' ' | ':' | '*' | '?' | '^' | '\\' | '"' | '~' | '%' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generics_are_told_from_paths() {
        assert_eq!(without_generics("app::Repo<u8>::load<i8>"), "app::Repo::load");
        assert_eq!(generics("app::Repo<u8>::load<i8>"), "<u8><i8>");
        assert_eq!(without_generics("<app::Pg as app::Store>::get"), "<app::Pg as app::Store>::get");
        assert_eq!(generics("<app::Pg as app::Store>::get"), "");
        assert_eq!(generics("<app::Pg<u8> as app::Store>::get"), "<u8>");
        assert_eq!(generics("app::call<fn() -> alloc::vec::Vec<u8>>"), "<fn() -> alloc::vec::Vec<u8>>");
        assert_eq!(dotted("<app::Pg as app::Store>::get"), "(app.Pg_as_app.Store).get");
    }

    #[test]
    fn the_entry_function_has_the_identity_of_its_function() {
        fn user_entry() -> Cow<'static, str> {
            name_of_entry(&|| {}, "user_entry", "user")
        }
        let name = user_entry();
        assert!(name.ends_with("::user"), "{name}");
        assert_eq!(last_segment("a::b_entry<a::b_entry>", "b_entry"), Some((3, 10)));
    }
}
