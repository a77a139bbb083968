//! Model: what an attribute and its function mean together. Every check has run once there is one.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, LitStr, Path, Result, Type};

use crate::args::Args;
use crate::duration::{self, Expiry};
use crate::entry::{self, EntryFn};
use crate::errors::Errors;
use crate::func::Func;
use crate::template::{self, Piece};
use crate::verb::{Verb, list};
use crate::{check, krate, shape, value};

pub(crate) struct Model {
    pub(crate) krate: Path,
    pub(crate) func: Func,
    pub(crate) site: Site,
    /// Another cache than the global one.
    pub(crate) cache: Option<Expr>,
    pub(crate) group: Option<Vec<Piece>>,
    pub(crate) action: Action,
}

pub(crate) enum Action {
    Cache { key: Key, when: Option<Expr>, keeping: Keeping, entry: Option<EntryFn> },
    Evict { entries: Option<Expr>, text: Option<Vec<Piece>>, before: bool },
    Put { target: Target, keeping: Keeping },
}

/// What is known at compile time.
pub(crate) struct Site {
    pub(crate) function: Ident,
    pub(crate) name: Option<LitStr>,
    pub(crate) generic: bool,
    pub(crate) base: Option<Expr>,
    pub(crate) expire: Option<u64>,
    pub(crate) none_expire: Option<u64>,
    pub(crate) codec: Option<Ident>,
    pub(crate) compress: Option<Ident>,
    pub(crate) version: Option<u32>,
}

/// What is known at each call.
pub(crate) struct Keeping {
    pub(crate) expire: Option<Expr>,
    pub(crate) none_expire: Option<Expr>,
    pub(crate) expire_with: Option<Expr>,
    pub(crate) unless: Option<Expr>,
}

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

pub(crate) enum Target {
    Entry(Expr),
    Text(Vec<Piece>),
}

impl Model {
    pub(crate) fn new(verb: Verb, args: TokenStream, item: TokenStream) -> Result<Self> {
        let mut errors = Errors::default();
        let args = Args::read(verb, args, &mut errors);
        let Some(mut func) = errors.note(Func::parse(verb, item)) else {
            return errors
                .finish(())
                .and_then(|()| Err(syn::Error::new(Span::call_site(), "nothing to cache")));
        };
        errors.extend(std::mem::take(&mut func.complaints));
        check::function(verb, &func, &mut errors);
        ignore(&args, &mut func, &mut errors);

        let krate = errors.note(krate::path(args.krate.get()));
        let (site, keeping) = policy(verb, &args, &func, &mut errors);
        let group = args.group.get().and_then(|value| text("group", value, &func, &mut errors));
        let action = match verb {
            Verb::Cache | Verb::Preset { .. } => Some(cached(&args, &func, keeping, &mut errors)),
            Verb::Evict => Some(evict(&args, &func, &mut errors)),
            Verb::Put => put(&args, &func, keeping, &mut errors),
        };
        let cache = args.cache.get().cloned();
        let model = krate.zip(action).map(|(krate, action)| Self { krate, func, site, cache, group, action });
        // Without a model there is an error, so the second half of this never speaks.
        errors
            .finish(model)?
            .ok_or_else(|| syn::Error::new(Span::call_site(), "this attribute cannot be read"))
    }
}

/// Marks what `ignore(..)` names.
fn ignore(args: &Args, func: &mut Func, errors: &mut Errors) {
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
            errors.push(syn::Error::new_spanned(
                item,
                format!("`{word}` is neither an argument of `{function}` nor the type of one; {remedy}"),
            ));
        }
    }
}

