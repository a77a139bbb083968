//! Options: what can be written in the parentheses of an attribute.

pub(crate) mod args;
pub(crate) mod slot;
