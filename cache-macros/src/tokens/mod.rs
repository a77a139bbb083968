//! Tokens: questions about tokens and changes of them that have nothing to do with larder.

pub(crate) mod expr;
pub(crate) mod returned;
pub(crate) mod search;
pub(crate) mod spans;
