//! The start and the end of a cache, and the runtimes it is used under.

mod builder;
mod close;
mod enabled;
mod fork;
mod get_or_init;
mod global;
mod http_scope;
mod parked;
mod runtimes;
mod scope;
mod smoke;
mod test_util;
mod threads;
