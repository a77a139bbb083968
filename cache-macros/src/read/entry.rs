//! Entry: `entry = profile_entry`, the function to generate beside the cached one.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, FnArg, GenericParam, Signature};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::param::{Param, without_mut};
use crate::options::table::Args;
use crate::read::runtime_options::RuntimeOptions;
use crate::read::value;
use crate::tokens::search::mentions;

/// The entry function.
pub(crate) struct EntryFn {
    pub(crate) ident: Ident,
    /// The receiver, if there is one, and the parameters that the entry function takes.
    pub(crate) inputs: Vec<FnArg>,
    /// A statement that mentions each of them, so that one that only fixes a type is no unused variable.
    pub(crate) mentions: Vec<TokenStream>,
    pub(crate) expire: Option<Expr>,
    pub(crate) none_expire: Option<Expr>,
}

/// Reads `entry`.
pub(crate) fn read(
    args: &Args,
    func: &Func,
    runtime_options: &RuntimeOptions,
    errors: &mut Errors,
) -> Option<EntryFn> {
    let ident = errors.take(value::ident("entry", args.entry.get()?))?;
    Some(entry_fn(ident, args, func, runtime_options))
}

/// The entry function takes the arguments of the key, and not those that are explicitly ignored.
fn entry_fn(ident: Ident, args: &Args, func: &Func, runtime_options: &RuntimeOptions) -> EntryFn {
    let sig = func.signature();
    let mut params = func.params.iter();
    let (mut inputs, mut mentions) = (Vec::new(), Vec::new());
    for input in &sig.inputs {
        if let FnArg::Receiver(receiver) = input {
            mentions.push(mention(&[], &receiver.self_token));
            let mut input = input.clone();
            without_mut(&mut input);
            inputs.push(input);
        } else if let Some(param) = params.next().filter(|param| is_taken(param, args, &sig)) {
            mentions.push(mention(&param.cfgs, &param.ident));
            inputs.push(input.clone());
        }
    }
    let without_arguments =
        |value: &Option<Expr>| value.clone().filter(|value| !mentions_argument(value, func));
    EntryFn {
        ident,
        inputs,
        mentions,
        expire: without_arguments(&runtime_options.expire),
        none_expire: without_arguments(&runtime_options.none_expire),
    }
}

fn mention(cfgs: &[Attribute], name: &impl ToTokens) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #(#cfgs)* let _ = &#name;)
}

/// An expiry that depends on arguments is for calls of the function, which have all of them.
fn mentions_argument(value: &Expr, func: &Func) -> bool {
    func.params.iter().any(|param| mentions(value, &param.name()))
}

fn is_taken(param: &Param, args: &Args, sig: &Signature) -> bool {
    let name = param.name();
    let names =
        || param.bindings().into_iter().map(|bound| bound.name.unraw().to_string()).chain([name.clone()]);
    let mut texts =
        [&args.cache, &args.key, &args.group, &args.tags].into_iter().filter_map(|slot| slot.get());
    !param.ignored
        || texts.any(|value| names().any(|name| mentions(value, &name)))
        || fixes_generic(param, sig)
}

/// Returns true if callers could not name an instance of the function without this parameter.
fn fixes_generic(param: &Param, sig: &Signature) -> bool {
    let names = sig.generics.params.iter().map(|generic| match generic {
        GenericParam::Lifetime(lifetime) => lifetime.lifetime.ident.to_string(),
        GenericParam::Type(ty) => ty.ident.to_string(),
        GenericParam::Const(constant) => constant.ident.to_string(),
    });
    mentions(&param.ty, "impl") || names.into_iter().any(|name| mentions(&param.ty, &name))
}
