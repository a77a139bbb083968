//! Key: `key = ..`, or the arguments that identify an entry.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Expr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::param::Param;
use crate::options::table::Args;
use crate::read::template::{self, Piece};
use crate::tokens::expr;
use crate::tokens::search::names;

/// The parts of a call that identify its entry, and the arguments that are none of them.
pub(crate) struct Key {
    pub(crate) source: KeySource,
    /// Arguments outside the key. Some types matter all the same, which the compiler finds out.
    pub(crate) beside: Vec<BesidePart>,
}

/// The parts of a call that identify its entry.
pub(crate) enum KeySource {
    Arguments(Vec<KeyPart>),
    Expressions(Vec<KeyPart>),
    Text(Vec<Piece>),
}

/// One value that is hashed.
pub(crate) struct KeyPart {
    pub(crate) value: TokenStream,
    /// The place of the compiler's message if the value cannot be hashed.
    pub(crate) span: Span,
    pub(crate) cfgs: Vec<Attribute>,
}

/// An argument outside the key.
pub(crate) struct BesidePart {
    pub(crate) part: KeyPart,
    pub(crate) place: Place,
}

/// The place of an argument outside the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Unmentioned,
    /// The text of the key or of the group mentions the argument.
    InText,
    /// Explicitly ignored.
    Ignored,
}

impl KeyPart {
    fn of(value: &Expr, func: &Func) -> Self {
        let bound = func.with_bindings(value);
        Self { value: quote!(#bound), span: value.span(), cfgs: Vec::new() }
    }

    fn argument(param: &Param) -> Self {
        Self { value: param.ident.to_token_stream(), span: param.ty.span(), cfgs: param.cfgs.clone() }
    }
}

/// Reads `key`, or takes all arguments that are not ignored.
pub(crate) fn read(args: &Args, func: &Func, group: Option<&Vec<Piece>>, errors: &mut Errors) -> Key {
    let source = match args.key.get().map(expr::peel) {
        None => KeySource::Arguments(arguments(func)),
        Some(value) if expr::text(value).is_some() => {
            KeySource::Text(template::read("key", value, func, errors).unwrap_or_default())
        }
        Some(Expr::Tuple(tuple)) => {
            KeySource::Expressions(tuple.elems.iter().map(|value| KeyPart::of(value, func)).collect())
        }
        Some(value) => KeySource::Expressions(vec![KeyPart::of(value, func)]),
    };
    let is_handler = args.response.span().is_some();
    let beside = func.params.iter().filter_map(|param| {
        let place =
            if param.ignored { is_handler.then_some(Place::Ignored)? } else { place(param, &source, group)? };
        Some(BesidePart { part: KeyPart::argument(param), place })
    });
    let beside = beside.collect();
    Key { source, beside }
}

/// Every argument that is not ignored, `self` first.
fn arguments(func: &Func) -> Vec<KeyPart> {
    let receiver = func.receiver.iter().filter(|receiver| !receiver.ignored).map(|receiver| KeyPart {
        value: receiver.token.to_token_stream(),
        span: receiver.token.span,
        cfgs: Vec::new(),
    });
    receiver.chain(func.params.iter().filter(|param| !param.ignored).map(KeyPart::argument)).collect()
}

/// The place of an argument that is not ignored; `None` if it is part of the key.
fn place(param: &Param, source: &KeySource, group: Option<&Vec<Piece>>) -> Option<Place> {
    let name = param.name();
    let in_pieces = |pieces: &Vec<Piece>| {
        pieces.iter().any(|piece| matches!(piece, Piece::Value { value, .. } if names(value, &name)))
    };
    let in_text = match source {
        KeySource::Arguments(_) => return None,
        KeySource::Expressions(parts) if parts.iter().any(|part| names(&part.value, &name)) => return None,
        KeySource::Expressions(_) => false,
        KeySource::Text(pieces) => in_pieces(pieces),
    };
    Some(if in_text || group.is_some_and(in_pieces) { Place::InText } else { Place::Unmentioned })
}
