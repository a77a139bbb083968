//! The operations of the Redis store as commands and scripts.

mod confirmed;
mod decode;
mod operations;
mod script;
