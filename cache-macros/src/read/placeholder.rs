//! Placeholder: `{user.id}` of a template -> the expression `user.id`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Index, Member};

use crate::input::func::Func;
use crate::tokens::spans::mixed_at;

/// The tokens of a placeholder, which is given without its braces. The argument is resolved as in the signature.
pub(crate) fn resolve(placeholder: &str, span: Span, func: &Func) -> Result<TokenStream, String> {
    let mut segments = placeholder.split('.');
    let first = segments.next().unwrap_or_default();
    let mut value = argument(first, span, func)?;
    for segment in segments {
        let member = member(segment, span).ok_or_else(|| {
            format!(
                "`{{{placeholder}}}` is more than a path of fields; write `key = expression` for other expressions"
            )
        })?;
        value = quote!(#value.#member);
    }
    Ok(value)
}

/// The name of the argument in a placeholder, without `r#`.
pub(crate) fn argument_name(placeholder: &str) -> String {
    let first = placeholder.split('.').next().unwrap_or_default();
    first.strip_prefix("r#").unwrap_or(first).to_owned()
}

fn argument(name: &str, span: Span, func: &Func) -> Result<TokenStream, String> {
    if let (Some(receiver), "self") = (&func.receiver, name) {
        let mut token = receiver.token;
        token.span = token.span.located_at(span);
        return Ok(token.into_token_stream());
    }
    let bare = name.strip_prefix("r#").unwrap_or(name);
    if let Some(param) = func.params.iter().find(|param| param.is_named() && param.name() == bare) {
        let mut ident = param.ident.clone();
        ident.set_span(ident.span().located_at(span));
        return Ok(ident.into_token_stream());
    }
    if let Some(value) = func.binding(bare, span) {
        return Ok(value);
    }
    let function = func.sig.ident.unraw();
    if func.params.iter().any(|param| param.mentions(bare)) {
        return Err(format!(
            "`{{{name}}}` is bound inside a pattern of `{function}`; give the argument a name of its own"
        ));
    }
    Err(format!("`{{{name}}}` is not an argument of `{function}`; {}", func.argument_list()))
}

/// A field. Its span is the macro's own, so that the compiler does not offer to replace the whole text by another field.
fn member(segment: &str, span: Span) -> Option<Member> {
    let span = mixed_at(span);
    if segment.starts_with(|c: char| c.is_ascii_digit()) {
        let index = segment.parse().ok().filter(|index: &u32| index.to_string() == segment)?;
        return Some(Member::Unnamed(Index { index, span }));
    }
    let mut ident = syn::parse_str::<Ident>(segment).ok()?;
    ident.set_span(span);
    Some(Member::Named(ident))
}
