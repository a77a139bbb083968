//! Value: readers for options that hold one word, one number or one text.

use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result};

use crate::errors::list;
use crate::options::choices::Choice;
use crate::tokens::expr::{peel, text};

/// `name = "users.get"`.
pub(crate) fn name(value: &Expr) -> Result<LitStr> {
    let Some(name) = text(value) else {
        return Err(Error::new_spanned(
            value,
            "`name` must be a string literal; write `name = \"users.get\"`",
        ));
    };
    let written = name.value();
    if written.is_empty() {
        return Err(Error::new_spanned(
            value,
            "`name` is empty; write one such as `\"users.get\"` or remove the option",
        ));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    match written.chars().find(|c| !fits(*c)) {
        None => Ok(name.clone()),
        Some(c) => Err(Error::new_spanned(
            value,
            format!("`{}` cannot be part of a name; use `A-Z a-z 0-9 _ . -`", c.escape_debug()),
        )),
    }
}

/// `codec = json`: one of `choices`, whose feature has to be on.
pub(crate) fn choice<'a>(option: &str, value: &Expr, choices: &'a [Choice]) -> Result<&'a Choice> {
    let word = match peel(value) {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    };
    let Some(choice) = word.and_then(|word| choices.iter().find(|choice| word == choice.word)) else {
        return Err(Error::new_spanned(value, no_choice(option, value, choices)));
    };
    let code = format!("{option} = {}", choice.word);
    match choice.feature.and_then(|feature| feature.missing_for(&code)) {
        None => Ok(choice),
        Some(message) => Err(Error::new_spanned(value, message)),
    }
}

fn no_choice(option: &str, value: &Expr, choices: &[Choice]) -> String {
    let quoted = text(value).map(LitStr::value);
    if let Some(choice) = choices.iter().find(|choice| quoted.as_deref() == Some(choice.word)) {
        return format!("`{option}` is a word; write it without quotes: `{option} = {}`", choice.word);
    }
    let words = list(choices.iter().map(|choice| choice.word));
    format!("this is not a choice of `{option}`; choices are {words}")
}

/// `version = 2`.
pub(crate) fn number(option: &str, value: &Expr) -> Result<u32> {
    let number = match peel(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        let message = format!("`{option}` is a number from 0 to {}; write `{option} = 2`", u32::MAX);
        Error::new_spanned(value, message)
    })
}

/// `entry = profile_entry`.
pub(crate) fn ident(option: &str, value: &Expr) -> Result<Ident> {
    let ident = match peel(value) {
        Expr::Path(path) if path.attrs.is_empty() => path.path.get_ident(),
        _ => None,
    };
    let message = || format!("`{option}` names the function to generate; write `{option} = user_{option}`");
    ident
        .filter(|ident| *ident != "self" && *ident != "Self" && *ident != "crate" && *ident != "super")
        .cloned()
        .ok_or_else(|| Error::new_spanned(value, message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::feature::Feature;

    const fn needs(word: &'static str, name: &'static str, is_on: bool) -> Choice {
        Choice { word, variant: "X", feature: Some(Feature { name, is_on }) }
    }

    const CHOICES: &[Choice] = &[
        Choice { word: "json", variant: "Json", feature: None },
        needs("cbor", "binary", true),
        needs("bson", "documents", false),
    ];

    fn read(value: &str) -> Result<&'static str> {
        let value: Expr = syn::parse_str(value)?;
        choice("codec", &value, CHOICES).map(|choice| choice.word)
    }

    #[test]
    fn a_choice_needs_its_feature() {
        assert_eq!(read("json").ok(), Some("json"));
        assert_eq!(read("cbor").ok(), Some("cbor"));
        let error = read("bson").expect_err("the feature is off").to_string();
        assert_eq!(
            error,
            "`codec = bson` needs the feature `documents` of larder; write \
             `larder = { version = \"..\", features = [\"documents\"] }` in Cargo.toml"
        );
    }

    #[test]
    fn a_quoted_choice_is_recognised() {
        let error = read("\"bson\"").expect_err("text").to_string();
        assert_eq!(error, "`codec` is a word; write it without quotes: `codec = bson`");
        for other in ["\"xml\"", "xml", "json::json", "5"] {
            let error = read(other).expect_err("no choice").to_string();
            assert_eq!(
                error, "this is not a choice of `codec`; choices are `json`, `cbor`, `bson`",
                "{other}"
            );
        }
    }
}
