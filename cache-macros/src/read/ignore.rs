//! Ignore: `ignore(..)`, arguments by name or by type, and names in patterns.

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Type};

use crate::errors::{Errors, list};
use crate::input::func::Func;
use crate::input::param::Param;
use crate::input::types::head;
use crate::options::table::Args;

/// Marks the arguments that `ignore(..)` names.
pub(crate) fn apply(args: &Args, func: &mut Func, errors: &mut Errors) {
    let mut places = Vec::new();
    for item in args.ignore.get().into_iter().flatten() {
        let word = item.to_token_stream().to_string();
        let word = word.strip_prefix("r#").unwrap_or(&word);
        if ignore(item, word, func) {
            continue;
        }
        if let Some(index) = func.param_index(word) {
            func.params[index].ignored_names.push(word.to_owned());
            places.push((index, item.span()));
            continue;
        }
        let function = &func.sig.ident;
        let arguments = func.argument_list();
        errors.push(Error::new_spanned(
            item,
            format!("`{word}` is neither an argument of `{function}` nor the type of one; {arguments}"),
        ));
    }
    for (index, span) in places {
        parts(args, &mut func.params[index], span, errors);
    }
}

/// An argument is ignored once all names in its pattern are. Of some of them only a key tells which others count.
fn parts(args: &Args, param: &mut Param, span: Span, errors: &mut Errors) {
    let names: Vec<_> = param.names().iter().map(|name| name.unraw().to_string()).collect();
    if names.iter().all(|name| param.ignored_names.contains(name)) {
        param.ignored = true;
    } else if args.key.get().is_none() {
        let message = format!(
            "without `key` an argument counts as a whole, and this is a part of one; write a `key` of the parts that count, or ignore {}",
            list(names)
        );
        errors.at(span, message);
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
    if found || func.param_index(name).is_some() {
        return found;
    }
    let Some(wanted) = head(item) else { return false };
    for param in func.params.iter_mut().filter(|param| head(&param.ty).as_ref() == Some(&wanted)) {
        (param.ignored, found) = (true, true);
    }
    found
}
