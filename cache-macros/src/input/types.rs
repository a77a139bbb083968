//! Types: questions about a type that its tokens answer.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Generics, Type, TypeParam, TypeParamBound, WherePredicate};

use crate::input::borrow::is_static as is_static_lifetime;
use crate::tokens::search::any;

/// The type inside parentheses and invisible groups.
pub(crate) fn peel(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        }
    }
}

/// The last path segment of a type behind its references: `Db` of `&mut app::Db<T>`, `Clock` of `&dyn Clock`.
pub(crate) fn head(ty: &Type) -> Option<String> {
    let bounds = match peel(ty) {
        Type::Reference(reference) => return head(&reference.elem),
        Type::Path(path) => return path.path.segments.last().map(|last| last.ident.to_string()),
        Type::TraitObject(object) => &object.bounds,
        Type::ImplTrait(object) => &object.bounds,
        _ => return None,
    };
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    })
}

/// Returns true if a result type may be taken as `'static`, as typed copies and shared errors have to be.
///
/// The parameters of the function count if they are bounded by `'static`. The header of the `impl` around a method is out of sight:
/// `Self` and names of types are taken as `'static`, and the compiler asks for the bound if they are not. An associated type such as
/// `Row::Id` may be that of a parameter of the `impl`, and is not.
pub(crate) fn is_static(ty: &Type, generics: &Generics) -> bool {
    let own: Vec<_> =
        generics.type_params().map(|param| (param.ident.to_string(), outlives(generics, param))).collect();
    let is_known = |name: &str| name == "Self" || own.iter().any(|(own, _)| own == name);
    // The name of a type, and the number of colons after it.
    let (mut before, mut colons) = (String::new(), 0);
    !any(ty.to_token_stream(), &mut |tree, _| match tree {
        TokenTree::Ident(name) => {
            let name = name.to_string();
            let borrows = own.iter().any(|(own, is_static)| *own == name && !is_static);
            let is_type = before.starts_with(char::is_uppercase) && (colons == 2 || name == "as");
            let is_associated = is_type && !is_known(&before);
            (before, colons) = (name, 0);
            borrows || is_associated
        }
        TokenTree::Punct(punct) if punct.as_char() == ':' => {
            colons += 1;
            false
        }
        _ => {
            before.clear();
            false
        }
    })
}

/// Returns true if a parameter of the function is bounded by `'static`.
fn outlives(generics: &Generics, param: &TypeParam) -> bool {
    let is_bound = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(lifetime) if is_static_lifetime(lifetime));
    let mut predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    param.bounds.iter().any(is_bound) || predicates.any(|predicate| match predicate {
        WherePredicate::Type(predicate) => {
            let is_own =
                matches!(peel(&predicate.bounded_ty), Type::Path(path) if path.path.is_ident(&param.ident));
            is_own && predicate.bounds.iter().any(is_bound)
        }
        _ => false,
    })
}

/// Returns true if no name in a type looks like a parameter: `Self`, and a capital with or without digits, do.
pub(crate) fn is_spelled_out(ty: &Type) -> bool {
    !any(ty.to_token_stream(), &mut |tree, _| {
        let TokenTree::Ident(name) = tree else { return false };
        let name = name.to_string();
        name == "Self"
            || name.starts_with(char::is_uppercase) && name.chars().skip(1).all(|c| c.is_ascii_digit())
    })
}

/// A type as a `let` can write it: with `_` in place of each `impl Trait`.
pub(crate) fn with_placeholders(ty: &impl ToTokens) -> TokenStream {
    let mut trees = ty.to_token_stream().into_iter().peekable();
    let mut out = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(word) if word == "impl" => {
                out.extend([Ident::new("_", word.span())]);
                // The bounds end at the end of the surrounding group, or at a `,`, `;` or `>` that belongs to it.
                let (mut depth, mut arrow) = (0, false);
                while let Some(bound) = trees.peek() {
                    let mark = if let TokenTree::Punct(punct) = bound { punct.as_char() } else { ' ' };
                    depth += match mark {
                        ',' | ';' | '>' if depth == 0 && !arrow => break,
                        '<' => 1,
                        '>' if !arrow => -1,
                        _ => 0,
                    };
                    arrow = mark == '-';
                    trees.next();
                }
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_placeholders(&group.stream()));
                inner.set_span(group.span());
                out.extend([TokenTree::Group(inner)]);
            }
            tree => out.extend([tree]),
        }
    }
    out
}
