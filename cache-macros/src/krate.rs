//! Crate path: where the facade lives.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Error, Path, Result};

/// `::larder`, or what `crate = ..` says.
///
/// A relative path would be looked up wherever generated code happens to stand, so it is refused.
pub(crate) fn path(written: Option<&Path>) -> Result<Path> {
    let Some(path) = written else {
        return syn::parse2(quote_spanned!(Span::mixed_site()=> ::larder));
    };
    let first = path.segments.first().map(|segment| segment.ident.to_string()).unwrap_or_default();
    if path.leading_colon.is_some() || first == "crate" || first == "$crate" {
        return Ok(path.clone());
    }
    let remedy = match first.as_str() {
        "self" | "super" | "Self" => "write the path from the crate's root, such as `crate::path`".to_owned(),
        name => format!("write `::{name}` for a dependency or `crate::{name}` for a module"),
    };
    Err(Error::new_spanned(path, format!("a relative path means something else in every module; {remedy}")))
}

/// The same path at another place, so that a message about what it leads to points there.
pub(crate) fn located(path: &Path, place: Span) -> TokenStream {
    moved(path.to_token_stream(), place)
}

/// The same tokens at another place; what their names mean stays.
pub(crate) fn moved(tokens: TokenStream, place: Span) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    moved.collect()
}
