//! Events: a stream of what a cache does.

mod channel;
mod event;
mod stream;

pub(super) use self::channel::EventChannel;
pub use self::{event::Event, stream::Events};
