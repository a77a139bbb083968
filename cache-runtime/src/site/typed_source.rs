//! A source of decoded values, whose types are erased.

use std::any::Any;
use std::sync::Arc;

/// A value whose type is erased.
pub(crate) type AnyValue = Arc<dyn Any + Send + Sync>;

/// A value that a source has: lent where it is, or with a reference of its own.
pub(crate) enum HeldValue<'v> {
    Lent(&'v AnyValue),
    Own(AnyValue),
}

impl HeldValue<'_> {
    #[inline]
    pub(crate) fn get(&self) -> &AnyValue {
        match self {
            Self::Lent(value) => value,
            Self::Own(value) => value,
        }
    }

    #[inline]
    pub(crate) fn into_own(self) -> AnyValue {
        match self {
            Self::Lent(value) => Arc::clone(value),
            Self::Own(value) => value,
        }
    }
}

/// Copies a decoded value. Returns `false` if the value has another type, or its `Clone` panicked.
pub(crate) type TakeValue<'t> = dyn FnMut(HeldValue<'_>) -> bool + 't;

/// A place that may have a decoded value: a call, whose arguments lead to it.
pub(crate) trait TypedSource {
    /// Passes the value to `take`. Returns whether there is one and `take` took it.
    fn read(&self, take: &mut TakeValue<'_>) -> bool;
}
