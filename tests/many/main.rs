//! Functions for several ids, and calls of the handle for several keys.

mod background;
mod entries;
mod errors;
mod forms;
mod handle;
mod ids;
mod mismatch;
mod once;
mod reads;
mod source;
