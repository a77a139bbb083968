//! Runtime options: `expire`, `none_expire`, `expire_with`, `unless` and `tags_with` as each call evaluates them.

use syn::Expr;

use crate::tokens::expr;

/// The options that each call evaluates.
pub(crate) struct RuntimeOptions {
    pub(crate) expire: Option<Expr>,
    pub(crate) none_expire: Option<Expr>,
    pub(crate) expire_with: Option<Expr>,
    pub(crate) unless: Option<Expr>,
    /// Of `#[cache]`.
    pub(crate) tags_with: Option<Expr>,
}

impl RuntimeOptions {
    /// Makes closures `move`, because a background refresh calls them after the call.
    pub(crate) fn make_owned(&mut self) {
        for value in [&mut self.expire_with, &mut self.unless, &mut self.tags_with].into_iter().flatten() {
            if let Expr::Closure(closure) = expr::peel_mut(value) {
                closure.capture.get_or_insert_default();
            }
        }
    }
}
