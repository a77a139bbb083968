//! Refusal: the type that refuses an argument which an entry would not tell apart, unless the argument's type is ignored. It is generated,
//! because the compiler's message has the argument's name.
//!
//! ```text
//! #[diagnostic::on_unimplemented(message = "the key does not mention `id`; ..", label = "..", note = "..")]
//! trait __CacheCounts {}
//! impl<T: IgnoreInKey + ?Sized> __CacheCounts for T {}
//! #[derive(Default)] struct __CacheRefused;
//! impl __CacheRefused { fn put<T: __CacheCounts + ?Sized>(self, _: &T, _: &mut Arguments<'_>) {} }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;

use crate::model::Model;
use crate::read::key::KeySource;
use crate::tokens::spans::literal;

/// Refuses an argument that an explicit key does not mention.
pub(crate) fn of_unmentioned(model: &Model, source: &KeySource, name: &Ident) -> TokenStream {
    let name = name.unraw();
    let mention = match source {
        KeySource::Text(_) => format!("{{{{{name}}}}}"),
        KeySource::Arguments(_) | KeySource::Expressions(_) => format!("key = (.., {name})"),
    };
    item(
        model,
        &format!("the key does not mention `{name}`; write `{mention}` or `ignore({name})`"),
        "this counts: without it, different calls would share one entry",
    )
}

/// Refuses an argument that the entry function does not take.
pub(crate) fn of_omitted(model: &Model, name: &Ident) -> TokenStream {
    let name = name.unraw();
    item(
        model,
        &format!(
            "the entry function does not take `{name}`, which counts; write `{name}` in the parentheses of `entry = ..`, or `ignore({name})`"
        ),
        "different values of this have different entries",
    )
}

/// The items. Braces in the texts are doubled, as in a `format!`.
fn item(model: &Model, message: &str, label: &str) -> TokenStream {
    let k = &model.krate;
    let handle = "a pool, a client or another handle is left out of every key by `#[derive(larder::IgnoreInKey)]` on its type";
    let (message, label, handle) = (literal(message), literal(label), literal(handle));
    quote_spanned!(Span::mixed_site()=>
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #handle)]
        trait __CacheCounts {}
        #[diagnostic::do_not_recommend]
        impl<T: #k::IgnoreInKey + ?::core::marker::Sized> __CacheCounts for T {}
        #[derive(::core::default::Default)]
        struct __CacheRefused;
        impl __CacheRefused {
            fn put<T: __CacheCounts + ?::core::marker::Sized>(self, _: &T, _: &mut #k::__private::Arguments<'_>) {}
        }
    )
}
