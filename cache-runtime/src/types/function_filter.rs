//! The functions that a text means: `clear_function("users.get")`.

use super::function_name::FunctionName;

/// The functions that a text means, in every process.
///
/// A text that this process knows as the name of a function means exactly that name, and one that it knows as a path, or as the end of
/// one, the functions with that path. Any other text is a name, or the end of names, of functions that only other processes may know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FunctionFilter {
    name: Box<str>,
    /// The beginnings of the hashes of the identities, where only some of the functions with the name are meant.
    identities: Box<[u64]>,
    /// Also functions whose names end with `::` and the name.
    by_end: bool,
}

impl FunctionFilter {
    /// Returns the functions that `text` means.
    pub(crate) fn of(text: &str) -> Self {
        if FunctionName::is_known(text) {
            return Self::exactly(text);
        }
        let of_path = FunctionName::of_path(text);
        let Some(first) = of_path.first() else {
            return Self { by_end: true, ..Self::exactly(text) };
        };
        let of_name = of_path.iter().filter(|known| known.short() == first.short());
        Self { identities: of_name.map(|known| known.hash()).collect(), ..Self::exactly(first.short()) }
    }

    /// Returns all functions with this name.
    pub(crate) fn exactly(name: &str) -> Self {
        Self { name: name.into(), identities: Box::default(), by_end: false }
    }

    /// Returns true if a function with this name and this hash of its identity is meant.
    pub(crate) fn includes(&self, name: &str, identity: u64) -> bool {
        let is_named = name == &*self.name || (self.by_end && ends_with(name, &self.name));
        is_named && (self.identities.is_empty() || self.identities.contains(&identity))
    }

    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the hashes of the identities; none for all of them.
    #[cfg(feature = "redis")]
    pub(crate) fn identities(&self) -> &[u64] {
        &self.identities
    }

    /// Returns true if names that end with the name are meant, too.
    pub(crate) fn by_end(&self) -> bool {
        self.by_end
    }
}

/// Returns true if a path ends with `::` and `end`.
pub(crate) fn ends_with(path: &str, end: &str) -> bool {
    !end.is_empty() && path.strip_suffix(end).is_some_and(|head| head.ends_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_name_a_path_or_the_end_of_one() {
        let name = |short: &str, path: &str| FunctionName::of(short, path, path).hash();
        let (one, two) =
            (name("filter_a::get", "app::filter_a::get"), name("filter_a::get", "lib::filter_a::get"));
        let table = FunctionName::of("filter_users", "table::filter_users", "table filter_users u64").hash();
        let declared = FunctionName::of("filter_users", "app::find", "filter_users").hash();
        for (text, includes, excludes) in [
            (
                "filter_a::get",
                vec![("filter_a::get", one), ("filter_a::get", two)],
                vec![("x::filter_a::get", 1)],
            ),
            ("app::filter_a::get", vec![("filter_a::get", one)], vec![("filter_a::get", two)]),
            (
                "filter_users",
                vec![("filter_users", table), ("filter_users", declared)],
                vec![("x::filter_users", 1)],
            ),
            ("table::filter_users", vec![("filter_users", table)], vec![("filter_users", declared)]),
            (
                "filter_get",
                vec![("filter_get", 1), ("x::filter_get", 2)],
                vec![("filter_geta", 1), ("x.filter_get", 1)],
            ),
            ("", vec![("", 1)], vec![("a::", 1), ("filter_a::get", one)]),
        ] {
            let filter = FunctionFilter::of(text);
            assert!(
                includes.iter().all(|(name, identity)| filter.includes(name, *identity)),
                "{text}: {filter:?}"
            );
            assert!(
                !excludes.iter().any(|(name, identity)| filter.includes(name, *identity)),
                "{text}: {filter:?}"
            );
        }
    }
}
