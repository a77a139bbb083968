//! Fallback: what is emitted when an attribute is wrong.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Error;

use crate::func::{Func, braced};
use crate::verb::Verb;

/// The user's item as it was, and the errors.
///
/// Callers of the function still find it, so that one mistake is one error and editors keep working.
pub(crate) fn item(verb: Verb, item: TokenStream, error: &Error) -> TokenStream {
    let errors = error.to_compile_error();
    let item = Func::parse(verb, item.clone()).map_or(item, |func| {
        let Func { attrs, vis, sig, inner, body, .. } = func;
        let body = body.map_or_else(
            || quote!(;),
            |body| {
                let rest = body.stream();
                braced(body.span(), quote!(#(#inner)* #rest)).into_token_stream()
            },
        );
        quote!(#(#attrs)* #vis #sig #body)
    });
    quote!(#item #errors)
}
