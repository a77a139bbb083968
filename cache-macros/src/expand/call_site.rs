//! Call site: the `static` that holds what is known at compile time.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::model::Model;
use crate::read::staleness::{Fixed, Setting};
use crate::tokens::{literal, mixed_at};

/// The `static`.
pub(crate) fn item(model: &Model) -> TokenStream {
    let (k, site) = (&model.krate, &model.call_site);
    let function = literal(&site.function.unraw().to_string());
    let policy = policy(model);
    let mut more = TokenStream::new();
    if let Some(name) = &site.name {
        more.extend(quote_spanned!(Span::mixed_site()=> .named(#name)));
    }
    if site.generic {
        more.extend(quote_spanned!(Span::mixed_site()=> .generic()));
    }
    quote_spanned!(Span::mixed_site()=>
        static __CACHE_CALL_SITE: #k::__private::Site = #k::__private::Site::new(
            ::core::module_path!(), #function, ::core::file!(), ::core::line!(), #policy,
        )#more;
    )
}

fn policy(model: &Model) -> TokenStream {
    let (k, site) = (&model.krate, &model.call_site);
    let mixed = Span::mixed_site();
    let mut policy = base(model);
    let time = |millis: u64| quote_spanned!(mixed=> ::core::time::Duration::from_millis(#millis));
    if let Some(expire) = site.expire.map(time) {
        policy.extend(quote_spanned!(mixed=> .expire(#expire)));
    }
    if let Some(expire) = site.none_expire.map(time) {
        policy.extend(quote_spanned!(mixed=> .none_expire(#expire)));
    }
    if let Some(codec) = &site.codec {
        policy.extend(quote_spanned!(mixed=> .codec(#k::Codec::#codec)));
    }
    if let Some(compress) = &site.compress {
        policy.extend(quote_spanned!(mixed=> .compress(#k::Compress::#compress)));
    }
    if let Some(version) = site.version {
        policy.extend(quote_spanned!(mixed=> .version(#version)));
    }
    for Setting { name, value } in &site.staleness.settings {
        match value {
            Fixed::Millis(millis) => {
                let (name, time) = (Ident::new(name, mixed), time(*millis));
                policy.extend(quote_spanned!(mixed=> .#name(#time)));
            }
            // Not a method call: a compiler message about the value should point at the value.
            Fixed::Constant(value) => {
                let (span, name) = (mixed_at(value.span()), Ident::new(name, mixed_at(value.span())));
                let k = model.krate_at(value.span());
                policy = quote_spanned!(span=> #k::Policy::#name(#policy, #value));
            }
        }
    }
    if site.staleness.settings.is_empty() && (site.base.is_none() || !model.is_cache()) {
        return policy;
    }
    let constants = site.staleness.settings.iter().find_map(Setting::constant);
    let place = site.base.as_ref().or(constants).map_or_else(|| site.function.span(), Spanned::span);
    let k = model.krate_at(place);
    quote_spanned!(mixed_at(place)=> #k::Policy::checked(#policy))
}

/// The policy that the options change. A `policy` that refreshes in the background needs a function that can run there.
fn base(model: &Model) -> TokenStream {
    let k = &model.krate;
    match &model.call_site.base {
        None => quote_spanned!(Span::mixed_site()=> #k::Policy::new()),
        Some(base) if model.is_cache() && model.call_site.staleness.background.is_empty() => {
            let k = model.krate_at(base.span());
            quote_spanned!(mixed_at(base.span())=> #k::Policy::in_call(#base))
        }
        Some(base) => quote_spanned!(mixed_at(base.span())=> (#base)),
    }
}
