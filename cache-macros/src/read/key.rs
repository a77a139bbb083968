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

/// The parts of a call that identify its entry, and the places of its arguments.
pub(crate) struct Key {
    pub(crate) source: KeySource,
    /// Arguments outside the key, and those of a handler that the key holds or mentions. Some types matter all the same, which the
    /// compiler finds out.
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

/// An argument in its place.
pub(crate) struct BesidePart {
    pub(crate) part: KeyPart,
    pub(crate) place: Place,
}

/// The place of an argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Unmentioned,
    /// The text of the key or of the group mentions the argument.
    InText,
    /// Explicitly ignored.
    Ignored,
    /// The key of a handler holds the argument.
    InKey,
    /// The key or the group of a handler mentions the argument.
    Named,
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
    let beside = func.params.iter().flat_map(|param| {
        let mention = mention(param, &source, group);
        let counts = !param.ignored && matches!(source, KeySource::Arguments(_));
        let outside = match (param.ignored, mention) {
            (true, _) => is_handler.then_some(Place::Ignored),
            (false, _) if counts => None,
            (false, Some(Mention::Text)) => Some(Place::InText),
            (false, Some(Mention::Expression)) => None,
            (false, None) => Some(Place::Unmentioned),
        };
        let inside = if mention.is_some() { Some(Place::Named) } else { counts.then_some(Place::InKey) };
        let places = outside.into_iter().chain(inside.filter(|_| is_handler));
        places.map(|place| BesidePart { part: KeyPart::argument(param), place })
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

/// A mention of an argument in a key or a group.
#[derive(Clone, Copy)]
enum Mention {
    Text,
    Expression,
}

/// The mention of an argument in the key or the group, if there is one.
fn mention(param: &Param, source: &KeySource, group: Option<&Vec<Piece>>) -> Option<Mention> {
    let name = param.name();
    let in_pieces = |pieces: &Vec<Piece>| {
        pieces.iter().any(|piece| matches!(piece, Piece::Value { value, .. } if names(value, &name)))
    };
    let in_text = match source {
        KeySource::Expressions(parts) if parts.iter().any(|part| names(&part.value, &name)) => {
            return Some(Mention::Expression);
        }
        KeySource::Arguments(_) | KeySource::Expressions(_) => false,
        KeySource::Text(pieces) => in_pieces(pieces),
    };
    (in_text || group.is_some_and(in_pieces)).then_some(Mention::Text)
}
