//! Call site: the `static` that holds what is known at compile time.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::model::{Action, Model};
use crate::read::policy::{PolicySetting, SettingValue};
use crate::read::runtime_options::RuntimeOptions;
use crate::tokens::spans::{literal, mixed_at};

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
        static __CACHE_CALL_SITE: #k::__private::CallSite = #k::__private::CallSite::new(
            ::core::module_path!(), #function, ::core::file!(), ::core::line!(), #policy,
        )#more;
    )
}

fn policy(model: &Model) -> TokenStream {
    let site = &model.call_site;
    let mut policy = base(model);
    for (name, millis) in [("expire", site.expire), ("none_expire", site.none_expire)] {
        if let Some(millis) = millis {
            policy.extend(setter(name, &time(millis)));
        }
    }
    for PolicySetting { name, value } in &site.settings {
        policy = set(model, policy, name, value);
    }
    if let Action::Cache { runtime_options: RuntimeOptions { tags_with: Some(_), .. }, .. } = &model.action {
        policy.extend(quote_spanned!(Span::mixed_site()=> .with_late_tags()));
    }
    let needs_check = site.settings.iter().any(PolicySetting::needs_check);
    if !needs_check && (site.policy.is_none() || !model.is_cache()) {
        return policy;
    }
    let constants = site.settings.iter().find_map(PolicySetting::constant);
    let place = site.policy.as_ref().or(constants).map_or_else(|| site.function.span(), Spanned::span);
    let k = model.krate_at(place);
    quote_spanned!(mixed_at(place)=> #k::Policy::checked(#policy))
}

/// Calls one setter on `policy`.
fn set(model: &Model, mut policy: TokenStream, name: &str, value: &SettingValue) -> TokenStream {
    let k = &model.krate;
    let mixed = Span::mixed_site();
    policy.extend(match value {
        // Not a method call: a compiler message about the value should point at the value.
        SettingValue::Constant(value) => {
            let (span, name) = (mixed_at(value.span()), Ident::new(name, mixed_at(value.span())));
            let k = model.krate_at(value.span());
            return quote_spanned!(span=> #k::Policy::#name(#policy, #value));
        }
        SettingValue::Millis(millis) => setter(name, &time(*millis)),
        SettingValue::Variant { of, variant } => {
            let of = Ident::new(of, mixed);
            setter(name, &quote_spanned!(mixed=> #k::#of::#variant))
        }
        SettingValue::Number(number) => setter(name, number),
    });
    policy
}

/// `.name(value)`.
fn setter(name: &str, value: &impl ToTokens) -> TokenStream {
    let name = Ident::new(name, Span::mixed_site());
    quote_spanned!(Span::mixed_site()=> .#name(#value))
}

fn time(millis: u64) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> ::core::time::Duration::from_millis(#millis))
}

/// The policy that the options change. A `policy` that refreshes in the background needs a function that can run there.
fn base(model: &Model) -> TokenStream {
    let k = &model.krate;
    match &model.call_site.policy {
        None => quote_spanned!(Span::mixed_site()=> #k::Policy::new()),
        Some(base) if model.is_cache() && model.call_site.in_background.is_empty() => {
            let k = model.krate_at(base.span());
            quote_spanned!(mixed_at(base.span())=> #k::Policy::in_call(#base))
        }
        Some(base) => quote_spanned!(mixed_at(base.span())=> (#base)),
    }
}
