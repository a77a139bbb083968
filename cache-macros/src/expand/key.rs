//! Key: hashed values and texts of templates.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use crate::expand::refusal;
use crate::model::Model;
use crate::read::key::{BesidePart, Key, KeyPart, KeySource, Place};
use crate::read::template::Piece;
use crate::tokens::spans::{literal, mixed_at};

/// `.text(..)` or `.args(..)`: the parts that identify the entry.
pub(crate) fn method(model: &Model, key: &Key) -> TokenStream {
    let (parts, context) = match &key.source {
        KeySource::Text(pieces) => return text_method(model, "text", pieces),
        KeySource::Arguments(parts) => (parts, context(model, key)),
        KeySource::Expressions(parts) => {
            let k = &model.krate;
            (parts, quote_spanned!(Span::mixed_site()=> #k::__private::InExpression))
        }
    };
    let parts = parts.iter().map(|value| part(model, value, &context));
    quote_spanned!(Span::mixed_site()=> .args(|__cache_key| { #(#parts)* }))
}

/// `.beside(..)`: the arguments in their places, for those whose types matter beside what the key holds.
pub(crate) fn beside_method(model: &Model, key: &Key) -> Option<TokenStream> {
    let context = context(model, key);
    let parts = key.beside.iter().map(|beside| beside_part(model, key, beside, &context));
    (!key.beside.is_empty())
        .then(|| quote_spanned!(Span::mixed_site()=> .beside(|__cache_key| { #(#parts)* })))
}

/// The type that tells the runtime about the attribute around the arguments.
fn context(model: &Model, key: &Key) -> TokenStream {
    let k = &model.krate;
    let mixed = Span::mixed_site();
    let Some(options) = &model.response else {
        return quote_spanned!(mixed=> #k::__private::InFunction);
    };
    let is_declared = options.audience.is_some() || !options.vary.is_empty();
    let declared = Ident::new(if is_declared { "Declared" } else { "Undeclared" }, mixed);
    let naming = match (&key.source, options.names_entry) {
        (KeySource::Arguments(_), false) => "ByPath",
        (KeySource::Arguments(_), true) => "ByEntry",
        (KeySource::Expressions(_) | KeySource::Text(_), _) => "ByKey",
    };
    let naming = Ident::new(naming, mixed);
    quote_spanned!(mixed=> #k::__private::InHandler<#k::__private::#declared, #k::__private::#naming>)
}

/// Hashes one value. The traits are imported after the value is evaluated, so that they never meet a method of the user's.
fn part(model: &Model, part: &KeyPart, context: &TokenStream) -> TokenStream {
    let KeyPart { value, span, cfgs } = part;
    let k = model.krate_at(*span);
    quote_spanned!(mixed_at(*span)=>
        #(#cfgs)*
        #[allow(unused_imports, clippy::used_underscore_binding)]
        {
            let __cache_part = &(#value);
            use #k::__private::{ViaExtract as _, ViaHash as _, ViaIgnore as _, ViaSet as _, ViaShared as _};
            (&&&&#k::__private::probe::<#context, _>(__cache_part)).__cache_kind().put(__cache_part, __cache_key);
        }
    )
}

/// Looks at the type of an argument in its place.
fn beside_part(model: &Model, key: &Key, beside: &BesidePart, context: &TokenStream) -> TokenStream {
    let KeyPart { value, span, cfgs } = &beside.part;
    let mixed = Span::mixed_site();
    let k = &model.krate;
    let by_name = || quote_spanned!(mixed=> Missing<#context, __CacheRefused>);
    let (refusal, place) = match &beside.place {
        Place::Unbound => (None, quote_spanned!(mixed=> Unbound<#context>)),
        Place::Unmentioned(name) => (Some(refusal::of_unmentioned(model, &key.source, name)), by_name()),
        Place::UnmentionedPart(name, part) => return beside_other_part(model, key, beside, name, part),
        Place::UnmentionedSelf => {
            (None, quote_spanned!(mixed=> Missing<#context, #k::__private::RefusedReceiver>))
        }
        Place::Omitted(name) => (Some(refusal::of_omitted(model, name)), by_name()),
        Place::OmittedSelf => {
            (None, quote_spanned!(mixed=> Missing<#context, #k::__private::RefusedOmittedReceiver>))
        }
        Place::InText => (None, quote_spanned!(mixed=> InText<#context>)),
        Place::Ignored => (None, quote_spanned!(mixed=> LeftOut<#context>)),
        Place::InKey => (None, quote_spanned!(mixed=> InKey)),
        Place::Named => (None, quote_spanned!(mixed=> Named)),
    };
    let k = model.krate_at(*span);
    quote_spanned!(mixed_at(*span)=>
        #(#cfgs)*
        #[allow(unused_imports, clippy::used_underscore_binding)]
        {
            #refusal
            let __cache_part = &(#value);
            use #k::__private::{BesideBody as _, BesideExtractor as _, BesideIgnored as _, BesideOther as _};
            (&&&&#k::__private::probe::<#k::__private::#place, _>(__cache_part))
                .__cache_beside()
                .put(__cache_part, __cache_key);
        }
    )
}

/// Looks at a part of an argument of which the key mentions another part.
fn beside_other_part(
    model: &Model,
    key: &Key,
    beside: &BesidePart,
    name: &Ident,
    part: &TokenStream,
) -> TokenStream {
    let KeyPart { value, cfgs, .. } = &beside.part;
    let (k, refusal) = (model.krate_at(name.span()), refusal::of_unmentioned(model, &key.source, name));
    quote_spanned!(mixed_at(name.span())=>
        #(#cfgs)*
        #[allow(unused_imports, clippy::used_underscore_binding)]
        {
            #refusal
            let __cache_part = &(#part);
            use #k::__private::{PartOfIgnored as _, PartOfOther as _};
            (&&#k::__private::part_probe::<__CacheRefused, _, _>(&(#value), __cache_part))
                .__cache_part()
                .put(__cache_part, __cache_key);
        }
    )
}

/// `.name(|text| ..)`, which writes the pieces of a template.
pub(crate) fn text_method(model: &Model, name: &str, pieces: &[Piece]) -> TokenStream {
    let k = &model.krate;
    let mixed = Span::mixed_site();
    let name = Ident::new(name, mixed);
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => {
            let text = literal(text);
            quote_spanned!(mixed=> #k::__private::Text::literal(__cache_text, #text);)
        }
        Piece::Value { value, next, .. } => {
            let next = match next {
                Some(c) => quote_spanned!(mixed=> ::core::option::Option::Some(#c)),
                None => quote_spanned!(mixed=> ::core::option::Option::None),
            };
            let k = model.krate_at(value.span());
            quote_spanned!(mixed_at(value.span())=> #k::__private::Text::value(__cache_text, &(#value), #next);)
        }
    });
    quote_spanned!(mixed=> .#name(|__cache_text| {
        #[allow(clippy::used_underscore_binding)]
        { #(#pieces)* }
    }))
}
