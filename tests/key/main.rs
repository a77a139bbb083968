//! The keys of entries.

mod arguments;
mod identity;
mod paths;
mod secrets;
mod template;
