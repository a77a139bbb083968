//! Crate path: `crate = ..`, where the facade lives.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::{Error, Path, Result};

/// `::larder`, or the path that `crate = ..` names.
///
/// A relative path would resolve differently wherever generated code is placed, so it is an error.
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
