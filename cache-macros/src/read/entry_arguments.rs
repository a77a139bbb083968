//! Entry arguments: the arguments in the parentheses of `entry = profile_entry(id)`.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Error, Expr, ExprCall, GenericParam, Signature};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::param::Param;
use crate::options::table::Args;
use crate::tokens::expr::peel;
use crate::tokens::search;

/// The arguments of an entry function, as they are written.
pub(crate) struct EntryArguments {
    /// The indices of the parameters, in the order of the entry function.
    pub(crate) params: Vec<usize>,
    pub(crate) takes_self: bool,
}

impl EntryArguments {
    /// Returns true if the entry function takes the parameter at `index`.
    pub(crate) fn takes(&self, index: usize) -> bool {
        self.params.contains(&index)
    }
}

/// Reads the parentheses, if there are any.
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Option<EntryArguments> {
    let Some(Expr::Call(call)) = args.entry.get().map(peel) else { return None };
    let mut taken = EntryArguments { params: Vec::new(), takes_self: false };
    let mut is_read = true;
    for argument in &call.args {
        if let Err(message) = taken.add(argument, func) {
            errors.push(Error::new_spanned(argument, message));
            is_read = false;
        }
    }
    let params = func.params.iter().enumerate();
    for (_, param) in params.filter(|(index, _)| is_read && !taken.takes(*index)) {
        if let Some(reason) = needed_for(param, args, &func.sig) {
            let Some(name) = param.names().into_iter().next() else { continue };
            errors.push(Error::new_spanned(
                call,
                format!("the entry function needs `{name}`, {reason}; write `{}`", with(call, &name)),
            ));
        }
    }
    Some(taken)
}

impl EntryArguments {
    /// Adds one argument, which is a name.
    fn add(&mut self, argument: &Expr, func: &Func) -> Result<(), String> {
        let name = match peel(argument) {
            Expr::Path(path) => path.path.get_ident().map(|name| name.unraw().to_string()),
            _ => None,
        };
        let Some(name) = name else {
            return Err("the entry function takes arguments of this function; write their names, as in `entry = user_entry(id)`".to_owned());
        };
        let twice = || Err(format!("`{name}` is given twice; remove one of them"));
        if name == "self" && func.receiver.is_some() {
            return if std::mem::replace(&mut self.takes_self, true) { twice() } else { Ok(()) };
        }
        match func.param_index(&name) {
            Some(index) if self.takes(index) => twice(),
            Some(index) => {
                self.params.push(index);
                Ok(())
            }
            None => Err(format!(
                "`{name}` is not an argument of `{}`; {}",
                func.sig.ident.unraw(),
                func.argument_list()
            )),
        }
    }
}

/// The reason for which the entry function cannot leave out a parameter.
fn needed_for(param: &Param, args: &Args, sig: &Signature) -> Option<String> {
    let written = [("cache", &args.cache), ("key", &args.key), ("group", &args.group), ("tags", &args.tags)];
    let is_in =
        |value: &Expr| param.names().iter().any(|name| search::names(value, &name.unraw().to_string()));
    let option = written.into_iter().find(|(_, slot)| slot.get().is_some_and(is_in));
    if let Some((option, _)) = option {
        return Some(format!("which `{option}` mentions"));
    }
    let mut generics = sig.generics.params.iter().filter_map(|generic| match generic {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(ty) => Some(ty.ident.to_string()),
        GenericParam::Const(constant) => Some(constant.ident.to_string()),
    });
    let is_generic =
        search::mentions(&param.ty, "impl") || generics.any(|name| search::mentions(&param.ty, &name));
    is_generic.then(|| "whose type is not known without it".to_owned())
}

/// The call with one more argument, for a message.
fn with(call: &ExprCall, name: &Ident) -> String {
    let written = call.args.iter().map(|argument| argument.to_token_stream().to_string());
    let arguments: Vec<_> = written.chain([name.to_string()]).collect();
    format!("{}({})", call.func.to_token_stream(), arguments.join(", "))
}
