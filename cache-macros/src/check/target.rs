//! Target: the entries that `#[cache_evict]` and `#[cache_put]` act on.

use proc_macro2::Span;
use syn::Error;

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::feature::larder_feature;
use crate::options::table::Args;
use crate::read::runtime_options::RuntimeOptions;
use crate::tokens::search::mentions;

/// Checks the options of `#[cache_evict]`.
pub(crate) fn evict(args: &Args, func: &Func, errors: &mut Errors) {
    if let (Some(span), Some(message)) = (args.url.span(), larder_feature!("http").missing_for("url")) {
        errors.at(span, message);
    }
    // After another mistake, such as `tag = ..`, it is not known what is missing.
    let is_first = errors.is_empty();
    value_of_response(args, func, errors);
    let late = [args.entry_with.span(), args.tags_with.span()];
    let written = [args.entry.span(), args.key.span(), args.url.span(), args.group.span(), args.tags.span()];
    if is_first && written.iter().chain(&late).all(Option::is_none) {
        errors.at(
            Span::call_site(),
            "there is nothing to evict; write `entry = ..`, `key = \"..\"`, `url = \"..\"`, `group = \"..\"` or `tags = [\"..\"]`, or by the result `entry_with = |value| ..` or `tags_with = |value| [..]`",
        );
    }
}

/// Reports closures of the value where the value has no type that a closure could name.
fn value_of_response(args: &Args, func: &Func, errors: &mut Errors) {
    let result = &func.output.result;
    if args.response.span().is_none() || !mentions(result, "impl") {
        return;
    }
    for (option, span) in [("entry_with", args.entry_with.span()), ("tags_with", args.tags_with.span())] {
        if span.is_some() {
            let message = format!(
                "`{option}` takes what the handler returns, and `impl Trait` has no name; name the type"
            );
            return errors.push(Error::new_spanned(result, message));
        }
    }
}

/// Checks the options of `#[cache_put]`.
pub(crate) fn put(args: &Args, options: &RuntimeOptions, errors: &mut Errors) {
    if let (Some(computed), None) = (&options.none_expire, args.response.span()) {
        let message = "`none_expire` cannot be an expression here; write seconds or text such as `\"10s\"`";
        errors.push(Error::new_spanned(computed, message));
    }
    match (args.entry.span(), args.key.span()) {
        (Some(_), None) => with_entry(args, errors),
        (None, Some(_)) => {}
        (None, None) if !errors.is_empty() => {}
        (None, None) => errors.at(
            Span::call_site(),
            "there is no entry to store the result in; write `entry = ..` or `key = \"..\"`",
        ),
        (Some(_), Some(span)) => errors.at(span, "`entry` and `key` both name the entry; remove one of them"),
    }
}

/// An entry has the policy of its cached function, so another policy beside it would be ignored.
fn with_entry(args: &Args, errors: &mut Errors) {
    let settings = args.settings().into_iter().map(|written| (written.name, Some(written.span)));
    let options = [("expire", args.expire.span()), ("none_expire", args.none_expire.span())].into_iter();
    let others = [("policy", args.policy.span()), ("group", args.group.span()), ("tags", args.tags.span())];
    for (option, span) in options.chain(settings).chain(others) {
        if let Some(span) = span {
            errors.at(span, format!("with `entry`, `{option}` comes from the cached function; remove it"));
        }
    }
}
