//! Borrow: types whose values cannot outlive the call.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::{GenericArgument, Lifetime, Path, PathArguments, Type, TypeParamBound};

use crate::tokens::search::any;

/// Returns true if a type mentions any reference, or any lifetime but `'static`.
pub(crate) fn mentions_borrow(ty: &Type) -> bool {
    any(ty.to_token_stream(), &mut |tree, next| match tree {
        TokenTree::Punct(punct) if punct.as_char() == '&' => true,
        TokenTree::Punct(punct) if punct.as_char() == '\'' => {
            !matches!(next, Some(TokenTree::Ident(name)) if name == "static")
        }
        _ => false,
    })
}

/// Returns true for `'static`.
pub(crate) fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// Returns true if a value of this type borrows. The arguments of a function type do not count: the value does not hold them.
pub(crate) fn holds_borrow(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => {
            reference.mutability.is_some()
                || !reference.lifetime.as_ref().is_some_and(is_static)
                || holds_borrow(&reference.elem)
        }
        Type::Group(group) => holds_borrow(&group.elem),
        Type::Paren(paren) => holds_borrow(&paren.elem),
        Type::Slice(slice) => holds_borrow(&slice.elem),
        Type::Array(array) => holds_borrow(&array.elem),
        Type::Ptr(pointer) => holds_borrow(&pointer.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(holds_borrow),
        Type::Path(path) => {
            path.qself.as_ref().is_some_and(|qself| holds_borrow(&qself.ty)) || path_holds_borrow(&path.path)
        }
        Type::TraitObject(object) => object.bounds.iter().any(bound_holds_borrow),
        Type::ImplTrait(object) => object.bounds.iter().any(bound_holds_borrow),
        _ => false,
    }
}

fn path_holds_borrow(path: &Path) -> bool {
    path.segments.iter().any(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().any(|argument| match argument {
            GenericArgument::Lifetime(lifetime) => !is_static(lifetime),
            GenericArgument::Type(ty) => holds_borrow(ty),
            GenericArgument::AssocType(assoc) => holds_borrow(&assoc.ty),
            _ => false,
        }),
        _ => false,
    })
}

fn bound_holds_borrow(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Lifetime(lifetime) => !is_static(lifetime),
        TypeParamBound::Trait(bound) => path_holds_borrow(&bound.path),
        _ => false,
    }
}
