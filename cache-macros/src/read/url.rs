//! Url: `url = "/items/{id}"`.

use syn::{Error, Expr, LitStr};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::read::template::{self, Piece};
use crate::tokens::expr;

/// Reads the template.
pub(crate) fn read(written: &Expr, func: &Func, errors: &mut Errors) -> Option<Vec<Piece>> {
    if let Some(text) = expr::text(written).map(LitStr::value)
        && !(text.is_empty() || text.starts_with(['/', '{']) || text.contains("://"))
    {
        let message = format!("`url` is a path, with its query if it has one; write `\"/{text}\"`");
        errors.push(Error::new_spanned(written, message));
    }
    template::read("url", written, func, errors)
}
