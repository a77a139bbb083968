//! One connection that many tasks use at the same time: commands in the order in which they are sent, replies in the same order.
//!
//! Callers write their commands straight into one buffer ([`queue`]); a task writes what has gathered there with one call,
//! reads, and cuts what arrives into replies without looking into them ([`task`], [`frames`]). A caller decodes its own
//! reply ([`reply`]), so that the task is not held up by large ones.
//!
//! The client library's own multiplexed connection passes each command as a message to its task, which parses all replies.

mod frames;
mod handshake;
mod queue;
mod reply;
mod sender;
mod task;
#[cfg(test)]
mod tests;

pub(super) use self::handshake::greet;
pub(crate) use self::reply::strings;
pub(super) use self::sender::Multiplexer;
