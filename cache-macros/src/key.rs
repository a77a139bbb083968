//! Key: what of a call names its entry.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr};

use crate::args::Args;
use crate::errors::Errors;
use crate::func::Func;
use crate::template::{self, Piece};
use crate::verb::list;
use crate::{shape, value};

pub(crate) enum Key {
    Parts(Vec<Part>),
    Text(Vec<Piece>),
}

/// One value that is hashed.
pub(crate) struct Part {
    pub(crate) value: TokenStream,
    /// Where it is told that the value cannot be hashed.
    pub(crate) span: Span,
    pub(crate) cfgs: Vec<Attribute>,
}

/// `key = ..`, or all arguments that are not ignored.
pub(crate) fn of(args: &Args, func: &Func, errors: &mut Errors) -> Key {
    match args.key.get().map(value::peel) {
        None => Key::Parts(arguments(func)),
        Some(value) if value::text(value).is_some() => {
            Key::Text(text("key", value, func, errors).unwrap_or_default())
        }
        Some(Expr::Tuple(tuple)) => {
            Key::Parts(tuple.elems.iter().map(|value| Part::of(value, func)).collect())
        }
        Some(value) => Key::Parts(vec![Part::of(value, func)]),
    }
}

/// Every argument that counts, `self` first.
fn arguments(func: &Func) -> Vec<Part> {
    let receiver = func.receiver.iter().filter(|receiver| !receiver.ignored).map(|receiver| Part {
        value: receiver.token.to_token_stream(),
        span: receiver.token.span,
        cfgs: Vec::new(),
    });
    let params = func.params.iter().filter(|param| !param.ignored).map(|param| Part {
        value: param.ident.to_token_stream(),
        span: param.ty.span(),
        cfgs: param.cfgs.clone(),
    });
    receiver.chain(params).collect()
}

impl Part {
    fn of(value: &Expr, func: &Func) -> Self {
        let reaching = func.reaching(value);
        Self { value: quote!(#reaching), span: value.span(), cfgs: Vec::new() }
    }
}

/// A template, where nothing else is taken.
pub(crate) fn text(option: &str, value: &Expr, func: &Func, errors: &mut Errors) -> Option<Vec<Piece>> {
    let Some(literal) = value::text(value) else {
        let message = format!("`{option}` is a text here; write one such as `{option} = \"user:{{id}}\"`");
        errors.push(Error::new_spanned(value, message));
        return None;
    };
    Some(template::read(option, literal, func, errors))
}

/// Marks what `ignore(..)` names.
pub(crate) fn ignore(args: &Args, func: &mut Func, errors: &mut Errors) {
    for item in args.ignore.get().into_iter().flatten() {
        let word = item.to_token_stream().to_string();
        let bare = word.strip_prefix("r#").unwrap_or(&word);
        let mut found = false;
        if let (Some(receiver), "self") = (&mut func.receiver, bare) {
            (receiver.ignored, found) = (true, true);
        }
        for param in func.params.iter_mut().filter(|param| param.is_named() && param.name() == bare) {
            (param.ignored, found) = (true, true);
        }
        if !found && let Some(head) = shape::head(item) {
            for param in func.params.iter_mut().filter(|param| shape::head(&param.ty).as_ref() == Some(&head))
            {
                (param.ignored, found) = (true, true);
            }
        }
        if !found {
            let (function, names) = (&func.sig.ident, func.argument_names());
            let remedy = if names.is_empty() {
                "it has no named arguments".to_owned()
            } else {
                format!("arguments are {}", list(names))
            };
            errors.push(Error::new_spanned(
                item,
                format!("`{word}` is neither an argument of `{function}` nor the type of one; {remedy}"),
            ));
        }
    }
}
