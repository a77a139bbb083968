//! Entry: the function beside a cached one that `entry = name` asks for.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, FnArg, GenericParam, ReceiverKind, Signature};

use crate::args::Args;
use crate::func::Func;
use crate::param::Param;
use crate::shape::mentions_word;
use crate::site::Keeping;

pub(crate) struct EntryFn {
    pub(crate) ident: Ident,
    /// The receiver, if there is one, and the parameters that stay.
    pub(crate) inputs: Vec<FnArg>,
    /// Statements that mention each once, so that one which only fixes a type is not told to be unused.
    pub(crate) mentioned: Vec<TokenStream>,
    pub(crate) expire: Option<Expr>,
    pub(crate) none_expire: Option<Expr>,
}

/// The entry function takes what the key is made of, and not what is explicitly ignored.
pub(crate) fn of(ident: Ident, args: &Args, func: &Func, keeping: &Keeping) -> EntryFn {
    let sig = func.signature();
    let mut params = func.params.iter();
    let (mut inputs, mut mentioned) = (Vec::new(), Vec::new());
    for input in &sig.inputs {
        if let FnArg::Receiver(receiver) = input {
            mentioned.push(mention(&[], &receiver.self_token));
            let mut input = input.clone();
            unmoved(&mut input);
            inputs.push(input);
        } else if let Some(param) = params.next().filter(|param| stays(param, args, &sig)) {
            mentioned.push(mention(&param.cfgs, &param.ident));
            inputs.push(input.clone());
        }
    }
    // An expiry that is worked out from arguments belongs to calls of the function, which have them all.
    let fixed = |value: &Option<Expr>| {
        value.clone().filter(|value| !func.params.iter().any(|param| mentions_word(value, &param.name())))
    };
    EntryFn {
        ident,
        inputs,
        mentioned,
        expire: fixed(&keeping.expire),
        none_expire: fixed(&keeping.none_expire),
    }
}

fn mention(cfgs: &[Attribute], name: &impl ToTokens) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #(#cfgs)* let _ = &#name;)
}

/// `mut self` says something about a body that this function does not have.
pub(crate) fn unmoved(input: &mut FnArg) {
    if let FnArg::Receiver(receiver) = input
        && !matches!(receiver.kind, ReceiverKind::Reference(..))
    {
        receiver.mutability = None;
    }
}

fn stays(param: &Param, args: &Args, sig: &Signature) -> bool {
    let name = param.name();
    let names =
        || param.bound().into_iter().map(|(bound, _)| bound.unraw().to_string()).chain([name.clone()]);
    let mut mentions =
        [&args.cache, &args.key, &args.group, &args.tags].into_iter().filter_map(|slot| slot.get());
    !param.ignored
        || mentions.any(|value| names().any(|name| mentions_word(value, &name)))
        || fixes_generic(param, sig)
}

/// Whether callers could not name an instance of the function without this parameter.
fn fixes_generic(param: &Param, sig: &Signature) -> bool {
    let names = sig.generics.params.iter().map(|generic| match generic {
        GenericParam::Lifetime(lifetime) => lifetime.lifetime.ident.to_string(),
        GenericParam::Type(ty) => ty.ident.to_string(),
        GenericParam::Const(constant) => constant.ident.to_string(),
    });
    mentions_word(&param.ty, "impl") || names.into_iter().any(|name| mentions_word(&param.ty, &name))
}
