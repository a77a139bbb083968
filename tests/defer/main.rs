//! Invalidations of a transaction, which are sent after its commit.

mod boxed;
mod collected;
mod ends;
mod http;
mod nested;
mod race;
mod repository;
mod sync;
mod uncached;
