//! Checks: contradictions between options, and functions that cannot say that they were refused.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Error, Pat, ReturnType};

use super::options::LimitArgs;
use crate::check::function;
use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::types::head;
use crate::tokens::search::mentions;
use crate::verb::Verb;

/// The end of a message about a handler.
const LAYER: &str = "on an axum handler add the layer to its route, as in \
     `.route_layer(RateLimit::new(\"100/minute\").layer())`, which knows the address of the client and responds with `429`";

/// Reports every mistake.
pub(super) fn check(args: &LimitArgs, func: &Func, errors: &mut Errors) {
    function::signature(Verb::Limit, func, errors);
    if args.rates.is_empty() && errors.is_empty() {
        errors.at(
            Span::call_site(),
            "`#[rate_limit]` needs a rate; write one such as `#[rate_limit(\"100/minute\")]`",
        );
    }
    cost(args, errors);
    handler(func, errors);
    returned(func, errors);
}

/// Reports a cost that can never be admitted.
fn cost(args: &LimitArgs, errors: &mut Errors) {
    let Some((cost, place)) = args.cost else { return };
    let is_smooth = args.smooth || args.burst.is_some();
    let at_once = |limit: u64| match &args.burst {
        Some((burst, _)) => (*burst).clamp(1, limit),
        None if is_smooth => (limit / 10).max(1),
        None => limit,
    };
    let most = args.rates.iter().map(|(_, rate)| at_once(rate.limit)).min();
    if let Some(most) = most.filter(|most| cost > *most) {
        let why = if is_smooth { "hits are admitted at once" } else { "hits are admitted at all" };
        errors.at(place, format!("a cost of {cost} can never be admitted, because at most {most} {why}"));
    }
}

/// Reports an argument of the form `Path(id): Path<u64>`, which is an extractor.
fn handler(func: &Func, errors: &mut Errors) {
    for input in &func.sig.inputs {
        let syn::FnArg::Typed(typed) = input else { continue };
        let Pat::TupleStruct(pattern) = &*typed.pat else { continue };
        let name = pattern.path.segments.last().map(|segment| segment.ident.to_string());
        if name.is_some() && name == head(&typed.ty) {
            errors.at(typed.ty.span(), format!("`#[rate_limit]` goes on functions below handlers; {LAYER}"));
            return;
        }
    }
}

/// Reports a function whose type shows that it cannot return a refusal; others the compiler finds.
fn returned(func: &Func, errors: &mut Errors) {
    let message = "a refused call returns an error, so the function must return a `Result` whose error implements \
         `From<larder::rate_limit::Limited>`";
    match &func.sig.output {
        ReturnType::Default => errors.at(func.sig.ident.span(), message),
        ReturnType::Type(..) if mentions(&func.output.result, "impl") => {
            errors.push(Error::new_spanned(&func.output.result, format!("{message}; {LAYER}")));
        }
        ReturnType::Type(..) => {}
    }
}
