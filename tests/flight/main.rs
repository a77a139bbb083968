//! One computation of a key at a time in a process, and its end.

mod bounds;
mod cancellation;
mod error;
mod invalidation;
mod once;
mod panic;
mod recursion;
mod stalled;
mod uncached;
mod user_code;
