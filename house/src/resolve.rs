//! Finds the item that a path names, through imports, globs and re-exports.

use crate::krate::{Crate, Name};

/// The end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The index of a module.
    Module(usize),
    /// An item, and the index of the module that defines it.
    Item(usize, String),
}

/// Resolves a path as code in `module` writes it. An item of another crate resolves to nothing, a part of an item, such
/// as a variant, to the item.
pub(crate) fn resolve(krate: &Crate, module: usize, path: &[String]) -> Vec<Target> {
    Search { krate, open: Vec::new() }.resolve(module, path)
}

/// A search and the imports, with the names, that it is following: imports may lead in circles.
struct Search<'a> {
    krate: &'a Crate,
    open: Vec<(usize, usize, String)>,
}

impl Search<'_> {
    fn resolve(&mut self, module: usize, path: &[String]) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut targets = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(module)],
            "super" => self.parent(module),
            name => self.lookup(module, name),
        };
        for name in rest {
            let parts = self.part(&targets, name);
            // A function may share the name of a module; only the module has parts of its own.
            if parts.is_empty() {
                targets.retain(|target| matches!(target, Target::Item(..)));
            } else {
                targets = parts;
            }
        }
        targets
    }

    /// Returns the targets of `name` in those of `targets` that are modules.
    fn part(&mut self, targets: &[Target], name: &str) -> Vec<Target> {
        let mut parts = Vec::new();
        for target in targets {
            if let Target::Module(module) = *target {
                parts.extend(if name == "super" { self.parent(module) } else { self.lookup(module, name) });
            }
        }
        parts
    }

    fn parent(&self, module: usize) -> Vec<Target> {
        self.krate.modules[module].parent.map(Target::Module).into_iter().collect()
    }

    fn lookup(&mut self, module: usize, name: &str) -> Vec<Target> {
        let here = &self.krate.modules[module];
        let mut targets = Vec::new();
        for found in here.names.get(name).into_iter().flatten() {
            match found {
                Name::Item => targets.push(Target::Item(module, name.to_owned())),
                Name::Module(nested) => targets.push(Target::Module(*nested)),
                Name::Import(import) => targets.extend(self.follow(module, *import, name)),
            }
        }
        if targets.is_empty() {
            let globs = here.imports.iter().enumerate().filter(|(_, import)| import.name.is_none());
            for glob in globs.map(|(index, _)| index) {
                let modules = self.follow(module, glob, name);
                targets.extend(self.part(&modules, name));
            }
        }
        targets
    }

    /// Returns what the import `index` of a module names, while `name` is looked up.
    fn follow(&mut self, module: usize, index: usize, name: &str) -> Vec<Target> {
        let step = (module, index, name.to_owned());
        if self.open.contains(&step) {
            return Vec::new();
        }
        self.open.push(step);
        let targets = self.resolve(module, &self.krate.modules[module].imports[index].path);
        self.open.pop();
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krate::fixture;

    /// Resolves `path` in the root of a small crate to the file and name of each item.
    fn items(path: &str) -> Vec<String> {
        let krate = fixture(&[
            ("lib.rs", "mod a; mod b; mod c; use self::c::Z as Renamed;"),
            ("a/mod.rs", "mod x; mod y; pub use self::{x::X, y::y}; pub use super::b::*;"),
            ("a/x.rs", "pub struct X;"),
            ("a/y.rs", "pub fn y() {} pub enum Y { One } pub use super::y as again;"),
            ("b.rs", "pub use crate::c::{Z as Y, *}; use std::sync::Arc;"),
            ("c.rs", "pub type Z = (); pub const K: u8 = 1; pub use super::b::Looped; pub use crate::b;"),
        ]);
        let path: Vec<_> = path.split("::").map(str::to_owned).collect();
        let targets = resolve(&krate, 0, &path).into_iter().filter_map(|target| match target {
            Target::Item(module, name) => Some(format!("{} {name}", krate.files[krate.modules[module].file])),
            Target::Module(_) => None,
        });
        targets.collect()
    }

    #[test]
    fn reexports_globs_and_renames_lead_to_the_defining_file() {
        assert_eq!(items("crate::a::X"), ["a/x X"]);
        assert_eq!(items("a::X::method"), ["a/x X"]);
        assert_eq!(items("self::a::Y"), ["c Z"]);
        assert_eq!(items("a::K"), ["c K"]);
        assert_eq!(items("Renamed"), ["c Z"]);
        assert_eq!(items("c::b::Y"), ["c Z"]);
    }

    #[test]
    fn a_function_and_a_module_may_share_a_name() {
        assert_eq!(items("a::y"), ["a/y y"]);
        assert_eq!(items("a::y::Y::One"), ["a/y Y"]);
    }

    #[test]
    fn other_crates_and_circles_of_imports_lead_nowhere() {
        assert!(items("b::Arc").is_empty());
        assert!(items("std::sync::Arc").is_empty());
        assert!(items("b::Looped").is_empty());
    }
}
