//! Call: the statement before the body, which builds the call, or the entries to evict or to overwrite.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use crate::expand::key;
use crate::model::{Action, Model, PutTarget};
use crate::read::runtime_options::RuntimeOptions;
use crate::tokens::spans::mixed_at;

/// The statement that makes `__cache_found`, `__cache_call`, `__cache_evict` or `__cache_put`.
pub(crate) fn statement(model: &Model) -> TokenStream {
    let k = &model.krate;
    let mixed = Span::mixed_site();
    let (cache, group, tags) = (cache(model), group(model), tags(model));
    match &model.action {
        Action::Cache { key, when, runtime_options, .. } => {
            let when = method("when", when.as_ref());
            let expiry = expiry(runtime_options.expire.as_ref(), runtime_options.none_expire.as_ref());
            let (key, beside) = (key::method(model, key), key::beside_method(model, key));
            let call = quote_spanned!(mixed=>
                (&mut #k::__private::Call::new(&__CACHE_CALL_SITE, #k::__private::name_of(&|| {}))) #cache #when #expiry #group
            );
            if model.response.is_some() {
                return quote_spanned!(mixed=> let __cache_call = #call #tags #key #beside.made(););
            }
            let shaped = shaped(model);
            let find = match model.tags.is_empty() {
                true => quote_spanned!(mixed=> .find(__cache_caps)),
                // A hit in the process does not need the names of its tags.
                false => {
                    quote_spanned!(mixed=> .find_or(__cache_caps, |__cache_call| { let _ = __cache_call #tags; }))
                }
            };
            quote_spanned!(mixed=> let __cache_found = #call #key #beside #shaped #find;)
        }
        // `expand/many.rs` has its own.
        Action::Many { .. } => TokenStream::new(),
        Action::Evict { entries, key, url, before, .. } => {
            let entries = method("entries", entries.as_ref());
            let key = key.as_ref().map(|pieces| key::text_method(model, "text", pieces));
            let url = url.as_ref().map(|pieces| key::text_method(model, "url", pieces));
            let before = before.then(|| quote_spanned!(mixed=> .before()));
            quote_spanned!(mixed=>
                let __cache_evict = #k::__private::Evict::new(&__CACHE_CALL_SITE, #k::__private::name_of(&|| {})) #cache #entries #group #tags #key #url #before;
            )
        }
        Action::Put { target, runtime_options: RuntimeOptions { expire, .. } } => {
            let target = match target {
                PutTarget::Entry(entry) => method("entry", Some(entry)),
                PutTarget::Key(pieces) => key::text_method(model, "text", pieces),
            };
            let expire = method("expire", expire.as_ref());
            quote_spanned!(mixed=>
                let __cache_put = #k::__private::Put::new(&__CACHE_CALL_SITE, #k::__private::name_of(&|| {})) #cache #group #tags #target #expire;
            )
        }
    }
}

/// `.cache(..)`.
pub(crate) fn cache(model: &Model) -> Option<TokenStream> {
    model.cache.as_ref().map(|cache| quote_spanned!(mixed_at(cache.span())=> .cache(&(#cache))))
}

/// `.group(..)`.
pub(crate) fn group(model: &Model) -> Option<TokenStream> {
    model.group.as_ref().map(|pieces| key::text_method(model, "group", pieces))
}

/// A `.tag(..)` for each tag.
pub(crate) fn tags(model: &Model) -> TokenStream {
    model.tags.iter().map(|pieces| key::text_method(model, "tag", pieces)).collect()
}

/// `.expire(..)` and `.none_expire(..)`.
pub(crate) fn expiry(expire: Option<&Expr>, none_expire: Option<&Expr>) -> TokenStream {
    let (expire, none_expire) = (method("expire", expire), method("none_expire", none_expire));
    quote!(#expire #none_expire)
}

/// `.shaped(..)`, where the codec may store values by position: then the key holds their shape.
pub(crate) fn shaped(model: &Model) -> Option<TokenStream> {
    let is_needed = model.response.is_none() && model.call_site.may_store_by_position();
    let (result, k) = (model.result(), &model.krate);
    is_needed.then(|| {
        quote_spanned!(Span::mixed_site()=> .shaped(#k::__private::value_shape::<#result, _>(&__cache_shape)))
    })
}

/// `.name(value)`, if there is a value.
fn method(name: &str, value: Option<&Expr>) -> TokenStream {
    value.map_or_else(TokenStream::new, |value| {
        let span = mixed_at(value.span());
        let name = Ident::new(name, span);
        quote_spanned!(span=> .#name(#value))
    })
}
