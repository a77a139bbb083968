//! Tags: `tags = ["user:{id}", "users"]`.

use syn::{Error, Expr, LitStr, ReturnType};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::table::Args;
use crate::read::placeholder;
use crate::read::template::{self, Piece};
use crate::tokens::expr;
use crate::verb::Verb;

/// Each read of an entry compares as many stamps.
const MAX_TAGS: usize = 32;

/// Reads the list.
pub(crate) fn read(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) -> Vec<Vec<Piece>> {
    let has_result = match verb {
        Verb::Cache | Verb::Preset { .. } => args.response.span().is_none(),
        Verb::Evict => true,
        Verb::Put | Verb::Many => false,
        #[cfg(feature = "rate_limit")]
        Verb::Limit => false,
    };
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
    list.elems.iter().filter_map(|element| tag(element, func, has_result, errors)).collect()
}

fn tag(element: &Expr, func: &Func, has_result: bool, errors: &mut Errors) -> Option<Vec<Piece>> {
    if expr::text(element).is_none() {
        errors.push(Error::new_spanned(
            element,
            "a tag must be a string literal here; write one such as `\"user:{id}\"`",
        ));
        return None;
    }
    template::read_with_hint("tags", element, func, |path| hint(path, element, func, has_result), errors)
}

/// The end of a message about a name that is no argument: it may be a field of the result.
fn hint(path: &str, element: &Expr, func: &Func, has_result: bool) -> String {
    let written = expr::text(element).map(LitStr::value).unwrap_or_default();
    let of_result = path.strip_prefix("self.").unwrap_or(path);
    let returns_nothing = matches!(func.sig.output, ReturnType::Default);
    let is_known = func.param_index(&placeholder::argument_name(path)).is_some();
    if !has_result || returns_nothing || is_known || path == "self" || written.matches('{').count() != 1 {
        return String::new();
    }
    let text = written.replace(&format!("{{{path}}}"), "{}");
    format!("; for a field of the result write `tags_with = |value| [format!({text:?}, value.{of_result})]`")
}
