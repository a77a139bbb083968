//! Call: the part of an expansion that says which function this is, and which entry its arguments name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::entry::EntryFn;
use crate::expand::{at, literal};
use crate::fresh::{Fixed, Setting};
use crate::key::{Key, Part};
use crate::krate;
use crate::model::{Action, Model, Target};
use crate::shape::Flavor;
use crate::site::Keeping;
use crate::template::Piece;

/// The `static` with all that is known at compile time.
pub(crate) fn site(model: &Model) -> TokenStream {
    let (k, site) = (&model.krate, &model.site);
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
        static __CACHE_SITE: #k::__private::CallSite = #k::__private::CallSite::new(
            ::core::module_path!(), #function, ::core::file!(), ::core::line!(), #policy,
        )#more;
    )
}

fn policy(model: &Model) -> TokenStream {
    let (k, site) = (&model.krate, &model.site);
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
    for Setting { name, value } in &site.fresh.settings {
        match value {
            Fixed::Millis(millis) => {
                let (name, time) = (Ident::new(name, mixed), time(*millis));
                policy.extend(quote_spanned!(mixed=> .#name(#time)));
            }
            // Not behind a dot: what the compiler has to say about the value is to stand at the value.
            Fixed::Constant(value) => {
                let (span, name) = (at(value.span()), Ident::new(name, at(value.span())));
                let k = krate::located(k, value.span());
                policy = quote_spanned!(span=> #k::Policy::#name(#policy, #value));
            }
        }
    }
    if site.fresh.settings.is_empty() && (site.base.is_none() || !model.is_cache()) {
        return policy;
    }
    let constants = site.fresh.settings.iter().find_map(Setting::constant);
    let place = site.base.as_ref().or(constants).map_or_else(|| site.function.span(), Spanned::span);
    let k = krate::located(k, place);
    quote_spanned!(at(place)=> #k::Policy::checked(#policy))
}

/// What the policy begins from. One that refreshes in the background takes a function that can run there.
fn base(model: &Model) -> TokenStream {
    let k = &model.krate;
    match &model.site.base {
        None => quote_spanned!(Span::mixed_site()=> #k::Policy::new()),
        Some(base) if model.is_cache() && model.site.fresh.background.is_empty() => {
            let k = krate::located(k, base.span());
            quote_spanned!(at(base.span())=> #k::Policy::in_call(#base))
        }
        Some(base) => quote_spanned!(at(base.span())=> (#base)),
    }
}

/// What is worked out before the body runs: the call, or what is to be evicted or overwritten.
pub(crate) fn prologue(model: &Model) -> TokenStream {
    let k = &model.krate;
    let mixed = Span::mixed_site();
    let (cache, group, tags) = (cache(model), group(model), tags(model));
    match &model.action {
        Action::Cache { key, when, keeping, .. } => {
            let when = option("when", when.as_ref());
            let (times, key) = (times(&keeping.expire, &keeping.none_expire), self::key(model, key));
            let call = quote_spanned!(mixed=>
                (&mut #k::__private::Call::new(&__CACHE_SITE, #k::__private::name_of(&|| {}))) #cache #when #times #group #tags #key
            );
            match (&model.handler, &model.func.shape.flavor) {
                (Some(_), _) => quote_spanned!(mixed=> let __cache_call = #call.made();),
                // The box may wait long before it looks.
                (None, Flavor::Boxed) => quote_spanned!(mixed=> let mut __cache_call = #call.made();),
                (None, Flavor::Async | Flavor::Sync) => {
                    quote_spanned!(mixed=> let __cache_found = #call.find(__cache_kept);)
                }
            }
        }
        Action::Evict { entries, text, url, before } => {
            let entries = option("entries", entries.as_ref());
            let text = text.as_ref().map(|pieces| closure(model, "text", pieces));
            let url = url.as_ref().map(|pieces| closure(model, "url", pieces));
            let before = before.then(|| quote_spanned!(mixed=> .before()));
            quote_spanned!(mixed=>
                let __cache_evict = #k::__private::Evict::new(&__CACHE_SITE, #k::__private::name_of(&|| {})) #cache #entries #group #tags #text #url #before;
            )
        }
        Action::Put { target, keeping: Keeping { expire, .. } } => {
            let target = match target {
                Target::Entry(entry) => option("entry", Some(entry)),
                Target::Text(pieces) => closure(model, "text", pieces),
            };
            let expire = option("expire", expire.as_ref());
            quote_spanned!(mixed=>
                let __cache_put = #k::__private::Put::new(&__CACHE_SITE, #k::__private::name_of(&|| {})) #cache #group #tags #target #expire;
            )
        }
    }
}

/// The same call for the entry function: what names the entry, and nothing about computing it.
pub(crate) fn entry(model: &Model, entry: &EntryFn) -> TokenStream {
    let k = &model.krate;
    let (cache, group, tags) = (cache(model), group(model), tags(model));
    let times = times(&entry.expire, &entry.none_expire);
    let key = match &model.action {
        Action::Cache { key, .. } => self::key(model, key),
        Action::Evict { .. } | Action::Put { .. } => TokenStream::new(),
    };
    let own = literal(&entry.ident.unraw().to_string());
    let function = literal(&model.site.function.unraw().to_string());
    quote_spanned!(Span::mixed_site()=>
        (&mut #k::__private::Call::of_entry(&__CACHE_SITE, #k::__private::name_of_entry(&|| {}, #own, #function)))
            #cache #times #group #tags #key .entry()
    )
}

fn cache(model: &Model) -> Option<TokenStream> {
    model.cache.as_ref().map(|cache| quote_spanned!(at(cache.span())=> .cache(&(#cache))))
}

fn group(model: &Model) -> Option<TokenStream> {
    model.group.as_ref().map(|pieces| closure(model, "group", pieces))
}

fn tags(model: &Model) -> TokenStream {
    model.tags.iter().map(|pieces| closure(model, "tag", pieces)).collect()
}

fn times(expire: &Option<Expr>, none_expire: &Option<Expr>) -> TokenStream {
    let (expire, none_expire) =
        (option("expire", expire.as_ref()), option("none_expire", none_expire.as_ref()));
    quote!(#expire #none_expire)
}

/// `.name(value)`, where there is a value.
fn option(name: &str, value: Option<&Expr>) -> TokenStream {
    value.map_or_else(TokenStream::new, |value| {
        let span = at(value.span());
        let name = Ident::new(name, span);
        quote_spanned!(span=> .#name(#value))
    })
}

fn key(model: &Model, key: &Key) -> TokenStream {
    match key {
        Key::Text(pieces) => closure(model, "text", pieces),
        Key::Parts(parts) => {
            let parts = parts.iter().map(|value| part(model, value));
            quote_spanned!(Span::mixed_site()=> .args(|__cache_key| { #(#parts)* }))
        }
    }
}

/// Hashes one value. The traits are in scope only behind it, so that they never meet a method of the user's.
fn part(model: &Model, part: &Part) -> TokenStream {
    let Part { value, span, cfgs } = part;
    let k = krate::located(&model.krate, *span);
    quote_spanned!(at(*span)=>
        #(#cfgs)*
        #[allow(unused_imports, clippy::used_underscore_binding)]
        {
            let __cache_part = &(#value);
            use #k::__private::{ViaExtract as _, ViaHash as _, ViaIgnore as _, ViaSet as _};
            (&&&&#k::__private::Probe(__cache_part)).__cache_kind().put(__cache_part, __cache_key);
        }
    )
}

/// `.name(|text| ..)` that writes the pieces of a template.
fn closure(model: &Model, name: &str, pieces: &[Piece]) -> TokenStream {
    let k = &model.krate;
    let mixed = Span::mixed_site();
    let name = Ident::new(name, mixed);
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => {
            let text = literal(text);
            quote_spanned!(mixed=> #k::__private::Text::literal(__cache_text, #text);)
        }
        Piece::Value { value, next } => {
            let next = match next {
                Some(c) => quote_spanned!(mixed=> ::core::option::Option::Some(#c)),
                None => quote_spanned!(mixed=> ::core::option::Option::None),
            };
            let k = krate::located(k, value.span());
            quote_spanned!(at(value.span())=> #k::__private::Text::value(__cache_text, &(#value), #next);)
        }
    });
    quote_spanned!(mixed=> .#name(|__cache_text| {
        #[allow(clippy::used_underscore_binding)]
        { #(#pieces)* }
    }))
}
