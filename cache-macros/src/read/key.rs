//! Key: `key = ..`, or the arguments that identify an entry.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Expr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::table::Args;
use crate::read::template::{self, Piece};
use crate::tokens::expr;

/// The parts of a call that identify its entry.
pub(crate) enum Key {
    Parts(Vec<KeyPart>),
    Text(Vec<Piece>),
}

/// One value that is hashed.
pub(crate) struct KeyPart {
    pub(crate) value: TokenStream,
    /// The place of the compiler's message if the value cannot be hashed.
    pub(crate) span: Span,
    pub(crate) cfgs: Vec<Attribute>,
}

impl KeyPart {
    fn of(value: &Expr, func: &Func) -> Self {
        let bound = func.with_bindings(value);
        Self { value: quote!(#bound), span: value.span(), cfgs: Vec::new() }
    }
}

/// Reads `key`, or takes all arguments that are not ignored.
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Key {
    match args.key.get().map(expr::peel) {
        None => Key::Parts(arguments(func)),
        Some(value) if expr::text(value).is_some() => {
            Key::Text(template::read("key", value, func, errors).unwrap_or_default())
        }
        Some(Expr::Tuple(tuple)) => {
            Key::Parts(tuple.elems.iter().map(|value| KeyPart::of(value, func)).collect())
        }
        Some(value) => Key::Parts(vec![KeyPart::of(value, func)]),
    }
}

/// Every argument that is not ignored, `self` first.
fn arguments(func: &Func) -> Vec<KeyPart> {
    let receiver = func.receiver.iter().filter(|receiver| !receiver.ignored).map(|receiver| KeyPart {
        value: receiver.token.to_token_stream(),
        span: receiver.token.span,
        cfgs: Vec::new(),
    });
    let params = func.params.iter().filter(|param| !param.ignored).map(|param| KeyPart {
        value: param.ident.to_token_stream(),
        span: param.ty.span(),
        cfgs: param.cfgs.clone(),
    });
    receiver.chain(params).collect()
}
