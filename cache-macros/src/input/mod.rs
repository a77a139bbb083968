//! Input: the item under the attribute, as it is written.

pub(crate) mod bindings;
pub(crate) mod body;
pub(crate) mod borrow;
pub(crate) mod func;
pub(crate) mod output;
pub(crate) mod param;
pub(crate) mod pattern;
pub(crate) mod types;
