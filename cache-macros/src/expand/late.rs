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
    let entries = named(model, Names::Entries, options.entry_with.as_ref(), result);
    let tags = named(model, Names::Tags, options.tags_with.as_ref(), result);
    quote_spanned!(Span::mixed_site()=>
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_entry_with = #entries;
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __cache_tags_with = #tags;
        let __cache_late = #k::__private::LateNames::new(__cache_entry_with, __cache_tags_with);
    )
}

/// The names that a closure gives.
#[derive(Clone, Copy)]
pub(crate) enum Names {
    Entries,
    Tags,
}

impl Names {
    fn option(self) -> &'static str {
        match self {
            Self::Entries => "entry_with",
            Self::Tags => "tags_with",
        }
    }

    /// The result of the user's closure, converted.
    fn converted(self, model: &Model, place: Span, result: &impl ToTokens) -> TokenStream {
        let (k, span) = (model.krate_at(place), mixed_at(place));
        match self {
            Self::Entries => quote_spanned!(span=> #k::__private::late_entries(#result)),
            // A `match`, so that what the list borrows from is alive.
            Self::Tags => quote_spanned!(span=>
                match #result {
                    __cache_tags => {
                        #[allow(unused_imports)]
                        use #k::__private::{ViaCharacters as _, ViaNoList as _, ViaTexts as _};
                        (&&&#k::__private::tag_list(&__cache_tags)).__cache_list().late_tags(__cache_tags)
                    }
                }
            ),
        }
    }
}

/// The closure of an option, with its result converted, or one that names nothing.
pub(crate) fn named(
    model: &Model,
    names: Names,
    closure: Option<&Expr>,
    result: &impl ToTokens,
) -> TokenStream {
    let option = names.option();
    let Some(closure) = closure else {
        let (k, none) = (&model.krate, Ident::new(&format!("no_{option}"), Span::mixed_site()));
        return quote_spanned!(Span::mixed_site()=> #k::__private::#none::<#result, _>(&__cache_shape));
    };
    let (k, span) = (model.krate_at(closure.span()), mixed_at(closure.span()));
    let (option, closure) = (Ident::new(option, span), converting(model, names, closure));
    quote_spanned!(span=> #k::__private::#option::<#result, _, _>(&__cache_shape, #closure))
}

/// The closure with its result converted inside, where what it borrows of the value is alive.
fn converting(model: &Model, names: Names, value: &Expr) -> TokenStream {
    if let Expr::Closure(closure) = peel(value)
        && matches!(closure.output, ReturnType::Default)
        && !returns_early(&closure.body)
    {
        let (mut closure, body) = (closure.clone(), &closure.body);
        *closure.body = Expr::Verbatim(names.converted(model, body.span(), body));
        return closure.into_token_stream();
    }
    let (capture, span) = match peel(value) {
        Expr::Closure(closure) => (closure.capture, closure.body.span()),
        _ => (None, value.span()),
    };
    let place = mixed_at(value.span());
    let called = names.converted(model, span, &quote_spanned!(place=> (#value)(__cache_value)));
    quote_spanned!(place=> #capture |__cache_value| #called)
}

fn returns_early(body: &Expr) -> bool {
    any(body.to_token_stream(), &mut |tree, _| match tree {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Punct(punct) => punct.as_char() == '?',
        _ => false,
    })
}
