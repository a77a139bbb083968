//! Entry: the function that `entry = name` generates beside the cached one.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use crate::expand::{call, call_site, key, run};
use crate::model::Model;
use crate::read::entry::EntryFn;
use crate::read::key::Key;
use crate::read::response::ResponseOptions;
use crate::tokens::spans::{braced, literal, mixed_at};

/// The function.
pub(crate) fn function(model: &Model, entry: &EntryFn, key: &Key) -> TokenStream {
    let (k, func) = (&model.krate, &model.func);
    let EntryFn { ident, inputs, mentions, .. } = entry;
    let cfgs = func.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    let (vis, generics, bounds) = (&func.vis, &func.sig.generics, &func.sig.generics.where_clause);
    let (call_site, call) = (call_site::item(model), entry_call(model, entry, key));
    let function = func.sig.ident.unraw().to_string();
    let doc = format!("The cache entry of `{function}` for these arguments.");
    let output = quote_spanned!(Span::mixed_site()=> -> #k::Entry);
    // Located at the name: in the `impl` of a trait the compiler points at the whole function, which is no member of the trait.
    let place = mixed_at(ident.span());
    let body = braced(place, quote!(#(#mentions)* #call_site #call));
    let lints = quote_spanned!(Span::mixed_site()=>
        #[allow(
            clippy::extra_unused_lifetimes,
            clippy::extra_unused_type_parameters,
            clippy::needless_lifetimes,
            clippy::needless_pass_by_value,
            clippy::ptr_arg,
            clippy::too_many_arguments,
            clippy::trivially_copy_pass_by_ref
        )]
    );
    let fun = quote_spanned!(place=> fn);
    quote!(#(#cfgs)* #[doc = #doc] #lints #vis #fun #ident #generics (#(#inputs),*) #output #bounds #body)
}

/// The call of the cached function without its body: only what identifies the entry.
fn entry_call(model: &Model, entry: &EntryFn, key: &Key) -> TokenStream {
    let k = &model.krate;
    let (cache, group, tags) = (call::cache(model), call::group(model), call::tags(model));
    let expiry = call::expiry(entry.expire.as_ref(), entry.none_expire.as_ref());
    let key = key::method(model, key);
    let own = literal(&entry.ident.unraw().to_string());
    let function = literal(&model.call_site.function.unraw().to_string());
    let has_variants = model.response.as_ref().is_some_and(ResponseOptions::has_variants);
    let shaped = call::shaped(model);
    // The entries of responses have no values of the function's type.
    let probe = model.response.is_none().then(|| run::shape_probe(model));
    let result = model.result();
    let made = match (&model.response, has_variants) {
        (None, _) => {
            quote_spanned!(Span::mixed_site()=> entry_of_type(#k::__private::value_type::<#result, _>(&__cache_shape)))
        }
        (Some(_), true) => quote_spanned!(Span::mixed_site()=> entry_with_variants()),
        (Some(_), false) => quote_spanned!(Span::mixed_site()=> entry()),
    };
    quote_spanned!(Span::mixed_site()=>
        #probe
        (&mut #k::__private::Call::of_entry(&__CACHE_CALL_SITE, &|| {}, #own, #function))
            #cache #expiry #group #tags #key #shaped .#made
    )
}
