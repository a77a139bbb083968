//! Parse: the options of an attribute one after another, whatever each of them is.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Ident, Result, Token};

use crate::errors::Errors;

/// Calls `option` after the name of each option; it parses the rest. After a mistake parsing continues at the next `,`.
pub(crate) fn each_option(
    tokens: TokenStream,
    errors: &mut Errors,
    mut option: impl FnMut(&Ident, ParseStream<'_>) -> Result<()>,
) {
    let options = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Err(error) = name(input).and_then(|name| option(&name, input)) {
                errors.push(error);
                skip(input);
            } else if !input.is_empty() && !input.peek(Token![,]) {
                errors.push(input.error("expected `,` between two options"));
                skip(input);
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(error) = options.parse2(tokens) {
        errors.push(error);
    }
}

fn name(input: ParseStream<'_>) -> Result<Ident> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected an option; write one such as `expire = \"5m\"`"));
    }
    input.call(Ident::parse_any)
}

/// Skips to the next `,` outside parentheses.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}
