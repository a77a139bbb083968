//! Arrows: which file uses an item of which other file.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemUse, Macro, Path, Visibility};

use crate::item;
use crate::krate::Crate;
use crate::resolve::{Target, resolve};

/// A use of an item of another file.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The name of the item where it is defined.
    pub(crate) name: String,
    /// The first line that uses the item.
    pub(crate) line: usize,
    /// The file only re-exports the item.
    pub(crate) is_reexport: bool,
}

/// Returns the arrows of a crate: one for each file, other file and item. A module as such is no item.
pub(crate) fn of(krate: &Crate) -> Vec<Arrow> {
    let mut arrows = BTreeMap::new();
    for (module, content) in krate.modules.iter().enumerate() {
        let mut paths = Paths { krate, module, arrows: &mut arrows };
        for item in &content.items {
            paths.visit_item(item);
        }
    }
    arrows.into_values().collect()
}

/// Collects the arrows of one module.
struct Paths<'a> {
    krate: &'a Crate,
    module: usize,
    arrows: &'a mut BTreeMap<(usize, usize, String), Arrow>,
}

impl Paths<'_> {
    fn add(&mut self, path: &[String], line: usize, is_reexport: bool) {
        let from = self.krate.modules[self.module].file;
        for target in resolve(self.krate, self.module, path) {
            let Target::Item(module, name) = target else { continue };
            let to = self.krate.modules[module].file;
            if from == to {
                continue;
            }
            let new = Arrow { from, to, name: name.clone(), line, is_reexport };
            let arrow = self.arrows.entry((from, to, name)).or_insert_with(|| new.clone());
            if (is_reexport, line) < (arrow.is_reexport, arrow.line) {
                *arrow = new;
            }
        }
    }

    /// Adds the paths in the tokens of a macro. A single name there may be anything, so only longer paths count.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Ident(first) if starts_path(&tokens[..at]) => {
                    let path = path_at(&tokens[at..]);
                    if path.len() > 1 {
                        self.add(&path, first.span().start().line, false);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !item::is_test_only(item::attrs(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !item::is_test_only(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for import in item::imports(item) {
            self.add(&import.path, import.line, import.is_reexport);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if let (None, Some(first)) = (path.leading_colon, path.segments.first()) {
            let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.add(&names, first.ident.span().start().line, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// Returns whether a name after these tokens is the first of its path.
fn starts_path(before: &[TokenTree]) -> bool {
    !matches!(before, [.., a, b] if is_punct(a, ':') && is_punct(b, ':'))
}

fn path_at(mut tokens: &[TokenTree]) -> Vec<String> {
    let mut path = Vec::new();
    while let [TokenTree::Ident(name), rest @ ..] = tokens {
        path.push(name.to_string());
        match rest {
            [a, b, rest @ ..] if is_punct(a, ':') && is_punct(b, ':') => tokens = rest,
            _ => break,
        }
    }
    path
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krate::fixture;

    /// Returns the arrows of the file `user` to the items of other files.
    fn arrows(user: &str) -> Vec<String> {
        let krate = fixture(&[
            ("lib.rs", "mod room; mod user;"),
            ("room/mod.rs", "mod a; pub mod b; pub use self::a::A; pub fn real() {}"),
            ("room/a.rs", "pub struct A; pub trait T {}"),
            ("room/b.rs", "pub enum B { One }\npub fn call() {}"),
            ("user.rs", user),
        ]);
        let arrows = of(&krate);
        let user = arrows.iter().filter(|arrow| krate.files[arrow.from] == "user");
        let text = |arrow: &Arrow| {
            let mark = if arrow.is_reexport { " again" } else { "" };
            format!("{}: {} {}{mark}", arrow.line, krate.files[arrow.to], arrow.name)
        };
        user.map(text).collect()
    }

    #[test]
    fn uses_point_at_the_defining_file_and_not_at_the_contents_page() {
        assert_eq!(
            arrows("use std::fmt;\nuse crate::room::{A, b::{B::*, self}};"),
            ["2: room/a A", "2: room/b B"]
        );
        assert_eq!(arrows("use super::room;"), [""; 0]);
        assert_eq!(arrows("use super::room::real;"), ["1: room/mod real"]);
    }

    #[test]
    fn paths_in_code_and_in_macros_count() {
        assert_eq!(arrows("fn f(_: Vec<crate::room::A>) {}"), ["1: room/a A"]);
        assert_eq!(arrows("use crate::room;\nfn f() { room::b::call() }"), ["2: room/b call"]);
        assert_eq!(arrows("fn f() { assert!(x == crate::room::b::call()) }"), ["1: room/b call"]);
        assert_eq!(arrows("macro_rules! m { () => { $crate::room::b::call() } }"), ["1: room/b call"]);
        assert_eq!(arrows("use crate::room::*;\nstruct S(A);"), ["2: room/a A"]);
        assert_eq!(
            arrows("fn f() { use crate::room::A; }\nmod m { fn g(_: super::super::room::A) {} }"),
            ["1: room/a A"]
        );
    }

    #[test]
    fn test_code_does_not_count() {
        assert_eq!(
            arrows(
                "#[cfg(test)] use crate::room::A;\n#[cfg(test)] mod tests { use crate::room::A; }\nstruct S; impl S { #[cfg(test)] fn f(_: crate::room::A) {} }"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_reexport_counts_as_a_use_once_the_file_uses_it() {
        assert_eq!(arrows("pub use crate::room::A;"), ["1: room/a A again"]);
        assert_eq!(arrows("pub use crate::room::A;\nstruct S(A);"), ["2: room/a A"]);
    }
}
