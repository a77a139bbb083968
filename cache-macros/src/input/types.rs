//! Types: questions about a type that its tokens answer.

use proc_macro2::{Group, Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Type, TypeParamBound};

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

/// Returns true if a type certainly contains no type parameter. Only such a type gets the faster path, a typed copy of the value
/// beside its bytes: the copy must be `'static`, and a parameter may not be.
///
/// The header of the `impl` around a method is out of sight, so whatever looks like a parameter is taken for one: `Self`, a
/// capital with or without digits, and an associated type such as `Row::Id`.
pub(crate) fn is_concrete(ty: &Type) -> bool {
    // -1 after the name of a type, 1 and 2 after the first and the second `:` that follow the name.
    let mut colons = 0;
    !any(ty.to_token_stream(), &mut |tree, _| match tree {
        TokenTree::Ident(name) => {
            let name = name.to_string();
            let parameter = name == "Self"
                || name.starts_with(char::is_uppercase) && name.chars().skip(1).all(|c| c.is_ascii_digit());
            let associated = colons == 2;
            colons = if name.starts_with(char::is_uppercase) { -1 } else { 0 };
            parameter || associated
        }
        TokenTree::Punct(punct) if punct.as_char() == ':' && colons != 0 => {
            colons = if punct.spacing() == Spacing::Joint { 1 } else { 2 };
            false
        }
        _ => {
            colons = 0;
            false
        }
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
