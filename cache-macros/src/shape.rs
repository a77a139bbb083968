//! Shape: how a function gives its result, and what its type mentions.

use proc_macro2::{Group, Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    AngleBracketedGenericArguments, GenericArgument, Path, PathArguments, Signature, Type, TypeParamBound,
};

use crate::func::returned;

pub(crate) struct Shape {
    pub(crate) flavor: Flavor,
    /// What a call comes to: of a boxed future, its output.
    pub(crate) result: Type,
}

pub(crate) enum Flavor {
    Async,
    Sync,
    /// `fn(..) -> Pin<Box<dyn Future<Output = T>>>`, which `#[async_trait]` makes of an `async fn`.
    Boxed,
}

pub(crate) fn of(sig: &Signature) -> Shape {
    let result = returned(&sig.output);
    if sig.asyncness.is_some() {
        return Shape { flavor: Flavor::Async, result };
    }
    match boxed_output(&result) {
        Some(output) => Shape { flavor: Flavor::Boxed, result: output.clone() },
        None => Shape { flavor: Flavor::Sync, result },
    }
}

/// `T` of `Pin<Box<dyn Future<Output = T> + ..>>`.
fn boxed_output(ty: &Type) -> Option<&Type> {
    let pinned = only_type(ty, "Pin")?;
    let Type::TraitObject(object) = only_type(pinned, "Box")? else { return None };
    object.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        arguments(&bound.path, "Future")?.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(&output.ty),
            _ => None,
        })
    })
}

fn only_type<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = peel(ty) else { return None };
    let arguments = arguments(&path.path, name)?;
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => Some(peel(ty)),
        _ => None,
    }
}

fn arguments<'a>(path: &'a Path, name: &str) -> Option<&'a AngleBracketedGenericArguments> {
    let last = path.segments.last().filter(|last| last.ident == name)?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments),
        _ => None,
    }
}

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

/// Whether `name` occurs, also inside the text of a `format!`.
pub(crate) fn mentions_word(tokens: &impl ToTokens, name: &str) -> bool {
    any(tokens.to_token_stream(), &mut |tree, _| match tree {
        TokenTree::Ident(ident) => ident == name || ident.to_string().strip_prefix("r#") == Some(name),
        TokenTree::Literal(literal) => literal.to_string().contains(&format!("{{{name}")),
        _ => false,
    })
}

/// Whether a type borrows: any reference, any lifetime but `'static`.
pub(crate) fn borrows(ty: &Type) -> bool {
    any(ty.to_token_stream(), &mut |tree, next| match tree {
        TokenTree::Punct(punct) if punct.as_char() == '&' => true,
        TokenTree::Punct(punct) if punct.as_char() == '\'' => {
            !matches!(next, Some(TokenTree::Ident(name)) if name == "static")
        }
        _ => false,
    })
}

/// Whether a type surely has no type parameter in it, which only chooses a faster path: a typed copy of the value is
/// kept beside its bytes, and that takes `'static`, which nobody can promise for a parameter.
///
/// The header of the `impl` around a method is out of sight, so what looks like a parameter is taken for one: `Self`, a
/// capital with or without digits, and whatever hangs on a type, as in `Row::Id`.
pub(crate) fn is_concrete(ty: &Type) -> bool {
    let mut path_of_type = 0;
    !any(ty.to_token_stream(), &mut |tree, _| match tree {
        TokenTree::Ident(name) => {
            let name = name.to_string();
            let parameter = name == "Self"
                || name.starts_with(char::is_uppercase) && name.chars().skip(1).all(|c| c.is_ascii_digit());
            let associated = path_of_type == 2;
            path_of_type = if name.starts_with(char::is_uppercase) { -1 } else { 0 };
            parameter || associated
        }
        TokenTree::Punct(punct) if punct.as_char() == ':' && path_of_type != 0 => {
            path_of_type = if punct.spacing() == Spacing::Joint { 1 } else { 2 };
            false
        }
        _ => {
            path_of_type = 0;
            false
        }
    })
}

/// A type as a `let` can write it: with `_` in place of each `impl Trait`.
pub(crate) fn named(ty: &impl ToTokens) -> TokenStream {
    let mut trees = ty.to_token_stream().into_iter().peekable();
    let mut out = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(word) if word == "impl" => {
                out.extend([Ident::new("_", word.span())]);
                // The bounds end with what is around them, or with a `,` or `;` of that.
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
                let mut inner = Group::new(group.delimiter(), named(&group.stream()));
                inner.set_span(group.span());
                out.extend([TokenTree::Group(inner)]);
            }
            tree => out.extend([tree]),
        }
    }
    out
}

/// Whether `test` holds for a token and the one behind it, in whatever group they stand.
fn any(tokens: TokenStream, test: &mut impl FnMut(&TokenTree, Option<&TokenTree>) -> bool) -> bool {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        if test(&tree, trees.peek()) {
            return true;
        }
        if let TokenTree::Group(group) = tree
            && any(group.stream(), test)
        {
            return true;
        }
    }
    false
}
