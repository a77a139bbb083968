//! The start and the end of a cache, and the runtimes it is used under.

mod builder;
mod close;
mod fork;
mod global;
mod parked;
mod runtimes;
mod scope;
mod smoke;
mod test_util;
