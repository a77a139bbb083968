//! Tags: the labels that a result can be invalidated by.

use std::collections::HashSet;

use syn::{Error, Expr};

use crate::args::Args;
use crate::errors::Errors;
use crate::func::Func;
use crate::template::Piece;
use crate::{key, value};

/// An entry carries its tags, and every read asks for all of them.
const MOST: usize = 32;

/// `tags = ["user:{id}", "users"]`.
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Vec<Vec<Piece>> {
    let Some(written) = args.tags.get() else { return Vec::new() };
    let Expr::Array(array) = value::peel(written) else {
        let message = "`tags` is a list of texts; write one such as `tags = [\"users\", \"user:{id}\"]`";
        errors.push(Error::new_spanned(written, message));
        return Vec::new();
    };
    if array.elems.is_empty() {
        let message = "`tags` names none; write one such as `tags = [\"users\"]` or remove the option";
        errors.push(Error::new_spanned(written, message));
    }
    if let Some(extra) = array.elems.iter().nth(MOST) {
        errors.push(Error::new_spanned(
            extra,
            format!("there are more than {MOST} tags; remove this and those behind it"),
        ));
    }
    let mut seen = HashSet::new();
    let mut tags = Vec::new();
    for tag in &array.elems {
        match value::text(tag).map(syn::LitStr::value) {
            Some(text) if text.is_empty() => {
                errors.push(Error::new_spanned(
                    tag,
                    "a tag is empty; write one such as `\"users\"` or remove it",
                ));
            }
            Some(text) if !seen.insert(text.clone()) => {
                errors.push(Error::new_spanned(
                    tag,
                    format!("the tag `{text}` is given twice; remove one of them"),
                ));
            }
            _ => tags.extend(key::text("tags", tag, func, errors)),
        }
    }
    tags
}
