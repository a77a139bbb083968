//! Entry: `entry = profile_entry` or `entry = profile_entry(id)`, the function to generate beside the cached one.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, FnArg, GenericParam, Signature};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::param::{Param, Receiver, without_mut};
use crate::options::table::Args;
use crate::read::entry_arguments::EntryArguments;
use crate::read::runtime_options::RuntimeOptions;
use crate::read::value;
use crate::tokens::expr::peel;
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
    arguments: Option<&EntryArguments>,
    runtime_options: &RuntimeOptions,
    errors: &mut Errors,
) -> Option<EntryFn> {
    let ident = match peel(args.entry.get()?) {
        Expr::Call(call) => value::ident("entry", &call.func),
        name => value::ident("entry", name),
    };
    let ident = errors.take(ident)?;
    let inputs = Inputs::new(args, func, arguments);
    let known = |value: &Option<Expr>| value.clone().filter(|value| !inputs.lack(value, func));
    let (expire, none_expire) = (known(&runtime_options.expire), known(&runtime_options.none_expire));
    let Inputs { inputs, mentions, .. } = inputs;
    Some(EntryFn { ident, inputs, mentions, expire, none_expire })
}

/// The inputs of the entry function.
struct Inputs {
    inputs: Vec<FnArg>,
    mentions: Vec<TokenStream>,
    has_receiver: bool,
}

impl Inputs {
    /// The arguments in the parentheses of `entry`; else those of the key, and not those that are explicitly ignored.
    fn new(args: &Args, func: &Func, arguments: Option<&EntryArguments>) -> Self {
        let mut sig = func.signature();
        sig.inputs.iter_mut().for_each(without_mut);
        let mut inputs = Self { inputs: Vec::new(), mentions: Vec::new(), has_receiver: false };
        let (receivers, typed): (Vec<_>, Vec<_>) =
            sig.inputs.iter().cloned().partition(|input| matches!(input, FnArg::Receiver(_)));
        let receiver = func.receiver.as_ref().filter(|receiver| is_needed(receiver, args, arguments));
        if let (Some(receiver), Some(input)) = (receiver, receivers.into_iter().next()) {
            inputs.add(input, &[], &receiver.token);
            inputs.has_receiver = true;
        }
        let taken = match arguments {
            Some(arguments) => arguments.params.clone(),
            None => {
                (0..func.params.len()).filter(|index| is_taken(&func.params[*index], args, &sig)).collect()
            }
        };
        for index in taken {
            let param = &func.params[index];
            inputs.add(typed[index].clone(), &param.cfgs, &param.ident);
        }
        inputs
    }

    fn add(&mut self, input: FnArg, cfgs: &[Attribute], name: &impl ToTokens) {
        self.mentions.push(mention(cfgs, name));
        self.inputs.push(input);
    }

    /// Returns true if an expiry depends on arguments. It is for calls of the function, which have all of them.
    fn lack(&self, value: &Expr, func: &Func) -> bool {
        let has_argument = func.params.iter().any(|param| mentions(value, &param.name()));
        has_argument || (!self.has_receiver && mentions(value, "self"))
    }
}

/// Returns true if the entry function has a receiver: `self` counts, is in the parentheses, or an option needs it.
fn is_needed(receiver: &Receiver, args: &Args, arguments: Option<&EntryArguments>) -> bool {
    arguments.map_or(!receiver.ignored, |arguments| arguments.takes_self)
        || is_written(args, &["self".to_owned()])
}

/// Returns true if an option that the entry function has, too, mentions one of the names.
fn is_written(args: &Args, names: &[String]) -> bool {
    let mut written =
        [&args.cache, &args.key, &args.group, &args.tags].into_iter().filter_map(|slot| slot.get());
    written.any(|value| names.iter().any(|name| mentions(value, name)))
}

fn mention(cfgs: &[Attribute], name: &impl ToTokens) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #(#cfgs)* let _ = &#name;)
}

fn is_taken(param: &Param, args: &Args, sig: &Signature) -> bool {
    let names: Vec<_> = param.names().iter().map(|name| name.unraw().to_string()).collect();
    !param.ignored || is_written(args, &names) || fixes_generic(param, sig)
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
