//! The operations of the Redis store as commands and scripts.

mod decode;
mod operations;
mod script;