/// Splits what is known now from what each call has to work out.
fn policy(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) -> (Site, Keeping) {
    let mut expiry = |option: &str, value: Option<&Expr>| match errors.note(duration::read(option, value?))? {
        Expiry::Fixed(millis) => Some((Some(millis), None)),
        Expiry::Computed(value) => Some((None, Some(value))),
    };
    let (mut fixed, computed) = expiry("expire", args.expire.get()).unwrap_or_default();
    let (fixed_none, computed_none) = expiry("none_expire", args.none_expire.get()).unwrap_or_default();
    if let Verb::Preset { seconds, .. } = verb {
        fixed = Some(seconds * 1_000);
    }
    let codecs = [("json", "Json"), ("msgpack", "MsgPack"), ("postcard", "Postcard")];
    let compressions = [("lz4", "Lz4"), ("zstd", "Zstd")];
    let site = Site {
        function: func.sig.ident.clone(),
        name: args.name.get().and_then(|value| errors.note(value::name(value))),
        generic: func.is_generic(),
        base: args.policy.get().cloned(),
        expire: fixed,
        none_expire: fixed_none,
        codec: args.codec.get().and_then(|value| errors.note(value::choice("codec", value, &codecs))),
        compress: args
            .compress
            .get()
            .and_then(|value| errors.note(value::choice("compress", value, &compressions))),
        version: args.version.get().and_then(|value| errors.note(value::version(value))),
    };
    let keeping = Keeping {
        expire: computed,
        none_expire: computed_none,
        expire_with: args.expire_with.get().cloned(),
        unless: args.unless.get().cloned(),
    };
    (site, keeping)
}

fn text(option: &str, value: &Expr, func: &Func, errors: &mut Errors) -> Option<Vec<Piece>> {
    let Some(literal) = value::text(value) else {
        let message = format!("`{option}` is a text here; write one such as `{option} = \"user:{{id}}\"`");
        errors.push(syn::Error::new_spanned(value, message));
        return None;
    };
    Some(template::read(option, literal, func, errors))
}

fn cached(args: &Args, func: &Func, keeping: Keeping, errors: &mut Errors) -> Action {
    let key = match args.key.get().map(value::peel) {
        None => Key::Parts(arguments(func)),
        Some(value) if value::text(value).is_some() => {
            Key::Text(text("key", value, func, errors).unwrap_or_default())
        }
        Some(Expr::Tuple(tuple)) => Key::Parts(tuple.elems.iter().map(Part::of).collect()),
        Some(value) => Key::Parts(vec![Part::of(value)]),
    };
    let entry = args.entry.get().and_then(|value| errors.note(value::ident("entry", value)));
    let entry = entry.map(|ident| entry::of(ident, args, func, &keeping));
    Action::Cache { key, when: args.when.get().cloned(), keeping, entry }
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
    fn of(value: &Expr) -> Self {
        Self { value: quote!(#value), span: value.span(), cfgs: Vec::new() }
    }
}

fn evict(args: &Args, func: &Func, errors: &mut Errors) -> Action {
    if args.entry.get().is_none() && args.key.get().is_none() && args.group.get().is_none() {
        errors.at(
            Span::call_site(),
            "there is nothing to evict; write `entry = ..`, `key = \"..\"` or `group = \"..\"`",
        );
    }
    Action::Evict {
        entries: args.entry.get().cloned(),
        text: args.key.get().and_then(|value| text("key", value, func, errors)),
        before: args.before.span().is_some(),
    }
}

fn put(args: &Args, func: &Func, keeping: Keeping, errors: &mut Errors) -> Option<Action> {
    if let Some(computed) = &keeping.none_expire {
        let message = "`none_expire` cannot be an expression here; write seconds or text such as `\"10s\"`";
        errors.push(syn::Error::new_spanned(computed, message));
    }
    let target = match (args.entry.get(), args.key.get()) {
        (Some(entry), None) => {
            declared_elsewhere(args, errors);
            Target::Entry(entry.clone())
        }
        (None, Some(key)) => Target::Text(text("key", key, func, errors)?),
        (None, None) => {
            errors.at(
                Span::call_site(),
                "there is no place to keep the result; write `entry = ..` or `key = \"..\"`",
            );
            return None;
        }
        (Some(_), Some(_)) => {
            let span = args.key.span().unwrap_or_else(Span::call_site);
            errors.at(span, "`entry` and `key` name two places; remove one of them");
            return None;
        }
    };
    Some(Action::Put { target, keeping })
}

/// An entry brings its own policy, so another one beside it would be silently dropped.
fn declared_elsewhere(args: &Args, errors: &mut Errors) {
    let options = [
        ("expire", args.expire.span()),
        ("codec", args.codec.span()),
        ("compress", args.compress.span()),
        ("policy", args.policy.span()),
        ("version", args.version.span()),
        ("group", args.group.span()),
    ];
    for (option, span) in options {
        if let Some(span) = span {
            errors.at(span, format!("with `entry`, `{option}` comes from the cached function; remove it"));
        }
    }
}

/// The type in which results come, for the probes.
impl Model {
    pub(crate) fn result(&self) -> &Type {
        &self.func.shape.result
    }
}
