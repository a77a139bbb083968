//! The modules of a crate, without those of its tests.

use std::collections::HashMap;

use syn::Item;

use crate::item::{self, Import};
use crate::source::Source;

/// A crate.
pub(crate) struct Crate {
    /// The folder of its source.
    pub(crate) src: String,
    /// Files relative to `src`, without `.rs`.
    pub(crate) files: Vec<String>,
    /// The first is the root.
    pub(crate) modules: Vec<Module>,
}

/// A module: a file, or a part of one.
pub(crate) struct Module {
    /// The index of its file.
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    /// Declared and imported names. A module, a type and a function may share one.
    pub(crate) names: HashMap<String, Vec<Name>>,
    pub(crate) imports: Vec<Import>,
    /// Its items, without nested modules.
    pub(crate) items: Vec<Item>,
}

/// The meaning of a name in a module.
pub(crate) enum Name {
    Item,
    /// The index of a nested module.
    Module(usize),
    /// The index of an import.
    Import(usize),
}

impl Crate {
    /// Follows the `mod` declarations from the file `root` in the folder `src`.
    pub(crate) fn load(src: &str, root: &str, sources: &[Source]) -> Self {
        let mut krate = Self { src: src.to_owned(), files: Vec::new(), modules: Vec::new() };
        let source = find(sources, &[format!("{src}/{root}.rs")]);
        krate.add_file(source, src, None, sources);
        krate
    }

    /// The path of a file in the repository.
    pub(crate) fn path(&self, file: usize) -> String {
        format!("{}/{}.rs", self.src, self.files[file])
    }

    /// Adds a file whose nested modules are in `folder`, and returns its module's index.
    fn add_file(
        &mut self,
        source: &Source,
        folder: &str,
        parent: Option<usize>,
        sources: &[Source],
    ) -> usize {
        let relative = source.path.strip_prefix(&format!("{}/", self.src)).expect("a file of the crate");
        self.files.push(relative.trim_end_matches(".rs").to_owned());
        self.add_module(self.files.len() - 1, source.parse().items, folder, parent, sources)
    }

    fn add_module(
        &mut self,
        file: usize,
        items: Vec<Item>,
        folder: &str,
        parent: Option<usize>,
        sources: &[Source],
    ) -> usize {
        let index = self.modules.len();
        let (names, imports) = (HashMap::new(), Vec::new());
        self.modules.push(Module { file, parent, names, imports, items: Vec::new() });
        for item in items.into_iter().filter(|item| !item::is_test_only(item::attrs(item))) {
            let Item::Mod(nested) = item else {
                self.modules[index].add_item(item);
                continue;
            };
            let (name, parent) = (nested.ident.to_string(), Some(index));
            let folder = format!("{folder}/{name}");
            let nested = match nested.content {
                Some((_, items)) => self.add_module(file, items, &folder, parent, sources),
                None => {
                    let source = find(sources, &[format!("{folder}.rs"), format!("{folder}/mod.rs")]);
                    self.add_file(source, &folder, parent, sources)
                }
            };
            self.modules[index].names.entry(name).or_default().push(Name::Module(nested));
        }
        index
    }
}

impl Module {
    fn add_item(&mut self, item: Item) {
        if let Item::Use(item) = &item {
            for import in item::imports(item) {
                if let Some(name) = import.name.clone() {
                    self.names.entry(name).or_default().push(Name::Import(self.imports.len()));
                }
                self.imports.push(import);
            }
        }
        for declared in item::declared(&item) {
            self.names.entry(declared.ident.to_string()).or_default().push(Name::Item);
        }
        self.items.push(item);
    }
}

fn find<'a>(sources: &'a [Source], paths: &[String]) -> &'a Source {
    sources.iter().find(|source| paths.contains(&source.path)).unwrap_or_else(|| panic!("no file {paths:?}"))
}

/// A crate in the folder `src` made of files and their texts, for tests.
#[cfg(test)]
pub(crate) fn fixture(files: &[(&str, &str)]) -> Crate {
    let sources: Vec<_> =
        files.iter().map(|(path, text)| Source::new(&format!("src/{path}"), text)).collect();
    Crate::load("src", "lib", &sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_files_or_parts_of_files_and_tests_are_left_out() {
        let krate = fixture(&[
            (
                "lib.rs",
                "mod a; pub mod inline { mod c; } #[cfg(test)] mod tests; #[cfg(all(test, unix))] mod u;",
            ),
            ("a/mod.rs", "mod b; #[cfg(any(test, unix))] mod d;"),
            ("a/b.rs", "pin! { pub struct Pinned {} }"),
            ("a/d.rs", ""),
            ("inline/c.rs", ""),
        ]);
        assert_eq!(krate.files, ["lib", "a/mod", "a/b", "a/d", "inline/c"]);
        assert!(krate.modules.iter().any(|module| module.names.contains_key("Pinned")));
    }
}
