//! Check: functions whose results cannot be kept, whatever the options say.

use quote::ToTokens;
use syn::{ReturnType, Safety, Type};

use crate::args::Args;
use crate::errors::Errors;
use crate::func::Func;
use crate::shape;
use crate::verb::Verb;

/// Notes every reason against `func`.
pub(crate) fn function(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) {
    let sig = &func.sig;
    let mut refuse = |token: &dyn ToTokens, what: &str, remedy: &str| {
        errors.push(syn::Error::new_spanned(
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
    returned(verb, args, func, errors);
}

fn returned(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) {
    let keeps = verb != Verb::Evict;
    // Whatever can be made a response of is one when it is kept, so it needs no name and owns all it has.
    let is_response = args.response.span().is_some();
    let result = &func.shape.result;
    if matches!(func.sig.output, ReturnType::Default) {
        if keeps {
            let name = &func.sig.ident;
            errors.at(
                name.span(),
                format!(
                    "`{name}` returns nothing, so there is nothing to keep; write `-> ()` if that is meant"
                ),
            );
        }
        return;
    }
    let message = if matches!(result, Type::Never(_)) {
        "a function that never returns has no result; remove the attribute"
    } else if is_response {
        return;
    } else if shape::mentions_word(result, "impl") {
        "`impl Trait` has no name to decode into; name the type, or cache the part that computes it"
    } else if verb.is_cache() && shape::borrows(result) {
        "what is kept cannot borrow; return an owned value, such as `String`"
    } else {
        return;
    };
    errors.push(syn::Error::new_spanned(result, message));
}

/// `Error::new_spanned` takes a sized type.
struct TokensOf<'a>(&'a dyn ToTokens);

impl ToTokens for TokensOf<'_> {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.0.to_tokens(tokens);
    }
}
