//! Panics in code of the user beside the function itself: they cost an entry, never a call.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns the result of code of the user; `None` if it panicked, which the panic hook has reported.
#[inline]
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    // The code runs again for the next call, as a function does after a panic.
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Returns whether `T` is one of the most common types of the standard library, whose traits do not panic: for them the cost
/// of [`caught`] is saved, which a hit would notice.
#[inline]
pub(crate) fn is_plain<T: ?Sized>() -> bool {
    // A constant to the compiler, as the name is.
    matches!(
        std::any::type_name::<T>(),
        "bool"
            | "char"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "usize"
            | "isize"
            | "f32"
            | "f64"
            | "str"
            | "&str"
            | "alloc::string::String"
    )
}
