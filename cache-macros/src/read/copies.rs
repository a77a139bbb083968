//! Copies: the results that are cloned in this process instead of decoded, and `local_copy = false`.

use syn::{Error, Expr, ExprLit, Lit};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::types;
use crate::options::table::Args;
use crate::tokens::expr::peel;

/// The results that are cloned if their types can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copies {
    /// Values for later hits, and errors for waiting calls.
    All,
    /// Errors only.
    Errors,
    /// None: the types may hold borrowed data.
    None,
}

/// Reads `local_copy`, and the result type.
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Copies {
    let result = &func.output.result;
    let wanted = args.local_copy.get().and_then(|value| errors.take(flag(value))).unwrap_or(true);
    match (wanted, types::is_static(result, &func.sig.generics)) {
        (true, true) => Copies::All,
        (false, true) if types::is_spelled_out(result) => Copies::Errors,
        (_, _) => Copies::None,
    }
}

/// `false`.
fn flag(value: &Expr) -> syn::Result<bool> {
    match peel(value) {
        Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => Ok(flag.value),
        _ => Err(Error::new_spanned(
            value,
            "`local_copy` is `true` or `false`; write `local_copy = false` if hits should decode the value each time",
        )),
    }
}
