//! Ignore: `ignore(..)`, arguments by name or by type.

use quote::ToTokens;
use syn::{Error, Type};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::types::head;
use crate::options::table::Args;

/// Marks the arguments that `ignore(..)` names.
pub(crate) fn apply(args: &Args, func: &mut Func, errors: &mut Errors) {
    for item in args.ignore.get().into_iter().flatten() {
        let word = item.to_token_stream().to_string();
        if ignore(item, word.strip_prefix("r#").unwrap_or(&word), func) {
            continue;
        }
        let function = &func.sig.ident;
        let arguments = func.argument_list();
        errors.push(Error::new_spanned(
            item,
            format!("`{word}` is neither an argument of `{function}` nor the type of one; {arguments}"),
        ));
    }
}

/// Returns false if nothing has this name or type. A name takes precedence over a type.
fn ignore(item: &Type, name: &str, func: &mut Func) -> bool {
    let mut found = false;
    if let (Some(receiver), "self") = (&mut func.receiver, name) {
        (receiver.ignored, found) = (true, true);
    }
    for param in func.params.iter_mut().filter(|param| param.is_named() && param.name() == name) {
        (param.ignored, found) = (true, true);
    }
    if found {
        return true;
    }
    let Some(wanted) = head(item) else { return false };
    for param in func.params.iter_mut().filter(|param| head(&param.ty).as_ref() == Some(&wanted)) {
        (param.ignored, found) = (true, true);
    }
    found
}
