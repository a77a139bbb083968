//! Tags: `tags = ["user:{id}", "users"]`.

use syn::{Error, Expr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::table::Args;
use crate::read::template::{self, Piece};
use crate::tokens::expr;

/// Each read of an entry compares as many stamps.
const MAX_TAGS: usize = 32;

/// Reads the list.
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Vec<Vec<Piece>> {
    let Some(written) = args.tags.get() else { return Vec::new() };
    let Expr::Array(list) = expr::peel(written) else {
        errors.push(Error::new_spanned(
            written,
            "`tags` must be a list of string literals; write one such as `tags = [\"user:{id}\", \"users\"]`",
        ));
        return Vec::new();
    };
    if list.elems.is_empty() {
        errors.push(Error::new_spanned(
            written,
            "`tags` is empty; write one such as `tags = [\"users\"]` or remove it",
        ));
    }
    if let Some(beyond) = list.elems.iter().nth(MAX_TAGS) {
        let message = format!(
            "these are {} tags, and an entry has at most {MAX_TAGS}; remove some of them",
            list.elems.len()
        );
        errors.push(Error::new_spanned(beyond, message));
    }
    let mut seen = Vec::new();
    for text in list.elems.iter().filter_map(expr::text) {
        if seen.contains(&text.value()) {
            errors.push(Error::new_spanned(text, "this tag is given twice; remove one of them"));
        }
        seen.push(text.value());
    }
    list.elems.iter().filter_map(|element| tag(element, func, errors)).collect()
}

fn tag(element: &Expr, func: &Func, errors: &mut Errors) -> Option<Vec<Piece>> {
    if expr::text(element).is_none() {
        errors.push(Error::new_spanned(
            element,
            "a tag must be a string literal here; write one such as `\"user:{id}\"`",
        ));
        return None;
    }
    template::read("tags", element, func, errors)
}
