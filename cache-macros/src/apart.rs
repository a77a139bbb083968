//! Apart: what a function takes with it into a background refresh, which outlives the call that lent it its arguments.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, GenericParam, Receiver, ReceiverKind, ReturnType, Type};

use crate::body::{self, THIS};
use crate::borrow::{holds_borrow, is_static};
use crate::errors::Errors;
use crate::fresh::variable;
use crate::func::Func;
use crate::param::Param;
use crate::shape::mentions_word;
use crate::site::Keeping;
use crate::value;
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
    let tokens = func.body.as_ref().map(proc_macro2::Group::stream).unwrap_or_default();
    for (span, message) in body::complaints(tokens.clone(), &lifetimes(func)) {
        errors.at(span, message);
    }
    let mut inputs = Vec::new();
    let mut take = |place: TokenStream, name: &str, read: Result<Input, &str>| match read {
        Ok(input) => inputs.push(input),
        Err(why) => {
            let message =
                format!("{name} {why}; take an owned type or an `Arc`, or leave out {}", list(options));
            errors.push(Error::new_spanned(place, message));
        }
    };
    if let Some(receiver) = func.sig.receiver() {
        take(receiver.to_token_stream(), "`self`", Input::this(receiver));
    }
    for param in &func.params {
        take(param.ty.to_token_stream(), &param.described(), Input::of(param));
    }
    Apart { inputs, body: body::renamed(tokens) }
}

/// Those that the function names itself.
fn lifetimes(func: &Func) -> Vec<String> {
    let params = func.sig.generics.params.iter();
    let lifetimes = params.filter_map(|param| match param {
        GenericParam::Lifetime(lifetime) => Some(lifetime.lifetime.ident.to_string()),
        _ => None,
    });
    lifetimes.collect()
}

/// Refuses what `unless` and `expire_with` would borrow: they are asked when the caller is gone, too.
pub(crate) fn rules(keeping: &Keeping, apart: &Apart, errors: &mut Errors) {
    for (option, rule) in [("unless", &keeping.unless), ("expire_with", &keeping.expire_with)] {
        let Some(Expr::Closure(closure)) = rule.as_ref().map(value::peel) else { continue };
        for input in apart.inputs.iter().filter(|input| input.way.lent) {
            let name = input.value.to_string();
            let is_own = mentions_word(&closure.inputs, &name);
            if let (false, Some(span)) = (is_own, variable(closure.body.to_token_stream(), &name)) {
                let message = format!(
                    "`{option}` is asked in the background, too, and cannot borrow `{name}`; look at the value alone, or take an owned argument"
                );
                errors.at(span, message);
            }
        }
    }
}

impl Input {
    fn this(receiver: &Receiver) -> Result<Self, &'static str> {
        Ok(Self {
            value: receiver.self_token.to_token_stream(),
            name: Ident::new(THIS, receiver.self_token.span),
            mutability: receiver.mutability.filter(|_| !matches!(receiver.kind, ReceiverKind::Reference(..))),
            cfgs: Vec::new(),
            way: receiver_way(receiver)?,
            span: receiver.self_token.span,
        })
    }

    fn of(param: &Param) -> Result<Self, &'static str> {
        Ok(Self {
            value: param.ident.to_token_stream(),
            name: param.ident.clone(),
            mutability: None,
            cfgs: param.cfgs.clone(),
            way: way(&param.ty)?,
            span: param.ty.span(),
        })
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

/// The type of a boxed future as a closure can write it: it names no lifetime of the function.
pub(crate) fn unnamed(output: &ReturnType) -> TokenStream {
    body::without_lifetimes(crate::func::returned(output).to_token_stream())
}
