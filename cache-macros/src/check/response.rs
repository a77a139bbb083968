//! Response: options that contradict `response`.

use quote::ToTokens;
use syn::Error;
use syn::ext::IdentExt;

use crate::check::handler;
use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::feature::larder_feature;
use crate::options::table::Args;
use crate::verb::Verb;

/// Checks `response` and the options beside it.
pub(crate) fn check(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) {
    if let (Some(_), Some(span)) = (args.private.span(), args.shared.span()) {
        errors.at(
            span,
            "`private` stores a response per credential and `shared` one for all callers; remove one of them",
        );
    }
    let Some(span) = args.response.span() else { return };
    if let Some(message) = larder_feature!("axum").missing_for("response") {
        return errors.at(span, message);
    }
    with_response(verb, args, errors);
    uncached(args, func, errors);
    handler::check(func, errors);
}

/// Reports options that mean nothing with `response`.
fn with_response(verb: Verb, args: &Args, errors: &mut Errors) {
    if let Some(span) = args.codec.span() {
        errors.at(span, "`codec` applies to values, and a response is stored as bytes; remove it");
    }
    if let Some(span) = args.local_copy.span() {
        errors.at(span, "`local_copy` applies to values, and a response is stored as bytes; remove it");
    }
    if let (Some(span), true) = (args.tags_with.span(), verb.is_cache()) {
        errors.at(
            span,
            "`tags_with` takes the value of a function, and a response is stored as it is sent; name the tags by the arguments, \
             `tags = [\"user:{id}\"]`, or cache the function that reads the value",
        );
    }
    if let Some(span) = args.none_expire.span() {
        let remedy = if verb.is_cache() {
            "remove it, or list the statuses to cache: `statuses(200, 404)`"
        } else {
            "remove it"
        };
        errors.at(
            span,
            format!("`none_expire` applies to `None`, and the cached value is a response; {remedy}"),
        );
    }
}

/// Reports a name that the cached function has.
fn uncached(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(value) = args.uncached.get() else { return };
    let name = &func.sig.ident;
    if *name == value.to_token_stream().to_string() {
        let message = format!(
            "`{name}` is the cached function, and the one without the cache needs another name; write `uncached = {}_plain`",
            name.unraw()
        );
        errors.push(Error::new_spanned(value, message));
    }
}
