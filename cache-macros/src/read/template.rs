//! Template: `"user:{id}"` -> literal text and values.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Error, Expr, Index, Member};

use crate::errors::{Errors, list};
use crate::expr;
use crate::input::func::Func;

pub(crate) enum Piece {
    Literal(String),
    Value {
        value: TokenStream,
        /// The character after the value, which the runtime escapes in the value: different values give different texts.
        next: Option<char>,
    },
}

#[derive(Debug, PartialEq)]
enum RawPiece {
    Literal(String),
    /// `{user.id}`, without the braces.
    Placeholder(String),
}

/// Reads the value of `option`, which has to be a string literal. Mistakes in it are reported at the literal.
pub(crate) fn read(option: &str, value: &Expr, func: &Func, errors: &mut Errors) -> Option<Vec<Piece>> {
    let Some(text) = expr::text(value) else {
        let message = format!(
            "`{option}` must be a string literal here; write one such as `{option} = \"user:{{id}}\"`"
        );
        errors.push(Error::new_spanned(value, message));
        return None;
    };
    let parsed = parse(&text.value()).map_err(|message| format!("`{option}`: {message}"));
    let raw = parsed.map_err(|message| errors.at(text.span(), message)).ok()?;
    let first = |piece: Option<&RawPiece>| match piece {
        Some(RawPiece::Literal(text)) => text.chars().next(),
        _ => None,
    };
    let mut pieces = Vec::new();
    for (index, piece) in raw.iter().enumerate() {
        match piece {
            RawPiece::Literal(text) => pieces.push(Piece::Literal(text.clone())),
            RawPiece::Placeholder(placeholder) => match resolve(placeholder, text.span(), func) {
                Ok(value) => pieces.push(Piece::Value { value, next: first(raw.get(index + 1)) }),
                Err(message) => errors.at(text.span(), message),
            },
        }
    }
    Some(pieces)
}

fn parse(text: &str) -> Result<Vec<RawPiece>, String> {
    if text.is_empty() {
        return Err("the text is empty; write one such as `user:{id}`".to_owned());
    }
    let (mut pieces, mut literal) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let escaped = rest.starts_with("{{") || rest.starts_with("}}");
        if escaped {
            return Err(format!(
                "a literal `{c}` cannot be part of a key, because it marks a hash tag in Redis Cluster; use another character"
            ));
        }
        match c {
            '{' => {
                let Some(end) = rest.find('}') else {
                    return Err("`{` is never closed; write `}` after the argument".to_owned());
                };
                add_placeholder(&rest[1..end], &mut pieces, &mut literal)?;
                rest = &rest[end + 1..];
                continue;
            }
            '}' => return Err("`}` closes nothing; write `{` before the argument".to_owned()),
            '%' | '~' => {
                return Err(format!("`{c}` is reserved in keys; use another character, such as `-`"));
            }
            c if c.is_control() => {
                return Err(format!("`{}` is a control character; use a printable one", c.escape_default()));
            }
            c => literal.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    if !literal.is_empty() {
        pieces.push(RawPiece::Literal(literal));
    }
    Ok(pieces)
}

fn add_placeholder(
    placeholder: &str,
    pieces: &mut Vec<RawPiece>,
    literal: &mut String,
) -> Result<(), String> {
    if !literal.is_empty() {
        pieces.push(RawPiece::Literal(std::mem::take(literal)));
    }
    if let Some((name, _)) = placeholder.split_once(':') {
        return Err(format!(
            "`{{{placeholder}}}` has a format, which keys do not support; write `{{{name}}}`"
        ));
    }
    if placeholder.trim().is_empty() {
        return Err("`{}` is empty; write an argument in it, as in `{id}`".to_owned());
    }
    if let Some(RawPiece::Placeholder(before)) = pieces.last() {
        return Err(format!(
            "put a `:` between `{{{before}}}` and `{{{placeholder}}}`, otherwise different values could give the same key"
        ));
    }
    pieces.push(RawPiece::Placeholder(placeholder.to_owned()));
    Ok(())
}

/// `user.id` -> the tokens `user.id`, the argument with the name resolution of the signature.
fn resolve(placeholder: &str, span: Span, func: &Func) -> Result<TokenStream, String> {
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
    let names = func.argument_names();
    let remedy = if names.is_empty() {
        "it has no named arguments".to_owned()
    } else {
        format!("arguments are {}", list(names))
    };
    Err(format!("`{{{name}}}` is not an argument of `{function}`; {remedy}"))
}

fn member(segment: &str, span: Span) -> Option<Member> {
    if segment.starts_with(|c: char| c.is_ascii_digit()) {
        let index = segment.parse().ok().filter(|index: &u32| index.to_string() == segment)?;
        return Some(Member::Unnamed(Index { index, span }));
    }
    let mut ident = syn::parse_str::<Ident>(segment).ok()?;
    ident.set_span(span);
    Some(Member::Named(ident))
}

#[cfg(test)]
mod tests {
    use super::{RawPiece, parse};

    fn literal(text: &str) -> RawPiece {
        RawPiece::Literal(text.to_owned())
    }

    fn place(text: &str) -> RawPiece {
        RawPiece::Placeholder(text.to_owned())
    }

    #[test]
    fn texts_are_split_into_pieces() {
        for (text, pieces) in [
            ("users", vec![literal("users")]),
            ("{id}", vec![place("id")]),
            ("user:{id}", vec![literal("user:"), place("id")]),
            ("{a}:{b.c}-x", vec![place("a"), literal(":"), place("b.c"), literal("-x")]),
            ("é{self.0}", vec![literal("é"), place("self.0")]),
        ] {
            assert_eq!(parse(text), Ok(pieces), "{text}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, part) in [
            ("", "empty"),
            ("a{", "never closed"),
            ("a}", "closes nothing"),
            ("{}", "is empty"),
            ("{ }", "is empty"),
            ("{id:04}", "write `{id}`"),
            ("{{id}}", "a literal `{`"),
            ("a}}", "a literal `}`"),
            ("{a}{b}", "put a `:` between `{a}` and `{b}`"),
            ("a\nb", "control character"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
