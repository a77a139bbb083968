//! Model: the meaning of an attribute and its function. A model exists only if every check has passed.

use proc_macro2::{Group, Span, TokenStream};
use syn::{Expr, Path, Result, Type};

use crate::check::{self, Attribute};
use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::table::Args;
use crate::read::background::{self, BackgroundBody};
use crate::read::call_site::{self, CallSite};
use crate::read::copies::{self, Copies};
use crate::read::entry::{self, EntryFn};
use crate::read::entry_arguments;
use crate::read::key::{self, Key};
use crate::read::late::{self, LateOptions};
use crate::read::many::{self, IdsParam, ManyEntries};
use crate::read::response::{self, ResponseOptions};
use crate::read::runtime_options::RuntimeOptions;
use crate::read::template::{self, Piece};
use crate::read::{ignore, krate, tags, url};
use crate::tokens::spans::located;
use crate::verb::Verb;

/// An attribute and its function.
pub(crate) struct Model {
    pub(crate) krate: Path,
    pub(crate) func: Func,
    /// The body; a function without one was refused.
    pub(crate) body: Group,
    pub(crate) call_site: CallSite,
    /// A cache other than the global one.
    pub(crate) cache: Option<Expr>,
    pub(crate) group: Option<Vec<Piece>>,
    pub(crate) tags: Vec<Vec<Piece>>,
    /// With `response`.
    pub(crate) response: Option<ResponseOptions>,
    pub(crate) action: Action,
}

/// The action of an attribute.
#[expect(clippy::large_enum_variant, reason = "there is one per expansion")]
pub(crate) enum Action {
    Cache {
        key: Key,
        when: Option<Expr>,
        copies: Copies,
        runtime_options: RuntimeOptions,
        entry: Option<EntryFn>,
        /// With options that refresh in the background.
        background: Option<BackgroundBody>,
    },
    Many {
        ids: IdsParam,
        entries: ManyEntries,
        when: Option<Expr>,
        copies: Copies,
        runtime_options: RuntimeOptions,
        /// With options that refresh in the background.
        background: Option<BackgroundBody>,
    },
    Evict {
        entries: Option<Expr>,
        key: Option<Vec<Piece>>,
        url: Option<Vec<Piece>>,
        before: bool,
        /// With `entry_with` or `tags_with`.
        late: Option<LateOptions>,
    },
    Put {
        target: PutTarget,
        runtime_options: RuntimeOptions,
    },
}

/// The entry that `#[cache_put]` overwrites.
pub(crate) enum PutTarget {
    Entry(Expr),
    Key(Vec<Piece>),
}

impl Model {
    /// Reads and checks an attribute; the error holds all mistakes.
    pub(crate) fn new(verb: Verb, args: TokenStream, item: TokenStream) -> Result<Self> {
        let mut errors = Errors::default();
        let written = args.clone();
        let args = Args::parse(verb, args, &mut errors);
        let Some(mut func) = errors.take(Func::parse(verb, item)) else { return errors.finish(None) };
        func.params.iter_mut().for_each(|param| param.note_mentions(&written));
        errors.extend(std::mem::take(&mut func.param_errors));
        check::function::check(verb, &args, &func, &mut errors);
        ignore::apply(&args, &mut func, &mut errors);
        let model = Self::read(verb, &args, func, &mut errors);
        errors.finish(model)
    }

    fn read(verb: Verb, args: &Args, func: Func, errors: &mut Errors) -> Option<Self> {
        let krate = errors.take(krate::path(args.krate.get()));
        let (call_site, runtime_options) = call_site::read(verb, args, &func, errors);
        let group = args.group.get().and_then(|value| template::read("group", value, &func, errors));
        let tags = tags::read(verb, args, &func, errors);
        let response = response::read(args, &func, errors);
        let in_background = &call_site.in_background;
        let background = (!in_background.is_empty()).then(|| background::read(&func, in_background, errors));
        let attribute = Attribute {
            verb,
            args,
            func: &func,
            call_site: &call_site,
            runtime_options: &runtime_options,
            background: background.as_ref(),
        };
        check::options(&attribute, errors);
        let action = match verb {
            Verb::Cache | Verb::Preset { .. } => {
                Some(cache(args, &func, runtime_options, background, group.as_ref(), errors))
            }
            Verb::Many => many(args, &func, runtime_options, background, group.as_ref(), errors),
            Verb::Evict => Some(evict(args, &func, errors)),
            Verb::Put => put(args, &func, runtime_options, errors),
            // It has no model: `limit` expands it.
            #[cfg(feature = "rate_limit")]
            Verb::Limit => None,
        };
        let cache = args.cache.get().map(|cache| func.with_bindings(cache));
        let body = func.body.clone();
        Some(Self {
            krate: krate?,
            body: body?,
            action: action?,
            func,
            call_site,
            cache,
            group,
            tags,
            response,
        })
    }

    /// Returns true if the function itself is cached.
    pub(crate) fn is_cache(&self) -> bool {
        matches!(self.action, Action::Cache { .. } | Action::Many { .. })
    }

    /// The type of a call's value, for the probes.
    pub(crate) fn result(&self) -> &Type {
        &self.func.output.result
    }

    /// The path of the facade, for messages that point at `place`.
    pub(crate) fn krate_at(&self, place: Span) -> TokenStream {
        located(&self.krate, place)
    }
}

fn cache(
    args: &Args,
    func: &Func,
    mut runtime_options: RuntimeOptions,
    background: Option<BackgroundBody>,
    group: Option<&Vec<Piece>>,
    errors: &mut Errors,
) -> Action {
    if background.is_some() {
        runtime_options.make_owned();
    }
    let entry_arguments = entry_arguments::read(args, func, errors);
    let key = key::read(args, func, group, entry_arguments.as_ref(), errors);
    let entry = entry::read(args, func, entry_arguments.as_ref(), &runtime_options, errors);
    let when = args.when.get().map(|when| func.with_bindings(when));
    let copies = copies::read(args, func, errors);
    Action::Cache { key, when, copies, runtime_options, entry, background }
}

fn many(
    args: &Args,
    func: &Func,
    mut runtime_options: RuntimeOptions,
    background: Option<BackgroundBody>,
    group: Option<&Vec<Piece>>,
    errors: &mut Errors,
) -> Option<Action> {
    if background.is_some() {
        runtime_options.make_owned();
    }
    let ids = many::ids(func, errors)?;
    let entries = many::entries(args, func, &ids, group, errors);
    let when = args.when.get().map(|when| func.with_bindings(when));
    let copies = copies::read(args, func, errors);
    Some(Action::Many { ids, entries, when, copies, runtime_options, background })
}

fn evict(args: &Args, func: &Func, errors: &mut Errors) -> Action {
    Action::Evict {
        entries: args.entry.get().cloned(),
        key: args.key.get().and_then(|value| template::read("key", value, func, errors)),
        url: args.url.get().and_then(|value| url::read(value, func, errors)),
        before: args.before.span().is_some(),
        late: late::read(args, errors),
    }
}

fn put(args: &Args, func: &Func, runtime_options: RuntimeOptions, errors: &mut Errors) -> Option<Action> {
    let target = match (args.entry.get(), args.key.get()) {
        (Some(entry), None) => PutTarget::Entry(entry.clone()),
        (None, Some(key)) => PutTarget::Key(template::read("key", key, func, errors)?),
        // `check/target.rs` reports either case.
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(Action::Put { target, runtime_options })
}
