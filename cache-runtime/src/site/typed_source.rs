//! A source of decoded values, whose types are erased.

use std::any::Any;

/// Copies a decoded value. Returns `false` if the value has another type, or its `Clone` panicked.
pub(crate) type TakeValue<'t> = dyn FnMut(&(dyn Any + Send + Sync)) -> bool + 't;

/// A place that may have a decoded value: a call, whose arguments lead to it.
pub(crate) trait TypedSource {
    /// Passes the value to `take`. Returns whether there is one and `take` took it.
    fn read(&self, take: &mut TakeValue<'_>) -> bool;
}
