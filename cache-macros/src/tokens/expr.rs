//! Expr: expressions as `macro_rules!` passes them on.

use syn::{Expr, ExprLit, Lit, LitStr};

/// The expression inside the invisible group that `macro_rules!` puts around `$value`.
pub(crate) fn peel(mut value: &Expr) -> &Expr {
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    value
}

/// [`peel`], for changes.
pub(crate) fn peel_mut(mut value: &mut Expr) -> &mut Expr {
    while let Expr::Group(group) = value {
        value = &mut group.expr;
    }
    value
}

/// The string literal, if the expression is one.
pub(crate) fn text(value: &Expr) -> Option<&LitStr> {
    match peel(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}
