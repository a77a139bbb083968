//! Spans: locations, hygiene and delimiters of tokens.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Path;

/// The location of `span` with the hygiene of the macro: names in generated code and names of the user never meet.
pub(crate) fn mixed_at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// A string literal of generated code.
pub(crate) fn literal(text: &str) -> TokenStream {
    syn::LitStr::new(text, Span::mixed_site()).into_token_stream()
}

/// The same path at another location, so that a compiler message about what the path leads to points there.
pub(crate) fn located(path: &Path, place: Span) -> TokenStream {
    relocated(path.to_token_stream(), place)
}

/// The same tokens at another location; names resolve as before.
pub(crate) fn relocated(tokens: TokenStream, place: Span) -> TokenStream {
    let relocated = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    relocated.collect()
}

/// `{ tokens }` with the span of the user's braces: the compiler reads the edition from them.
pub(crate) fn braced(span: Span, tokens: TokenStream) -> Group {
    let mut group = Group::new(Delimiter::Brace, tokens);
    group.set_span(span);
    group
}

/// The content of the invisible group that `macro_rules!` puts around `$item` and `$body`.
pub(crate) fn ungrouped(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            ungrouped(group.stream())
        }
        _ => tokens,
    }
}
