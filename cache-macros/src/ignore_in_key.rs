//! `#[derive(IgnoreInKey)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{DeriveInput, Path, Result};

use crate::read::krate;

pub(crate) fn derive(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let krate = krate::path(written(&input)?.as_ref())?;
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote_spanned!(Span::mixed_site()=>
        #[automatically_derived]
        impl #parameters #krate::IgnoreInKey for #name #arguments #bounds {}
    ))
}

/// `#[larder(crate = path)]`.
fn written(input: &DeriveInput) -> Result<Option<Path>> {
    let mut path = None;
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("larder")) {
        attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("this is not an option here; write `crate = path`"));
            }
            if path.is_some() {
                return Err(meta.error("`crate` is given twice; remove one of them"));
            }
            path = Some(meta.value()?.call(Path::parse_mod_style)?);
            Ok(())
        })?;
    }
    Ok(path)
}
