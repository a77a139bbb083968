//! Options: what can be written in the parentheses of an attribute.

pub(crate) mod choices;
pub(crate) mod feature;
pub(crate) mod setting;
pub(crate) mod slot;
pub(crate) mod table;

mod declare;
mod parse;
mod suggest;
mod syntax;
