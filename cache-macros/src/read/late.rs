//! Late: `entry_with` and `tags_with`, the names that only the value tells.

use syn::spanned::Spanned;
use syn::{Error, Expr};

use crate::errors::Errors;
use crate::options::slot::Slot;
use crate::options::table::Args;
use crate::tokens::expr::peel;

/// The closures that take the value.
pub(crate) struct LateOptions {
    pub(crate) entry_with: Option<Expr>,
    pub(crate) tags_with: Option<Expr>,
}

/// Reads both options; `None` without any.
pub(crate) fn read(args: &Args, errors: &mut Errors) -> Option<LateOptions> {
    let entry_with = closure("entry_with", "|user| user_entry(user.id)", &args.entry_with, errors);
    let tags_with = tags_with(args, errors);
    (entry_with.is_some() || tags_with.is_some()).then_some(LateOptions { entry_with, tags_with })
}

/// Reads `tags_with`.
pub(crate) fn tags_with(args: &Args, errors: &mut Errors) -> Option<Expr> {
    closure("tags_with", "|post| [format!(\"author:{}\", post.author)]", &args.tags_with, errors)
}

/// Reads a closure of the value, or the path of a function.
fn closure(option: &str, example: &str, slot: &Slot<Expr>, errors: &mut Errors) -> Option<Expr> {
    let value = slot.get()?;
    let place = match peel(value) {
        Expr::Closure(closure) if closure.inputs.len() == 1 => return Some(value.clone()),
        Expr::Path(_) => return Some(value.clone()),
        Expr::Closure(closure) => closure.inputs.first().map_or_else(|| closure.span(), Spanned::span),
        other => {
            let message = format!("`{option}` takes a closure of the value; write `{option} = {example}`");
            errors.push(Error::new_spanned(other, message));
            return None;
        }
    };
    errors
        .at(place, format!("the closure of `{option}` takes the value alone; write `{option} = {example}`"));
    None
}
