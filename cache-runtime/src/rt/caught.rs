//! Panics in code of the user beside the function itself: they cost an entry, never a call.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns the result of code of the user; `None` if it panicked, which the panic hook has reported.
#[inline]
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    // The code runs again for the next call, as a function does after a panic.
    catch_unwind(AssertUnwindSafe(run)).ok()
}
