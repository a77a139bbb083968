//! Fallback: the expansion of an attribute with mistakes.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Error;

use crate::input::func::Func;
use crate::tokens::spans::braced;
use crate::verb::Verb;

/// The user's item without the attribute, and the errors.
///
/// The function stays visible to its callers, so that one mistake is one error and editors keep working.
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
        // Options would have used arguments that the body does not.
        quote!(#(#attrs)* #[allow(unused_variables)] #vis #sig #body)
    });
    quote!(#item #errors)
}
