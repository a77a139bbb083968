//! Background: the function as a closure that a background refresh can run after the call, with arguments of its own.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, GenericParam, Receiver, ReceiverKind, Token, Type};

use crate::errors::{Errors, list};
use crate::input::body::{SELF_NAME, not_in_closure, with_self_renamed};
use crate::input::borrow::{holds_borrow, is_static};
use crate::input::func::Func;
use crate::input::param::Param;
use crate::tokens::search::mentions;

/// A function that can run in the background.
pub(crate) struct BackgroundBody {
    /// The receiver, if there is one, and every parameter, in order.
    pub(crate) params: Vec<ClosureParam>,
    /// The tokens of the body, with [`SELF_NAME`] for `self`.
    pub(crate) body: TokenStream,
}

/// One parameter of the closure that the body becomes.
pub(crate) struct ClosureParam {
    /// The argument in the function.
    pub(crate) value: TokenStream,
    /// The argument in the closure.
    pub(crate) name: Ident,
    pub(crate) mutability: Option<Token![mut]>,
    pub(crate) cfgs: Vec<Attribute>,
    /// The type as a closure can write it; `None` if the type has no name, such as `impl Trait`.
    pub(crate) ty: Option<TokenStream>,
    /// The argument is borrowed, so that a background refresh needs a clone.
    pub(crate) by_ref: bool,
    /// The place of the compiler's message if the argument cannot go to the background.
    pub(crate) span: Span,
}

/// Reads the function and reports what cannot go to the background. `options` are those that need it there.
pub(crate) fn read(func: &Func, options: &[&str], errors: &mut Errors) -> BackgroundBody {
    let tokens = func.body.as_ref().map(Group::stream).unwrap_or_default();
    for (span, message) in not_in_closure(tokens.clone(), &lifetimes(func)) {
        errors.at(span, message);
    }
    let mut params = Vec::new();
    let mut add = |place: TokenStream, name: &str, read: Result<ClosureParam, &str>| match read {
        Ok(param) => params.push(param),
        Err(why) => {
            let message =
                format!("{name} {why}; take an owned type or an `Arc`, or remove {}", list(options));
            errors.push(Error::new_spanned(place, message));
        }
    };
    if let Some(receiver) = func.sig.receiver() {
        add(receiver.to_token_stream(), "`self`", ClosureParam::of_receiver(receiver));
    }
    for param in &func.params {
        add(param.ty.to_token_stream(), &param.described(), ClosureParam::of_param(param));
    }
    BackgroundBody { params, body: with_self_renamed(tokens) }
}

/// The lifetimes that the function declares.
fn lifetimes(func: &Func) -> Vec<String> {
    let params = func.sig.generics.params.iter();
    let lifetimes = params.filter_map(|param| match param {
        GenericParam::Lifetime(lifetime) => Some(lifetime.lifetime.ident.to_string()),
        _ => None,
    });
    lifetimes.collect()
}

impl ClosureParam {
    fn of_receiver(receiver: &Receiver) -> Result<Self, &'static str> {
        let (ty, by_ref) = receiver_type(receiver)?;
        Ok(Self {
            value: receiver.self_token.to_token_stream(),
            name: Ident::new(SELF_NAME, receiver.self_token.span),
            mutability: receiver.mutability.filter(|_| !matches!(receiver.kind, ReceiverKind::Reference(..))),
            cfgs: Vec::new(),
            ty,
            by_ref,
            span: receiver.self_token.span,
        })
    }

    fn of_param(param: &Param) -> Result<Self, &'static str> {
        let (ty, by_ref) = param_type(&param.ty)?;
        Ok(Self {
            value: param.ident.to_token_stream(),
            name: param.ident.clone(),
            mutability: None,
            cfgs: param.cfgs.clone(),
            ty,
            by_ref,
            span: param.ty.span(),
        })
    }
}

const MUTABLE: &str = "is borrowed mutably, and a background refresh outlives the borrow";
const HOLDS_BORROW: &str = "holds a borrow, and a background refresh outlives it";

/// [`ClosureParam::ty`] and [`ClosureParam::by_ref`].
type ClosureType = Result<(Option<TokenStream>, bool), &'static str>;

fn receiver_type(receiver: &Receiver) -> ClosureType {
    let this = quote_spanned!(receiver.self_token.span=> Self);
    match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(_)) => Err(MUTABLE),
        ReceiverKind::Reference(_, Some(lifetime), None) if is_static(lifetime) => {
            Ok((Some(quote!(&#lifetime #this)), false))
        }
        ReceiverKind::Reference(..) => Ok((Some(quote!(&#this)), true)),
        ReceiverKind::Typed(_, ty) => param_type(ty),
        _ => Ok((Some(this), false)),
    }
}

fn param_type(ty: &Type) -> ClosureType {
    let nameless = mentions(ty, "impl");
    let mut inner = ty;
    while let Type::Group(group) = inner {
        inner = &group.elem;
    }
    match inner {
        Type::Reference(reference) if reference.mutability.is_some() => Err(MUTABLE),
        Type::Reference(reference) if !reference.lifetime.as_ref().is_some_and(is_static) => {
            let elem = &reference.elem;
            let and = reference.and_token;
            if holds_borrow(elem) {
                return Err(HOLDS_BORROW);
            }
            Ok(((!nameless).then(|| quote!(#and #elem)), true))
        }
        _ if holds_borrow(ty) => Err(HOLDS_BORROW),
        _ => Ok(((!nameless).then(|| ty.to_token_stream()), false)),
    }
}
