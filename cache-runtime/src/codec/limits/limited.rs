//! A part of the protocol between a format and a type, within a budget.

use super::budget::Budget;

/// A deserializer, a visitor, a seed or an accessor, within a budget.
pub(in crate::codec) struct DepthLimited<'b, T> {
    pub(super) inner: T,
    pub(super) budget: &'b Budget,
}

impl<'b, T> DepthLimited<'b, T> {
    /// Limits `inner`.
    pub(in crate::codec) fn new(inner: T, budget: &'b Budget) -> Self {
        Self { inner, budget }
    }
}
