//! Key: `key = ..`, or the arguments that identify an entry.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::param::{Param, Receiver};
use crate::options::table::Args;
use crate::read::entry_arguments::EntryArguments;
use crate::read::template::{self, Piece};
use crate::tokens::{expr, search};

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
pub(crate) enum Place {
    /// The key does not mention the argument, whose pattern binds nothing.
    Unbound,
    /// The key does not mention the argument, which has this name or binds it.
    Unmentioned(Ident),
    /// The key mentions another name in the pattern; the tokens are the value that has this name.
    UnmentionedPart(Ident, TokenStream),
    /// The key does not mention `self`.
    UnmentionedSelf,
    /// The entry function does not take the argument.
    Omitted(Ident),
    /// The entry function does not take `self`.
    OmittedSelf,
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

    fn receiver(receiver: &Receiver) -> Self {
        let Receiver { token, .. } = receiver;
        Self { value: token.to_token_stream(), span: token.span, cfgs: Vec::new() }
    }

    fn argument(param: &Param) -> Self {
        Self { value: param.ident.to_token_stream(), span: param.ty.span(), cfgs: param.cfgs.clone() }
    }
}

/// Reads `key`, or takes all arguments that are not ignored, or those that the entry function takes.
pub(crate) fn read(
    args: &Args,
    func: &Func,
    group: Option<&Vec<Piece>>,
    entry: Option<&EntryArguments>,
    errors: &mut Errors,
) -> Key {
    let written = args.key.get().map(expr::peel);
    let source = match written {
        None => KeySource::Arguments(arguments(func, entry)),
        Some(value) if expr::text(value).is_some() => {
            KeySource::Text(template::read("key", value, func, errors).unwrap_or_default())
        }
        Some(Expr::Tuple(tuple)) => {
            KeySource::Expressions(tuple.elems.iter().map(|value| KeyPart::of(value, func)).collect())
        }
        Some(value) => KeySource::Expressions(vec![KeyPart::of(value, func)]),
    };
    let mentions = Mentions { source: &source, expressions: written, group };
    let is_handler = args.response.span().is_some();
    let mut beside = Vec::new();
    if let Some(receiver) = func.receiver.as_ref().filter(|receiver| !receiver.ignored) {
        beside.extend(receiver_place(receiver, &mentions, entry));
    }
    for (index, param) in func.params.iter().enumerate() {
        let is_taken = entry.is_none_or(|entry| entry.takes(index));
        let places = places(param, func, &mentions, is_taken, is_handler);
        beside.extend(places.into_iter().map(|place| BesidePart { part: KeyPart::argument(param), place }));
    }
    Key { source, beside }
}

/// Every argument that is not ignored and that the entry function takes, `self` first.
fn arguments(func: &Func, entry: Option<&EntryArguments>) -> Vec<KeyPart> {
    let receiver = func.receiver.iter().filter(|receiver| !receiver.ignored);
    let receiver = receiver.filter(|_| entry.is_none_or(|entry| entry.takes_self)).map(KeyPart::receiver);
    let params = func.params.iter().enumerate();
    let params =
        params.filter(|(index, param)| !param.ignored && entry.is_none_or(|entry| entry.takes(*index)));
    receiver.chain(params.map(|(_, param)| KeyPart::argument(param))).collect()
}

/// The place of `self`, where that is not the key.
fn receiver_place(
    receiver: &Receiver,
    mentions: &Mentions<'_>,
    entry: Option<&EntryArguments>,
) -> Option<BesidePart> {
    let place = match mentions.source {
        KeySource::Arguments(_) if entry.is_some_and(|entry| !entry.takes_self) => Place::OmittedSelf,
        KeySource::Expressions(_) | KeySource::Text(_) if mentions.of("self").is_none() => {
            Place::UnmentionedSelf
        }
        _ => return None,
    };
    Some(BesidePart { part: KeyPart::receiver(receiver), place })
}

/// The places of an argument outside the key, and of a handler's also those in it.
fn places(
    param: &Param,
    func: &Func,
    mentions: &Mentions<'_>,
    is_taken: bool,
    is_handler: bool,
) -> Vec<Place> {
    let names: Vec<_> = param.names().into_iter().map(|name| (name.unraw().to_string(), name)).collect();
    let mention = names.iter().find_map(|(name, _)| mentions.of(name));
    let is_key = matches!(mentions.source, KeySource::Arguments(_));
    let mut missing = names
        .into_iter()
        .filter(|(name, _)| !param.ignored_names.contains(name) && mentions.of(name).is_none());
    let mut places = Vec::new();
    match (param.ignored, mention) {
        (true, _) => places.extend(is_handler.then_some(Place::Ignored)),
        (false, _) if is_key && is_taken => {}
        (false, _) if is_key => {
            places.push(missing.next().map_or(Place::Unbound, |(_, name)| Place::Omitted(name)));
        }
        (false, None) => {
            places.push(missing.next().map_or(Place::Unbound, |(_, name)| Place::Unmentioned(name)));
        }
        (false, Some(mention)) => {
            places.extend(matches!(mention, Mention::Text).then_some(Place::InText));
            places.extend(missing.map(|(text, name)| match func.binding(&text, name.span()) {
                Some(value) => Place::UnmentionedPart(name, value),
                None => Place::Unmentioned(name),
            }));
        }
    }
    if is_handler && mention.is_some() {
        places.push(Place::Named);
    } else if is_handler && is_key && is_taken && !param.ignored {
        places.push(Place::InKey);
    }
    places
}

/// A mention of an argument in a key or a group.
#[derive(Clone, Copy)]
enum Mention {
    Text,
    Expression,
}

/// The places where arguments may be mentioned.
struct Mentions<'a> {
    source: &'a KeySource,
    /// `key` as it is written.
    expressions: Option<&'a Expr>,
    group: Option<&'a Vec<Piece>>,
}

impl Mentions<'_> {
    /// The mention of the argument or binding with this name, if there is one.
    fn of(&self, name: &str) -> Option<Mention> {
        let in_pieces = |pieces: &Vec<Piece>| {
            pieces.iter().any(|piece| matches!(piece, Piece::Value { argument, .. } if argument == name))
        };
        let in_text = match self.source {
            KeySource::Expressions(_) if self.expressions.is_some_and(|key| search::names(key, name)) => {
                return Some(Mention::Expression);
            }
            KeySource::Arguments(_) | KeySource::Expressions(_) => false,
            KeySource::Text(pieces) => in_pieces(pieces),
        };
        (in_text || self.group.is_some_and(in_pieces)).then_some(Mention::Text)
    }
}
