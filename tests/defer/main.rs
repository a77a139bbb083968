//! Invalidations of a transaction, which are sent after its commit.

mod bound;
mod boxed;
mod collected;
mod ends;
mod http;
mod nested;
mod race;
mod repository;
mod sync;
mod uncached;
mod write_behind;
