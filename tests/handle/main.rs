//! The cache as a value: its keys, values and groups.

mod blocking;
mod clear_function;
mod groups;
mod keys;
mod max_memory;
mod table;
mod values;
mod warm_up;
