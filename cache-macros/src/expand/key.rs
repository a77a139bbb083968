//! Key: hashed values and texts of templates.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use crate::model::Model;
use crate::read::key::{Key, KeyPart};
use crate::read::template::Piece;
use crate::tokens::spans::{literal, mixed_at};

/// `.text(..)` or `.args(..)`.
pub(crate) fn method(model: &Model, key: &Key) -> TokenStream {
    match key {
        Key::Text(pieces) => text_method(model, "text", pieces),
        Key::Parts(parts) => {
            let parts = parts.iter().map(|value| part(model, value));
            quote_spanned!(Span::mixed_site()=> .args(|__cache_key| { #(#parts)* }))
        }
    }
}

/// Hashes one value. The traits are imported after the value is evaluated, so that they never meet a method of the user's.
fn part(model: &Model, part: &KeyPart) -> TokenStream {
    let KeyPart { value, span, cfgs } = part;
    let k = model.krate_at(*span);
    quote_spanned!(mixed_at(*span)=>
        #(#cfgs)*
        #[allow(unused_imports, clippy::used_underscore_binding)]
        {
            let __cache_part = &(#value);
            use #k::__private::{ViaExtract as _, ViaHash as _, ViaIgnore as _, ViaSet as _};
            (&&&&#k::__private::Probe(__cache_part)).__cache_kind().put(__cache_part, __cache_key);
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
        Piece::Value { value, next } => {
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
