//! Syntax: the forms that the value of an option can have.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, Path, Result, Token, Type, parenthesized, token};

/// The form of an option's value.
pub(crate) trait Syntax {
    type Value;
    /// The text after the name in an example.
    const EXAMPLE: &'static str;

    /// Parses the tokens after `name`.
    fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Self::Value>;
}

/// `name = expression`.
pub(crate) struct Expression;

/// `name`.
pub(crate) struct Flag;

/// `name = path::to::module`.
pub(crate) struct ModPath;

/// `name(db, Locale, self)`.
pub(crate) struct Arguments;

/// `name(accept_language, "X-Tenant")`.
pub(crate) struct Headers;

/// `name(200, 404)`.
pub(crate) struct Statuses;

impl Syntax for Expression {
    type Value = Expr;
    const EXAMPLE: &'static str = " = ..";

    fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Expr> {
        equals(name, input)?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(needs_value(name));
        }
        input.parse()
    }
}

impl Syntax for Flag {
    type Value = ();
    const EXAMPLE: &'static str = "";

    fn parse(name: &Ident, input: ParseStream<'_>) -> Result<()> {
        if input.peek(Token![=]) {
            return Err(input.error(format!("`{name}` takes no value; write `{name}` alone")));
        }
        Ok(())
    }
}

impl Syntax for ModPath {
    type Value = Path;
    const EXAMPLE: &'static str = " = ..";

    fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Path> {
        equals(name, input)?;
        Path::parse_mod_style(input).map_err(|error| {
            Error::new(error.span(), format!("`{name}` is a path; write one such as `{name} = ::larder`"))
        })
    }
}

impl Syntax for Arguments {
    type Value = Vec<Type>;
    const EXAMPLE: &'static str = "(..)";

    fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Vec<Type>> {
        list(name, ["arguments", "an argument", "db"], input)
    }
}

impl Syntax for Headers {
    type Value = Vec<Expr>;
    const EXAMPLE: &'static str = "(..)";

    fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Vec<Expr>> {
        list(name, ["headers", "a header", "accept_language"], input)
    }
}

impl Syntax for Statuses {
    type Value = Vec<Expr>;
    const EXAMPLE: &'static str = "(..)";

    fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Vec<Expr>> {
        list(name, ["numbers", "a status", "200, 404"], input)
    }
}

fn equals(name: &Ident, input: ParseStream<'_>) -> Result<()> {
    input.parse::<Option<Token![=]>>()?.map(drop).ok_or_else(|| needs_value(name))
}

fn needs_value(name: &Ident) -> Error {
    Error::new(name.span(), format!("`{name}` needs a value; write `{name} = ..`"))
}

/// One or more items in parentheses; the words are for messages.
fn list<T: Parse>(
    name: &Ident,
    [several, one, example]: [&str; 3],
    input: ParseStream<'_>,
) -> Result<Vec<T>> {
    if !input.peek(token::Paren) {
        let message = format!("`{name}` takes {several} in parentheses; write `{name}({example})`");
        return Err(Error::new(name.span(), message));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        let message = format!("`{name}()` is empty; write {one} in it or remove it");
        return Err(Error::new(name.span(), message));
    }
    let items = Punctuated::<T, Token![,]>::parse_terminated(&content)?;
    Ok(items.into_iter().collect())
}
