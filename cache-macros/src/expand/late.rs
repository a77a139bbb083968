//! Late: the closures that name entries and tags by the value.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ReturnType};

use crate::model::Model;
use crate::read::late::LateOptions;
use crate::tokens::expr::peel;
use crate::tokens::search::any;
use crate::tokens::spans::mixed_at;

/// The statements that make `__cache_late`. `result` is the type of which `__cache_shape` is the shape.
pub(crate) fn statements(model: &Model, options: &LateOptions, result: &impl ToTokens) -> TokenStream {
    let k = &model.krate;
    let entries = named(model, "entry_with", "late_entries", options.entry_with.as_ref(), result);
    let tags = named(model, "tags_with", "late_tags", options.tags_with.as_ref(), result);
    quote_spanned!(Span::mixed_site()=>
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_entry_with = #entries;
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_tags_with = #tags;
        let __cache_late = #k::__private::LateNames::new(__cache_entry_with, __cache_tags_with);
    )
}

/// The closure of an option, with its result converted, or one that names nothing.
pub(crate) fn named(
    model: &Model,
    option: &str,
    convert: &str,
    closure: Option<&Expr>,
    result: &impl ToTokens,
) -> TokenStream {
    let Some(closure) = closure else {
        let (k, none) = (&model.krate, Ident::new(&format!("no_{option}"), Span::mixed_site()));
        return quote_spanned!(Span::mixed_site()=> #k::__private::#none::<#result, _>(&__cache_shape));
    };
    let (k, span) = (model.krate_at(closure.span()), mixed_at(closure.span()));
    let (option, closure) = (Ident::new(option, span), converted(model, convert, closure));
    quote_spanned!(span=> #k::__private::#option::<#result, _, _>(&__cache_shape, #closure))
}

/// The closure with its result converted inside, where what it borrows of the value is alive.
fn converted(model: &Model, convert: &str, value: &Expr) -> TokenStream {
    let (k, span) = (model.krate_at(value.span()), mixed_at(value.span()));
    let convert = Ident::new(convert, span);
    if let Expr::Closure(closure) = peel(value)
        && matches!(closure.output, ReturnType::Default)
        && !returns_early(&closure.body)
    {
        let (mut closure, body) = (closure.clone(), &closure.body);
        *closure.body = Expr::Verbatim(quote_spanned!(span=> #k::__private::#convert(#body)));
        return closure.into_token_stream();
    }
    let capture = match peel(value) {
        Expr::Closure(closure) => closure.capture,
        _ => None,
    };
    quote_spanned!(span=> #capture |__cache_value| #k::__private::#convert((#value)(__cache_value)))
}

fn returns_early(body: &Expr) -> bool {
    any(body.to_token_stream(), &mut |tree, _| match tree {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Punct(punct) => punct.as_char() == '?',
        _ => false,
    })
}
