//! Above: attributes below `#[cache]` that look at the function as it was written. With `response` the function has other arguments
//! and patterns are bound in the body, so these attributes are moved above `#[cache]`, and the compiler expands them first.
//!
//! ```text
//! // Input:   #[cache(response)] #[instrument(fields(%slug))] async fn post(Path(slug): Path<String>) -> String { BODY }
//! // Output:  #[instrument(fields(%slug))] #[::larder::cache(response)] async fn post(Path(slug): Path<String>) -> String { BODY }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Meta};

use crate::model::Model;
use crate::tokens::search::names;
use crate::tokens::spans::ungrouped;
use crate::verb::Verb;

/// The item with these attributes above `#[cache]`; `None` if there are none.
pub(crate) fn item(model: &Model, verb: Verb, args: &TokenStream, item: TokenStream) -> Option<TokenStream> {
    if !verb.is_cache() || !model.func.attrs.iter().any(|attr| goes_above(model, attr)) {
        return None;
    }
    let parser = |input: ParseStream<'_>| Ok((input.call(Attribute::parse_outer)?, input.parse()?));
    // The model was made of the same tokens.
    let (attrs, rest): (Vec<_>, TokenStream) = parser.parse2(ungrouped(item)).ok()?;
    let (above, below): (Vec<_>, Vec<_>) = attrs.into_iter().partition(|attr| goes_above(model, attr));
    let (k, name) = (&model.krate, Ident::new(&verb.to_string(), Span::mixed_site()));
    let cache = quote_spanned!(Span::mixed_site()=> #[#k::#name(#args)]);
    Some(quote!(#(#above)* #cache #(#below)* #rest))
}

fn goes_above(model: &Model, attr: &Attribute) -> bool {
    let segments: Vec<_> = attr.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    let is_handler = model.response.is_some();
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [.., "instrument"] => is_handler || names_binding(model, attr),
        // Without an argument there is nothing for it to look at.
        [.., "debug_handler"] => is_handler && model.func.params.iter().any(|param| param.cfgs.is_empty()),
        ["utoipa", .., "path"] => is_handler,
        _ => false,
    }
}

/// Returns true if the attribute mentions a name that a pattern binds.
fn names_binding(model: &Model, attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else { return false };
    let mut bindings = model.func.params.iter().flat_map(|param| param.bindings());
    bindings.any(|binding| names(&list.tokens, &binding.name.unraw().to_string()))
}
