//! Model: what an attribute and its function mean together. Every check has run once there is one.

use proc_macro2::{Span, TokenStream};
use syn::{Expr, Path, Result, Type};

use crate::apart::{self, Apart};
use crate::args::Args;
use crate::entry::{self, EntryFn};
use crate::errors::Errors;
use crate::func::Func;
use crate::key::{self, Key};
use crate::response::{self, Handler};
use crate::site::{self, Keeping, Site};
use crate::template::Piece;
use crate::verb::Verb;
use crate::{check, krate, tags, value};

pub(crate) struct Model {
    pub(crate) krate: Path,
    pub(crate) func: Func,
    pub(crate) site: Site,
    /// Another cache than the global one.
    pub(crate) cache: Option<Expr>,
    pub(crate) group: Option<Vec<Piece>>,
    pub(crate) tags: Vec<Vec<Piece>>,
    /// With `response`.
    pub(crate) handler: Option<Handler>,
    pub(crate) action: Action,
}

#[expect(clippy::large_enum_variant, reason = "there is one per expansion")]
pub(crate) enum Action {
    Cache {
        key: Key,
        when: Option<Expr>,
        keeping: Keeping,
        entry: Option<EntryFn>,
        /// With options that refresh in the background.
        apart: Option<Apart>,
    },
    Evict {
        entries: Option<Expr>,
        text: Option<Vec<Piece>>,
        url: Option<Vec<Piece>>,
        before: bool,
    },
    Put {
        target: Target,
        keeping: Keeping,
    },
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
        check::function(verb, &args, &func, &mut errors);
        key::ignore(&args, &mut func, &mut errors);

        let krate = errors.note(krate::path(args.krate.get()));
        let (site, keeping) = site::read(verb, &args, &func, &mut errors);
        let group = args.group.get().and_then(|value| key::text("group", value, &func, &mut errors));
        let tags = tags::read(&args, &func, &mut errors);
        let handler = response::read(verb, &args, &func, &mut errors);
        let action = match verb {
            Verb::Cache | Verb::Preset { .. } => {
                let background = &site.fresh.background;
                let apart = (!background.is_empty()).then(|| apart::of(&func, background, &mut errors));
                Some(cached(&args, &func, keeping, apart, &mut errors))
            }
            Verb::Evict => Some(evict(&args, &func, &mut errors)),
            Verb::Put => put(&args, &func, keeping, &mut errors),
        };
        let cache = args.cache.get().map(|cache| func.reaching(cache));
        let model = krate.zip(action).map(|(krate, action)| Self {
            krate,
            func,
            site,
            cache,
            group,
            tags,
            handler,
            action,
        });
        // Without a model there is an error, so the second half of this never speaks.
        errors
            .finish(model)?
            .ok_or_else(|| syn::Error::new(Span::call_site(), "this attribute cannot be read"))
    }
}

fn cached(
    args: &Args,
    func: &Func,
    mut keeping: Keeping,
    apart: Option<Apart>,
    errors: &mut Errors,
) -> Action {
    if let Some(apart) = &apart {
        apart::rules(&keeping, apart, errors);
        keeping.owns();
    }
    let key = key::of(args, func, errors);
    let entry = args.entry.get().and_then(|value| errors.note(value::ident("entry", value)));
    let entry = entry.map(|ident| entry::of(ident, args, func, &keeping));
    Action::Cache { key, when: args.when.get().map(|when| func.reaching(when)), keeping, entry, apart }
}

fn evict(args: &Args, func: &Func, errors: &mut Errors) -> Action {
    if let (Some(span), false) = (args.url.span(), cfg!(any(feature = "http", test))) {
        errors.at(span, "`url` needs the feature `http` of larder, or `axum`, which brings it");
    }
    let written = [args.entry.span(), args.key.span(), args.url.span(), args.group.span(), args.tags.span()];
    if written.iter().all(Option::is_none) {
        errors.at(
            Span::call_site(),
            "there is nothing to evict; write `entry = ..`, `key = \"..\"`, `url = \"..\"`, `group = \"..\"` or `tags = [\"..\"]`",
        );
    }
    Action::Evict {
        entries: args.entry.get().cloned(),
        text: args.key.get().and_then(|value| key::text("key", value, func, errors)),
        url: args.url.get().and_then(|value| response::url(value, func, errors)),
        before: args.before.span().is_some(),
    }
}

fn put(args: &Args, func: &Func, keeping: Keeping, errors: &mut Errors) -> Option<Action> {
    if let (Some(computed), None) = (&keeping.none_expire, args.response.span()) {
        let message = "`none_expire` cannot be an expression here; write seconds or text such as `\"10s\"`";
        errors.push(syn::Error::new_spanned(computed, message));
    }
    let target = match (args.entry.get(), args.key.get()) {
        (Some(entry), None) => {
            declared_elsewhere(args, errors);
            Target::Entry(entry.clone())
        }
        (None, Some(key)) => Target::Text(key::text("key", key, func, errors)?),
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
        ("none_expire", args.none_expire.span()),
        ("codec", args.codec.span()),
        ("compress", args.compress.span()),
        ("policy", args.policy.span()),
        ("version", args.version.span()),
        ("group", args.group.span()),
        ("tags", args.tags.span()),
    ];
    for (option, span) in options {
        if let Some(span) = span {
            errors.at(span, format!("with `entry`, `{option}` comes from the cached function; remove it"));
        }
    }
}

impl Model {
    /// Whether the function is one that is cached.
    pub(crate) fn is_cache(&self) -> bool {
        matches!(self.action, Action::Cache { .. })
    }

    /// What a call comes to, for the probes.
    pub(crate) fn result(&self) -> &Type {
        &self.func.shape.result
    }
}
