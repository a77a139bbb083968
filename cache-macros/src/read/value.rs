//! Value: readers for the options that hold one word, one number or one text.

use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result};

use crate::errors::list;
use crate::expr::{peel, text};

/// `name = "users.get"`.
pub(crate) fn name(value: &Expr) -> Result<LitStr> {
    let Some(name) = text(value) else {
        return Err(Error::new_spanned(value, "`name` is a text; write `name = \"users.get\"`"));
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

/// One word of a list: the second half of the pair that `value` names the first of.
pub(crate) fn choice(option: &str, value: &Expr, choices: &[(&str, &str)]) -> Result<Ident> {
    let word = match peel(value) {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    };
    let known = word.and_then(|word| choices.iter().find(|(name, _)| word == name));
    match known {
        Some((_, variant)) => Ok(Ident::new(variant, proc_macro2::Span::mixed_site())),
        None => {
            let names = list(choices.iter().map(|(name, _)| name));
            Err(Error::new_spanned(value, format!("this is not a choice of `{option}`; choices are {names}")))
        }
    }
}

/// `version = 2`.
pub(crate) fn version(value: &Expr) -> Result<u32> {
    let number = match peel(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        Error::new_spanned(value, "`version` is a number from 0 to 4294967295; write `version = 2`")
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
