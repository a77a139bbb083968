//! Pattern: the names that a parameter's pattern binds, and the fields of the argument that they stand for.

use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Member, Pat, PatTuple, Path, Token};

/// A name that a pattern binds.
pub(crate) struct Binding {
    pub(crate) name: Ident,
    /// The fields that lead from the argument to the value: `0.1` for `b` of `Path((a, b))`.
    pub(crate) fields: Vec<Member>,
}

/// Every name in `pattern` that is a field of a struct or a tuple.
pub(crate) fn bindings(pattern: &Pat) -> Vec<Binding> {
    let mut found = Vec::new();
    collect(pattern, &[], &mut found);
    found
}

/// Every name in `pattern`, also those that no fields lead to.
pub(crate) fn names(pattern: &Pat) -> Vec<Ident> {
    let all = |patterns: &Punctuated<Pat, Token![,]>| patterns.iter().flat_map(names).collect();
    match pattern {
        Pat::Ident(pat) => {
            let inner = pat.subpat.iter().flat_map(|(_, inner)| names(inner));
            [pat.ident.clone()].into_iter().chain(inner).collect()
        }
        Pat::Or(pat) => pat.cases.first().map(names).unwrap_or_default(),
        Pat::Paren(pat) => names(&pat.pat),
        Pat::Reference(pat) => names(&pat.pat),
        Pat::Slice(pat) => all(&pat.elems),
        Pat::Struct(pat) => pat.fields.iter().flat_map(|field| names(&field.pat)).collect(),
        Pat::Tuple(pat) => all(&pat.elems),
        Pat::TupleStruct(pat) => all(&pat.elems),
        Pat::Type(pat) => names(&pat.pat),
        _ => Vec::new(),
    }
}

/// `path` leads to the part of the argument that `pattern` matches.
fn collect(pattern: &Pat, path: &[Member], found: &mut Vec<Binding>) {
    let mut field = |member: Member, pattern: &Pat| collect(pattern, &[path, &[member]].concat(), found);
    match pattern {
        Pat::Ident(pat) => {
            found.push(Binding { name: pat.ident.clone(), fields: path.to_vec() });
            if let Some((_, inner)) = &pat.subpat {
                collect(inner, path, found);
            }
        }
        Pat::Paren(pat) => collect(&pat.pat, path, found),
        Pat::Struct(pat) if !is_variant(&pat.path) => {
            pat.fields.iter().for_each(|inner| field(inner.member.clone(), &inner.pat));
        }
        Pat::Tuple(PatTuple { elems, .. }) => elements(elems, field),
        Pat::TupleStruct(pat) if !is_variant(&pat.path) => elements(&pat.elems, field),
        _ => {}
    }
}

/// The elements before `..`, whose index is known.
fn elements(elements: &Punctuated<Pat, Token![,]>, mut field: impl FnMut(Member, &Pat)) {
    let known = elements.iter().take_while(|element| !matches!(element, Pat::Rest(_)));
    known.enumerate().for_each(|(index, element)| field(Member::from(index), element));
}

/// Returns true if a path looks like `Enum::Variant`, whose fields cannot be accessed.
fn is_variant(path: &Path) -> bool {
    let before = path.segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
    before.is_some_and(|before| before.starts_with(char::is_uppercase))
}
