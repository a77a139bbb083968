//! Garbage from clients, from origins and in the store: never a 500, a panic or an unbounded key.

mod fields;
mod requests;
mod responses;
