//! Function: functions whose values cannot be cached, whatever the options are.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, ReturnType, Safety, Type};

use crate::errors::Errors;
use crate::input::borrow::mentions_borrow;
use crate::input::func::{Func, is_cache};
use crate::input::types::head;
use crate::options::table::Args;
use crate::tokens::search::mentions;
use crate::verb::Verb;

/// Reports every reason against `func`.
pub(crate) fn check(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) {
    signature(verb, func, errors);
    if verb.is_cache() {
        for second in func.attrs.iter().filter(|attr| is_cache(attr)) {
            let message =
                "a function is cached by one attribute; remove this one and write its options in the other";
            errors.push(Error::new_spanned(second, message));
        }
    }
    returned(verb, args, func, errors);
}

/// Reports functions that no attribute can call.
pub(crate) fn signature(verb: Verb, func: &Func, errors: &mut Errors) {
    let sig = &func.sig;
    let mut refuse = |token: &dyn ToTokens, what: &str, remedy: &str| {
        errors.push(Error::new_spanned(
            TokensOf(token),
            format!("`#[{verb}]` does not work on {what}; {remedy}"),
        ));
    };
    if let Some(token) = &sig.constness {
        refuse(token, "a `const fn`", "remove `const`");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        refuse(token, "an `unsafe fn`", "put it on a safe function that calls this one");
    }
    if let Some(token) = &sig.abi {
        refuse(token, "an `extern fn`", "put it on a Rust function that calls this one");
    }
    if let Some(token) = &sig.variadic {
        refuse(token, "a variadic function", "give it a fixed list of arguments");
    }
    if func.body.is_none() {
        refuse(&sig.ident, "a function without a body", "put it on the implementation");
    }
}

/// Returns true for a method of a tonic service: `&self, Request<T>` -> `Result<Response<U>, Status>`.
fn is_tonic(func: &Func) -> bool {
    let result = &func.output.result;
    let takes_request = func.params.iter().any(|param| head(&param.ty).as_deref() == Some("Request"));
    func.receiver.is_some() && takes_request && mentions(result, "Response") && mentions(result, "Status")
}

fn returned(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) {
    let stores = verb != Verb::Evict;
    let result = &func.output.result;
    if matches!(func.sig.output, ReturnType::Default) {
        if stores {
            let name = &func.sig.ident;
            errors.at(
                name.span(),
                format!(
                    "`{name}` returns nothing, so there is nothing to cache; write `-> ()` if that is intended"
                ),
            );
        }
        return;
    }
    let message = if matches!(result, Type::Never(_)) {
        "a function that never returns has no result; remove the attribute"
    } else if args.response.span().is_some() {
        // A value is stored as the response that it becomes, so its type needs no name and may borrow.
        return;
    } else if stores && is_tonic(func) {
        "a `tonic::Response` cannot be cached; cache an inner function that returns the message, and call it in this method"
    } else if mentions(result, "impl") && mentions(result, "IntoResponse") {
        "`impl IntoResponse` has no name to decode into; on an axum handler write `response` in the attribute, as in `#[cache(response)]`, which caches the whole response"
    } else if mentions(result, "impl") {
        "`impl Trait` has no name to decode into; name the type, or cache the part that computes it"
    } else if verb.is_cache() && mentions_borrow(result) {
        "a cached value cannot borrow; return an owned value, such as `String`"
    } else {
        return;
    };
    errors.push(Error::new_spanned(result, message));
}

/// `Error::new_spanned` takes a sized type.
struct TokensOf<'a>(&'a dyn ToTokens);

impl ToTokens for TokensOf<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
