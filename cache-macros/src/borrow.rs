//! Borrow: types whose values cannot outlive the call.

use syn::{GenericArgument, Lifetime, Path, PathArguments, Type, TypeParamBound};

/// Whether it never ends.
pub(crate) fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// Whether a value of this type holds what somebody else owns. The arguments of a function that it may be are not in it.
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
