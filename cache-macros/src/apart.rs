//! Apart: what a function takes with it into a background refresh, which outlives the call that lent it its arguments.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, GenericArgument, GenericParam, Lifetime, Path, PathArguments, Receiver, ReceiverKind,
    ReturnType, Type, TypeParamBound,
};

use crate::body::{self, THIS};
use crate::errors::Errors;
use crate::func::Func;
use crate::shape::mentions_word;
use crate::verb::list;

/// A function that can run apart from its caller.
pub(crate) struct Apart {
    /// The receiver, if there is one, and every parameter, in order.
    pub(crate) inputs: Vec<Input>,
    /// The tokens of the body, with a plain name for `self`.
    pub(crate) body: TokenStream,
}

/// One parameter of the closure that the body becomes.
pub(crate) struct Input {
    /// What the function calls it.
    pub(crate) value: TokenStream,
    /// What the body calls it.
    pub(crate) name: Ident,
    pub(crate) mutability: Option<syn::Token![mut]>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) way: Way,
    /// Where it is told that it cannot go along.
    pub(crate) span: Span,
}

pub(crate) struct Way {
    /// As a closure can write it; `None` where the type has no name, such as `impl Trait`.
    pub(crate) ty: Option<TokenStream>,
    /// Whether the caller keeps it, so that a refresh needs a clone.
    pub(crate) lent: bool,
}

/// Reads the function; what cannot go into the background is noted. `options` are those that ask for it.
pub(crate) fn of(func: &Func, options: &[&str], errors: &mut Errors) -> Apart {
    let mut refuse = |place: &dyn ToTokens, name: &str, why: &str| {
        let message = format!("{name} {why}; take an owned type or an `Arc`, or leave out {}", list(options));
        errors.push(Error::new_spanned(place.to_token_stream(), message));
    };
    let mut inputs = Vec::new();
    if let Some(receiver) = func.sig.receiver() {
        match receiver_way(receiver) {
            Ok(way) => inputs.push(Input::this(receiver, way)),
            Err(why) => refuse(receiver, "`self`", why),
        }
    }
    for param in &func.params {
        match way(&param.ty) {
            Ok(way) => inputs.push(Input {
                value: param.ident.to_token_stream(),
                name: param.ident.clone(),
                mutability: None,
                cfgs: param.cfgs.clone(),
                way,
                span: param.ty.span(),
            }),
            Err(why) => refuse(&param.ty, &param.described(), why),
        }
    }
    let tokens = func.body.as_ref().map(proc_macro2::Group::stream).unwrap_or_default();
    let lifetimes: Vec<String> = func
        .sig
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Lifetime(lifetime) => Some(lifetime.lifetime.ident.to_string()),
            _ => None,
        })
        .collect();
    for (span, message) in body::complaints(tokens.clone(), &lifetimes) {
        errors.at(span, message);
    }
    Apart { inputs, body: body::renamed(tokens) }
}

impl Input {
    fn this(receiver: &Receiver, way: Way) -> Self {
        Self {
            value: receiver.self_token.to_token_stream(),
            name: Ident::new(THIS, receiver.self_token.span),
            mutability: receiver.mutability.filter(|_| !matches!(receiver.kind, ReceiverKind::Reference(..))),
            cfgs: Vec::new(),
            way,
            span: receiver.self_token.span,
        }
    }
}

const CHANGED: &str = "is lent to be changed, and a refresh in the background has nobody to change it for";
const HOLDS: &str = "holds a borrow, and a refresh in the background outlives it";

fn receiver_way(receiver: &Receiver) -> Result<Way, &'static str> {
    let this = quote_spanned!(receiver.self_token.span=> Self);
    match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(_)) => Err(CHANGED),
        ReceiverKind::Reference(_, Some(lifetime), None) if is_static(lifetime) => {
            Ok(Way { ty: Some(quote!(&#lifetime #this)), lent: false })
        }
        ReceiverKind::Reference(..) => Ok(Way { ty: Some(quote!(&#this)), lent: true }),
        ReceiverKind::Typed(_, ty) => way(ty),
        _ => Ok(Way { ty: Some(this), lent: false }),
    }
}

fn way(ty: &Type) -> Result<Way, &'static str> {
    let nameless = mentions_word(ty, "impl");
    let mut inner = ty;
    while let Type::Group(group) = inner {
        inner = &group.elem;
    }
    match inner {
        Type::Reference(reference) if reference.mutability.is_some() => Err(CHANGED),
        Type::Reference(reference) if !reference.lifetime.as_ref().is_some_and(is_static) => {
            let elem = &reference.elem;
            let and = reference.and_token;
            if holds_borrow(elem) {
                return Err(HOLDS);
            }
            Ok(Way { ty: (!nameless).then(|| quote!(#and #elem)), lent: true })
        }
        _ if holds_borrow(ty) => Err(HOLDS),
        _ => Ok(Way { ty: (!nameless).then(|| ty.to_token_stream()), lent: false }),
    }
}

fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// Whether a value of this type holds what somebody else owns. The arguments of a function that it may be are not in it.
fn holds_borrow(ty: &Type) -> bool {
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

/// The type of a boxed future as a closure can write it: it names no lifetime of the function.
pub(crate) fn unnamed(output: &ReturnType) -> TokenStream {
    body::without_lifetimes(crate::func::returned(output).to_token_stream())
}
