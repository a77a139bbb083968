//! Template: `"user:{id}"` -> literal text and values.

use proc_macro2::TokenStream;
use syn::{Error, Expr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::read::placeholder;
use crate::tokens::expr;

/// A piece of a template, for the expansion.
pub(crate) enum Piece {
    Literal(String),
    Value {
        value: TokenStream,
        /// The name that it begins with, without `r#`: `user` of `{user.id}`.
        argument: String,
        /// The character after the value, which the runtime escapes in the value: different values give different texts.
        next: Option<char>,
    },
}

/// A piece of a template, as it is written.
#[derive(Debug, PartialEq)]
enum RawPiece {
    Literal(String),
    /// `{user.id}`, without the braces.
    Placeholder(String),
}

/// Reads the value of `option`, which has to be a string literal. Mistakes in it are reported at the literal.
pub(crate) fn read(option: &str, value: &Expr, func: &Func, errors: &mut Errors) -> Option<Vec<Piece>> {
    read_with_hint(option, value, func, |_| String::new(), errors)
}

/// [`read`], with `hint` as the end of a message about a placeholder that is no argument.
pub(crate) fn read_with_hint(
    option: &str,
    value: &Expr,
    func: &Func,
    hint: impl Fn(&str) -> String,
    errors: &mut Errors,
) -> Option<Vec<Piece>> {
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
            RawPiece::Placeholder(path) => match placeholder::resolve(path, text.span(), func) {
                Ok(value) => {
                    let (argument, next) = (placeholder::argument_name(path), first(raw.get(index + 1)));
                    pieces.push(Piece::Value { value, argument, next });
                }
                Err(message) => errors.at(text.span(), message + &hint(path)),
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
        if rest.starts_with("{{") || rest.starts_with("}}") {
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

#[cfg(test)]
mod tests {
    use super::{RawPiece, parse};

    fn literal(text: &str) -> RawPiece {
        RawPiece::Literal(text.to_owned())
    }

    fn placeholder(text: &str) -> RawPiece {
        RawPiece::Placeholder(text.to_owned())
    }

    #[test]
    fn texts_are_split_into_pieces() {
        for (text, pieces) in [
            ("users", vec![literal("users")]),
            ("{id}", vec![placeholder("id")]),
            ("user:{id}", vec![literal("user:"), placeholder("id")]),
            ("{a}:{b.c}-x", vec![placeholder("a"), literal(":"), placeholder("b.c"), literal("-x")]),
            ("é{self.0}", vec![literal("é"), placeholder("self.0")]),
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
