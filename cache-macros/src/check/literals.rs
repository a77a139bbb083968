//! Literals: `{..}` in a string literal that is no template, and that nothing formats.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Error, Expr, LitStr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::param::Param;
use crate::input::pattern;
use crate::options::table::Args;
use crate::tokens::expr::{peel, text};
use crate::tokens::returned;

/// Reports the literals that look like a template in the closures that name tags and entries, and in a key of expressions.
pub(crate) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    let name = |name: Ident| name.unraw().to_string();
    let arguments: Vec<String> = func.params.iter().flat_map(Param::names).map(name).collect();
    if let Some(Expr::Closure(closure)) = args.tags_with.get().map(peel) {
        for literal in returned::literals(&closure.body) {
            if let Some(formatted) = formatted(&literal.value()) {
                let message =
                    format!("this tag is the text as it is written, with its braces; write `{formatted}`");
                errors.push(Error::new_spanned(literal, message));
            }
        }
    }
    if let Some(Expr::Closure(closure)) = args.entry_with.get().map(peel) {
        let mut known = arguments.clone();
        known.extend(closure.inputs.iter().flat_map(pattern::names).map(name));
        report("argument", returned::arguments(&closure.body), &known, errors);
    }
    if let Some(key) = args.key.get().map(peel).filter(|key| text(key).is_none()) {
        report("part of the key", returned::literals(key), &arguments, errors);
    }
}

/// Reports the literals that mention one of these names.
fn report(place: &str, literals: Vec<LitStr>, known: &[String], errors: &mut Errors) {
    for literal in literals {
        let written = literal.value();
        let mut placeholders = placeholders(&written);
        if placeholders
            .any(|(path, _)| known.iter().any(|name| name == path.split('.').next().unwrap_or(path)))
            && let Some(formatted) = formatted(&written)
        {
            let message =
                format!("this {place} is the text as it is written, with its braces; write `{formatted}`");
            errors.push(Error::new_spanned(literal, message));
        }
    }
}

/// The call of `format!` for a text with placeholders: only names can stand in its braces.
fn formatted(text: &str) -> Option<String> {
    let (mut written, mut values, mut rest) = (String::new(), String::new(), text);
    placeholders(text).next()?;
    for (path, spec) in placeholders(text) {
        let placeholder = if spec.is_empty() { format!("{{{path}}}") } else { format!("{{{path}:{spec}}}") };
        let (before, after) = rest.split_once(&placeholder)?;
        written.push_str(before);
        if syn::parse_str::<Ident>(path).is_ok() {
            written.push_str(&placeholder);
        } else {
            written.push_str(&placeholder.replacen(path, "", 1));
            values.push_str(", ");
            values.push_str(if path.is_empty() { ".." } else { path });
        }
        rest = after;
    }
    Some(format!("format!({:?}{values})", written + rest))
}

/// The placeholders of a text, each as the path in it and what follows its `:`.
fn placeholders(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let inner = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inner, _)| inner);
    let split = inner.map(|inner| inner.split_once(':').unwrap_or((inner, "")));
    split.filter(|(path, _)| path.chars().all(|c| c.is_alphanumeric() || "_.()#".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn the_remedy_is_a_call_of_format() {
        for (text, expected) in [
            ("user:{u.id}", Some(r#"format!("user:{}", u.id)"#)),
            ("user:{id}", Some(r#"format!("user:{id}")"#)),
            ("{team}:{u.id}-{u.name:?}x", Some(r#"format!("{team}:{}-{:?}x", u.id, u.name)"#)),
            ("user:{}", Some(r#"format!("user:{}", ..)"#)),
            ("user:{u.0}:{u.id()}", Some(r#"format!("user:{}:{}", u.0, u.id())"#)),
            ("users", None),
            ("a{b", None),
            ("}a{", None),
            ("{a b}", None),
        ] {
            assert_eq!(formatted(text).as_deref(), expected, "{text}");
        }
    }
}
