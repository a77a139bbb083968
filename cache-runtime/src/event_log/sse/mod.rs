//! Server-sent events.

mod body;
mod frame;
mod parts;
mod recheck;
mod responses;

pub use self::parts::SseParts;
