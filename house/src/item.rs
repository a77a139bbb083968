//! Items: attributes, declared names, and the paths that `use` names.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, ItemUse, Meta, Token, UseTree, Visibility};

/// A name that an item declares in its module.
pub(crate) struct Declared {
    pub(crate) ident: Ident,
    pub(crate) is_type: bool,
}

/// One name that a `use` brings into scope.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// `None` for a glob.
    pub(crate) name: Option<String>,
    pub(crate) line: usize,
    pub(crate) is_reexport: bool,
}

/// Returns the names of everything but modules and imports, also inside a macro such as `pin_project!`.
pub(crate) fn declared(item: &Item) -> Vec<Declared> {
    let (ident, is_type) = match item {
        Item::Enum(item) => (&item.ident, true),
        Item::Struct(item) => (&item.ident, true),
        Item::Trait(item) => (&item.ident, true),
        Item::TraitAlias(item) => (&item.ident, true),
        Item::Type(item) => (&item.ident, true),
        Item::Union(item) => (&item.ident, true),
        Item::Const(item) => (&item.ident, false),
        Item::Fn(item) => (&item.sig.ident, false),
        Item::Static(item) => (&item.ident, false),
        Item::Macro(item) => match &item.ident {
            Some(ident) => (ident, false),
            None => return declared_in(&item.mac.tokens),
        },
        _ => return Vec::new(),
    };
    vec![Declared { ident: ident.clone(), is_type }]
}

/// Returns every name of a `use`; none if the path starts with `::`.
pub(crate) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut imports = Vec::new();
    if item.leading_colon.is_none() {
        let is_reexport = !matches!(item.vis, Visibility::Inherited);
        flatten(&item.tree, &mut Vec::new(), is_reexport, &mut imports);
    }
    imports
}

/// Returns whether these attributes leave something out of all builds but those of tests.
pub(crate) fn is_test_only(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg") && attr.parse_args().is_ok_and(|meta: Meta| requires_test(&meta))
    })
}

/// Returns the attributes of an item.
pub(crate) fn attrs(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn requires_test(meta: &Meta) -> bool {
    match meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|metas| metas.iter().any(requires_test)),
        _ => false,
    }
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, is_reexport: bool, imports: &mut Vec<Import>) {
    let mut push = |last: &Ident, name: Option<String>| {
        let mut path = prefix.clone();
        if last != "self" || path.is_empty() {
            path.push(last.to_string());
        }
        let name = name.or_else(|| path.last().cloned());
        imports.push(Import { path, name, line: last.span().start().line, is_reexport });
    };
    match tree {
        UseTree::Name(name) => push(&name.ident, None),
        UseTree::Rename(rename) => push(&rename.ident, Some(rename.rename.to_string())),
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            imports.push(Import { path: prefix.clone(), name: None, line, is_reexport });
        }
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, is_reexport, imports);
            prefix.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, is_reexport, imports);
            }
        }
    }
}

fn declared_in(tokens: &TokenStream) -> Vec<Declared> {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [TokenTree::Ident(keyword), TokenTree::Ident(ident)] => Some((keyword.to_string(), ident)),
        _ => None,
    });
    pairs
        .filter_map(|(keyword, ident)| match keyword.as_str() {
            "enum" | "struct" | "trait" | "type" | "union" => Some((ident, true)),
            "const" | "fn" | "static" => Some((ident, false)),
            _ => None,
        })
        .map(|(ident, is_type)| Declared { ident: ident.clone(), is_type })
        .collect()
}
